/**
 * `/sign-in/confirm`: who is signed in proves it again, before what is grave. Then back to the page that asked.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findPrincipal, sessionOf, setSessionCookie } from './authenticate.ts';
import { faultsByField } from './forms.ts';
import { nextOf, provePerson, type SignInPages } from './page-sign-in.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';

const PATH = '/sign-in/confirm';

export function confirmPages(app: FastifyInstance, parts: HttpParts, given: SignInPages): void {
  const show = (reply: FastifyReply, values: object): FastifyReply =>
    reply.type('text/html; charset=utf-8').send(
      given.pages.render('confirm.njk', {
        ...{ title: 'Confirm who you are', trustName: (ods: string) => trustName(parts, ods) },
        ...{ faults: [], ...values },
      }),
    );
  const serve = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const next = nextOf(request.query);
    const principal = findPrincipal(parts.access, request);
    const session = sessionOf(request);
    if (principal?.method === undefined || session === undefined)
      return reply.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303);
    if (principal.method === 'oidc')
      return reply.redirect(`/sign-in/oidc/confirm?next=${encodeURIComponent(next)}`, 303);
    const hasPassword = parts.access.accounts.hasPassword(principal.name);
    if (request.method === 'GET' || !hasPassword)
      return show(reply, { principal, next, hasPassword });
    await given.limits.count(request, principal.name);
    const proof = await provePerson(parts, request, principal.name);
    if (proof.kind === 'refused') {
      const { faults, status } = proof;
      const values = { principal, next, hasPassword, faults, byField: faultsByField(faults) };
      return show(reply.status(status), values);
    }
    const authenticatedAt = parts.clock.now();
    const fresh = { method: 'password', assurance: 2, authenticatedAt } as const;
    const confirmed = parts.access.sessions.confirm(session, fresh);
    if (confirmed === null) return reply.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303);
    const { session: value, seconds } = confirmed;
    setSessionCookie(reply, { value, seconds, secure: given.secure });
    return reply.redirect(next, 303);
  };
  app.get(PATH, serve);
  app.post(PATH, serve);
}
