import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import t from 'tap';
import { Access, openAccessDatabase } from '../../../../hub/access/access.ts';
import { EdgeCredentials, KEY_MS } from '../../../../hub/access/edge-credentials.ts';
import { destinationRefusal, ROLES, type Role, refusalOf } from '../../../../hub/access/rules.ts';
import { openTicketSigner } from '../../../../hub/access/tickets.ts';
import type { EnrolRequest } from '../../../../shared/contract/enrol.ts';
import { TICKET_SECONDS } from '../../../../shared/contract/ticket.ts';
import type { Sqlite } from '../../../../shared/sqlite/open.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DEVICE = { address: '10.0.0.9', browser: 'Firefox, Linux' };
const OSEI = { name: 'Dr A. Osei', role: 'clinician' as const, trust: 'RRK' };

interface Opened {
  readonly access: Access;
  readonly edges: EdgeCredentials;
  readonly db: Sqlite;
  readonly directory: string;
  readonly clock: { ms: number; now(): number; monotonicMs(): number };
}

function open(t: Pick<Tap, 'testdir' | 'teardown'>): Opened {
  const directory = t.testdir({});
  const clock = {
    ms: Date.parse('2026-03-02T08:00:00Z'),
    now: () => clock.ms,
    monotonicMs: () => clock.ms,
  };
  const db = openAccessDatabase(directory);
  t.teardown(() => db.close());
  const edges = new EdgeCredentials(db, clock);
  return { access: new Access(db, clock), edges, db, directory, clock };
}
type Tap = typeof t;

function request(token: string, more: Partial<EnrolRequest> = {}): EnrolRequest {
  return {
    token,
    trust: 'RRK',
    natsPublicKey: `U${'A'.repeat(55)}`,
    httpUrl: 'http://127.0.0.1:8080',
    version: '1',
    ...more,
  };
}

t.test('a secret is known again, and stands nowhere in the file', async (t) => {
  const { access, directory } = open(t);
  const key = access.machines.addKey({ name: 'pacs', role: 'analyst', trust: null });
  const link = access.invite(OSEI);
  const token = access.addEnrolmentToken('RRK', HOUR);
  const begun = access.useSignInLink(link, DEVICE);
  t.same(access.authenticate({ bearer: key }), { name: 'pacs', role: 'analyst', trust: null });
  t.match(access.authenticate({ session: begun?.session ?? '' }), OSEI);
  for (const secret of [key, link, token, begun?.session ?? '-'])
    for (const file of ['access.sqlite', 'access.sqlite-wal'])
      t.notOk(readFileSync(join(directory, file)).includes(secret), file);
});

t.test(
  'an enrolment token is never taken for an option of the command it is given to',
  async (t) => {
    const { access } = open(t);
    const tokens = Array.from({ length: 200 }, () => access.addEnrolmentToken('RRK', HOUR));
    t.same(
      tokens.filter((token) => token.startsWith('-')),
      [],
    );
  },
);

t.test('one kind of secret does not pass for another', async (t) => {
  const { access, edges } = open(t);
  const key = access.machines.addKey({ name: 'pacs', role: 'admin', trust: null });
  const link = access.invite(OSEI);
  const session = access.useSignInLink(link, DEVICE)?.session ?? '';
  for (const wrong of ['', 'x', link, session, `${key} `, key.toUpperCase()])
    t.equal(access.authenticate({ bearer: wrong }), null);
  for (const wrong of ['', link, key]) t.equal(access.authenticate({ session: wrong }), null);
  t.equal(access.authenticate({}), null);
  t.equal(access.useSignInLink(key, DEVICE), null);
  t.throws(() => edges.enrol(request(key)), { code: 'TOKEN_INVALID' });
});

t.test('nobody but its owner reads the file', async (t) => {
  const { access, directory } = open(t);
  access.machines.addKey({ name: 'pacs', role: 'admin', trust: null });
  for (const file of ['access.sqlite', 'access.sqlite-wal'])
    t.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
});

t.test('a sign-in link works once, for a day, and looking at it does not use it up', async (t) => {
  const { access, clock } = open(t);
  const link = access.invite(OSEI);
  t.same(access.readSignInLink(link), OSEI);
  t.same(access.readSignInLink(link), OSEI);
  t.match(access.useSignInLink(link, DEVICE), { principal: OSEI });
  t.equal(access.readSignInLink(link), null);
  t.equal(access.useSignInLink(link, DEVICE), null);
  const late = access.invite(OSEI);
  clock.ms += 24 * HOUR;
  t.equal(access.useSignInLink(late, DEVICE), null);
});

