/**
 * Signing in by a link that works once.
 *
 *   GET /sign-in/{token} ── shows a button ──► POST uses the link up ──► cookie, back to the page
 *
 * The GET changes nothing: mail scanners follow links, and would burn them.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Principal } from '../access/rules.ts';
import type { Pages } from '../web/render.ts';
import { NOBODY, recordSignIn } from './audited.ts';
import {
  clearSessionCookie,
  deviceOf,
  findPrincipal,
  sessionOf,
  setSessionCookie,
} from './authenticate.ts';
import { readForm } from './forms.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';

const SignInPath = '/sign-in/:token';

export function signInPages(
  app: FastifyInstance,
  parts: HttpParts,
  { pages, secure }: { pages: Pages; secure: boolean },
): void {
  const show = (reply: FastifyReply, values: object): FastifyReply => {
    const common = { title: 'Sign in', trustName: (ods: string) => trustName(parts, ods) };
    const html = pages.render('sign-in.njk', { ...common, ...values });
    return reply.type('text/html; charset=utf-8').send(html);
  };
  app.get('/sign-in', async (_request, reply) => show(reply, {}));
  app.get(SignInPath, async (request, reply) => {
    const { token } = request.params as { token: string };
    const invited: Principal | null = parts.access.readSignInLink(token);
    const action = `/sign-in/${encodeURIComponent(token)}?next=${encodeURIComponent(nextOf(request.query))}`;
    if (invited === null) reply.status(410);
    return show(reply, { invited, action, isRefused: invited === null });
  });
  app.post(SignInPath, async (request, reply) => {
    const { token } = request.params as { token: string };
    const record = (principal: Principal, code: string | null): void =>
      recordSignIn(parts.audit, request, { event: 'sign-in', principal, code });
    // In the trail before the session begins; that it did not begin after all stands there too.
    const invited = parts.access.readSignInLink(token);
    record(invited ?? NOBODY, invited === null ? 'LINK_INVALID' : null);
    const begun = invited === null ? null : parts.access.useSignInLink(token, deviceOf(request));
    if (begun === null) return show(reply.status(410), { isRefused: true });
    setSessionCookie(reply, { value: begun.session, seconds: begun.seconds, secure });
    return reply.redirect(nextOf(request.query), 303);
  });
  app.post('/sign-out', async (request, reply) => {
    const session = sessionOf(request);
    const principal = findPrincipal(parts.access, request);
    if (session !== undefined) parts.access.endSession(session);
    if (principal !== null)
      recordSignIn(parts.audit, request, { event: 'sign-out', principal, code: null });
    clearSessionCookie(reply, secure);
    return reply.redirect('/sign-in', 303);
  });
}

/** Where to go after the sign-in: a path of this hub, never another host's address. */
function nextOf(query: unknown): string {
  const next = readForm(query)['next'] ?? '/';
  return /^\/(?![/\\])[^\p{Cc}]*$/u.test(next) ? next : '/';
}
