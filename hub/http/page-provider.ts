/**
 * Signing in at an identity provider, and proving there again who one is.
 *
 *   GET /sign-in/oidc ─► provider ─► GET /sign-in/oidc/callback ─► session ─► page that leads on
 *
 * The cookie that ties the return to its beginning is Lax, apart from the session's: the browser comes from the
 * provider, another site. The session's own is Strict, and would not come along with a redirect from there:
 * therefore a page of ours leads on.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import { AccessError } from '../access/access-error.ts';
import type { Finished, Purpose } from '../access/oidc-provider.ts';
import { stepUpLacks, stepUpRuleFor } from '../access/step-up.ts';
import { httpUrlOf } from '../config.ts';
import { NOBODY, recordSignIn } from './audited.ts';
import { deviceOf, findPrincipal, sessionOf, setSessionCookie } from './authenticate.ts';
import { nextOf, type SignInPages, showSignIn } from './page-sign-in.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { trustName } from './routes-studies.ts';

const CALLBACK_PATH = '/sign-in/oidc/callback';
/** Of who has nothing to show that is asked for: proves it again all the same. */
const ANY_PROOF = { assurance: 1, maxAgeSeconds: 300 } as const;

/** Errors whose person is known, and stands in the trail with them. */
const RECORDED = new WeakSet<object>();

const ticketCookie = (secure: boolean): string => (secure ? '__Host-cdip-oidc' : 'cdip-oidc');

export function providerPages(app: FastifyInstance, parts: HttpParts, given: SignInPages): void {
  app.get('/sign-in/oidc', async (request, reply) => {
    await given.limits.count(request, '');
    return leave({ parts, given, request, reply }, { kind: 'sign-in' });
  });
  app.get('/sign-in/oidc/confirm', async (request, reply) => {
    const session = sessionOf(request);
    const principal = findPrincipal(parts.access, request);
    if (session === undefined || principal?.method !== 'oidc')
      return reply.redirect(`/sign-in?next=${encodeURIComponent(nextOf(request.query))}`, 303);
    const rule = stepUpRuleFor(principal, parts.config.signIn) ?? ANY_PROOF;
    return leave({ parts, given, request, reply }, { kind: 'confirm', session, rule });
  });
  app.get(CALLBACK_PATH, async (request, reply) => {
    await given.limits.count(request, '');
    return comeBack({ parts, given, request, reply });
  });
}

