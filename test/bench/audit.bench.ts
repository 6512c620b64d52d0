/**
 * `cdip bench audit`: "who has seen this patient" in a trail of many events, as the API asks it: all events of a
 * patient, of one that many have looked at, with a trust's own view, by study, by user and by day. The trail is
 * written as the product writes it, in larger transactions. CDIP_BENCH_EVENTS: how many, default 1,000,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_START, digestOf } from '../../shared/audit/chain.ts';
import type { AuditFilter } from '../../shared/audit/statements.ts';
import { AuditTrail, openAuditDatabase } from '../../shared/audit/trail.ts';
import { systemClock } from '../../shared/clock.ts';
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

const QUESTIONS: Readonly<Record<string, (number: number) => AuditFilter>> = {
  patient: (number) => ({ patient: patientOf(number) }),
  patientOfOwnTrust: (number) => ({ patient: patientOf(number), trust: trustOf(number) }),
  knownPatient: () => ({ patient: KNOWN }),
  study: (number) => ({ study: studyOf(number) }),
  user: (number) => ({ user: userOf(number) }),
  userOfOwnTrust: (number) => ({ user: userOf(number), trust: trustOf(number) }),
  trust: (number) => ({ trust: trustOf(number) }),
  day: (number) => {
    const from = BEGIN + (number % EVENTS) * STEP_MS;
    return { from, to: from + 86_400_000 };
  },
};

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-audit-'));
  try {
    say(`writing ${EVENTS} events`);
    const seconds = fill(directory);
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
        ...{ events: EVENTS, writtenPerSecond: Math.round(EVENTS / seconds), parts },
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

/** @returns seconds */
function fill(directory: string): number {
  const db = openAuditDatabase(directory);
  db.pragma('cache_size = -500000');
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?)');
  const patients = db.prepare('INSERT INTO audit_patients VALUES (?, ?)');
  const studies = db.prepare('INSERT INTO audit_studies VALUES (?, ?)');
  const trusts = db.prepare('INSERT INTO audit_trusts VALUES (?, ?)');
  const start = performance.now();
  let digest = CHAIN_START;
  for (let first = 1; first <= EVENTS; first += TOGETHER) {
    db.transaction(() => {
      for (let seq = first; seq < Math.min(first + TOGETHER, EVENTS + 1); seq += 1) {
        const [patient, study] = [patientOf(seq), studyOf(seq)];
        const [trust, home] = [trustOf(seq), trustOf(seq * 7)];
        const entry = JSON.stringify({
          ...{ event: 'look', action: 'R', outcome: 0, code: null, role: 'clinician', trust },
          ...{ what: 'GET /api/studies/:uid', address: '10.1.2.3', purpose: null },
          ...{ query: { uid: study }, patients: [patient], studies: [study], homes: [home] },
        });
        const row = { seq, at: BEGIN + seq * STEP_MS, user: userOf(seq), entry };
        digest = digestOf(digest, row);
        insert.run(seq, row.at, row.user, entry, digest);
        patients.run(patient, seq);
        studies.run(study, seq);
        for (const one of new Set([trust, home])) trusts.run(one, seq);
      }
    })();
    if (first % 1_000_000 === 1) say(`${first - 1} written`);
  }
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return (performance.now() - start) / 1_000;
}
