/**
 * What the index answers: instances of a study, its state for the hub, local patients, counts.
 *
 * Reading only; edge-index.ts changes. An object whose file is missing is in no answer but `missing`.
 */
import { isDicomDate } from '../../shared/acquisition-day.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { EventBody, SeriesState, StudyEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { LocalPatients } from './records/local-patients.ts';
import {
  FROM_STORED,
  type InstanceRow,
  nearlineOf,
  type SeriesRow,
  STORED_COLUMNS,
  type StudyRow,
} from './rows.ts';
import type { LocalPatientRow, StoredInstance } from './types.ts';

export interface IndexCounts {
  readonly patients: number;
  readonly studies: number;
  /** Of them those that only the PACS holds. */
  readonly nearline: number;
  /** In the spool, as instances and bytes. */
  readonly series: number;
  readonly instances: number;
  readonly bytes: number;
  /** Objects whose SOP Instance UID came with other content, and studies with a second patient. */
  readonly conflicts: number;
  /** Objects whose file is gone. */
  readonly missing: number;
}

/** Something a person has to look at; `detail` names what differs, without naming a patient. */
export interface ConflictRow {
  readonly kind: 'INSTANCE_CONTENT' | 'PATIENT_MISMATCH';
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly sopInstanceUID: string;
  /** Of a differing version: where it is kept, relative to the spool's root. */
  readonly path: string | null;
  readonly contentDigest: string | null;
  /** Objects that name the other patient; 1 for a differing version. */
  readonly instances: number;
  readonly callingAETitle: string;
  readonly at: number;
}

export interface CallerRow {
  readonly callingAETitle: string;
  readonly lastAt: number;
  readonly instances: number;
  /** Of the last object that named one. */
  readonly modality: string | null;
}

export interface MissingRow {
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly path: string;
  readonly missingSince: number;
}

export class IndexQueries {
  readonly db: Sqlite;
  /** The edge's own ODS code: the home of its own studies. */
  readonly trust: string;
  readonly #statements: ReturnType<typeof prepareQueries>;
  readonly #localPatients: LocalPatients;

  constructor(db: Sqlite, trust: string) {
    this.db = db;
    this.trust = trust;
    this.#statements = prepareQueries(db);
    this.#localPatients = new LocalPatients(db, trust);
  }

  /** The objects of a study, or of some of its series, in the order of series and instance number. */
  instancesOf(study: {
    studyInstanceUID: string;
    home: string;
    seriesInstanceUIDs?: readonly string[] | undefined;
  }): StoredInstance[] {
    const all = this.#statements.instancesOf.all(study.studyInstanceUID, study.home);
    if (study.seriesInstanceUIDs === undefined) return all;
    const wanted = new Set(study.seriesInstanceUIDs);
    return all.filter((instance) => wanted.has(instance.seriesInstanceUID));
  }

  findInstance(sopInstanceUID: string, home: string): StoredInstance | undefined {
    return this.#statements.findInstance.get(sopInstanceUID, home);
  }

  /**
   * The patients whom the study's objects name, the study's own first; none when it has no objects here. Of a
   * further one the number alone is kept.
   */
  patientsOf(study: { studyInstanceUID: string; home: string }): LocalPatientRow[] {
    const { studyInstanceUID, home } = study;
    return this.#statements.patientsOf.all({ studyInstanceUID, home });
  }

  /** The state of a study as the hub is told it; undefined when there is none. */
  studyState(
    studyInstanceUID: string,
    home: string,
    { quiet }: { quiet: boolean } = { quiet: true },
  ): EventBody<StudyEvent> | undefined {
    const row = this.#statements.findStudy.get(studyInstanceUID, home);
    return row === undefined ? undefined : this.stateOf(row, { quiet, deleted: false });
  }

