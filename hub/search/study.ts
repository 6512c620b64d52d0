/** One study with its series, as each trust that claims it as its own tells it, and who holds it. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { type StudyRow, type StudyView, viewStudy } from './rows.ts';
import { notWithdrawn } from './studies.ts';

export interface SeriesView {
  readonly seriesInstanceUID: string;
  readonly modality: string | null;
  readonly seriesNumber: number | null;
  readonly description: string | null;
  readonly bodyPart: string | null;
  readonly numberOfInstances: number;
  readonly bytes: number;
  readonly setHash: string;
}

export interface StudyDetail extends StudyView {
  readonly series: readonly SeriesView[];
}

/** A trust that holds the study, as own study or as copy: what a fetch chooses its source from. */
export interface Holder {
  readonly trust: string;
  readonly home: string;
  readonly instances: number;
  readonly bytes: number;
  readonly setHash: string;
  readonly quiet: boolean;
}

interface SeriesRow {
  readonly series_uid: string;
  readonly modality: string | null;
  readonly series_number: number | null;
  readonly description: string | null;
  readonly body_part: string | null;
  readonly instances: number;
  readonly bytes: number;
  readonly set_hash: string;
}

/**
 * @returns one entry per home; more than one when several trusts claim the same UID as their own
 * study, then each carries the warning `CLAIMED_BY_SEVERAL`; none when nobody holds it
 */
export function findStudy(db: Sqlite, studyInstanceUID: string): StudyDetail[] {
  return db.transaction((): StudyDetail[] => {
    const byHome = Map.groupBy(rowsOf(db, studyInstanceUID), (row) => row.home);
    const studies = [...byHome.values()].flatMap((held) => {
      const shown = held.find((row) => row.trust === row.home) ?? held[0];
      return shown === undefined
        ? []
        : [{ ...viewStudy(shown, held), series: seriesOf(db, shown) }];
    });
    return studies.length < 2 ? studies : studies.map((study) => claimed(study, studies));
  })();
}

/** A study that its home does not hold any more. */
export interface Withdrawal {
  readonly home: string;
  readonly withdrawnAt: string;
}

/** The newest; undefined when no home took it back. */
export function findWithdrawal(db: Sqlite, studyInstanceUID: string): Withdrawal | undefined {
  const sql = `SELECT home, withdrawn_at AS withdrawnAt FROM withdrawn WHERE study_uid = ?
    ORDER BY withdrawn_at DESC LIMIT 1`;
  return statement<Withdrawal>(db, sql).get(studyInstanceUID);
}

/** Who holds the study, own studies before copies. */
export function findHolders(db: Sqlite, studyInstanceUID: string): Holder[] {
  return rowsOf(db, studyInstanceUID).map((row) => ({
    trust: row.trust,
    home: row.home,
    instances: row.instances,
    bytes: row.bytes,
    setHash: row.set_hash,
    quiet: row.quiet === 1,
  }));
}

function rowsOf(db: Sqlite, studyInstanceUID: string): StudyRow[] {
  const sql = `SELECT * FROM studies s WHERE study_uid = ? AND ${notWithdrawn('s')}
    ORDER BY trust <> home, home, trust`;
  return statement<StudyRow>(db, sql).all(studyInstanceUID);
}

function seriesOf(db: Sqlite, row: StudyRow): SeriesView[] {
  const sql = `SELECT * FROM series WHERE trust = ? AND study_uid = ? AND home = ?
    ORDER BY series_number IS NULL, series_number, series_uid`;
  const rows = statement<SeriesRow>(db, sql).all(row.trust, row.study_uid, row.home);
  return rows.map((series) => ({
    seriesInstanceUID: series.series_uid,
    modality: series.modality,
    seriesNumber: series.series_number,
    description: series.description,
    bodyPart: series.body_part,
    numberOfInstances: series.instances,
    bytes: series.bytes,
    setHash: series.set_hash,
  }));
}

function claimed(study: StudyDetail, all: readonly StudyDetail[]): StudyDetail {
  const detail = `${all.map((one) => one.home).join(', ')} each hold this UID as a study of their own`;
  return { ...study, warnings: [...study.warnings, { code: 'CLAIMED_BY_SEVERAL', detail }] };
}
