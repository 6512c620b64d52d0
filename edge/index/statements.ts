/** The statements by which the index changes and finds its own rows, prepared once. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import {
  FROM_STORED,
  type InstanceRow,
  type SeriesRow,
  STORED_COLUMNS,
  type StudyRow,
} from './rows.ts';

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: Sqlite) {
  return { ...prepareFinds(db), ...prepareStudyWrites(db), ...prepareObjectWrites(db) };
}

function prepareFinds(db: Sqlite) {
  return {
    findInstance: db.prepare<[sop: string, home: string], InstanceRow>(
      `SELECT ${STORED_COLUMNS}, i.instance_key AS instanceKey, i.series_key AS seriesKey,
         s.study_key AS studyKey, i.missing_since AS missingSince
       ${FROM_STORED} WHERE i.sop_uid = ? AND i.home = ?`,
    ),
    findConflict: db.prepare<[sop: string, home: string, digest: string], { path: string }>(
      'SELECT path FROM instance_conflicts WHERE sop_uid = ? AND home = ? AND content_digest = ?',
    ),
    findStudy: db.prepare<[study: string, home: string], StudyRow>(
      'SELECT * FROM studies WHERE study_uid = ? AND home = ?',
    ),
    findSeries: db.prepare<[study: number, series: string], SeriesRow>(
      'SELECT * FROM series WHERE study_key = ? AND series_uid = ?',
    ),
    seriesByKey: db.prepare<[series: number], SeriesRow>(
      'SELECT * FROM series WHERE series_key = ?',
    ),
    studyByKey: db.prepare<[study: number], StudyRow>('SELECT * FROM studies WHERE study_key = ?'),
  };
}

function prepareStudyWrites(db: Sqlite) {
  return {
    insertStudy: db.prepare(
      `INSERT INTO studies (study_uid, home, rev, patient_id, issuer, nhs_number, patient_name,
         birth_date, sex, study_date, study_time, study_id, accession_number, accession_issuer,
         description, referring_physician, institution, series, instances, bytes, set_hash,
         conflicts, first_at, last_at, name_key)
       VALUES (@studyInstanceUID, @home, 1, @patientId, @issuer, @nhsNumber, @patientName,
         @birthDate, @sex, @studyDate, @studyTime, @studyId, @accessionNumber, @accessionIssuer,
         @studyDescription, @referringPhysician, @institution, 1, 1, @bytes, @setHash,
         0, @now, @now, @nameKey)`,
    ),
    /** What an earlier object of the study left empty is taken from a later one; nothing is replaced. */
    completeStudy: db.prepare(
      `UPDATE studies SET nhs_number = coalesce(nhs_number, @nhsNumber),
         patient_name = coalesce(patient_name, @patientName),
         birth_date = coalesce(birth_date, @birthDate), sex = coalesce(sex, @sex),
         study_date = coalesce(study_date, @studyDate), study_time = coalesce(study_time, @studyTime),
         study_id = coalesce(study_id, @studyId),
         accession_number = coalesce(accession_number, @accessionNumber),
         accession_issuer = coalesce(accession_issuer, @accessionIssuer),
         description = coalesce(description, @studyDescription),
         referring_physician = coalesce(referring_physician, @referringPhysician),
         institution = coalesce(institution, @institution),
         name_key = coalesce(name_key, @nameKey)
       WHERE study_key = @studyKey`,
    ),
    growStudy: db.prepare<
      [series: number, instances: number, bytes: number, hash: string, now: number, key: number]
    >(
      `UPDATE studies SET rev = rev + 1, series = series + ?, instances = instances + ?,
         bytes = bytes + ?, set_hash = ?, last_at = ? WHERE study_key = ?`,
    ),
    /** Once one of its objects said so it stays so: the strictest counts. */
    restrictStudy: db.prepare<[level: 'R' | 'V', study: string, home: string]>(
      `UPDATE studies SET confidentiality = CASE confidentiality WHEN 'V' THEN 'V' ELSE ? END
       WHERE study_uid = ? AND home = ?`,
    ),
    addConflicts: db.prepare<[conflicts: number, study: number]>(
      'UPDATE studies SET rev = rev + 1, conflicts = conflicts + ? WHERE study_key = ?',
    ),
  };
}

