/** Studies as rows of the projection, for tests of what is shown of them; and who is concerned with their patients. */
import { readDate } from '../../../../hub/search/dates.ts';
import type { Sqlite } from '../../../../shared/sqlite/open.ts';

/** One row of `studies`; what is left out is ordinary. */
export interface Seed {
  trust: string;
  uid: string;
  home?: string;
  nhsNumber?: string | null;
  patientId?: string;
  issuer?: string;
  name?: string | null;
  birthDate?: string | null;
  sex?: string | null;
  date?: string | null;
  time?: string | null;
  accession?: string | null;
  accessionIssuer?: string | null;
  description?: string | null;
  modalities?: string;
  series?: {
    uid: string;
    modality: string;
    number: number;
    description: string;
    instances: number;
  }[];
  instances?: number;
  setHash?: string;
  quiet?: boolean;
  /** Default: the patient is on the list of a meeting of RRK, where the people of these tests work. */
  isUnrelated?: boolean;
}

const ORDINARY = {
  nhsNumber: '9434765919' as string | null,
  patientId: '1001',
  name: 'SMITH^ANNA' as string | null,
  birthDate: '19580131' as string | null,
  sex: 'F' as string | null,
  date: '20260131' as string | null,
  time: '101500' as string | null,
  accessionIssuer: null as string | null,
  description: 'CT Thorax' as string | null,
  modalities: 'CT',
  series: [] as NonNullable<Seed['series']>,
  instances: 300,
  setHash: 'a'.repeat(64),
  quiet: true,
};

export function seedStudy(db: Sqlite, given: Seed): void {
  const own = { home: given.trust, issuer: given.trust, accession: `A${given.uid.slice(-4)}` };
  const seed = { ...ORDINARY, ...own, ...given };
  const { home, series, name } = seed;
  const row = {
    trust: seed.trust,
    study_uid: seed.uid,
    home,
    rev: 1,
    quiet: Number(seed.quiet),
    patient_id: seed.patientId,
    patient_issuer: seed.issuer,
    nhs_number: seed.nhsNumber,
    patient_name: name,
    birth_date: seed.birthDate,
    sex: seed.sex,
    study_date: seed.date,
    study_time: seed.time,
    study_id: '1',
    accession_number: seed.accession,
    accession_issuer: seed.accessionIssuer,
    description: seed.description,
    referring_physician: null,
    institution: null,
    modalities: seed.modalities,
    series: series.length || 1,
    instances: seed.instances,
    bytes: seed.instances * 526_000,
    set_hash: seed.setHash,
    conflicts: 0,
    day: readDate(seed.date ?? '') ?? 'undated',
    event_at: '2026-03-02T10:41:00.000Z',
    applied_at: '2026-03-02T10:41:01.000Z',
  };
  const columns = Object.keys(row);
  db.prepare(
    `INSERT INTO studies (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
  ).run(row);
  if (given.isUnrelated !== true)
    putOnList(db, 'RRK', { trust: seed.trust, patientId: seed.patientId, issuer: seed.issuer });
  const insert = db.prepare('INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const one of series)
    insert.run(
      seed.trust,
      seed.uid,
      home,
      one.uid,
      one.modality,
      one.number,
      one.description,
      null,
      one.instances,
      one.instances * 526_000,
      'b'.repeat(64),
    );
}

/** Makes the trust concerned with the patient. */
export function putOnList(
  db: Sqlite,
  concerned: string,
  { trust, patientId, issuer }: { trust: string; patientId: string; issuer: string },
): void {
  const listId = `list-of-${concerned}`;
  const patients = [
    {
      ...{ key: { trust, patientId, issuer }, question: 'What is there?', by: 'Sam' },
      at: '2026-03-01T10:00:00.000Z',
    },
  ];
  const list = { v: 1, listId, trust: concerned, name: 'Lung MDT', meetsOn: '2099-01-01' };
  const body = JSON.stringify({ ...list, trusts: [concerned, 'RJE'], patients, by: 'Sam' });
  db.prepare('INSERT OR IGNORE INTO mdt_lists VALUES (?, ?, ?, 1, ?)').run(
    ...[listId, concerned, '2099-01-01', body],
  );
  db.prepare('INSERT OR IGNORE INTO mdt_patients VALUES (?, ?, ?, ?, ?)').run(
    ...[listId, concerned, trust, patientId, issuer],
  );
}
