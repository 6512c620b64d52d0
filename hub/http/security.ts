/**
 * What protects every answer: headers, and the refusal of requests that another site started.
 * A cookie is SameSite=Strict already; Sec-Fetch-Site, or Origin or Referer, are the second lock.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isOfAnotherSite } from '../../shared/request-origin.ts';
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

/** No page can send a key or token of its own making together with somebody's cookie. */
const isCrossSite = ({ headers }: FastifyRequest): boolean =>
  headers.authorization === undefined && isOfAnotherSite(headers);
