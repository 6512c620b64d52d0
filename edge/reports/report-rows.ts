/** SQL of the reports that come with copies. */
import type { CopiedReport, ReportCommand } from '../../shared/contract/commands.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { EXPLICIT_LITTLE_ENDIAN } from '../documents/document-parts.ts';
import type { DocumentFile } from '../documents/write-document.ts';
import type { StoredInstance } from '../index/types.ts';
import { BASIC_TEXT_SR } from './report-document.ts';

export interface ReportRow {
  readonly reportKey: number;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly report: CopiedReport;
  readonly receivedAt: number;
  readonly path: string | null;
  readonly deliveryId: string | null;
}

/** Where the copy of a study goes: by its newest fetch. */
export interface Destination {
  /** Null: the peer that imports. */
  readonly peer: string | null;
  readonly isDelivered: boolean;
  readonly priority: number;
}

export class ReportRows {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** The newest that the hub told is in force: an older one that has not gone yet never goes. */
  put({ studyInstanceUID, home, report }: ReportCommand, now: number): void {
    const { trust, reportId, version } = report;
    const name = { studyInstanceUID, home, trust, reportId };
    const body = JSON.stringify(report);
    const { lastInsertRowid, changes } = this.#statements.insert.run({
      ...{ ...name, version, body, now },
    });
    if (changes > 0) this.#statements.supersede.run({ ...name, newest: lastInsertRowid, now });
  }

  /** The study is fetched again: the newest version of each report is delivered again. */
  reopen(studyInstanceUID: string, home: string): void {
    this.#statements.reopen.run(studyInstanceUID, home);
  }

  open(): ReportRow[] {
    return this.#statements.open
      .all()
      .map(({ body, ...row }) => ({ ...row, report: JSON.parse(body) as CopiedReport }));
  }

  /** The version that the trust was given before; null: none. */
  deliveredBefore({ studyInstanceUID, home, report, reportKey }: ReportRow): number | null {
    const { trust, reportId } = report;
    const name = { studyInstanceUID, home, trust, reportId, reportKey };
    return this.#statements.before.pluck().get(name) ?? null;
  }

  destinationOf({
    studyInstanceUID,
    home,
  }: Pick<ReportRow, 'studyInstanceUID' | 'home'>): Destination | undefined {
    const row = this.#statements.destination.get(studyInstanceUID, home);
    return row && { ...row, isDelivered: row.deliver === 1 };
  }

  setDocument(reportKey: number, file: DocumentFile, deliveryId: string): void {
    this.#statements.setDocument.run({ ...file, reportKey, deliveryId });
  }

  /** @returns the path of its file, which goes */
  done({ reportKey, path }: ReportRow, now: number): string | null {
    this.#statements.done.run(now, reportKey);
    return path;
  }

  /** As the index finds an object. */
  findInstance(sopInstanceUID: string): StoredInstance | undefined {
    return this.#statements.find.get(sopInstanceUID);
  }
}

const SAME_REPORT =
  'study_uid = @studyInstanceUID AND home = @home AND trust = @trust AND report_id = @reportId';

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare<[object]>(
      `INSERT INTO copy_reports (study_uid, home, trust, report_id, version, body, received_at)
       VALUES (@studyInstanceUID, @home, @trust, @reportId, @version, @body, @now)
       ON CONFLICT DO NOTHING`,
    ),
    supersede: db.prepare<[object]>(
      `UPDATE copy_reports SET done_at = @now
       WHERE ${SAME_REPORT} AND report_key <> @newest AND done_at IS NULL AND delivery_id IS NULL`,
    ),
    reopen: db.prepare<[string, string]>(
      `UPDATE copy_reports SET done_at = NULL, delivery_id = NULL
       WHERE study_uid = ? AND home = ? AND done_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM copy_reports n WHERE n.study_uid = copy_reports.study_uid
           AND n.home = copy_reports.home AND n.trust = copy_reports.trust
           AND n.report_id = copy_reports.report_id AND n.report_key > copy_reports.report_key)`,
    ),
    open: db.prepare<[], Omit<ReportRow, 'report'> & { body: string }>(
      `SELECT report_key AS reportKey, study_uid AS studyInstanceUID, home, body,
         received_at AS receivedAt, path, delivery_id AS deliveryId
       FROM copy_reports WHERE done_at IS NULL ORDER BY report_key LIMIT 1000`,
    ),
    before: db.prepare<[object], number>(
      `SELECT version FROM copy_reports
       WHERE ${SAME_REPORT} AND report_key < @reportKey AND delivery_id IS NOT NULL
       ORDER BY report_key DESC LIMIT 1`,
    ),
    destination: db.prepare<
      [string, string],
      { peer: string | null; deliver: number; priority: number }
    >(
      `SELECT peer, deliver, priority FROM fetches
       WHERE study_uid = ? AND home = ? AND is_cancelled = 0 ORDER BY received_at DESC LIMIT 1`,
    ),
    setDocument: db.prepare<[object]>(
      `UPDATE copy_reports SET sop_uid = @sopInstanceUID, series_uid = @seriesInstanceUID,
         path = @path, data_set_offset = @dataSetOffset, data_set_bytes = @dataSetBytes,
         content_digest = @contentDigest, delivery_id = @deliveryId WHERE report_key = @reportKey`,
    ),
    done: db.prepare<[number, number]>('UPDATE copy_reports SET done_at = ? WHERE report_key = ?'),
    find: db.prepare<[string], StoredInstance>(
      `SELECT sop_uid AS sopInstanceUID, '${BASIC_TEXT_SR}' AS sopClassUID,
         study_uid AS studyInstanceUID, series_uid AS seriesInstanceUID, home,
         '${EXPLICIT_LITTLE_ENDIAN}' AS transferSyntaxUID, path, data_set_offset AS dataSetOffset,
         data_set_bytes AS dataSetBytes, content_digest AS contentDigest,
         content_digest AS homeDigest, version AS instanceNumber
       FROM copy_reports WHERE sop_uid = ?`,
    ),
  };
}