function prepareObjectWrites(db: Sqlite) {
  return {
    insertSeries: db.prepare(
      `INSERT INTO series (study_key, series_uid, modality, series_number, description, body_part,
         instances, bytes, set_hash)
       VALUES (@studyKey, @seriesInstanceUID, @modality, @seriesNumber, @seriesDescription, @bodyPart,
         1, @bytes, @setHash)`,
    ),
    growSeries: db.prepare<[instances: number, bytes: number, hash: string, key: number]>(
      `UPDATE series SET instances = instances + ?, bytes = bytes + ?, set_hash = ?
       WHERE series_key = ?`,
    ),
    insertInstance: db.prepare(
      `INSERT INTO instances (sop_uid, home, series_key, sop_class_uid, transfer_syntax_uid, path,
         data_set_offset, data_set_bytes, content_digest, home_digest, instance_number,
         calling_ae_title, received_at)
       VALUES (@sopInstanceUID, @home, @seriesKey, @sopClassUID, @transferSyntaxUID, @path,
         @dataSetOffset, @dataSetBytes, @contentDigest, @homeDigest, @instanceNumber,
         @callingAETitle, @receivedAt)`,
    ),
    setHomeDigest: db.prepare<[digest: string, key: number]>(
      'UPDATE instances SET home_digest = ? WHERE instance_key = ?',
    ),
    setMissing: db.prepare<[now: number, key: number]>(
      'UPDATE instances SET missing_since = ? WHERE instance_key = ?',
    ),
    deleteInstance: db.prepare<[key: number]>('DELETE FROM instances WHERE instance_key = ?'),
    deleteStudy: db.prepare<[key: number]>('DELETE FROM studies WHERE study_key = ?'),
    /** A version whose file somebody removed is replaced by the same bytes, sent again. */
    putConflict: db.prepare(
      `INSERT OR REPLACE INTO instance_conflicts (sop_uid, home, content_digest, home_digest, study_uid,
         series_uid, sop_class_uid, transfer_syntax_uid, path, data_set_offset, data_set_bytes,
         instance_number, study_key, calling_ae_title, received_at)
       VALUES (@sopInstanceUID, @home, @contentDigest, @homeDigest, @studyInstanceUID,
         @seriesInstanceUID, @sopClassUID, @transferSyntaxUID, @path, @dataSetOffset, @dataSetBytes,
         @instanceNumber, @studyKey, @callingAETitle, @receivedAt)`,
    ),
    forgetVersion: db.prepare<[path: string], { studyKey: number }>(
      'DELETE FROM instance_conflicts WHERE path = ? RETURNING study_key AS studyKey',
    ),
    insertImport: db.prepare<[study: string, home: string]>(
      'INSERT OR IGNORE INTO imports VALUES (?, ?)',
    ),
    insertDeletion: db.prepare<[path: string]>('INSERT OR IGNORE INTO deletions VALUES (?)'),
    deletionDone: db.prepare<[path: string]>('DELETE FROM deletions WHERE path = ?'),
    upsertPatientConflict: db.prepare(
      `INSERT INTO patient_conflicts (study_key, patient_id, issuer, sop_uid, instances,
         calling_ae_title, first_at, last_at)
       VALUES (@studyKey, @patientId, @issuer, @sopInstanceUID, 1, @callingAETitle, @now, @now)
       ON CONFLICT DO UPDATE SET instances = instances + 1, last_at = excluded.last_at
       RETURNING instances`,
    ),
    upsertPatient: db.prepare(
      `INSERT INTO patients (home, patient_id, issuer, nhs_number, patient_name, birth_date, sex,
         updated_at)
       VALUES (@home, @patientId, @issuer, @nhsNumber, @patientName, @birthDate, @sex, @now)
       ON CONFLICT DO UPDATE SET nhs_number = coalesce(excluded.nhs_number, nhs_number),
         patient_name = coalesce(excluded.patient_name, patient_name),
         birth_date = coalesce(excluded.birth_date, birth_date),
         sex = coalesce(excluded.sex, sex), updated_at = excluded.updated_at`,
    ),
    deletePatientIfUnused: db.prepare<[{ home: string; patientId: string; issuer: string }]>(
      `DELETE FROM patients WHERE home = @home AND patient_id = @patientId AND issuer = @issuer
         AND NOT EXISTS (SELECT 1 FROM studies WHERE patient_id = @patientId AND issuer = @issuer
           AND home = @home)`,
    ),
    upsertCaller: db.prepare<[ae: string, at: number, modality: string | null]>(
      `INSERT INTO callers (calling_ae_title, last_at, instances, modality) VALUES (?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET last_at = excluded.last_at, instances = instances + 1,
         modality = coalesce(excluded.modality, modality)`,
    ),
  };
}