t.test(
  'a session ends fifteen minutes after its last use, twelve hours after its begin, or at once',
  async (t) => {
    const { access, clock } = open(t);
    const begin = (): string => access.useSignInLink(access.invite(OSEI), DEVICE)?.session ?? '';
    const idle = begin();
    clock.ms += 15 * MINUTE - 1;
    t.ok(access.authenticate({ session: idle }), 'used just in time');
    clock.ms += 15 * MINUTE - 1;
    t.ok(access.authenticate({ session: idle, isUse: false }), 'a page asked by itself');
    clock.ms += 1;
    t.equal(access.authenticate({ session: idle }), null, 'idle, though a page went on asking');

    const long = begin();
    for (let minute = 10; minute < 12 * 60; minute += 10) {
      clock.ms += 10 * MINUTE;
      t.ok(access.authenticate({ session: long }), `${minute} minutes`);
    }
    clock.ms += 10 * MINUTE;
    t.equal(access.authenticate({ session: long }), null, 'absolute');

    const ended = begin();
    access.endSession(ended);
    t.equal(access.authenticate({ session: ended }), null, 'signed out');
  },
);

t.test('where links are for setting up, one opens nothing but the own account', async (t) => {
  const { access, db, clock } = open(t);
  const strict = new Access(db, clock, { idleMinutes: 15, hours: 12, links: 'set-up' });
  const { principal } = access.useSignInLink(access.invite(OSEI), DEVICE) ?? {};
  t.ok(principal);
  if (principal === undefined) return;
  t.equal(access.refuse(principal, 'search'), null);
  t.match(strict.refuse(principal, 'search'), /Choose a password and a code first/);
  t.equal(strict.refuse(principal, 'account'), null);
  t.equal(strict.refuse({ ...principal, method: 'password' }, 'search'), null);
});

t.test('another role of a person counts in the session that runs', async (t) => {
  const { access } = open(t);
  const session = access.useSignInLink(access.invite(OSEI), DEVICE)?.session ?? '';
  access.invite({ ...OSEI, role: 'booker' });
  t.match(access.authenticate({ session }), { role: 'booker' });
});

t.test('an enrolment token works once, for its trust, in its time', async (t) => {
  const { access, edges, clock } = open(t);
  const refused = { name: 'AccessError', code: 'TOKEN_INVALID', retry: 'never' };
  t.throws(() => edges.enrol(request('never given out')), refused);
  const token = access.addEnrolmentToken('RRK', HOUR);
  t.throws(() => edges.enrol(request(token, { trust: 'RJE' })), refused);
  t.equal(edges.keys().size, 0, 'a refusal leaves nothing');
  edges.enrol(request(token));
  t.same([...edges.keys()], [['RRK', [request('').natsPublicKey]]]);
  t.equal(edges.enrolledUrl('RRK'), 'http://127.0.0.1:8080');
  t.equal(edges.enrolledUrl('RJE'), null);
  const thief = request(token, { natsPublicKey: `U${'B'.repeat(55)}` });
  t.throws(() => edges.enrol(thief), refused, 'used');
  const late = access.addEnrolmentToken('RRK', HOUR);
  clock.ms += HOUR;
  t.throws(() => edges.enrol(request(late)), refused, 'too old');
});

t.test('an enrolment whose answer was lost may come again with the same key', async (t) => {
  const { access, edges, clock } = open(t);
  const token = access.addEnrolmentToken('RRK', HOUR);
  edges.enrol(request(token));
  clock.ms += MINUTE;
  t.doesNotThrow(() => edges.enrol(request(token)));
  const next = request(access.addEnrolmentToken('RRK', HOUR), {
    natsPublicKey: `U${'C'.repeat(55)}`,
  });
  edges.enrol(next);
  t.throws(() => edges.enrol(request(token)), { code: 'TOKEN_INVALID' }, 'a newer key is there');
  t.same(edges.keys().get('RRK'), [next.natsPublicKey]);
});

const [FIRST, SECOND, THIRD] = ['A', 'B', 'C'].map((letter) => `U${letter.repeat(55)}`) as [
  string,
  string,
  string,
];

t.test('a key goes over into the next without a gap, and both end in time', async (t) => {
  const { access, edges, clock } = open(t);
  edges.enrol(request(access.addEnrolmentToken('RRK', HOUR)));
  const begun = clock.ms;
  clock.ms += KEY_MS - HOUR;
  t.equal(edges.tellKeys('RRK', { current: FIRST, next: SECOND }), begun + KEY_MS);
  t.same(edges.keys().get('RRK'), [SECOND, FIRST], 'both open');
  t.equal(edges.keyInUse('RRK'), FIRST);
  clock.ms += MINUTE;
  edges.tellKeys('RRK', { current: FIRST, next: SECOND });
  t.same(edges.keys().get('RRK'), [SECOND, FIRST], 'told again after a crash');
  t.equal(edges.tellKeys('RRK', { current: SECOND, next: undefined }), clock.ms - MINUTE + KEY_MS);
  t.same(edges.keys().get('RRK'), [SECOND]);
  t.equal(edges.keyInUse('RRK'), SECOND);
  t.same(edges.endedLately(), [FIRST]);
  const back = { current: SECOND, next: FIRST };
  t.throws(() => edges.tellKeys('RRK', back), { code: 'EDGE_KEY_KNOWN' }, 'never again');
  t.throws(() => edges.tellKeys('RRK', { current: FIRST, next: THIRD }), {
    code: 'EDGE_KEY_UNKNOWN',
  });
  clock.ms += KEY_MS;
  t.equal(edges.keys().size, 0, 'what was not replaced ends');
  t.equal(edges.enrolledUrl('RRK'), null);
  t.throws(() => edges.tellKeys('RRK', { current: SECOND, next: THIRD }));
});

