/**
 * `cdip bench audit`: "who has seen this patient" in a trail of many events, as the API asks it: all events of a
 * patient, of one that many have looked at, with a trust's own view, by study, by user and by day. The trail is
 * chained as the product chains it, in larger transactions; what it is looked up by is filled in at the end.
 * CDIP_BENCH_EVENTS: how many, default 1,000,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_START, digestOf } from '../../shared/audit/chain.ts';
import type { AuditFilter } from '../../shared/audit/statements.ts';
import { AuditTrail, openAuditDatabase } from '../../shared/audit/trail.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { percentile, rounded, say, tell } from './result.ts';

const EVENTS = Number(process.env['CDIP_BENCH_EVENTS'] ?? 1_000_000);
const PATIENTS = Math.max(1_000, EVENTS / 20);
const USERS = 5_000;
const TOGETHER = 20_000;
const QUERIES = 200;
const BEGIN = Date.parse('2020-01-01T00:00:00Z');
const STEP_MS = 2_000;
const TRUSTS = Array.from({ length: 15 }, (_, at) => `R${100 + at}`);
/** Somebody whom thousands looked at. */
const KNOWN = 'X-KNOWN^^^R100';

const patientOf = (number: number): string =>
  number % 20_011 === 0 ? KNOWN : String(9_000_000_000 + ((number * 7_919) % PATIENTS));
const studyOf = (number: number): string => `2.999.${(number * 104_729) % (PATIENTS * 4)}`;
const userOf = (number: number): string => `Dr ${(number * 31) % USERS}`;
const trustOf = (number: number): string => TRUSTS[number % TRUSTS.length] ?? '';

function dayOf(number: number): AuditFilter {
  const from = BEGIN + (number % EVENTS) * STEP_MS;
  return { from, to: from + 86_400_000 };
}

const QUESTIONS: Readonly<Record<string, (number: number) => AuditFilter>> = {
  patient: (number) => ({ patient: patientOf(number) }),
  patientOfOwnTrust: (number) => ({ patient: patientOf(number), trust: trustOf(number) }),
  knownPatient: () => ({ patient: KNOWN }),
  // With the local numbers of two trusts, one of them well known.
  person: (number) => ({ patient: [patientOf(number), patientOf(number + 1), KNOWN] }),
  study: (number) => ({ study: studyOf(number) }),
  user: (number) => ({ user: userOf(number) }),
  userOfOwnTrust: (number) => ({ user: userOf(number), trust: trustOf(number) }),
  trust: (number) => ({ trust: trustOf(number) }),
  day: dayOf,
  trustOnDay: (number) => ({ ...dayOf(number), trust: trustOf(number) }),
};

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-audit-'));
  try {
    say(`writing ${EVENTS} events`);
    fill(directory);
    const trail = new AuditTrail(directory, systemClock);
    const parts: Record<string, object> = {};
    let worst = 0;
    for (const [name, question] of Object.entries(QUESTIONS)) {
      const took = measured(trail, question);
      parts[name] = took;
      if (/patient/i.test(name)) worst = Math.max(worst, took.p99Ms);
    }
    const known = trail.find({ patient: KNOWN }, { limit: 1, offset: 0 }).total;
    trail.close();
    if (known === 0) throw new Error('the trail that was asked is not the one that was written');
    tell(
      {
        ...{ name: 'audit', value: worst, unit: 'ms, p99 of who has seen a patient', runs: 1 },
        ...{ events: EVENTS, parts },
      },
      json,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function measured(trail: AuditTrail, question: (number: number) => AuditFilter) {
  const times: number[] = [];
  let found = 0;
  for (let query = 1; query <= QUERIES; query += 1) {
    const start = performance.now();
    const { total } = trail.find(question((query * 7_621) % EVENTS), { limit: 100, offset: 0 });
    times.push(performance.now() - start);
    found += total;
  }
  const of = (share: number): number => rounded(percentile(times, share));
  return { p50Ms: of(0.5), p99Ms: of(0.99), events: Math.round(found / QUERIES) };
}

/** The rows as the product chains them; then what they are looked up by, out of the rows, each table in its own order. */
function fill(directory: string): void {
  const db = openAuditDatabase(directory);
  db.pragma('cache_size = -500000');
  const userIndex = db
    .prepare<[], string>("SELECT sql FROM sqlite_schema WHERE name = 'audit_user'")
    .pluck()
    .get();
  if (userIndex === undefined) throw new Error('the trail has no index by user');
  db.exec('DROP INDEX audit_user');
  chain(db);
  for (const [table, column] of LOOKED_UP) {
    say(`filling ${table}`);
    db.exec(`INSERT INTO ${table}
      SELECT DISTINCT j.value, a.seq FROM audit a, json_each(a.entry, '$.${column}') j
      ORDER BY 1, 2`);
  }
  say('filling audit_trusts');
  db.exec(`INSERT INTO audit_trusts
    SELECT entry ->> '$.trust' AS trust, seq FROM audit
    UNION ALL
    SELECT entry ->> '$.homes[0]', seq FROM audit
      WHERE entry ->> '$.homes[0]' <> entry ->> '$.trust'
    ORDER BY 1, 2`);
  db.exec(userIndex);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

const LOOKED_UP = [
  ['audit_patients', 'patients'],
  ['audit_studies', 'studies'],
] as const;

function chain(db: Sqlite): void {
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?)');
  let digest = CHAIN_START;
  for (let first = 1; first <= EVENTS; first += TOGETHER) {
    db.transaction(() => {
      for (let seq = first; seq < Math.min(first + TOGETHER, EVENTS + 1); seq += 1) {
        const entry = JSON.stringify({
          ...{ event: 'look', action: 'R', outcome: 0, code: null, role: 'clinician' },
          ...{ trust: trustOf(seq), what: 'GET /api/studies/:uid', address: '10.1.2.3' },
          ...{ purpose: null, query: { uid: studyOf(seq) }, patients: [patientOf(seq)] },
          ...{ studies: [studyOf(seq)], homes: [trustOf(seq * 7)] },
        });
        const row = { seq, at: BEGIN + seq * STEP_MS, user: userOf(seq), entry };
        digest = digestOf(digest, row);
        insert.run(seq, row.at, row.user, entry, digest);
      }
    })();
    if (first % 1_000_000 === 1) say(`${first - 1} written`);
  }
}
