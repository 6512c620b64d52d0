/**
 * Reports of all trusts: the version in force of each, and of what it is. A report belongs to a study by
 * Study UID, else by the accession number of the same trust, and only where both are of one patient.
 */
import type { ReportEvent, ReportStatus } from '../../shared/contract/events.ts';
import { newestFirst } from '../../shared/contract/report-order.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface ReportVersionView {
  readonly version: number;
  readonly status: ReportStatus;
  readonly issuedAt: string;
  readonly title: string | null;
  readonly author: string | null;
  /** Null for a version of a report that was withdrawn: a tombstone shows no text. */
  readonly text: string | null;
  readonly isCut: boolean;
  readonly document: ReportEvent['document'];
}

/** The version in force, and the others behind it. */
export interface ReportView extends ReportVersionView {
  readonly trust: string;
  readonly reportId: string;
  readonly patientId: string;
  readonly issuer: string;
  readonly accessionNumbers: readonly string[];
  readonly studyInstanceUIDs: readonly string[];
  readonly earlier: readonly ReportVersionView[];
}

interface PatientOfTrust {
  readonly trust: string;
  readonly patientId: string;
  readonly issuer: string;
}

/** Newest first. */
export function reportsOf(db: Sqlite, identities: readonly PatientOfTrust[]): ReportView[] {
  const find = db
    .prepare<[string, string, string], string>(
      `SELECT DISTINCT report_id FROM report_versions WHERE trust = ? AND patient_id = ? AND issuer = ?`,
    )
    .pluck();
  return identities
    .flatMap(({ trust, patientId, issuer }) =>
      find
        .all(trust, patientId, issuer)
        .flatMap((reportId) => findReport(db, trust, reportId) ?? []),
    )
    .sort((a, b) => (a.issuedAt > b.issuedAt ? -1 : 1));
}

/** @param patients the identities of the study's patient at its home, merged numbers included */
export function reportsOfStudy(
  db: Sqlite,
  study: { studyInstanceUID: string; home: string; accessionNumber: string | null },
  patients: readonly PatientOfTrust[],
): ReportView[] {
  const found = db
    .prepare<[object], { trust: string; reportId: string }>(
      `SELECT trust, report_id AS reportId FROM report_subjects WHERE kind = 'study' AND value = @uid
       UNION
       SELECT trust, report_id FROM report_subjects
       WHERE kind = 'accession' AND value = @accession AND trust = @home`,
    )
    .all({ uid: study.studyInstanceUID, accession: study.accessionNumber, home: study.home });
  const isOfPatient = (report: ReportView): boolean =>
    patients.some(
      ({ trust, patientId, issuer }) =>
        trust === report.trust && patientId === report.patientId && issuer === report.issuer,
    );
  return found
    .flatMap(({ trust, reportId }) => findReport(db, trust, reportId) ?? [])
    .filter(isOfPatient)
    .sort((a, b) => (a.issuedAt > b.issuedAt ? -1 : 1));
}

export function findReport(db: Sqlite, trust: string, reportId: string): ReportView | undefined {
  const rows = db
    .prepare<[string, string], string>(
      'SELECT body FROM report_versions WHERE trust = ? AND report_id = ?',
    )
    .pluck()
    .all(trust, reportId);
  const versions = rows.map((body) => JSON.parse(body) as ReportEvent).sort(newestFirst);
  const [current, ...earlier] = versions;
  if (current === undefined) return undefined;
  const isWithdrawn = current.status === 'withdrawn';
  return {
    ...versionView(current, isWithdrawn),
    ...{ trust, reportId, patientId: current.patient.patientId, issuer: current.patient.issuer },
    accessionNumbers: [...new Set(versions.flatMap((one) => one.accessionNumbers))],
    studyInstanceUIDs: [...new Set(versions.flatMap((one) => one.studyInstanceUIDs))],
    earlier: earlier.map((one) => versionView(one, isWithdrawn)),
  };
}

function versionView(event: ReportEvent, isWithdrawn: boolean): ReportVersionView {
  const { version, status, issuedAt, title, author, text, isCut, document } = event;
  return {
    version,
    status,
    issuedAt,
    title,
    author,
    text: isWithdrawn ? null : text,
    isCut,
    document,
  };
}
