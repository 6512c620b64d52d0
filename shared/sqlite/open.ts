/**
 * Opens a SQLite file the way this project uses it: WAL, foreign keys, migrated to the newest schema.
 *
 * `synchronous = NORMAL`: a commit survives kill -9; a power cut may take the newest commits but
 * never corrupts. Who must not lose a commit to a power cut uses {@link commitDurably}.
 */
import Database from 'better-sqlite3';
import { copyBefore, refuseNewer } from './copy-before.ts';
import { planOnce } from './plan-once.ts';

export type Sqlite = Database.Database;

/** One step of a schema. Appended, never edited; its place in the list is its version. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export interface OpenOptions {
  /** False: what is in it can be made again, so it is not copied before its form is changed. */
  readonly copiesBefore?: boolean;
}

/**
 * Opens and migrates; a file that holds something is copied before. Several processes may open the same file.
 *
 * @param path file path, or `:memory:`
 * @throws DataError `DATA_NEWER` when the file's schema is newer than `migrations` knows, `DATA_COPY_NO_ROOM`
 */
export function openSqlite(
  path: string,
  migrations: readonly Migration[],
  { copiesBefore = true }: OpenOptions = {},
): Sqlite {
  const db = new Database(path);
  const prepare = db.prepare.bind(db);
  db.prepare = ((sql: string) => prepare(planOnce(sql))) as typeof db.prepare;
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 10000');
  db.pragma('cache_size = -32000');
  const before = versionOf(db);
  if (copiesBefore && before > 0 && before < migrations.length) copyBefore(db, before);
  migrate(db, migrations);
  return db;
}

const versionOf = (db: Sqlite): number => db.pragma('user_version', { simple: true }) as number;

function migrate(db: Sqlite, migrations: readonly Migration[]): void {
  db.transaction(() => {
    const version = versionOf(db);
    if (version > migrations.length)
      refuseNewer(db.name, { found: version, known: migrations.length });
    for (const migration of migrations.slice(version)) db.exec(migration.sql);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}

/**
 * Runs `work` in a transaction that is on the disk, power cut or not, when this returns.
 * Costs an fsync: for what must never be forgotten, such as the outbox epoch.
 */
export function commitDurably<T>(db: Sqlite, work: () => T): T {
  db.pragma('synchronous = FULL');
  try {
    return db.transaction(work).immediate();
  } finally {
    db.pragma('synchronous = NORMAL');
  }
}
