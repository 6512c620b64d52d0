/** SQL of the projection. */
import type { DigestEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { prepareRecords } from './apply-record.ts';
import { prepareTeaching } from './apply-teaching.ts';
import { prepareMeasureInbox } from './measure-inbox.ts';

export interface CursorRow {
  readonly epoch: number;
  readonly seq: number;
  readonly streamSeq: number;
  readonly streamCreated: string;
  readonly eventAt: string;
  readonly appliedAt: string;
}

export interface StudySetRow {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly setHash: string;
  readonly series: number;
  readonly instances: number;
  readonly nearlineSeries: number | null;
  readonly nearlineInstances: number | null;
  readonly nearlineModalities: string | null;
}

export interface DigestRow {
  readonly day: string;
  readonly studies: number;
  readonly series: number;
  readonly instances: number;
  readonly equal: number;
  readonly comparedAt: string;
}

type Bucket = DigestEvent['buckets'][number];

export function prepareProjection(db: Sqlite) {
  return {
    ...prepareStudies(db),
    ...prepareDigests(db),
    ...prepareRecords(db),
    ...prepareMeasureInbox(db),
    ...prepareTeaching(db),
    cursor: db.prepare<[string], CursorRow>(
      `SELECT epoch, seq, stream_seq AS streamSeq, stream_created AS streamCreated,
         event_at AS eventAt, applied_at AS appliedAt FROM cursors WHERE trust = ?`,
    ),
    setCursor: db.prepare<[object]>(
      `INSERT INTO cursors VALUES (@trust, @epoch, @seq, @streamSeq, @streamCreated, @eventAt, @appliedAt)
       ON CONFLICT DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
         stream_seq = excluded.stream_seq, stream_created = excluded.stream_created,
         event_at = excluded.event_at, applied_at = excluded.applied_at`,
    ),
    risAnswer: db.prepare<[object]>(
      `INSERT OR REPLACE INTO ris_answers VALUES (@trust, @bookingId, @action, @outcome, @reason, @at)`,
    ),
    receipt: db.prepare<[string, string, string, string, string]>(
      `INSERT INTO fetch_receipts VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET trust = excluded.trust, state = excluded.state, at = excluded.at,
         body = excluded.body`,
    ),
    health: db.prepare<[string, string, string, string]>(
      `INSERT INTO health (trust, at, body, heard_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET at = excluded.at, body = excluded.body, heard_at = excluded.heard_at
       WHERE excluded.heard_at >= health.heard_at`,
    ),
    findHealth: db.prepare<[string], { at: string; body: string }>(
      'SELECT at, body FROM health WHERE trust = ?',
    ),
    unreadable: db.prepare(
      `INSERT INTO unreadable (stream, stream_seq, at, code, detail, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    dropOldUnreadable: db.prepare<[string, string, number]>(
      `DELETE FROM unreadable WHERE stream = ? AND id <= (
         SELECT id FROM unreadable WHERE stream = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    ),
  };
}

function prepareStudies(db: Sqlite) {
  return {
    upsertStudy: db.prepare(
      `INSERT INTO studies VALUES (@trust, @studyInstanceUID, @home, @rev, @quiet, @patientId, @issuer,
         @nhsNumber, @name, @birthDate, @sex, @studyDate, @studyTime, @studyId, @accessionNumber,
         @accessionIssuer, @description, @referringPhysician, @institution, @modalities,
         @seriesCount, @instances, @bytes, @setHash, @conflicts, @day, @at, @appliedAt,
         @onlineInstances, @nearlineSeries, @nearlineInstances, @nearlineModalities, @rejected, @complete,
         @level)
       ON CONFLICT DO UPDATE SET rev = excluded.rev, quiet = excluded.quiet,
         patient_id = excluded.patient_id, patient_issuer = excluded.patient_issuer,
         nhs_number = excluded.nhs_number, patient_name = excluded.patient_name,
         birth_date = excluded.birth_date, sex = excluded.sex, study_date = excluded.study_date,
         study_time = excluded.study_time, study_id = excluded.study_id,
         accession_number = excluded.accession_number, accession_issuer = excluded.accession_issuer,
         description = excluded.description, referring_physician = excluded.referring_physician,
         institution = excluded.institution, modalities = excluded.modalities,
         series = excluded.series, instances = excluded.instances, bytes = excluded.bytes,
         set_hash = excluded.set_hash, conflicts = excluded.conflicts, day = excluded.day,
         event_at = excluded.event_at, applied_at = excluded.applied_at,
         online_instances = excluded.online_instances, nearline_series = excluded.nearline_series,
         nearline_instances = excluded.nearline_instances,
         nearline_modalities = excluded.nearline_modalities, rejected = excluded.rejected,
         complete = excluded.complete, level = excluded.level`,
    ),
    deleteStudy: db.prepare<[string, string, string]>(
      'DELETE FROM studies WHERE trust = ? AND study_uid = ? AND home = ?',
    ),
    withdraw: db.prepare<[study: string, home: string, at: string]>(
      'INSERT OR REPLACE INTO withdrawn VALUES (?, ?, ?)',
    ),
    restore: db.prepare<[study: string, home: string]>(
      'DELETE FROM withdrawn WHERE study_uid = ? AND home = ?',
    ),
    deleteSeries: db.prepare<[string, string, string]>(
      'DELETE FROM series WHERE trust = ? AND study_uid = ? AND home = ?',
    ),
    insertSeries: db.prepare(
      `INSERT INTO series VALUES (@trust, @studyInstanceUID, @home, @seriesInstanceUID, @modality,
         @seriesNumber, @description, @bodyPart, @instances, @bytes, @setHash)`,
    ),
    studiesOn: db.prepare<[string, string], StudySetRow>(
      `SELECT study_uid AS studyInstanceUID, home, set_hash AS setHash, series, instances,
         nearline_series AS nearlineSeries, nearline_instances AS nearlineInstances,
         nearline_modalities AS nearlineModalities
       FROM studies WHERE trust = ? AND day = ?`,
    ),
    daysOf: db.prepare<[string]>('SELECT DISTINCT day FROM studies WHERE trust = ?'),
    held: db.prepare<[string], { studies: number; series: number; instances: number }>(
      `SELECT count(*) AS studies, coalesce(sum(series), 0) AS series,
         coalesce(sum(instances), 0) AS instances FROM studies WHERE trust = ?`,
    ),
  };
}

function prepareDigests(db: Sqlite) {
  return {
    setDigest: db.prepare<[Bucket & { trust: string; equal: number; saidAt: string; now: string }]>(
      `INSERT INTO digests VALUES (@trust, @day, @studies, @series, @instances, @digest, @equal,
         @saidAt, @now)
       ON CONFLICT DO UPDATE SET studies = excluded.studies, series = excluded.series,
         instances = excluded.instances, digest = excluded.digest, equal = excluded.equal,
         said_at = excluded.said_at, compared_at = excluded.compared_at`,
    ),
    dropDigest: db.prepare<[string, string]>('DELETE FROM digests WHERE trust = ? AND day = ?'),
    digestDays: db.prepare<[string]>('SELECT day FROM digests WHERE trust = ?'),
    digests: db.prepare<[string], DigestRow>(
      `SELECT day, studies, series, instances, equal, compared_at AS comparedAt
       FROM digests WHERE trust = ?`,
    ),
    differing: db.prepare<[string]>('SELECT day FROM digests WHERE trust = ? AND equal = 0'),
  };
}

export type ProjectionStatements = ReturnType<typeof prepareProjection>;
