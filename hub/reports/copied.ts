/**
 * Which version of each report every trust was given with a copy, as it stands in the log:
 * `cdip.hub.report-copy.<key>`; the newest counts.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export const ReportCopySchema = z.object({
  v: z.literal(1),
  to: z.string(),
  studyInstanceUID: z.string(),
  home: z.string(),
  trust: z.string(),
  reportId: z.string(),
  version: z.int().positive(),
});
export type ReportCopy = z.output<typeof ReportCopySchema>;

export interface CopiedVersion {
  readonly version: number;
  readonly streamSeq: number;
}

/** A token of a subject: one report at one copy. */
export function copyKey(copy: Omit<ReportCopy, 'v' | 'version'>): string {
  const { to, studyInstanceUID, home, trust, reportId } = copy;
  const text = [to, studyInstanceUID, home, trust, reportId].join('\0');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Within the transaction that moves the cursor. @throws ZodError for a body of another version */
export function applyReportCopy(
  db: Sqlite,
  { body, streamSeq }: { readonly body: unknown; readonly streamSeq: number },
): [] {
  const copy = ReportCopySchema.parse(body);
  db.prepare<[string, number, number]>('INSERT OR REPLACE INTO report_copies VALUES (?, ?, ?)').run(
    copyKey(copy),
    copy.version,
    streamSeq,
  );
  return [];
}

export function copiedVersion(db: Sqlite, key: string): CopiedVersion | undefined {
  return db
    .prepare<[string], CopiedVersion>(
      'SELECT version, stream_seq AS streamSeq FROM report_copies WHERE copy_key = ?',
    )
    .get(key);
}

interface StudyKey {
  readonly studyInstanceUID: string;
  readonly home: string;
}

/** Every study of which a trust holds a copy. */
export function copiedStudies(db: Sqlite): StudyKey[] {
  return db
    .prepare<[], StudyKey>(
      'SELECT DISTINCT study_uid AS studyInstanceUID, home FROM studies WHERE trust <> home',
    )
    .all();
}

/** The homes of the copies that trusts hold under a Study Instance UID: one mostly, none for most studies. */
export function homesOfCopies(db: Sqlite, studyInstanceUID: string): string[] {
  return db
    .prepare<[string], string>(
      'SELECT DISTINCT home FROM studies WHERE study_uid = ? AND trust <> home',
    )
    .pluck()
    .all(studyInstanceUID);
}

export function studyOfFetch(db: Sqlite, fetchId: string): StudyKey | undefined {
  return db
    .prepare<[string], StudyKey>(
      'SELECT study_uid AS studyInstanceUID, home FROM fetches WHERE fetch_id = ?',
    )
    .get(fetchId);
}

/** The trusts that hold a copy of the study, or get one. */
export function holdersOfCopies(db: Sqlite, { studyInstanceUID, home }: StudyKey): string[] {
  return db
    .prepare<[object], string>(
      `SELECT trust FROM studies WHERE study_uid = @studyInstanceUID AND home = @home AND trust <> home
       UNION SELECT to_trust FROM fetches
       WHERE study_uid = @studyInstanceUID AND home = @home AND ${IS_OPEN}`,
    )
    .pluck()
    .all({ studyInstanceUID, home });
}

const IS_OPEN = `is_cancelled = 0 AND NOT EXISTS (SELECT 1 FROM fetch_receipts r
  WHERE r.fetch_id = fetches.fetch_id
    AND r.state IN ('available', 'partial', 'failed', 'cancelled', 'expired'))`;

/** Studies that a report may be of: by Study UID, or by accession number at the trust that wrote it. */
export function studiesOfReport(db: Sqlite, trust: string, reportId: string): StudyKey[] {
  return db
    .prepare<[object], StudyKey>(
      `SELECT DISTINCT s.study_uid AS studyInstanceUID, s.home AS home
       FROM report_subjects r JOIN studies s ON r.kind = 'study' AND s.study_uid = r.value
       WHERE r.trust = @trust AND r.report_id = @reportId
       UNION
       SELECT s.study_uid, s.home FROM report_subjects r JOIN studies s
         ON r.kind = 'accession' AND s.accession_number = r.value AND s.home = r.trust
       WHERE r.trust = @trust AND r.report_id = @reportId`,
    )
    .all({ trust, reportId });
}