t.test('what was taken back needs an enrolment with a new key', async (t) => {
  const { access, edges, clock } = open(t);
  const unknown = { code: 'EDGE_NOT_ENROLLED', retry: 'never' };
  t.throws(() => edges.revoke('RRK'), unknown);
  const token = access.addEnrolmentToken('RRK', HOUR);
  edges.enrol(request(token));
  edges.enrol(
    request(access.addEnrolmentToken('RJE', HOUR), { trust: 'RJE', natsPublicKey: THIRD }),
  );
  edges.tellKeys('RRK', { current: FIRST, next: SECOND });
  const unused = access.addEnrolmentToken('RRK', HOUR);
  clock.ms += MINUTE;
  edges.revoke('RRK');
  t.same([...edges.keys()], [['RJE', [THIRD]]], 'nobody else is');
  t.same(edges.endedLately().sort(), [FIRST, SECOND]);
  t.equal(edges.keyInUse('RRK'), null);
  t.throws(() => edges.enrol(request(token)), { code: 'TOKEN_INVALID' });
  t.throws(
    () => edges.enrol(request(unused)),
    { code: 'TOKEN_INVALID' },
    'nor by a token from before',
  );
  t.throws(() => edges.revoke('RRK'), unknown);
  const fresh = access.addEnrolmentToken('RRK', HOUR);
  t.throws(() => edges.enrol(request(fresh)), { code: 'EDGE_KEY_KNOWN' });
  const fourth = `U${'D'.repeat(55)}`;
  edges.enrol(request(fresh, { natsPublicKey: fourth }));
  t.same(edges.keys().get('RRK'), [fourth], 'the token was not used up by the key from before');
  clock.ms += 2 * HOUR;
  t.same(edges.endedLately(), [], 'all tickets are over');
});

t.test('each role may do what is named for it, and nothing else', async (t) => {
  const may = (action: Parameters<typeof refusalOf>[1]): Role[] =>
    ROLES.filter((role) => refusalOf({ name: 'n', role, trust: null }, action) === null);
  const care = ['admin', 'clinician', 'radiologist', 'coordinator'];
  t.same(may('search'), [...care, 'booker', 'privacy']);
  t.same(may('fetch'), care);
  t.same(may('fleet'), ['admin', 'fleet']);
  t.same(may('watch'), [...ROLES]);
  t.equal(
    refusalOf({ name: 'n', role: 'intruder', trust: null }, 'watch'),
    'The role intruder may not see how the network stands.',
  );
});

t.test("people bring studies to their own trust, the network's coordinators to any", async (t) => {
  const to = (role: string, trust: string | null) =>
    destinationRefusal({ name: 'n', role, trust }, 'RRK');
  t.equal(to('clinician', 'RRK'), null);
  t.equal(to('coordinator', null), null);
  t.equal(to('admin', null), null);
  t.match(to('clinician', 'RJE'), /People of RJE bring studies to RJE, not to RRK/);
  t.match(to('admin', 'RJE'), /not to RRK/);
  t.match(to('radiologist', null), /has none/);
});

t.test('a ticket is proved by the public keys, also after a restart', async (t) => {
  const { db, clock } = open(t);
  const signer = await openTicketSigner(db, clock);
  const claims = { aud: 'RRK', sub: 'RJE', study: '1.2.3', home: 'RRK', fetch: 'f1' };
  const ticket = await signer.sign({ ...claims, series: ['1.2.3.4'] });
  const again = await openTicketSigner(db, clock);
  const keys = again.publicKeys();
  t.same(keys, signer.publicKeys(), 'one key, kept');
  t.notMatch(JSON.stringify(keys), /"d"/, 'the private part stays here');
  const { payload } = await jwtVerify(ticket, createLocalJWKSet(keys as JSONWebKeySet), {
    audience: 'RRK',
    issuer: 'cdip-hub',
    algorithms: ['EdDSA'],
    currentDate: new Date(clock.ms),
  });
  t.match(payload, { ...claims, series: ['1.2.3.4'] });
  t.equal((payload.exp ?? 0) - (payload.iat ?? 0), TICKET_SECONDS);
});
