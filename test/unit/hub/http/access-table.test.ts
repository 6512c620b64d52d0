/**
 * Every address of the hub against every kind of asker. The table is written apart from the rules; an address
 * that is served and stands in no row fails.
 */
import t from 'tap';
import { type Principal, ROLES } from '../../../../hub/access/rules.ts';
import { type FakeHub, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const CARE = ['admin', 'clinician', 'radiologist', 'coordinator'];
const SEARCH = [...CARE, 'booker', 'privacy'];
const BREAK_GLASS = ['clinician', 'radiologist', 'coordinator'];
const IDENTITY = ['admin', 'coordinator', 'privacy'];
const BOOK = [...CARE, 'booker'];
const CAPACITY = ['admin', 'coordinator', 'booker'];
const MEASURES = ['admin', 'analyst', 'coordinator', 'fleet'];
const RETURNS = ['admin', 'analyst'];
const FLEET = ['admin', 'fleet'];
const TEACH = ['clinician', 'radiologist'];
const LEARN = ['admin', ...TEACH, 'privacy'];
const OPEN = 'open';
/** For edges, with a ticket that the hub signed. */
const TICKET: readonly string[] = [];
/** For machines, with a client id and its secret. */
const CLIENT: readonly string[] = [];

/**
 * `own`: only for those who are of a trust; `person`: only for those who signed in; `trust`: of the trust that
 * the address names, and the network's own.
 */
type Row = readonly [
  address: string,
  allowed: readonly string[] | typeof OPEN,
  of?: 'own' | 'person' | 'trust',
];

const TABLE: readonly Row[] = [
  ['GET /api/studies', SEARCH],
  ['GET /api/studies/:uid', SEARCH],
  ['GET /api/patients/:nhsNumber', SEARCH],
  ['GET /api/reports/:trust/:reportId', CARE],
  ['GET /api/identity/reviews', IDENTITY],
  ['POST /api/identity/decisions', IDENTITY],
  ['POST /api/fetches', CARE],
  ['GET /api/fetches', CARE],
  ['GET /api/fetches/:id', CARE],
  ['PATCH /api/fetches/:id', CARE],
  ['DELETE /api/fetches/:id', CARE],
  ['GET /api/measures', MEASURES],
  ['GET /api/measures/:id', MEASURES],
  ['GET /api/forecast', MEASURES],
  ['GET /api/subscriptions', MEASURES, 'person'],
  ['POST /api/subscriptions', MEASURES, 'person'],
  ['DELETE /api/subscriptions/:id', MEASURES, 'person'],
  ['GET /api/measures/:id/rows', RETURNS, 'own'],
  ['GET /api/returns/dm01', RETURNS, 'own'],
  ['GET /api/returns/dids', RETURNS, 'own'],
  ['POST /api/measures/sql', RETURNS],
  ['GET /api/audit', ['admin', 'privacy']],
  ['POST /api/break-glass', BREAK_GLASS],
  ['GET /api/break-glass', ['privacy']],
  ['POST /api/break-glass/:id/review', ['privacy']],
  ['PUT /api/restrictions', ['admin', 'privacy']],
  ['GET /api/restrictions', ['admin', 'privacy']],
  ['POST /api/mdt-lists', ['admin', 'coordinator']],
  ['GET /api/mdt-lists', CARE],
  ['POST /api/mdt-lists/:id/patients', ['admin', 'coordinator']],
  ['DELETE /api/mdt-lists/:id/patients/:place', ['admin', 'coordinator']],
  ['POST /api/teaching', TEACH],
  ['GET /api/teaching', LEARN],
  ['GET /api/teaching/:id', LEARN],
  ['GET /api/teaching/:id/answer', LEARN],
  ['DELETE /api/teaching/:id', LEARN],
  ['GET /teaching/dicom-web/studies', LEARN],
  ['GET /teaching/dicom-web/studies/:study', LEARN],
  ['GET /teaching/dicom-web/studies/:study/*', LEARN],
  ['GET /teaching', LEARN],
  ['GET /teaching/:id', LEARN],
  ['POST /teaching/:id/withdraw', LEARN],
  ['GET /studies/:uid/teaching', TEACH],
  ['POST /studies/:uid/teaching', TEACH],
  ['PUT /api/resources/:id', CAPACITY],
  ['GET /api/resources', BOOK],
  ['GET /api/resources/:id', BOOK],
  ['PUT /api/diaries/:resource/:date', CAPACITY],
  ['GET /api/diaries/:resource/:date', BOOK],
  ['GET /api/session-moves', BOOK],
  ['POST /api/requests', BOOK],
  ['GET /api/requests', BOOK],
  ['GET /api/requests/:id', BOOK],
  ['PATCH /api/requests/:id', BOOK],
  ['DELETE /api/requests/:id', BOOK],
  ['GET /api/slots', BOOK],
  ['POST /api/bookings', BOOK],
  ['GET /api/bookings', BOOK],
  ['GET /api/bookings/:id', BOOK],
  ['POST /api/bookings/:id/confirm', BOOK],
  ['DELETE /api/bookings/:id', BOOK],
  ['POST /api/bookings/:id/transfer', BOOK],
  ['GET /api/offers', BOOK],
  ['GET /api/offers/:id', BOOK],
  ['POST /api/offers/:id/accept', BOOK],
  ['POST /api/offers/:id/decline', BOOK],
  ['GET /api/refills/:id', CAPACITY],
  ['POST /api/offer-links/accept', OPEN],
  ['POST /api/offer-links/decline', OPEN],
  ['GET /fhir/metadata', OPEN],
  ['GET /fhir/AuditEvent', ['admin', 'privacy']],
  ['GET /fhir/AuditEvent/:id', ['admin', 'privacy']],
  ['GET /fhir/ImagingStudy', SEARCH],
  ['GET /fhir/ImagingStudy/:id', SEARCH],
  ['GET /fhir/DiagnosticReport', CARE],
  ['GET /fhir/DiagnosticReport/:id', CARE],
  ['GET /fhir/Schedule', BOOK],
  ['GET /fhir/Schedule/:id', BOOK],
  ['GET /fhir/Slot', BOOK],
  ['GET /fhir/Slot/:id', BOOK],
  ['GET /fhir/ServiceRequest/:id', BOOK],
  ['POST /fhir/ServiceRequest', BOOK],
  ['GET /fhir/Appointment', BOOK],
  ['GET /fhir/Appointment/:id', BOOK],
  ['POST /fhir/Appointment', BOOK],
  ['PUT /fhir/Appointment/:id', BOOK],
  ['GET /api/events', ROLES],
  ['GET /api/completeness', ROLES],
  ['GET /api/fleet', ROLES],
  ['GET /api/fleet/:trust', FLEET, 'trust'],
  ['POST /api/fleet/:trust/revoke', ['admin']],
  ['GET /api/alerts', FLEET],
  ['POST /api/alerts/:id/acknowledge', FLEET],
  ['POST /api/alerts/:id/snooze', FLEET],
  ['GET /api/maintenance', FLEET],
  ['POST /api/maintenance', FLEET],
  ['DELETE /api/maintenance/:id', FLEET],
  ['GET /api/configurations/:trust', FLEET, 'trust'],
  ['POST /api/configurations/:trust', FLEET],
  ['POST /api/configurations/:trust/:version/approve', FLEET, 'trust'],
  ['POST /api/fleet/:trust/support', FLEET],
  ['GET /api/fleet/:trust/support', FLEET, 'trust'],
  ['GET /api/fleet/:trust/support/:id', FLEET, 'trust'],
  ['GET /api/releases', FLEET],
  ['GET /api/rollouts', FLEET],
  ['POST /api/rollouts', FLEET],
  ['POST /api/rollouts/:number/approve', FLEET],
  ['POST /api/rollouts/:number/go-on', FLEET],
  ['POST /api/rollouts/:number/leave-out', FLEET],
  ['POST /api/rollouts/:number/stop', FLEET],
  ['GET /dicom-web/studies', SEARCH],
  ['GET /dicom-web/series', SEARCH],
  ['GET /dicom-web/instances', SEARCH],
  ['GET /dicom-web/studies/:study/series', SEARCH],
  ['GET /dicom-web/studies/:study', CARE],
  ['GET /dicom-web/studies/:study/*', CARE],
  ['GET /viewer/', CARE],
  ['GET /viewer/viewer', CARE],
  ['GET /viewer/viewer/teaching', LEARN],
  ['GET /', SEARCH],
  ['GET /studies/:uid', SEARCH],
  ['GET /patients/:nhsNumber', CARE],
  ['GET /break-glass', BREAK_GLASS, 'person'],
  ['GET /break-glass/new', BREAK_GLASS],
  ['POST /break-glass/new', BREAK_GLASS, 'person'],
  ['POST /break-glass', BREAK_GLASS, 'person'],
  ['GET /break-glass/:id', BREAK_GLASS],
  ['GET /privacy', ['privacy']],
  ['POST /privacy/:id/review', ['privacy']],
  ['GET /privacy/restrictions', ['admin', 'privacy']],
  ['POST /privacy/restrictions', ['admin', 'privacy']],
  ['GET /meetings', CARE],
  ['POST /meetings', ['admin', 'coordinator']],
  ['GET /meetings/:id', CARE],
  ['POST /meetings/:id/patients', ['admin', 'coordinator']],
  ['POST /meetings/:id/patients/:place/remove', ['admin', 'coordinator']],
  ['GET /identity', IDENTITY],
  ['POST /identity', IDENTITY],
  ['GET /reconciliation', CARE],
  ['GET /studies/:uid/fetch', CARE],
  ['POST /studies/:uid/fetch', CARE],
  ['GET /fetches', CARE],
  ['GET /fetches/live', CARE],
  ['GET /fetches/:id', CARE],
  ['GET /fetches/:id/live', CARE],
  ['POST /fetches/:id/cancel', CARE],
  ['POST /fetches/:id/patient', CARE],
  ['GET /measures', MEASURES],
  ['GET /measures/dids', RETURNS, 'own'],
  ['GET /measures/forecast', MEASURES],
  ['GET /measures/forecast/chart.svg', MEASURES],
  ['GET /measures/sql', RETURNS],
  ['POST /measures/sql', RETURNS],
  ['GET /measures/:id', MEASURES],
  ['GET /measures/subscriptions', MEASURES, 'person'],
  ['POST /measures/subscriptions', MEASURES, 'person'],
  ['POST /measures/subscriptions/:id/stop', MEASURES, 'person'],
  ['GET /measures/:id/chart.svg', MEASURES],
  ['GET /completeness', ROLES],
  ['GET /completeness/live', ROLES],
  ['GET /booking', BOOK],
  ['GET /booking/requests/:id', BOOK],
  ['POST /booking/requests/:id/book', BOOK],
  ['POST /booking/requests/:id/cancel', BOOK],
  ['POST /booking/requests/:id/told', BOOK],
  ['POST /booking/requests/:id/link', BOOK],
  ['GET /booking/slots/:slot', BOOK],
  ['POST /booking/slots/:slot/book', BOOK],
  ['POST /booking/slots/:slot/decline', BOOK],
  ['GET /booking/diaries', BOOK],
  ['GET /booking/diaries/:resource/:date', BOOK],
  ['POST /booking/diaries/:resource/:date/cancel', BOOK],
  ['POST /booking/diaries/:resource/share', CAPACITY],
  ['GET /fleet', FLEET],
  ['GET /fleet/live', FLEET],
  ['GET /fleet-reach', FLEET],
  ['GET /fleet/releases', FLEET],
  ['GET /fleet/releases/live', FLEET],
  ['POST /fleet/releases/propose', FLEET],
  ['POST /fleet/rollouts/:number/approve', FLEET],
  ['POST /fleet/rollouts/:number/go-on', FLEET],
  ['POST /fleet/rollouts/:number/leave-out', FLEET],
  ['POST /fleet/rollouts/:number/stop', FLEET],
  ['GET /fleet/:trust', FLEET, 'trust'],
  ['GET /fleet/:trust/live', FLEET, 'trust'],
  ['GET /fleet/:trust/charts/:metric', FLEET, 'trust'],
  ['POST /fleet/:trust/alerts/:id/acknowledge', FLEET],
  ['POST /fleet/:trust/alerts/:id/snooze', FLEET],
  ['POST /fleet/:trust/support', FLEET, 'trust'],
  ['POST /fleet/:trust/maintenance', FLEET],
  ['POST /fleet/:trust/maintenance/:id/end', FLEET],
  ['POST /fleet/:trust/revoke', ['admin']],
  ['GET /runbooks/:name', ROLES],
  ['GET /people', ['admin'], 'person'],
  ['POST /people', ['admin'], 'person'],
  ['POST /people/link', ['admin'], 'person'],
  ['POST /people/sign-out', ['admin'], 'person'],
  ['POST /people/drop', ['admin'], 'person'],
  ['GET /account', ROLES, 'person'],
  ['POST /account/sessions/:id/end', ROLES, 'person'],
  ['POST /account/sessions/end', ROLES, 'person'],
  ['GET /account/password', ROLES, 'person'],
  ['POST /account/password', ROLES, 'person'],
  ['GET /relay/v1/to/:ods/transfer/v1/*', TICKET],
  ['POST /relay/v1/to/:ods/transfer/v1/*', TICKET],
  ['DELETE /relay/v1/to/:ods/transfer/v1/*', TICKET],
  // For edges: whoever knows the digest was told it by command.
  ['GET /edge/v1/releases/:sha256', OPEN],
  ['PUT /edge/v1/support/:id', TICKET],
  // Whoever comes with a one-time token or link, and what tells nothing of a patient.
  ['GET /appointment/:link', OPEN],
  ['POST /appointment/:link', OPEN],
  ['GET /appointment/:link/confirm', OPEN],
  ['POST /appointment/:link/confirm', OPEN],
  ['GET /appointment/:link/cancel', OPEN],
  ['POST /appointment/:link/cancel', OPEN],
  ['GET /offer/:secret', OPEN],
  ['GET /stop-figures/:secret', OPEN],
  ['POST /stop-figures/:secret', OPEN],
  ['POST /offer/:secret', OPEN],
  ['POST /offer/:secret/accept', OPEN],
  ['POST /offer/:secret/decline', OPEN],
  ['GET /viewer/*', OPEN],
  ['GET /viewer/app-config.js', OPEN],
  ['GET /viewer/reports.js', OPEN],
  ['GET /viewer/retry-worker.js', OPEN],
  ['POST /api/enrol', OPEN],
  ['GET /sign-in', OPEN],
  ['GET /sign-in/:token', OPEN],
  ['POST /sign-in/:token', OPEN],
  ['POST /sign-in', OPEN],
  ['GET /sign-in/oidc', OPEN],
  ['GET /sign-in/oidc/confirm', OPEN],
  ['GET /sign-in/oidc/callback', OPEN],
  // For the identity provider: the token that it signed is the proof.
  ['POST /sign-in/oidc/back-channel-logout', OPEN],
  ['GET /sign-in/confirm', OPEN],
  ['POST /sign-in/confirm', OPEN],
  ['POST /sign-out', OPEN],
  ['POST /oauth/token', CLIENT],
  ['GET /.well-known/oauth-authorization-server', OPEN],
  ['GET /.well-known/jwks.json', OPEN],
  ['GET /health/live', OPEN],
  ['GET /health/ready', OPEN],
  ['GET /api/openapi.json', OPEN],
  ['GET /metrics', OPEN],
];

const SIGNED_IN = { method: 'password', assurance: 2, authenticatedAt: Date.now() } as const;
const principals = new Map<string, Principal>(
  [...ROLES].flatMap((role): [string, Principal][] => [
    [`key-${role}`, { name: `machine ${role}`, role, trust: null }],
    [`session-${role}`, { name: `person ${role}`, role, trust: 'RRK', ...SIGNED_IN }],
    [
      `other-${role}`,
      { name: `person of another trust ${role}`, role, trust: 'RJE', ...SIGNED_IN },
    ],
  ]),
);

const pathOf = (address: string): string =>
  (address.split(' ')[1] ?? '')
    .replace(':uid', '1.2.3')
    .replace(':study', '1.2.3')
    .replace(':id', 'f1')
    .replace(':nhsNumber', '9434765919')
    .replace(':token', 'none')
    .replace(':ods', 'RJE')
    .replace(':version', '1')
    .replace(':number', '1')
    .replace(':trust', 'RRK')
    .replace(':metric', 'diskUsed')
    .replace(':name', 'rb01-edge-silent')
    .replace('*', 'metadata')
    .replace('dm01', 'dm01?month=2026-05');

async function ask(
  hub: FakeHub,
  address: string,
  headers: Record<string, string>,
): Promise<number> {
  const [method = 'GET'] = address.split(' ');
  const ending = new AbortController();
  const answer = await fetch(hub.url + pathOf(address), {
    ...{ method, headers: { connection: 'close', ...headers } },
    ...{ redirect: 'manual' as const, signal: ending.signal },
  });
  // An answer that never ends is not waited for.
  ending.abort();
  return answer.status;
}

/** What a token of the scope `watch` is for. */
const NARROW = new Set([
  ...['GET /api/events', 'GET /api/completeness', 'GET /api/fleet', 'GET /completeness'],
  ...['GET /completeness/live', 'GET /runbooks/:name'],
]);

/** Of an admin each: what is refused, is so for its time or its scope. */
function makeMachines({ access, accessClock }: FakeHub) {
  const admin = { name: 'machine', role: 'admin', trust: null } as const;
  const client = access.machines.addClient(admin);
  accessClock.aheadMs = -16 * 60_000;
  const ended = access.machines.addKey({ ...admin, expiresAt: Date.now() });
  const expired = access.machines.issue(client).token;
  accessClock.aheadMs = 0;
  const narrow = access.machines.issue({ ...client, scope: 'watch' }).token;
  return { ended, expired, narrow, idle: idleSession({ access, accessClock }) };
}

/** Of an admin who went away sixteen minutes ago. */
function idleSession({ access, accessClock }: Pick<FakeHub, 'access' | 'accessClock'>): string {
  const link = access.invite({ name: 'gone', role: 'admin', trust: null });
  accessClock.aheadMs = -16 * 60_000;
  const begun = access.useSignInLink(link, { address: null, browser: null });
  accessClock.aheadMs = 0;
  if (begun === null) throw new Error('no session');
  return begun.session;
}

function isOneOf(of: Row[2], { trust, method }: Principal): boolean {
  if (of === 'own') return trust !== null;
  if (of === 'trust') return trust === null || trust === 'RRK';
  return of !== 'person' || method !== undefined;
}

const isPage = (address: string): boolean =>
  !/ \/(api|(teaching\/)?dicom-web|fhir|relay|oauth)/.test(address);
const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
const cookie = (session: string): Record<string, string> => ({
  cookie: `cdip-session=${session}`,
});

t.test('every address has its row, and no row is of an address that is gone', async (t) => {
  const hub = await startFakeHub({ principals });
  t.teardown(() => hub.stop());
  const served = hub.routes.filter((route) => !/^HEAD | \/assets\//.test(route));
  t.strictSame([...served].sort(), TABLE.map(([address]) => address).sort());
});

t.test(
  'every address, for nobody, each role, a forged key, an ended session or token, another site',
  async (t) => {
    const hub = await startFakeHub({ principals });
    t.teardown(() => hub.stop());
    const { expired, ended, narrow, idle } = makeMachines(hub);
    seedStudy(hub.db, { trust: 'RJE', uid: '1.2.3' });
    for (const [address, allowed, of] of TABLE) {
      if (!address.startsWith('GET')) {
        const crossSite = { ...cookie('session-admin'), 'sec-fetch-site': 'cross-site' };
        t.equal(await ask(hub, address, crossSite), 403, `${address}: from another site`);
      }
      if (allowed === OPEN) {
        t.notOk([401, 403].includes(await ask(hub, address, {})), `${address} is open`);
        continue;
      }
      const isRead = isPage(address) && address.startsWith('GET') && !address.endsWith('/live');
      const nobody = isRead ? 303 : 401;
      t.equal(await ask(hub, address, {}), nobody, `${address}: nobody`);
      t.equal(await ask(hub, address, bearer('forged')), nobody, `${address}: a forged key`);
      t.equal(await ask(hub, address, cookie('ended')), nobody, `${address}: an ended session`);
      t.equal(await ask(hub, address, cookie(idle)), nobody, `${address}: an idle session`);
      t.equal(await ask(hub, address, bearer(expired)), nobody, `${address}: an expired token`);
      t.equal(await ask(hub, address, bearer(ended)), nobody, `${address}: an expired key`);
      if (!NARROW.has(address))
        t.ok(
          [401, 403].includes(await ask(hub, address, bearer(narrow))),
          `${address}: a token for something else`,
        );
      await Promise.all(
        [...principals].map(async ([secret, principal]) => {
          // Of another trust one of each kind will do where the address names none: each asks the disk.
          if (of !== 'trust' && /^other-(?!admin|clinician)/.test(secret)) return;
          const headers = secret.startsWith('key') ? bearer(secret) : cookie(secret);
          const status = await ask(hub, address, headers);
          const isLetIn = status !== 401 && status !== 403;
          const { name, role } = principal;
          const may = allowed.includes(role) && isOneOf(of, principal);
          t.equal(isLetIn, may, `${address}: ${name} (${status})`);
        }),
      );
    }
    t.strictSame(hub.bugs, [], 'nothing broke on the way');
  },
);
