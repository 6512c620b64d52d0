/** `/account`: where a person is signed in, and the password and code of an account of this hub. */
import { renderSVG } from 'uqr';
import { codeOf } from '../../shared/errors.ts';
import type { Principal } from '../access/rules.ts';
import { stepUpLacks } from '../access/step-up.ts';
import { clearSessionCookie, deviceOf, sessionOf, setSessionCookie } from './authenticate.ts';
import { type FieldFault, faultsByField, readForm } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

const PASSWORD_PATH = '/account/password';
const ISSUER = 'Imaging network';
/** After a link a person has to find the app first. */
const AFTER_LINK = { assurance: 1, maxAgeSeconds: 1_800 } as const;
const AFTER_SIGN_IN = { assurance: 1, maxAgeSeconds: 300 } as const;

export function accountPages(parts: HttpParts, { secure }: { secure: boolean }): Page[] {
  const { sessions, accounts } = parts.access;
  return [
    {
      ...{ method: 'GET', path: '/account', action: 'account', audit: null },
      run: ({ request, principal, render }) =>
        render('account.njk', {
          ...{ section: 'account', title: 'Your account' },
          sessions: sessions.list(principal.name, sessionOf(request) ?? '').map((one) => ({
            ...{ ...one, began: iso(one.beganAt), last: iso(one.lastAt) },
          })),
          isLocal: parts.config.signIn.local && principal.method !== 'oidc',
          hasPassword: accounts.hasPassword(principal.name),
          hasNew: readForm(request.query)['saved'] === 'yes',
        }),
    },
    {
      ...{ method: 'POST', path: '/account/sessions/:id/end', action: 'account', audit: 'account' },
      run: ({ request, reply, principal }) => {
        sessions.endOne(principal.name, (request.params as { id: string }).id);
        return reply.redirect('/account', 303);
      },
    },
    {
      ...{ method: 'POST', path: '/account/sessions/end', action: 'account', audit: 'account' },
      run: ({ reply, principal }) => {
        sessions.endAll(principal.name);
        clearSessionCookie(reply, secure);
        return reply.redirect('/sign-in', 303);
      },
    },
    {
      ...{ method: 'GET', path: PASSWORD_PATH, action: 'account', audit: null },
      run: (call) => {
        requireFreshProof(parts, call.principal);
        return showPassword(call, { secret: accounts.newSecret(), faults: [] });
      },
    },
    {
      ...{ method: 'POST', path: PASSWORD_PATH, action: 'account', audit: 'account' },
      run: (call) => choosePassword(parts, call, secure),
    },
  ];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** @throws HttpProblem `FORBIDDEN` for who signs in elsewhere; `STEP_UP_REQUIRED`: whoever found a screen unlocked would take the account over */
function requireFreshProof({ clock, config }: HttpParts, principal: Principal): void {
  if (principal.method === 'oidc' || !config.signIn.local)
    throw new HttpProblem('FORBIDDEN', 'Your organisation keeps your password, not this hub.');
  const rule = principal.method === 'link' ? AFTER_LINK : AFTER_SIGN_IN;
  if (stepUpLacks(principal, rule, clock.now()) === null) return;
  const { assurance, maxAgeSeconds } = rule;
  throw new HttpProblem('STEP_UP_REQUIRED', 'Confirm who you are to change your password.', {
    members: { assurance, maxAgeSeconds },
  });
}

async function choosePassword(parts: HttpParts, call: PageCall, secure: boolean): Promise<unknown> {
  const { accounts, sessions } = parts.access;
  const { principal, request, reply } = call;
  requireFreshProof(parts, principal);
  const { password = '', again = '', code = '', secret = '' } = readForm(request.body);
  const faults: FieldFault[] =
    password === again ? [] : [{ field: 'again', message: 'Enter the same password twice' }];
  try {
    if (faults.length === 0) await accounts.choose(principal.name, { password, secret, code });
  } catch (error) {
    const field = FIELD_OF[codeOf(error)];
    if (field === undefined) throw error;
    faults.push({ field, message: (error as Error).message });
  }
  if (faults.length > 0) {
    const kept = SECRET.test(secret) ? secret : accounts.newSecret();
    reply.status(422);
    return showPassword(call, { secret: kept, faults });
  }
  // Whoever was signed in with what counted before is so no more.
  sessions.endAll(principal.name);
  const proof = { method: 'password', assurance: 2, authenticatedAt: parts.clock.now() } as const;
  const begun = sessions.begin({ person: principal.name, ...proof }, deviceOf(request));
  setSessionCookie(reply, { value: begun.session, seconds: begun.seconds, secure });
  return reply.redirect('/account?saved=yes', 303);
}

const SECRET = /^[A-Z2-7]{32}$/;
const FIELD_OF: Readonly<Record<string, string>> = {
  PASSWORD_WEAK: 'password',
  CODE_WRONG: 'code',
};

function showPassword(
  { principal, render }: PageCall,
  { secret, faults }: { secret: string; faults: readonly FieldFault[] },
): string {
  const label = `${encodeURIComponent(ISSUER)}:${encodeURIComponent(principal.name)}`;
  const uri = `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(ISSUER)}`;
  const picture = Buffer.from(renderSVG(uri, { border: 2 })).toString('base64');
  return render('password.njk', {
    ...{ section: 'account', secret, groups: secret.match(/.{4}/g)?.join(' '), faults },
    byField: faultsByField(faults),
    title: faults.length > 0 ? 'Error: Password and code' : 'Password and code',
    picture: `data:image/svg+xml;base64,${picture}`,
  });
}
