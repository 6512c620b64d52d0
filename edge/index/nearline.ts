/**
 * Own studies as the trust's PACS says they are: rows of studies of which the spool may hold nothing.
 *
 *   PacsStudy ─► row (new, or what the PACS says of it) ─► 'nearline' change, told to the hub
 *
 * The spool's objects say what they are themselves: of a study that is there too, only what the objects left
 * empty is taken. Counts of the spool and its set hash are never touched by what a PACS says.
 */
import { foldName } from '../../shared/dicom/person-name.ts';
import { EMPTY_SET_HASH, instanceHash, toggleMember } from '../../shared/set-hash.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { PatientAttributes, StudyAttributes } from './attributes.ts';
import { nearlineOf, type StudyRow } from './rows.ts';

/** A study as a PACS answers it. */
export interface PacsStudy {
  readonly attributes: PatientAttributes & StudyAttributes;
  /** Null: the PACS does not say. */
  readonly series: number | null;
  readonly instances: number | null;
  readonly modalities: readonly string[];
}

export type NearlineOutcome = 'new' | 'changed' | 'same' | 'import';

/** Named parameters of a row. */
interface Values extends PatientAttributes, StudyAttributes {
  readonly issuer: string;
  readonly home: string;
  readonly series: number | null;
  readonly instances: number | null;
  readonly modalities: string;
  readonly nameKey: string | null;
  readonly now: number;
}

interface ReleasedRow {
  readonly instance_key: number;
  readonly series_key: number;
  readonly sop_uid: string;
  readonly home_digest: string;
  readonly data_set_bytes: number;
  readonly path: string;
}

export class NearlineRows {
  readonly #trust: string;
  readonly #namespace: string;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, { trust, namespace }: { trust: string; namespace: string }) {
    this.#trust = trust;
    this.#namespace = namespace;
    this.#statements = prepareStatements(db);
  }

  record(study: PacsStudy, now: number): NearlineOutcome {
    const { studyInstanceUID } = study.attributes;
    const row = this.#statements.find.get(studyInstanceUID, this.#trust);
    if (row === undefined && this.#statements.isImport.get(studyInstanceUID, this.#trust))
      return 'import';
    const values = this.#valuesOf(study, now);
    if (row === undefined) {
      this.#statements.insert.run(values);
      this.#statements.upsertPatient.run(values);
      return 'new';
    }
    if (row.instances > 0) return this.#recordBesideObjects(row, values);
    if (isSame(row, values)) return 'same';
    this.#statements.replace.run({ ...values, studyKey: row.study_key });
    this.#statements.upsertPatient.run(values);
    if (row.patient_id !== values.patientId || row.issuer !== values.issuer)
      this.#statements.dropPatientIfUnused.run(row);
    return 'changed';
  }

  /** No longer held by any PACS. */
  forget(row: StudyRow): void {
    this.#statements.forget.run(row.study_key);
  }

  /** @returns the paths of the objects that were taken out */
  release(row: StudyRow, callers: readonly string[]): string[] {
    const released = this.#statements.releasable.all(row.study_key, JSON.stringify(callers));
    let studyHash = row.set_hash;
    for (const object of released) {
      const hash = instanceHash(object.sop_uid, object.home_digest);
      studyHash = toggleMember(studyHash, hash);
      const seriesHash = this.#statements.seriesHash.pluck().get(object.series_key) as string;
      const lessHash = toggleMember(seriesHash, hash);
      this.#statements.shrinkSeries.run(object.data_set_bytes, lessHash, object.series_key);
      this.#statements.dropInstance.run(object.instance_key);
    }
    this.#statements.dropEmptySeries.run(row.study_key);
    const bytes = released.reduce((sum, { data_set_bytes }) => sum + data_set_bytes, 0);
    this.#statements.shrinkStudy.run({
      ...{ studyKey: row.study_key, objects: released.length, bytes, hash: studyHash },
    });
    return released.map(({ path }) => path);
  }

  #recordBesideObjects(row: StudyRow, values: Values): NearlineOutcome {
    const { series, instances, modalities } = values;
    const before = nearlineOf(row);
    const isSaid =
      before !== null &&
      before.series === series &&
      before.instances === instances &&
      before.modalities.join('\\') === modalities;
    if (isSaid) return 'same';
    this.#statements.say.run({ ...values, studyKey: row.study_key });
    return 'changed';
  }

  #valuesOf({ attributes, series, instances, modalities }: PacsStudy, now: number): Values {
    const issuer = attributes.issuer ?? this.#namespace;
    const { patientId, nhsNumber, patientName } = attributes;
    const known = this.#statements.nhsNumber.pluck().get(this.#trust, patientId, issuer);
    return {
      ...{ ...attributes, issuer, home: this.#trust, series, instances, now },
      nhsNumber: nhsNumber ?? (known as string | null | undefined) ?? null,
      nameKey: patientName === null ? null : foldName(patientName),
      modalities: [...new Set(modalities)].sort().join('\\'),
    };
  }
}

function isSame(row: StudyRow, values: Values): boolean {
  return (
    row.pacs_seen_at !== null &&
    row.pacs_series === values.series &&
    row.pacs_instances === values.instances &&
    row.pacs_modalities === values.modalities &&
    row.patient_id === values.patientId &&
    row.issuer === values.issuer &&
    row.nhs_number === values.nhsNumber &&
    row.patient_name === values.patientName &&
    row.birth_date === values.birthDate &&
    row.sex === values.sex &&
    row.study_date === values.studyDate &&
    row.study_time === values.studyTime &&
    row.study_id === values.studyId &&
    row.accession_number === values.accessionNumber &&
    row.accession_issuer === values.accessionIssuer &&
    row.description === values.studyDescription &&
    row.referring_physician === values.referringPhysician &&
    row.institution === values.institution
  );
}

