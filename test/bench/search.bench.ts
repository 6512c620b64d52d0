/**
 * `cdip bench search`: the hub's search over the studies of 15 trusts, as people ask it: an NHS number, a number at
 * its issuer, a name with its date of birth, an accession number, a study's UID; the newest of a day and a modality.
 * The rows are made by the projection of study events. CDIP_BENCH_STUDIES: how many, default 5,000,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyEvent } from '../../hub/projection/apply-event.ts';
import { projectionSchema } from '../../hub/projection/schema.ts';
import { prepareProjection } from '../../hub/projection/statements.ts';
import type { StudyQuery } from '../../hub/search/query.ts';
import { searchStudies } from '../../hub/search/studies.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import { percentile, rounded, say, tell } from './result.ts';
import {
  accessionOf,
  birthDateOf,
  dayOf,
  modalityOf,
  nameOf,
  nhsNumberOf,
  patientOf,
  studyEvent,
  studyUidOf,
  trustOf,
} from './study-events.ts';

const STUDIES = Number(process.env['CDIP_BENCH_STUDIES'] ?? 5_000_000);
const TOGETHER = 20_000;
const QUERIES = 300;
const PAGE = { limit: 50, offset: 0 };
const NOW = '2026-03-01T10:00:00.000Z';

const QUESTIONS: Readonly<Record<string, (number: number) => StudyQuery>> = {
  nhsNumber: (number) => ({ nhsNumber: nhsNumberOf(patientOf(number)) }),
  numberAtIssuer: (number) => ({ patientId: `MRN${patientOf(number)}`, issuer: trustOf(number) }),
  nameAndBirthDate: (number) => ({
    patientName: nameOf(patientOf(number)).slice(0, -1),
    birthDate: birthDateOf(patientOf(number)),
  }),
  accession: (number) => ({ accessionNumber: accessionOf(number), issuer: trustOf(number) }),
  study: (number) => ({ studyInstanceUID: studyUidOf(number) }),
  dayAndModality: (number) => ({
    ...{ from: dayOf(number), to: dayOf(number), modality: [modalityOf(number)] },
  }),
};

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-search-'));
  const db = openSqlite(join(directory, 'projection.sqlite'), projectionSchema);
  try {
    fill(db);
    const parts: Record<string, object> = {};
    const patients: number[] = [];
    for (const [name, question] of Object.entries(QUESTIONS)) {
      const { times, found } = measured(db, question);
      if (found === 0) throw new Error(`${name} found nothing`);
      if (name !== 'dayAndModality') patients.push(...times);
      const of = (share: number): number => rounded(percentile(times, share));
      parts[name] = { p50Ms: of(0.5), p99Ms: of(0.99), studies: rounded(found / QUERIES, 1) };
    }
    tell(
      {
        ...{ name: 'search', value: rounded(percentile(patients, 0.99)), runs: patients.length },
        ...{ unit: 'ms, p99 of a search for a patient or a study', studies: STUDIES, parts },
      },
      json,
    );
  } finally {
    db.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function fill(db: Sqlite): void {
  db.pragma('cache_size = -500000');
  const statements = prepareProjection(db);
  for (let first = 0; first < STUDIES; first += TOGETHER) {
    db.transaction(() => {
      for (let number = first; number < Math.min(first + TOGETHER, STUDIES); number += 1)
        applyEvent(statements, studyEvent(number, trustOf(number), number + 1), NOW);
    })();
    if (first % 1_000_000 === 0) say(`${first} of ${STUDIES} studies written`);
  }
  db.pragma('wal_checkpoint(TRUNCATE)');
}

function measured(db: Sqlite, question: (number: number) => StudyQuery) {
  const times: number[] = [];
  let found = 0;
  for (let query = 1; query <= QUERIES; query += 1) {
    const asked = question((query * 15_485_863) % STUDIES);
    const start = performance.now();
    found += searchStudies(db, asked, PAGE).studies.length;
    times.push(performance.now() - start);
  }
  return { times, found };
}
