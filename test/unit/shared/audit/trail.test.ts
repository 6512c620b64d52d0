/** The audit trail: found by patient in order, and no change of its files goes unseen. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import type { AuditEntry } from '../../../../shared/audit/entry.ts';
import { AuditTrail, auditFile, headFile } from '../../../../shared/audit/trail.ts';
import { verifyAudit } from '../../../../shared/audit/verify.ts';

const NHS = '9434765919';

const look = (given: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{ event: 'look', action: 'R', outcome: 0, code: null },
  ...{ user: 'Dr A. Osei', role: 'clinician', trust: 'RRK', what: 'GET /api/studies/:uid' },
  ...{ address: '10.0.0.9', purpose: null, query: {} },
  ...{ patients: [NHS], studies: ['1.2.3'], homes: ['RJE'] },
  ...given,
});

function trailOf(t: Test, rows: number): string {
  const directory = t.testdir();
  let now = 1_700_000_000_000;
  const trail = new AuditTrail(directory, { now: () => (now += 1_000), monotonicMs: () => 0 });
  for (let row = 1; row <= rows; row += 1)
    trail.append(look({ patients: [row % 2 === 0 ? NHS : 'X1^^^RXK'], studies: [`1.2.${row}`] }));
  trail.close();
  return directory;
}

/** As somebody with the file in his hands would do it: the triggers are no hindrance to him. */
function tamper(directory: string, sql: string): void {
  const db = new Database(auditFile(directory));
  for (const table of ['audit', 'audit_patients', 'audit_studies', 'audit_trusts'])
    for (const what of ['update', 'delete']) db.exec(`DROP TRIGGER ${table}_no_${what}`);
  db.exec(sql);
  db.close();
}

const verdictOf = (directory: string) => verifyAudit(directory, () => {});

t.test('who has seen a patient is told, newest first, with user, time and place', async (t) => {
  const trail = new AuditTrail(t.testdir(), { now: () => 1_700_000_000_000, monotonicMs: () => 0 });
  t.teardown(() => trail.close());
  trail.append(look());
  trail.append(look({ user: 'B', patients: [NHS, NHS, '5^^^RXK'], trust: null }));
  trail.append(look({ user: 'C', patients: [] }));
  const { events, total } = trail.find({ patient: NHS }, { limit: 10, offset: 0 });
  t.equal(total, 2);
  t.match(events, [
    { seq: 2, user: 'B', at: '2023-11-14T22:13:20.000Z' },
    { seq: 1, user: 'Dr A. Osei', address: '10.0.0.9', homes: ['RJE'] },
  ]);
  const person = trail.find({ patient: ['5^^^RXK', NHS] }, { limit: 10, offset: 0 });
  t.equal(person.total, 2, 'a row that names two numbers of a person is one');
  t.same(
    person.events.map(({ seq }) => seq),
    [2, 1],
  );
  t.equal(trail.find({ patient: [NHS], user: 'B' }, { limit: 10, offset: 0 }).total, 1);
  t.equal(trail.find({ trust: 'RRK' }, { limit: 10, offset: 0 }).total, 2);
  t.equal(trail.find({ trust: 'RJE', user: 'C' }, { limit: 10, offset: 0 }).total, 1);
  t.equal(trail.find({ study: '1.2.3' }, { limit: 1, offset: 1 }).events[0]?.seq, 2);
  t.equal(trail.find({ to: 1_700_000_000_000 }, { limit: 1, offset: 0 }).total, 0);
});

t.test('what was done at a time is found also when a clock was set back', async (t) => {
  const times = [5_000, 6_000, 1_000, 2_000, 7_000, 6_500];
  let row = -1;
  const now = (): number => times[row] ?? 0;
  const trail = new AuditTrail(t.testdir(), { now, monotonicMs: () => 0 });
  t.teardown(() => trail.close());
  for (row = 0; row < times.length; row += 1)
    trail.append(look({ trust: row % 2 === 0 ? 'RRK' : 'RXK', homes: [] }));
  const seqs = (filter: Parameters<AuditTrail['find']>[0]): number[] =>
    trail.find(filter, { limit: 10, offset: 0 }).events.map(({ seq }) => seq);
  t.same(seqs({ from: 6_000, to: 7_000 }), [6, 2]);
  t.same(seqs({ from: 1_000, to: 6_001, trust: 'RXK' }), [4, 2]);
  t.same(seqs({ from: 6_000, user: 'Dr A. Osei' }), [6, 5, 2]);
  t.same(seqs({ to: 5_001, study: '1.2.3' }), [4, 3, 1]);
  t.same(seqs({ from: 8_000, patient: NHS }), []);
  t.equal(trail.find({ from: 6_000, trust: 'RRK' }, { limit: 1, offset: 0 }).total, 1);
});

