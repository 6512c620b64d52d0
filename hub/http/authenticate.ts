/** Who asks: an API key as bearer token, or the session cookie of a person who signed in. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Action, Principal } from '../access/rules.ts';
import type { Device } from '../access/sessions.ts';
import type { AccessPart } from './parts.ts';
import { HttpProblem } from './problem.ts';

/** `__Host-` binds the cookie to this host and to TLS, where there is TLS. RFC 6265bis §4.1.3.2. */
export const sessionCookie = (secure: boolean): string =>
  secure ? '__Host-cdip-session' : 'cdip-session';

/** The session's secret that the request carries; undefined without a cookie. */
export function sessionOf(request: FastifyRequest): string | undefined {
  return request.cookies[sessionCookie(true)] ?? request.cookies[sessionCookie(false)];
}

/** Null when nobody is signed in. A bearer token that is not valid is never replaced by a cookie. */
export function findPrincipal(access: AccessPart, request: FastifyRequest): Principal | null {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
    return bearer === undefined ? null : access.authenticate({ bearer });
  }
  const session = sessionOf(request);
  return session === undefined ? null : access.authenticate({ session, isUse: isByHand(request) });
}

/** What a page that nobody looks at asks by itself is no sign of its owner. */
function isByHand(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '';
  return path !== '/api/events' && !path.endsWith('/live');
}

/** For a list of sessions: `Chromium, Linux`. */
export function deviceOf(request: FastifyRequest): Device {
  const agent = String(request.headers['user-agent'] ?? '');
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1] ?? null;
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1] ?? null;
  const words = [browser, system].filter((word) => word !== null).join(', ');
  return { address: request.ip, browser: words === '' ? null : words };
}

/** The first that fits: each later one says it is the earlier ones too. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Windows/, 'Windows'],
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Macintosh/, 'macOS'],
  [/Linux|X11/, 'Linux'],
];

/** @throws HttpProblem `UNAUTHENTICATED` (401), or `FORBIDDEN` (403) when the rules refuse the action */
export function requirePrincipal(
  access: AccessPart,
  request: FastifyRequest,
  action: Action,
): Principal {
  const principal = findPrincipal(access, request);
  if (principal === null)
    throw new HttpProblem(
      'UNAUTHENTICATED',
      'This needs an API key (Authorization: Bearer KEY) or a sign-in.',
    );
  const refusal = access.refuse(principal, action);
  if (refusal !== null) throw new Forbidden(refusal, principal);
  return principal;
}

/** A refusal that knows whom it refused, for the audit trail. */
class Forbidden extends HttpProblem {
  readonly principal: Principal;

  constructor(detail: string, principal: Principal) {
    super('FORBIDDEN', detail);
    this.principal = principal;
  }
}

/** Strict: the cookie never comes with a request that another site started. */
export function setSessionCookie(
  reply: FastifyReply,
  session: { value: string; seconds: number; secure: boolean },
): void {
  void reply.setCookie(sessionCookie(session.secure), session.value, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: session.secure,
    maxAge: session.seconds,
  });
}

export function clearSessionCookie(reply: FastifyReply, secure: boolean): void {
  void reply.clearCookie(sessionCookie(secure), { path: '/', secure });
}