interface Visit {
  readonly parts: HttpParts;
  readonly given: SignInPages;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function providerOf({ provider }: HttpParts): NonNullable<HttpParts['provider']> {
  if (provider !== null) return provider;
  throw new HttpProblem('NOT_FOUND', 'This hub has no identity provider (signIn.oidc).');
}

async function leave(visit: Visit, purpose: Purpose): Promise<FastifyReply> {
  const { parts, given, request, reply } = visit;
  const provider = providerOf(parts);
  const { port = 0 } = request.socket.address() as { port?: number };
  const redirectUri = `${httpUrlOf(parts.config, port)}${CALLBACK_PATH}`;
  try {
    const next = nextOf(request.query);
    const { url, ticket, seconds } = await provider.begin({ redirectUri, purpose, next });
    void reply.setCookie(ticketCookie(given.secure), ticket, {
      ...{ path: '/', httpOnly: true, sameSite: 'lax', secure: given.secure, maxAge: seconds },
    });
    return reply.redirect(url.href, 303);
  } catch (error) {
    return explain(visit, error);
  }
}

async function comeBack(visit: Visit): Promise<FastifyReply> {
  const { parts, given, request, reply } = visit;
  const provider = providerOf(parts);
  const ticket = request.cookies[ticketCookie(given.secure)];
  void reply.clearCookie(ticketCookie(given.secure), { path: '/', secure: given.secure });
  try {
    const query = request.url.slice(request.url.indexOf('?'));
    const finished = await provider.finish(ticket, request.url.includes('?') ? query : '');
    const begun = begin(visit, finished);
    setSessionCookie(reply, { value: begun.session, seconds: begun.seconds, secure: given.secure });
    const html = given.pages.render('signed-in.njk', {
      ...{ title: 'Signed in', goTo: finished.next },
      trustName: (ods: string) => trustName(parts, ods),
    });
    return reply.type('text/html; charset=utf-8').send(html);
  } catch (error) {
    return explain(visit, error);
  }
}

/** In the trail before the session begins. @throws AccessError `OIDC_OTHER_PERSON`, `OIDC_ASSURANCE`, `OIDC_STATE` */
function begin({ parts, request }: Visit, finished: Finished) {
  const { sessions } = parts.access;
  const { person, role, trust, assurance, authenticatedAt, provider, purpose } = finished;
  const proof = { method: 'oidc', assurance, authenticatedAt } as const;
  const principal = { name: person, role, trust, ...proof };
  const record = (code: string | null): void =>
    recordSignIn(parts.audit, request, { event: 'sign-in', principal, code });
  if (purpose.kind === 'sign-in') {
    record(null);
    return sessions.begin({ person, ...proof, told: { role, trust }, provider }, deviceOf(request));
  }
  const refuse = (code: 'OIDC_OTHER_PERSON' | 'OIDC_ASSURANCE' | 'OIDC_STATE', why: string) => {
    record(code);
    const error = new AccessError(code, why);
    RECORDED.add(error);
    return error;
  };
  const before = sessions.find(purpose.session, { isUse: true });
  if (before === null) throw refuse('OIDC_STATE', 'you were signed out here meanwhile');
  if (before.name !== person)
    throw refuse('OIDC_OTHER_PERSON', 'somebody else signed in there than is signed in here');
  if (stepUpLacks(principal, purpose.rule, parts.clock.now()) !== null)
    throw refuse('OIDC_ASSURANCE', 'what you showed there is not sure enough for this');
  record(null);
  const confirmed = sessions.confirm(purpose.session, { ...proof, provider });
  if (confirmed === null) throw refuse('OIDC_STATE', 'you were signed out here meanwhile');
  return confirmed;
}

const ADVICE: Readonly<Record<string, string>> = {
  OIDC_UNREACHABLE: 'Try again in a minute. If it goes on, tell whoever runs this hub.',
  OIDC_REFUSED: 'Try again, or ask whoever looks after your account there.',
  OIDC_SETUP: 'Tell whoever runs this hub: its configuration (signIn.oidc) needs a correction.',
  OIDC_STATE: 'Sign in once more, in one tab.',
  OIDC_ANSWER: 'Sign in once more. If it happens again, tell whoever runs this hub.',
  OIDC_CLOCK: 'Tell whoever runs this hub.',
  OIDC_CLAIM_UNVERIFIED:
    'Have your organisation verify it, or tell whoever runs this hub to tell people apart by another claim.',
  OIDC_CLAIM_MISSING: 'Tell whoever runs this hub: your organisation has to tell it this of you.',
  OIDC_ROLE: 'Ask your organisation for a role that this network knows, or choose another role.',
  OIDC_TRUST: 'Choose your organisation when you sign in, or ask whoever runs this hub.',
  OIDC_ASSURANCE:
    'Sign in with your smartcard, security key or authenticator app. If you did, tell whoever runs this hub.',
  OIDC_OTHER_PERSON: 'Sign out there, and confirm with your own account.',
};

/** A page that says what went wrong and what to do. What was refused after somebody was known stands in the trail already. */
function explain(visit: Visit, error: unknown): FastifyReply {
  const { parts, given, request, reply } = visit;
  const code = codeOf(error);
  const advice = ADVICE[code];
  if (advice === undefined) throw error;
  const wasBegun = request.cookies[ticketCookie(given.secure)] !== undefined;
  // Whoever calls the address with nothing at all is no event.
  if (!RECORDED.has(error as object) && wasBegun)
    recordSignIn(parts.audit, request, { event: 'sign-in', principal: NOBODY, code });
  const problem = { code, advice, why: (error as Error).message };
  const values = { next: nextOf(request.query), problem };
  return showSignIn(
    parts,
    given.pages,
    reply.status(code === 'OIDC_UNREACHABLE' ? 503 : 422),
    values,
  );
}