function prepareStatements(db: Sqlite) {
  return { ...prepareRecording(db), ...prepareReleasing(db) };
}

const PACS_SAYS = `rev = rev + 1, pacs_seen_at = @now, pacs_series = @series,
  pacs_instances = @instances, pacs_modalities = @modalities`;

function prepareRecording(db: Sqlite) {
  return {
    find: db.prepare<[string, string], StudyRow>(
      'SELECT * FROM studies WHERE study_uid = ? AND home = ?',
    ),
    isImport: db.prepare<[string, string], object>(
      'SELECT 1 FROM imports WHERE study_uid = ? AND home <> ?',
    ),
    nhsNumber: db.prepare<[string, string, string]>(
      'SELECT nhs_number FROM patients WHERE home = ? AND patient_id = ? AND issuer = ?',
    ),
    insert: db.prepare(
      `INSERT INTO studies (study_uid, home, rev, patient_id, issuer, nhs_number, patient_name,
         birth_date, sex, study_date, study_time, study_id, accession_number, accession_issuer,
         description, referring_physician, institution, series, instances, bytes, set_hash,
         conflicts, first_at, last_at, name_key, pacs_seen_at, pacs_series, pacs_instances,
         pacs_modalities)
       VALUES (@studyInstanceUID, @home, 1, @patientId, @issuer, @nhsNumber, @patientName,
         @birthDate, @sex, @studyDate, @studyTime, @studyId, @accessionNumber, @accessionIssuer,
         @studyDescription, @referringPhysician, @institution, 0, 0, 0, '${EMPTY_SET_HASH}',
         0, @now, @now, @nameKey, @now, @series, @instances, @modalities)`,
    ),
    replace: db.prepare(
      `UPDATE studies SET ${PACS_SAYS}, patient_id = @patientId, issuer = @issuer,
         nhs_number = @nhsNumber, patient_name = @patientName, birth_date = @birthDate, sex = @sex,
         study_date = @studyDate, study_time = @studyTime, study_id = @studyId,
         accession_number = @accessionNumber, accession_issuer = @accessionIssuer,
         description = @studyDescription, referring_physician = @referringPhysician,
         institution = @institution, name_key = @nameKey
       WHERE study_key = @studyKey`,
    ),
    say: db.prepare(`UPDATE studies SET ${PACS_SAYS} WHERE study_key = @studyKey`),
    forget: db.prepare<[number]>(
      `UPDATE studies SET rev = rev + 1, pacs_seen_at = NULL, pacs_series = NULL,
         pacs_instances = NULL, pacs_modalities = NULL WHERE study_key = ?`,
    ),
    upsertPatient: db.prepare(
      `INSERT INTO patients (home, patient_id, issuer, nhs_number, patient_name, birth_date, sex,
         updated_at)
       VALUES (@home, @patientId, @issuer, @nhsNumber, @patientName, @birthDate, @sex, @now)
       ON CONFLICT DO UPDATE SET nhs_number = coalesce(nhs_number, excluded.nhs_number),
         patient_name = coalesce(patient_name, excluded.patient_name),
         birth_date = coalesce(birth_date, excluded.birth_date), sex = coalesce(sex, excluded.sex)`,
    ),
    dropPatientIfUnused: db.prepare<[Pick<StudyRow, 'home' | 'patient_id' | 'issuer'>]>(
      `DELETE FROM patients WHERE home = @home AND patient_id = @patient_id AND issuer = @issuer
         AND NOT EXISTS (SELECT 1 FROM studies
           WHERE patient_id = @patient_id AND issuer = @issuer AND home = @home)`,
    ),
  };
}

function prepareReleasing(db: Sqlite) {
  return {
    releasable: db.prepare<[number, string], ReleasedRow>(
      `SELECT instance_key, series_key, sop_uid, home_digest, data_set_bytes, path FROM instances
       WHERE series_key IN (SELECT series_key FROM series WHERE study_key = ?)
         AND missing_since IS NULL
         AND calling_ae_title IN (SELECT value FROM json_each(?))`,
    ),
    seriesHash: db.prepare<[number]>('SELECT set_hash FROM series WHERE series_key = ?'),
    shrinkSeries: db.prepare<[bytes: number, hash: string, key: number]>(
      `UPDATE series SET instances = instances - 1, bytes = bytes - ?, set_hash = ?
       WHERE series_key = ?`,
    ),
    dropInstance: db.prepare<[number]>('DELETE FROM instances WHERE instance_key = ?'),
    /** A series with missing objects stays, so that they are still shown. */
    dropEmptySeries: db.prepare<[number]>(
      `DELETE FROM series WHERE study_key = ? AND series_key NOT IN (SELECT series_key FROM instances)`,
    ),
    shrinkStudy: db.prepare(
      `UPDATE studies SET rev = rev + 1, instances = instances - @objects, bytes = bytes - @bytes,
         set_hash = @hash,
         series = (SELECT count(*) FROM series WHERE study_key = @studyKey)
       WHERE study_key = @studyKey`,
    ),
  };
}
