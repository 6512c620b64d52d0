/**
 * Objects that a rejection note took back: kept on the disk, in no answer, no count and no set hash.
 * IHE IOCM; IS-41 of the domain notes.
 *
 *   note recorded ─► its objects leave instances, series, study ─► rejections
 *   one of them comes (again) ─► kept aside, unless the note only said that it was kept too long (113039)
 *
 * A note speaks of its own study and home alone. Every function must run in a transaction.
 */
import { instanceHash, toggleMember } from '../../shared/set-hash.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { RejectionNote } from './attributes.ts';
import type { InstanceRow } from './rows.ts';
import type { Statements } from './statements.ts';

/** Retention over: the object may come again. */
const RETENTION_OVER = '113039';

export interface NoteOf {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly noteUID: string;
}

export class Rejections {
  readonly #statements: Statements;
  readonly #own: ReturnType<typeof prepareRejections>;

  constructor(db: Sqlite, statements: Statements) {
    this.#statements = statements;
    this.#own = prepareRejections(db);
  }

  /** Takes back what the note names. */
  apply({ code, sopInstanceUIDs }: RejectionNote, note: NoteOf, now: number): void {
    const { studyInstanceUID, home, noteUID } = note;
    for (const sopInstanceUID of sopInstanceUIDs) {
      if (sopInstanceUID === noteUID) continue;
      const held = this.#statements.findInstance.get(sopInstanceUID, home);
      if (held !== undefined && held.studyInstanceUID !== studyInstanceUID) continue;
      this.#own.put.run({ sopInstanceUID, home, studyInstanceUID, code, noteUID, now });
      if (held !== undefined) this.#takeOut(held, now);
    }
  }

  /**
   * Whether an object that comes is to be kept aside.
   *
   * @returns false: it counts; a note that only ended its retention is void then
   */
  isRejected(object: { sopInstanceUID: string; home: string; studyInstanceUID: string }): boolean {
    const { sopInstanceUID, home, studyInstanceUID } = object;
    const found = this.#own.find.get(sopInstanceUID, home);
    if (found === undefined || found.studyInstanceUID !== studyInstanceUID) return false;
    if (found.code !== RETENTION_OVER) return true;
    this.#own.drop.run(sopInstanceUID, home);
    return false;
  }

  /** The file of an object that does not count stays where it lies. */
  keep(object: Pick<InstanceRow, 'path' | 'studyInstanceUID' | 'home'>): void {
    const { path, studyInstanceUID, home } = object;
    this.#own.keepFile.run(path, studyInstanceUID, home);
  }

  /** The study goes: so do these files. What was rejected stays so. */
  forgetFiles(studyInstanceUID: string, home: string): void {
    this.#own.dropFiles.run(studyInstanceUID, home);
  }

  #takeOut(row: InstanceRow, now: number): void {
    const study = this.#statements.studyByKey.get(row.studyKey);
    const series = this.#statements.seriesByKey.get(row.seriesKey);
    this.#statements.deleteInstance.run(row.instanceKey);
    // A missing one has no file, and is counted nowhere.
    if (study === undefined || series === undefined || row.missingSince !== null) return;
    this.keep(row);
    const hash = instanceHash(row.sopInstanceUID, row.homeDigest);
    const bytes = -row.dataSetBytes;
    this.#statements.growSeries.run(-1, bytes, toggleMember(series.set_hash, hash), row.seriesKey);
    const fewer = this.#own.dropSeries.run(row.seriesKey).changes;
    const setHash = toggleMember(study.set_hash, hash);
    this.#statements.growStudy.run(-fewer, -1, bytes, setHash, now, row.studyKey);
  }
}

function prepareRejections(db: Sqlite) {
  return {
    put: db.prepare<[object]>(
      `INSERT OR REPLACE INTO rejections
       VALUES (@sopInstanceUID, @home, @studyInstanceUID, @code, @noteUID, @now)`,
    ),
    find: db.prepare<[string, string], { code: string; studyInstanceUID: string }>(
      'SELECT code, study_uid AS studyInstanceUID FROM rejections WHERE sop_uid = ? AND home = ?',
    ),
    drop: db.prepare<[string, string]>('DELETE FROM rejections WHERE sop_uid = ? AND home = ?'),
    keepFile: db.prepare<[path: string, study: string, home: string]>(
      'INSERT OR IGNORE INTO rejected_files VALUES (?, ?, ?)',
    ),
    dropFiles: db.prepare<[study: string, home: string]>(
      'DELETE FROM rejected_files WHERE study_uid = ? AND home = ?',
    ),
    dropSeries: db.prepare<[number]>(
      `DELETE FROM series WHERE series_key = ?
         AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.series_key = series.series_key)`,
    ),
  };
}
