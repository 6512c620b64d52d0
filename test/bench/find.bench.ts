/**
 * `cdip bench find`: C-FIND at STUDY level at an edge whose PACS holds 1,000,000 studies, as a workstation
 * asks: for a patient, for a name with its date of birth, for a day and a modality. From the request to the
 * first response, over one association.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEdgeDatabase } from '../../edge/database.ts';
import { CommandField } from '../../edge/dimse/command-set.ts';
import { encodeIdentifier } from '../../edge/dimse/identifier.ts';
import { openAssociation } from '../../edge/dimse/scu.ts';
import type { ScuAssociation } from '../../edge/dimse/scu-association.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import { keyOf, QUERY_KEYS, QueryTag } from '../../edge/scp/query/keys.ts';
import { prepareEdge } from '../support/edge.ts';
import { percentile, rounded, say, tell } from './result.ts';

const STUDIES = 1_000_000;
const PATIENTS = 250_000;
const DAYS = 3_650;
const QUERIES = 300;
const EXPLICIT = '1.2.840.10008.1.2.1';
const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const MODALITIES = ['CT', 'MR', 'CR', 'DX', 'US', 'XA', 'MG', 'NM'];

type Keys = Readonly<Record<string, string>>;

/** What a workstation asks for, by the number of the query. */
const QUESTIONS: Readonly<Record<string, (number: number) => Keys>> = {
  patient: (number) => ({ PatientID: `MRN${(number * 7_919) % PATIENTS}` }),
  nameAndBirthDate: (number) => {
    const patient = (number * 7_919) % PATIENTS;
    return { PatientName: `SURNAME${patient % 5_000}*`, PatientBirthDate: birthDate(patient) };
  },
  dayAndModality: (number) => ({
    StudyDate: dayOf((number * 31) % DAYS),
    ModalitiesInStudy: MODALITIES[number % MODALITIES.length] ?? '',
  }),
};

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const edge = await prepareEdge({ directory, trust: 'RRK' });
  try {
    say(`writing an index of ${STUDIES} studies`);
    fill(edge.dataDirectory);
    await edge.start();
    const association = await openAssociation({
      peer: {
        ...{ host: '127.0.0.1', port: edge.dicomPort, aeTitle: edge.aeTitle },
        callingAETitle: 'WORKSTATION',
      },
      contexts: [{ abstractSyntaxUID: STUDY_ROOT_FIND, transferSyntaxUIDs: [EXPLICIT] }],
    });
    const results = new Map<string, Answers>();
    for (const [name, question] of Object.entries(QUESTIONS))
      results.set(name, await measure(association, name, question));
    await association.release();
    tell(
      {
        name: 'find',
        value: Math.max(...[...results.values()].map(({ p99Ms }) => p99Ms)),
        unit: 'ms to the first response (p99, of the slowest question)',
        runs: QUERIES,
        studies: STUDIES,
        ...Object.fromEntries(results),
      },
      json,
    );
  } finally {
    await edge.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Answers {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** To the last response. */
  readonly wholeP99Ms: number;
  readonly matches: number;
}

async function measure(
  association: ScuAssociation,
  name: string,
  question: (number: number) => Keys,
): Promise<Answers> {
  const [first, whole]: [number[], number[]] = [[], []];
  let matches = 0;
  for (let number = 0; number < QUERIES; number += 1) {
    const dataSet = identifierOf(question(number));
    const begin = performance.now();
    let firstMs: number | undefined;
    await association.request({
      ...{ field: CommandField.cFindRQ, sopClassUID: STUDY_ROOT_FIND, dataSet },
      fields: { AffectedSOPClassUID: STUDY_ROOT_FIND, Priority: 0 },
      onPending() {
        firstMs ??= performance.now() - begin;
        matches += 1;
      },
    });
    whole.push(performance.now() - begin);
    first.push(firstMs ?? performance.now() - begin);
  }
  const answers = {
    p50Ms: rounded(percentile(first, 0.5), 1),
    p99Ms: rounded(percentile(first, 0.99), 1),
    wholeP99Ms: rounded(percentile(whole, 0.99), 1),
    matches,
  };
  say(`${name}: ${JSON.stringify(answers)}`);
  return answers;
}

function identifierOf(keys: Keys): Buffer {
  const asked = QUERY_KEYS.filter(({ level }) => level === 'PATIENT' || level === 'STUDY');
  return encodeIdentifier(EXPLICIT, [
    { tag: QueryTag.QueryRetrieveLevel, vr: 'CS', value: 'STUDY' },
    ...asked.map(({ tag, vr }) => ({ tag, vr, value: keys[keyOf(tag)?.keyword ?? ''] ?? '' })),
  ]);
}

function dayOf(day: number): string {
  return new Date(Date.UTC(2016, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '');
}

const birthDate = (patient: number): string => `19${String(30 + (patient % 70))}0615`;

/** Studies of ten years as the crawl writes them; nothing is left to be told to a hub. */
function fill(dataDirectory: string): void {
  const db = openEdgeDatabase(dataDirectory, furtherParts);
  const days = JSON.stringify(Array.from({ length: DAYS }, (_, day) => dayOf(day)));
  db.exec('CREATE TEMP TABLE days (day INTEGER PRIMARY KEY, date TEXT)');
  db.prepare('INSERT INTO days SELECT key, value FROM json_each(?)').run(days);
  db.transaction(() => {
    db.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${STUDIES})
       INSERT INTO studies (study_uid, home, rev, patient_id, issuer, patient_name, birth_date, sex,
         study_date, study_time, study_id, accession_number, description, institution, series,
         instances, bytes, set_hash, conflicts, first_at, last_at, name_key, announced_day,
         announced_hash, pacs_seen_at, pacs_series, pacs_instances, pacs_modalities)
       SELECT '2.25.' || (7000000000 + i), 'RRK', 1, 'MRN' || (i % ${PATIENTS}), 'RRK',
         'Surname' || (i % ${PATIENTS} % 5000) || '^Given' || (i % 97),
         '19' || (30 + i % ${PATIENTS} % 70) || '0615', 'F', days.date,
         '101500', 'S' || i, 'A' || i, 'CT chest', 'Trust RRK', 0, 0, 0, '', 0, 0, 0,
         'SURNAME' || (i % ${PATIENTS} % 5000) || '^GIVEN' || (i % 97), days.date, '',
         1, 1, 100, json_extract(?, '$[' || (i % 8) || ']')
       FROM n JOIN days ON days.day = (i * 31) % ${DAYS}`,
    ).run(JSON.stringify(MODALITIES));
  })();
  db.close();
}