t.test('a trail that nobody touched is whole, also an empty one', async (t) => {
  const directory = trailOf(t, 5);
  t.match(verdictOf(directory), { rows: 5, fault: null });
  new AuditTrail(directory, { now: () => 0, monotonicMs: () => 0 }).close();
  t.match(verdictOf(directory), { rows: 5, fault: null }, 'opened again');
  t.match(verdictOf(trailOf(t, 0)), { rows: 0, fault: null });
});

t.test('the program itself can neither change nor delete a row', async (t) => {
  const db = new Database(auditFile(trailOf(t, 2)));
  t.teardown(() => db.close());
  t.throws(() => db.exec("UPDATE audit SET user = 'x'"), /append-only/);
  t.throws(() => db.exec('DELETE FROM audit_patients'), /append-only/);
});

const FAULTS: readonly (readonly [string, string, string, number])[] = [
  ['a user', "UPDATE audit SET user = 'Dr B' WHERE seq = 3", 'ROW_ALTERED', 3],
  ['a time', 'UPDATE audit SET at = at + 1 WHERE seq = 1', 'ROW_ALTERED', 1],
  [
    'an entry',
    "UPDATE audit SET entry = replace(entry, 'look', 'peek') WHERE seq = 5",
    'ROW_ALTERED',
    5,
  ],
  ['a digest', "UPDATE audit SET digest = '00' WHERE seq = 2", 'ROW_ALTERED', 2],
  ['one row', 'DELETE FROM audit WHERE seq = 2', 'ROW_MISSING', 2],
  ['the first row', 'DELETE FROM audit WHERE seq = 1', 'ROW_MISSING', 1],
  ['the last row', 'DELETE FROM audit WHERE seq = 5', 'END_MISSING', 5],
  ['all rows', 'DELETE FROM audit; DELETE FROM audit_patients', 'END_MISSING', 1],
  ['a number', 'UPDATE audit SET seq = 9 WHERE seq = 5', 'ROW_MISSING', 5],
  ['by whom a patient is found', `DELETE FROM audit_patients WHERE seq = 4`, 'LOOKUP_ALTERED', 4],
  [
    'a row that was never there',
    "INSERT INTO audit_studies VALUES ('9.9', 2)",
    'LOOKUP_ALTERED',
    5,
  ],
];

for (const [what, sql, code, seq] of FAULTS)
  t.test(`altering or deleting ${what} on the disk is found, with its place`, async (t) => {
    const directory = trailOf(t, 5);
    tamper(directory, sql);
    t.match(verdictOf(directory), { fault: { code, seq } });
  });

t.test('the file of the head can neither be lost nor written anew', async (t) => {
  const directory = trailOf(t, 5);
  rmSync(headFile(directory));
  t.match(verdictOf(directory), { fault: { code: 'HEAD_ALTERED', seq: 5 } });
  writeFileSync(headFile(directory), `${'5'.padStart(16, '0')} ${'0'.repeat(64)}\n`);
  t.match(verdictOf(directory), { fault: { code: 'HEAD_ALTERED', seq: 5 } });
});

t.test('a trail that is gone with its head is missed where the program has been', async (t) => {
  const directory = trailOf(t, 5);
  const anchors = [{ seq: 5, digest: 'a'.repeat(64) }];
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  t.match(verdictOf(directory), { rows: 0, fault: null }, 'a program that never ran');
  t.match(
    verifyAudit(directory, () => {}, anchors),
    { fault: { code: 'END_MISSING', seq: 1 } },
  );
  writeFileSync(join(directory, 'access.sqlite'), '');
  t.match(verdictOf(directory), { rows: 0, fault: { code: 'END_MISSING', seq: 1 } });
});

t.test('a head that is no head is found, also of a trail without rows', async (t) => {
  const directory = trailOf(t, 0);
  writeFileSync(headFile(directory), 'nothing\n');
  t.match(verdictOf(directory), { fault: { code: 'HEAD_ALTERED', seq: 0 } });
});

t.test('a clock that is set back breaks nothing, and rows stay in their order', async (t) => {
  const directory = t.testdir();
  const times = [1_700_000_000_000, 1_600_000_000_000, 1_650_000_000_000];
  const trail = new AuditTrail(directory, { now: () => times.shift() ?? 0, monotonicMs: () => 0 });
  for (const user of ['first', 'second', 'third']) trail.append(look({ user }));
  const { events } = trail.find({}, { limit: 10, offset: 0 });
  t.strictSame(
    events.map(({ user }) => user),
    ['third', 'second', 'first'],
  );
  trail.close();
  t.match(verdictOf(directory), { rows: 3, fault: null });
});

t.test('rows that two programs append stand in one chain', async (t) => {
  const directory = t.testdir();
  const clock = { now: () => 0, monotonicMs: () => 0 };
  const [one, other] = [new AuditTrail(directory, clock), new AuditTrail(directory, clock)];
  for (let round = 0; round < 3; round += 1) {
    one.append(look({ user: 'hub' }));
    other.append(look({ user: 'command line' }));
  }
  one.close();
  other.close();
  t.match(verdictOf(directory), { rows: 6, fault: null });
});
