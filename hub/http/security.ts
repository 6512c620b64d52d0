/**
 * What protects every answer: headers, and the refusal of requests that another site started.
 * A cookie is SameSite=Strict already; Sec-Fetch-Site, or Origin or Referer, are the second lock.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';

/** Nothing but what this hub serves itself: no inline script or style, no other host, no frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  // Answers name patients: nothing between here and the screen keeps them.
  'cache-control': 'no-store',
};

export function protect(app: FastifyInstance, options: { secure: boolean }): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (options.secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (isUnsafe(request) && isCrossSite(request))
      throw new HttpProblem('CROSS_SITE', 'This request was started by another site.');
  });
}

const isUnsafe = (request: FastifyRequest): boolean =>
  !['GET', 'HEAD', 'OPTIONS'].includes(request.method);

function isCrossSite(request: FastifyRequest): boolean {
  if (request.headers.authorization !== undefined) return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, referer, host } = request.headers;
  // Pages of this hub name no referrer: one that is there is of another site, or of a page that is not the hub's.
  const from = origin ?? referer;
  if (from === undefined) return false;
  return !URL.canParse(from) || new URL(from).host !== host;
}
