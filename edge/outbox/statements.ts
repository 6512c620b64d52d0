/** The statements of the outbox's own tables, prepared once. */
import type { Sqlite } from '../../shared/sqlite/open.ts';

interface EpochRow {
  readonly epoch: number;
  readonly base_row_id: number;
}

export interface DirtyStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly changedAt: number;
  readonly isPending: number;
  readonly announcedAt: number;
}

const DIRTY = `d.study_uid AS studyInstanceUID, d.home AS home, d.changed_at AS changedAt,
  d.is_pending AS isPending, d.announced_at AS announcedAt`;

export function prepareOutbox(db: Sqlite) {
  return {
    /** An idle study is due soon, a growing one a second after it was told last. */
    markDirty: db.prepare(
      `INSERT INTO dirty_studies (study_uid, home, changed_at, is_pending, announced_at, due_at)
       VALUES (@study, @home, @changedAt, 1, 0, @firstDue)
       ON CONFLICT DO UPDATE SET is_pending = 1,
         changed_at = CASE WHEN @changedAt = 0 THEN changed_at ELSE @changedAt END,
         due_at = CASE WHEN is_pending THEN min(due_at, @now + @every)
                  ELSE min(max(announced_at + @every, @now), @now + @every) END`,
    ),
    due: db.prepare<[now: number], DirtyStudy>(
      `SELECT ${DIRTY} FROM dirty_studies d WHERE d.due_at <= ? ORDER BY d.due_at LIMIT 500`,
    ),
    findDirty: db.prepare<[string, string], DirtyStudy>(
      `SELECT ${DIRTY} FROM dirty_studies d WHERE d.study_uid = ? AND d.home = ?`,
    ),
    pending: db.prepare<[], DirtyStudy>(`SELECT ${DIRTY} FROM dirty_studies d WHERE d.is_pending`),
    /** Studies not yet told that were announced on this day, or never. */
    pendingOn: db.prepare<[day: string], DirtyStudy>(
      `SELECT ${DIRTY} FROM dirty_studies d
       JOIN studies t ON t.study_uid = d.study_uid AND t.home = d.home
       WHERE d.is_pending AND (t.announced_day = ? OR t.announced_day IS NULL)`,
    ),
    growing: db.prepare('SELECT count(*) FROM dirty_studies'),
    announced: db.prepare<[now: number, due: number, study: string, home: string]>(
      `UPDATE dirty_studies SET is_pending = 0, announced_at = ?, due_at = ?
       WHERE study_uid = ? AND home = ?`,
    ),
    clean: db.prepare<[study: string, home: string]>(
      'DELETE FROM dirty_studies WHERE study_uid = ? AND home = ?',
    ),
    allStudies: db.prepare<[], { studyInstanceUID: string; home: string }>(
      'SELECT study_uid AS studyInstanceUID, home FROM studies ORDER BY study_key',
    ),
    next: db.prepare<[after: number, limit: number], { row_id: number; body: string; at: number }>(
      'SELECT row_id, body, at FROM outbox WHERE row_id > ? ORDER BY row_id LIMIT ?',
    ),
    lastRow: db.prepare<[], { last: number }>(
      "SELECT seq AS last FROM sqlite_sequence WHERE name = 'outbox'",
    ),
    oldest: db.prepare<[after: number], { at: number }>(
      'SELECT at FROM outbox WHERE row_id > ? ORDER BY row_id LIMIT 1',
    ),
    prune: db.prepare<[through: number]>('DELETE FROM outbox WHERE row_id <= ?'),
    cursor: db.prepare<[], { committed: number }>(
      'SELECT committed_row_id AS committed FROM outbox_cursor',
    ),
    setCursor: db.prepare<[through: number]>(
      'UPDATE outbox_cursor SET committed_row_id = max(committed_row_id, ?)',
    ),
    currentEpoch: db.prepare<[], EpochRow>('SELECT * FROM epochs ORDER BY epoch DESC LIMIT 1'),
    findEpoch: db.prepare<[epoch: number], EpochRow>('SELECT * FROM epochs WHERE epoch = ?'),
    insertEpoch: db.prepare<[epoch: number, base: number, now: number]>(
      'INSERT INTO epochs VALUES (?, ?, ?)',
    ),
    dropOldEpochs: db.prepare<[epoch: number]>('DELETE FROM epochs WHERE epoch < ?'),
  };
}
