import t from 'tap';
import { openAccessDatabase } from '../../../../hub/access/access.ts';
import { Machines } from '../../../../hub/access/machines.ts';
import { refusalOf } from '../../../../hub/access/rules.ts';

const MINUTE = 60_000;
const RIS = { name: 'ris', role: 'clinician', trust: 'RRK' } as const;

function open(t: Pick<typeof import('tap').t, 'testdir' | 'teardown'>) {
  const clock = { ms: 1_000_000, now: () => clock.ms, monotonicMs: () => clock.ms };
  const db = openAccessDatabase(t.testdir({}));
  t.teardown(() => db.close());
  return { clock, db, machines: new Machines(db, clock) };
}

t.test('a client takes tokens that end in fifteen minutes', async (t) => {
  const { machines, clock } = open(t);
  const client = machines.addClient(RIS);
  const { token, seconds } = machines.issue(client);
  t.equal(seconds, 900);
  t.match(machines.find(token), RIS);
  t.equal(machines.find(client.secret), null, 'the secret itself opens nothing');
  clock.ms += 15 * MINUTE - 1;
  t.ok(machines.find(token));
  clock.ms += 1;
  t.equal(machines.find(token), null);
});

t.test('a wrong secret, another client and an ended one get no token', async (t) => {
  const { machines, clock } = open(t);
  const [one, other] = [machines.addClient(RIS), machines.addClient({ ...RIS, name: 'pacs' })];
  const refused = { code: 'CLIENT_INVALID' };
  t.throws(() => machines.issue({ ...one, secret: other.secret }), refused);
  t.throws(() => machines.issue({ ...one, secret: '' }), refused);
  t.throws(() => machines.issue({ ...one, id: 'nobody' }), refused);
  const short = machines.addClient({ ...RIS, expiresAt: clock.ms + MINUTE });
  t.ok(machines.issue(short));
  clock.ms += MINUTE;
  t.throws(() => machines.issue(short), refused);
});

t.test('a token has the scopes that it was asked for, never more than its client', async (t) => {
  const { machines } = open(t);
  const client = machines.addClient({ ...RIS, scopes: ['search', 'view'] });
  t.same(machines.issue(client).scopes, ['search', 'view']);
  const narrow = machines.find(machines.issue({ ...client, scope: 'search' }).token);
  t.ok(narrow);
  if (narrow === null) return;
  t.equal(refusalOf(narrow, 'search'), null);
  t.match(refusalOf(narrow, 'view'), /was not given the scope view/);
  for (const scope of ['fetch', 'search fetch', 'everything'])
    t.throws(() => machines.issue({ ...client, scope }), { code: 'SCOPE_UNKNOWN' }, scope);
  t.throws(() => machines.addClient({ ...RIS, scopes: ['fleet'] }), { code: 'SCOPE_UNKNOWN' });
  t.throws(() => machines.addKey({ ...RIS, scopes: ['audit'] }), { code: 'SCOPE_UNKNOWN' });
});

t.test('a key may be given for a time and for some things only', async (t) => {
  const { machines, clock } = open(t);
  const key = machines.addKey({ ...RIS, scopes: ['fetch'], expiresAt: clock.ms + MINUTE });
  t.same(machines.find(key), { ...RIS, scopes: ['fetch'] });
  clock.ms += MINUTE;
  t.equal(machines.find(key), null);
});

t.test('what is dropped counts no more, its tokens neither', async (t) => {
  const { machines } = open(t);
  const key = machines.addKey(RIS);
  const { token } = machines.issue(machines.addClient(RIS));
  const other = machines.addKey({ ...RIS, name: 'other' });
  t.same(
    machines.list().map(({ kind, name }) => [kind, name]),
    [
      ['key', 'other'],
      ['client', 'ris'],
      ['key', 'ris'],
    ],
  );
  t.equal(machines.drop('ris'), 2);
  t.equal(machines.find(key), null);
  t.equal(machines.find(token), null);
  t.ok(machines.find(other));
  t.equal(machines.drop('ris'), 0);
});