  /** As {@link studyState}, from the row. */
  stateOf(
    row: StudyRow,
    { quiet, deleted }: { quiet: boolean; deleted: boolean },
  ): EventBody<StudyEvent> {
    return {
      kind: 'study',
      rev: row.rev,
      studyInstanceUID: row.study_uid,
      home: row.home,
      deleted,
      quiet,
      patient: {
        patientId: row.patient_id,
        issuer: row.issuer,
        nhsNumber: row.nhs_number,
        name: row.patient_name,
        birthDate: dateOrNull(row.birth_date),
        sex: row.sex,
      },
      studyDate: dateOrNull(row.study_date),
      studyTime: row.study_time,
      studyId: row.study_id,
      accessionNumber: row.accession_number,
      accessionIssuer: row.accession_issuer,
      description: row.description,
      referringPhysician: row.referring_physician,
      institution: row.institution,
      instances: row.instances,
      bytes: row.bytes,
      setHash: row.set_hash,
      conflicts: row.conflicts,
      confidentiality: row.confidentiality,
      series: this.#statements.seriesOf.all(row.study_key).map(seriesState),
      nearline: nearlineOf(row),
      rejected: this.#statements.rejected
        .all(row.study_uid, row.home)
        .map(({ code, instances, at }) => ({ code, instances, at: rfc3339(at) })),
    };
  }

  /** This trust's own patients with an NHS number and birth date, as PAS, RIS or its own objects name them. */
  localPatientsByNhsNumber(nhsNumber: string, birthDate: string): LocalPatientRow[] {
    return this.#localPatients.withNhsNumber(nhsNumber, birthDate);
  }

  /** The patient of a local identifier, or whom that was merged into; from PAS, RIS and the trust's own studies. */
  localPatient(patientId: string, issuer: string): LocalPatientRow | undefined {
    return this.#localPatients.find({ patientId, issuer });
  }

  counts(): IndexCounts {
    return this.#statements.counts.get() as IndexCounts;
  }

  /** Newest first. */
  conflicts(limit = 100, offset = 0): ConflictRow[] {
    return this.#statements.conflicts.all(limit, offset);
  }

  /** Newest first. */
  missing(limit = 100, offset = 0): MissingRow[] {
    return this.#statements.missing.all(limit, offset);
  }

  /** When each calling AE title last had an object acknowledged, and how many. */
  lastObjectPerCaller(): CallerRow[] {
    return this.#statements.callers.all();
  }

  /** Every study of which objects came here, for start-up recovery; of what the PACS holds nothing is on our disk. */
  studyKeys(): { studyInstanceUID: string; home: string }[] {
    return this.#statements.studyKeys.all();
  }

  /** Paths of all differing versions, and of rejected objects, which lie beside the current ones. */
  conflictPaths(): string[] {
    return this.#statements.conflictPaths.pluck().all() as string[];
  }

  /** Files of deleted studies that may still be there. */
  pendingDeletions(): string[] {
    return this.#statements.deletions.pluck().all() as string[];
  }
}

