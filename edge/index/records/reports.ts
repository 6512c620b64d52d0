/**
 * Reports and their versions. Every version is kept; the one in force is the newest by its issue, a
 * preliminary one only while there is no other, and a withdrawn one as a tombstone. HL-06 to HL-08.
 */
import { createHash } from 'node:crypto';
import type { EventBody, ReportEvent, ReportStatus } from '../../../shared/contract/events.ts';
import { inForce } from '../../../shared/contract/report-order.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { KnownPatients } from './known-patients.ts';
import { belongsTo } from './owner.ts';
import type { PatientKey, ReportFacts } from './types.ts';

/** Of the text so much goes to the hub: a message of the broker has at most 1 MB. */
const MAX_TOLD_CHARACTERS = 150_000;

interface ReportRow extends PatientKey {
  readonly reportKey: number;
  readonly reportId: string;
}

export interface ReportVersion {
  readonly version: number;
  readonly status: ReportStatus;
  readonly issuedAt: string;
  readonly title: string | null;
  readonly author: string | null;
  readonly authorOrganisation: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly text: string;
  readonly mediaType: string | null;
  readonly documentBytes: number | null;
}

export class Reports {
  readonly #patients: KnownPatients;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, patients: KnownPatients) {
    this.#patients = patients;
    this.#statements = prepareStatements(db);
  }

  /**
   * Keeps a version, once.
   *
   * @returns its number; undefined when the same was here
   * @throws RecordError `HL7_OTHER_PATIENT`
   */
  tell(patient: PatientKey, report: ReportFacts, now: number): number | undefined {
    const held = this.#statements.find.get(report.reportId);
    if (held !== undefined) belongsTo(this.#patients, held, patient, 'report');
    const key =
      held?.reportKey ??
      Number(
        this.#statements.insert.run(report.reportId, patient.patientId, patient.issuer)
          .lastInsertRowid,
      );
    for (const number of report.accessionNumbers) this.#statements.addAccession.run(key, number);
    for (const uid of report.studyInstanceUIDs) this.#statements.addStudy.run(key, uid);
    const digest = digestOf(report);
    if (this.#statements.findDigest.get(key, digest) !== undefined) return undefined;
    const { version: last } = this.#statements.last.get(key) as { version: number };
    this.#statements.addVersion.run({
      key,
      version: last + 1,
      status: report.status,
      issuedAt: report.issuedAt,
      title: report.title,
      author: report.author,
      authorOrganisation: report.authorOrganisation,
      startedAt: report.startedAt,
      endedAt: report.endedAt,
      text: this.#whole(key, report),
      mediaType: report.document?.mediaType ?? null,
      document: report.document?.bytes ?? null,
      digest,
      now,
    });
    return last + 1;
  }

  /** An addendum that comes alone is read behind what it adds to; a withdrawal says nothing but that. */
  #whole(key: number, { isAddendum, text }: ReportFacts): string {
    const before = isAddendum ? inForce(this.#statements.versions.all(key)) : undefined;
    return before === undefined || before.text === '' ? text : `${before.text}\n\n${text}`;
  }

  /** Oldest first, as they came. */
  versionsOf(reportId: string): ReportVersion[] {
    const row = this.#statements.find.get(reportId);
    return row === undefined ? [] : this.#statements.versions.all(row.reportKey);
  }

  current(reportId: string): ReportVersion | undefined {
    return inForce(this.versionsOf(reportId));
  }

  eventOf(reportId: string, version: number): EventBody<ReportEvent> | undefined {
    const row = this.#statements.find.get(reportId);
    const found = row && this.#statements.version.get(row.reportKey, version);
    if (row === undefined || found === undefined) return undefined;
    const { mediaType, documentBytes, text, ...told } = found;
    return {
      ...told,
      kind: 'report',
      reportId,
      patient: this.#patients.patientOf({ patientId: row.patientId, issuer: row.issuer }),
      accessionNumbers: this.#statements.accessions.pluck().all(row.reportKey) as string[],
      studyInstanceUIDs: this.#statements.studies.pluck().all(row.reportKey) as string[],
      text: text.slice(0, MAX_TOLD_CHARACTERS),
      isCut: text.length > MAX_TOLD_CHARACTERS,
      document: mediaType === null ? null : { mediaType, bytes: documentBytes ?? 0 },
    };
  }

  idsAfter(after: string, limit: number): string[] {
    return this.#statements.after.pluck().all(after, limit) as string[];
  }
}

/** What makes a version another one. */
function digestOf({ status, issuedAt, title, author, text, document }: ReportFacts): string {
  return createHash('sha256')
    .update(JSON.stringify([status, issuedAt, title, author, text]))
    .update(document?.bytes ?? '')
    .digest('hex');
}

const VERSION = `version, status, issued_at AS issuedAt, title, author,
  author_organisation AS authorOrganisation, started_at AS startedAt, ended_at AS endedAt, text,
  media_type AS mediaType,
  length(document) AS documentBytes`;

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], ReportRow>(
      `SELECT report_key AS reportKey, report_id AS reportId, patient_id AS patientId, issuer
       FROM reports WHERE report_id = ?`,
    ),
    insert: db.prepare<[string, string, string]>(
      'INSERT INTO reports (report_id, patient_id, issuer) VALUES (?, ?, ?)',
    ),
    addAccession: db.prepare<[number, string]>(
      'INSERT OR IGNORE INTO report_accessions VALUES (?, ?)',
    ),
    addStudy: db.prepare<[number, string]>('INSERT OR IGNORE INTO report_studies VALUES (?, ?)'),
    accessions: db.prepare<[number]>(
      'SELECT accession_number FROM report_accessions WHERE report_key = ?',
    ),
    studies: db.prepare<[number]>('SELECT study_uid FROM report_studies WHERE report_key = ?'),
    findDigest: db.prepare<[number, string]>(
      'SELECT version FROM report_versions WHERE report_key = ? AND digest = ?',
    ),
    last: db.prepare<[number], { version: number }>(
      'SELECT coalesce(max(version), 0) AS version FROM report_versions WHERE report_key = ?',
    ),
    versions: db.prepare<[number], ReportVersion>(
      `SELECT ${VERSION} FROM report_versions WHERE report_key = ? ORDER BY version`,
    ),
    version: db.prepare<[number, number], ReportVersion>(
      `SELECT ${VERSION} FROM report_versions WHERE report_key = ? AND version = ?`,
    ),
    addVersion: db.prepare<[object]>(
      `INSERT INTO report_versions (report_key, version, status, issued_at, title, author, text,
         media_type, document, digest, received_at, author_organisation, started_at, ended_at)
       VALUES (@key, @version, @status, @issuedAt, @title, @author, @text, @mediaType, @document,
         @digest, @now, @authorOrganisation, @startedAt, @endedAt)`,
    ),
    after: db.prepare<[string, number]>(
      'SELECT report_id FROM reports WHERE report_id > ? ORDER BY report_id LIMIT ?',
    ),
  };
}
