/** Who may do what: the one place of authorisation. What is not named here is refused. */

export const ROLES = [
  'admin',
  'clinician',
  'radiologist',
  'coordinator',
  'booker',
  'analyst',
  'fleet',
  'privacy',
] as const;
export type Role = (typeof ROLES)[number];

/** What is asked, in the words that access rules decide on. */
export const ACTIONS = [
  'search',
  'view',
  'fetch',
  'watch',
  'fleet',
  'revoke',
  'audit',
  'identity',
  'book',
  'capacity',
  'measure',
  'return',
  'sql',
  'break-glass',
  'review',
  'restrict',
  'meet',
  'teach',
  'learn',
] as const;
/**
 * No scopes, since no machine does them: `account`, a person's own sessions and password; `people`, those of others;
 * `subscribe`, figures that they are sent.
 */
export type Action = (typeof ACTIONS)[number] | 'account' | 'people' | 'subscribe';

/**
 * How surely a person is who they say: 1 one factor (a password, a link), 2 two factors, 3 a key in hardware.
 * NIST SP 800-63B and NHS CIS2 call them AAL1 to AAL3.
 */
export type Assurance = 1 | 2 | 3;

/** What a person signed in with. */
export type SignInMethod = 'link' | 'password' | 'oidc';

/** Who asks. */
export interface Principal {
  readonly name: string;
  readonly role: string;
  /** The trust a person works for; null for the network's own staff and machines. */
  readonly trust: string | null;
  /** Of a person who signed in; a machine has none of the three. */
  readonly method?: SignInMethod;
  readonly assurance?: Assurance;
  /** When the person last proved who they are: milliseconds. Not when the session was last used. */
  readonly authenticatedAt?: number;
  /** What the key or token of a machine was given for; absent: all that its role may do. */
  readonly scopes?: readonly Action[];
}

const CARE = ['admin', 'clinician', 'radiologist', 'coordinator'];
const ALLOWED: Readonly<Record<Action, readonly string[]>> = {
  search: [...CARE, 'booker', 'privacy'],
  view: CARE,
  fetch: CARE,
  watch: ROLES,
  fleet: ['admin', 'fleet'],
  revoke: ['admin'],
  audit: ['admin', 'privacy'],
  identity: ['admin', 'coordinator', 'privacy'],
  book: [...CARE, 'booker'],
  capacity: ['admin', 'booker', 'coordinator'],
  measure: ['admin', 'analyst', 'coordinator', 'fleet'],
  return: ['admin', 'analyst'],
  sql: ['admin', 'analyst'],
  account: ROLES,
  people: ['admin'],
  subscribe: ['admin', 'analyst', 'coordinator', 'fleet'],
  // Not for those who teach, count or look after machines (SE-04).
  'break-glass': ['clinician', 'radiologist', 'coordinator'],
  review: ['privacy'],
  restrict: ['admin', 'privacy'],
  meet: ['admin', 'coordinator'],
  teach: ['clinician', 'radiologist'],
  learn: ['admin', 'clinician', 'radiologist', 'privacy'],
};
const WORDS: Readonly<Record<Action, string>> = {
  search: 'search for patients',
  view: 'look at images',
  fetch: 'fetch studies',
  watch: 'see how the network stands',
  fleet: 'look after edges',
  revoke: "take an edge's keys back",
  audit: 'read the audit trail',
  identity: 'decide who is the same person',
  book: 'request and book examinations',
  capacity: 'change diaries',
  measure: 'read the measures of the network',
  return: 'see what figures are made of, and make returns',
  sql: 'ask the measures by SQL',
  account: 'see an account',
  people: 'let people in',
  subscribe: 'be sent figures by e-mail',
  'break-glass': 'look without a relationship to the patient',
  review: 'review emergency accesses',
  restrict: 'restrict records',
  meet: 'put patients on lists of meetings',
  teach: 'mark studies for teaching',
  learn: 'look at teaching files',
};

/** What an action is, in words that follow "to". */
export const wordsOf = (action: Action): string => WORDS[action];

/** Null: allowed. Else why not, in words for the person. */
export function refusalOf({ role, scopes, method }: Principal, action: Action): string | null {
  const isOfPeople = action === 'account' || action === 'people' || action === 'subscribe';
  if (isOfPeople && method === undefined)
    return 'This is for a person who signed in, not for keys.';
  if (!ALLOWED[action].includes(role)) return `The role ${role} may not ${WORDS[action]}.`;
  if (scopes === undefined || scopes.includes(action)) return null;
  return `This key was not given the scope ${action}: it may not ${WORDS[action]}.`;
}

/** Null: allowed. People bring studies to their own trust; the network's coordinators to any. */
export function destinationRefusal({ role, trust }: Principal, to: string): string | null {
  if (trust === to) return null;
  if (trust !== null) return `People of ${trust} bring studies to ${trust}, not to ${to}.`;
  if (role === 'admin' || role === 'coordinator') return null;
  return `The role ${role} brings studies to its own trust, and this account has none.`;
}

/** Null: allowed. Diaries, requests and bookings are changed by people of their own trust, and by the network's own. */
export function trustRefusal({ trust }: Principal, of: string): string | null {
  return trust === null || trust === of ? null : `That is for people of ${of}, not of ${trust}.`;
}

/** People who treat patients, of a trust whose privacy officer reviews it. Nobody stands behind a machine. */
export function mayBreakGlass({ trust, method, ...asker }: Principal): boolean {
  return (
    trust !== null && method !== undefined && refusalOf({ trust, ...asker }, 'break-glass') === null
  );
}

/**
 * True for whoever may list studies without naming a patient or a study: machines of the network, and
 * administrators of what their own trust holds.
 */
export function mayBrowse({ role, trust, method }: Principal): boolean {
  return trust === null ? method === undefined : role === 'admin';
}