function prepareQueries(db: Sqlite) {
  return {
    instancesOf: db.prepare<[string, string], StoredInstance>(
      `SELECT ${STORED_COLUMNS} ${FROM_STORED}
       WHERE t.study_uid = ? AND t.home = ? AND i.missing_since IS NULL
       ORDER BY s.series_number, s.series_uid, i.instance_number, i.sop_uid`,
    ),
    findInstance: db.prepare<[string, string], InstanceRow>(
      `SELECT ${STORED_COLUMNS} ${FROM_STORED}
       WHERE i.sop_uid = ? AND i.home = ? AND i.missing_since IS NULL`,
    ),
    findStudy: db.prepare<[string, string], StudyRow>(
      'SELECT * FROM studies WHERE study_uid = ? AND home = ?',
    ),
    patientsOf: db.prepare<[object], LocalPatientRow>(
      `SELECT patient_id AS patientId, issuer, nhs_number AS nhsNumber, patient_name AS patientName,
         birth_date AS birthDate, sex FROM studies
       WHERE study_uid = @studyInstanceUID AND home = @home AND instances > 0 AND patient_id <> ''
       UNION ALL SELECT p.patient_id, p.issuer, NULL, NULL, NULL, NULL
       FROM patient_conflicts p JOIN studies USING (study_key)
       WHERE study_uid = @studyInstanceUID AND home = @home AND p.patient_id <> ''`,
    ),
    seriesOf: db.prepare<[number], SeriesRow>(
      'SELECT * FROM series WHERE study_key = ? ORDER BY series_number, series_uid',
    ),
    counts: db.prepare<[], IndexCounts>(
      `SELECT (SELECT count(*) FROM patients) AS patients, count(*) AS studies,
         count(*) FILTER (WHERE instances = 0 AND pacs_seen_at IS NOT NULL) AS nearline,
         coalesce(sum(series), 0) AS series, coalesce(sum(instances), 0) AS instances,
         coalesce(sum(bytes), 0) AS bytes,
         coalesce(sum(conflicts), 0) +
           (SELECT count(DISTINCT study_key) FROM patient_conflicts) AS conflicts,
         (SELECT count(*) FROM instances WHERE missing_since IS NOT NULL) AS missing
       FROM studies`,
    ),
    conflicts: db.prepare<[number, number], ConflictRow>(
      `SELECT 'INSTANCE_CONTENT' AS kind, t.study_uid AS studyInstanceUID, c.home AS home,
         c.sop_uid AS sopInstanceUID, c.path AS path, c.content_digest AS contentDigest,
         1 AS instances, c.calling_ae_title AS callingAETitle, c.received_at AS at
       FROM instance_conflicts c JOIN studies t USING (study_key)
       UNION ALL
       SELECT 'PATIENT_MISMATCH', t.study_uid, t.home, p.sop_uid, NULL, NULL, p.instances,
         p.calling_ae_title, p.last_at
       FROM patient_conflicts p JOIN studies t USING (study_key)
       ORDER BY at DESC LIMIT ? OFFSET ?`,
    ),
    missing: db.prepare<[number, number], MissingRow>(
      `SELECT i.sop_uid AS sopInstanceUID, t.study_uid AS studyInstanceUID, i.home AS home,
         i.path AS path, i.missing_since AS missingSince
       ${FROM_STORED} WHERE i.missing_since IS NOT NULL ORDER BY i.missing_since DESC
       LIMIT ? OFFSET ?`,
    ),
    callers: db.prepare<[], CallerRow>(
      `SELECT calling_ae_title AS callingAETitle, last_at AS lastAt, instances, modality
       FROM callers
       ORDER BY calling_ae_title`,
    ),
    studyKeys: db.prepare<[], { studyInstanceUID: string; home: string }>(
      `SELECT study_uid AS studyInstanceUID, home FROM studies s
       WHERE EXISTS (SELECT 1 FROM series r WHERE r.study_key = s.study_key)`,
    ),
    deletions: db.prepare('SELECT path FROM deletions'),
    conflictPaths: db.prepare(
      'SELECT path FROM instance_conflicts UNION ALL SELECT path FROM rejected_files',
    ),
    rejected: db.prepare<[string, string], { code: string; instances: number; at: number }>(
      `SELECT code, count(*) AS instances, max(rejected_at) AS at FROM rejections
       WHERE study_uid = ? AND home = ? GROUP BY code ORDER BY code`,
    ),
  };
}

const dateOrNull = (text: string | null): string | null =>
  text !== null && isDicomDate(text) ? text : null;

function seriesState(row: SeriesRow): SeriesState {
  return {
    seriesInstanceUID: row.series_uid,
    modality: row.modality,
    seriesNumber: row.series_number,
    description: row.description,
    bodyPart: row.body_part,
    instances: row.instances,
    bytes: row.bytes,
    setHash: row.set_hash,
  };
}
