/**
 * Signing in here: by a link that works once, or by password and one-time code; and signing out.
 *
 *   GET /sign-in/{token} ── shows a button ──► POST uses the link up ──► cookie, back to the page
 *   GET /sign-in ── name, password, code ──► POST ──► cookie, back to the page
 *
 * The GET of a link changes nothing: mail scanners follow links, and would burn them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../access/rules.ts';
import { httpUrlOf } from '../config.ts';
import type { Pages } from '../web/render.ts';
import { NOBODY, recordSignIn } from './audited.ts';
import {
  clearSessionCookie,
  deviceOf,
  findPrincipal,
  sessionOf,
  setSessionCookie,
} from './authenticate.ts';
import { type FieldFault, faultsByField, readForm } from './forms.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { trustName } from './routes-studies.ts';
import type { TryLimits } from './try-limits.ts';

const SignInPath = '/sign-in/:token';

export interface SignInPages {
  readonly pages: Pages;
  readonly secure: boolean;
  readonly limits: TryLimits;
}

export function signInPages(app: FastifyInstance, parts: HttpParts, given: SignInPages): void {
  const show = (reply: FastifyReply, values: object): FastifyReply =>
    showSignIn(parts, given.pages, reply, values);
  app.get('/sign-in', async ({ query, socket }, reply) => {
    const { port = 0 } = socket.address() as { port?: number };
    const url = parts.provider?.signOutUrl(`${httpUrlOf(parts.config, port)}/sign-in`) ?? null;
    const ended = readForm(query)['ended'] === 'yes' ? { url } : undefined;
    return show(reply, { next: nextOf(query), ended });
  });
  app.post('/sign-in', (request, reply) => byPassword(parts, given, request, reply));
  app.get(SignInPath, async (request, reply) => {
    const { token } = request.params as { token: string };
    const invited = isLocal(parts) ? parts.access.readSignInLink(token) : null;
    const action = `/sign-in/${encodeURIComponent(token)}?next=${encodeURIComponent(nextOf(request.query))}`;
    if (invited === null) reply.status(410);
    return show(reply, { invited, action, isRefused: invited === null });
  });
  app.post(SignInPath, (request, reply) => byLink(parts, given, request, reply));
  app.post('/sign-out', async (request, reply) => {
    const session = sessionOf(request);
    const principal = findPrincipal(parts.access, request);
    if (session !== undefined) parts.access.endSession(session);
    if (principal !== null)
      recordSignIn(parts.audit, request, { event: 'sign-out', principal, code: null });
    clearSessionCookie(reply, given.secure);
    return reply.redirect(principal?.method === 'oidc' ? '/sign-in?ended=yes' : '/sign-in', 303);
  });
}

/** The page with all ways to sign in, and what did not work. */
export function showSignIn(
  parts: HttpParts,
  pages: Pages,
  reply: FastifyReply,
  values: object,
): FastifyReply {
  const { local, oidc } = parts.config.signIn;
  const html = pages.render('sign-in.njk', {
    ...{ title: 'Sign in', trustName: (ods: string) => trustName(parts, ods) },
    ...{ local, provider: oidc?.name, next: '/', faults: [], ...values },
  });
  return reply.type('text/html; charset=utf-8').send(html);
}

const isLocal = ({ config }: HttpParts): boolean => config.signIn.local;

async function byLink(
  parts: HttpParts,
  { pages, secure, limits }: SignInPages,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { token } = request.params as { token: string };
  await limits.count(request, token);
  // In the trail before the session begins; that it did not begin after all stands there too.
  const invited = isLocal(parts) ? parts.access.readSignInLink(token) : null;
  recordSignIn(parts.audit, request, {
    event: 'sign-in',
    principal: invited === null ? NOBODY : { ...invited, method: 'link', assurance: 1 },
    code: invited === null ? 'LINK_INVALID' : null,
  });
  const begun = invited === null ? null : parts.access.useSignInLink(token, deviceOf(request));
  if (begun === null) return showSignIn(parts, pages, reply.status(410), { isRefused: true });
  setSessionCookie(reply, { value: begun.session, seconds: begun.seconds, secure });
  const next = parts.config.signIn.links === 'set-up' ? '/account/password' : nextOf(request.query);
  return reply.redirect(next, 303);
}

async function byPassword(
  parts: HttpParts,
  { pages, secure, limits }: SignInPages,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!isLocal(parts))
    throw new HttpProblem('NOT_FOUND', 'Nobody signs in here by a password of this hub.');
  const next = nextOf(request.query);
  const { name = '' } = readForm(request.body);
  await limits.count(request, name);
  const proof = await provePerson(parts, request, name);
  if (proof.kind === 'refused') {
    const { faults, status } = proof;
    const values = { next, name, faults, byField: faultsByField(faults) };
    return showSignIn(parts, pages, reply.status(status), values);
  }
  const signedIn = {
    method: 'password',
    assurance: 2,
    authenticatedAt: parts.clock.now(),
  } as const;
  const begun = parts.access.sessions.begin({ person: name, ...signedIn }, deviceOf(request));
  setSessionCookie(reply, { value: begun.session, seconds: begun.seconds, secure });
  return reply.redirect(next, 303);
}

export type Proof =
  | { readonly kind: 'proved' }
  | { readonly kind: 'refused'; readonly status: number; readonly faults: readonly FieldFault[] };

/** Password and code of a form, against the account; recorded either way. Which of the two was wrong is not said. */
export async function provePerson(
  parts: HttpParts,
  request: FastifyRequest,
  name: string,
): Promise<Proof> {
  const { password = '', code = '' } = readForm(request.body);
  const faults = missing({ name, password, code });
  if (faults.length > 0) return { kind: 'refused', status: 422, faults };
  const proved = await parts.access.accounts.prove({ name, password, code });
  const record = (principal: Principal, why: string | null): void =>
    recordSignIn(parts.audit, request, { event: 'sign-in', principal, code: why });
  if (proved.kind === 'proved') {
    record({ ...proved.person, method: 'password', assurance: 2 }, null);
    return { kind: 'proved' };
  }
  // Only a name that is one: people type passwords into the wrong field.
  const isKnown = parts.access.accounts.hasPassword(name);
  record(isKnown ? { ...NOBODY, name } : NOBODY, WHY[proved.kind]);
  if (proved.kind === 'wrong')
    return refused(422, 'The name, password or code is not right. A code works once');
  const seconds = Math.ceil((proved.untilMs - parts.clock.now()) / 1000);
  return refused(429, `There were too many wrong tries. Try again in ${inWords(seconds)}`);
}

const WHY = { wrong: 'SIGN_IN_WRONG', wait: 'SIGN_IN_WAIT' } as const;

const refused = (status: number, message: string): Proof => ({
  ...{ kind: 'refused', status, faults: [{ field: 'password', message }] },
});

function missing(given: { name: string; password: string; code: string }): FieldFault[] {
  const asked: readonly (readonly [keyof typeof given, string])[] = [
    ['name', 'Enter your name as your account has it'],
    ['password', 'Enter your password'],
    ['code', 'Enter the six digits that your app shows now'],
  ];
  return asked.flatMap(([field, message]) => (given[field] === '' ? [{ field, message }] : []));
}

function inWords(seconds: number): string {
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** Where to go after the sign-in: a path of this hub, never another host's address. */
export function nextOf(query: unknown): string {
  const next = readForm(query)['next'] ?? '/';
  return /^\/(?![/\\])[^\p{Cc}]*$/u.test(next) ? next : '/';
}
