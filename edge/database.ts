/**
 * Opens `<dataDirectory>/edge.sqlite`, the one database of an edge.
 *
 * Each part of the edge has its own list of migrations, and its own version in `schema_versions`, so
 * that a part can append a step without moving the others'.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { copyBefore, refuseNewer } from '../shared/sqlite/copy-before.ts';
import { type Migration, openSqlite, type Sqlite } from '../shared/sqlite/open.ts';
import { recordsSchema } from './index/records/schema.ts';
import { indexSchema } from './index/schema.ts';
import { outboxSchema } from './outbox/schema.ts';
import { giveUpBallast, keepBallast } from './spool/ballast.ts';
import { spoolSchema } from './spool/schema.ts';

/** Parts and their migrations, in the order in which they are applied. Names are kept for ever. */
export type SchemaParts = Readonly<Record<string, readonly Migration[]>>;

export const databaseFile = (dataDirectory: string): string => join(dataDirectory, 'edge.sqlite');

/** The parts that all others build on. */
export const basicParts: SchemaParts = {
  index: indexSchema,
  records: recordsSchema,
  spool: spoolSchema,
  outbox: outboxSchema,
};

/**
 * @param further the parts that build on these: `{ commands: commandsSchema, deliver: deliverSchema }`
 * @throws DataError `DATA_NEWER` when the file's schema is newer than this program, `DATA_COPY_NO_ROOM`
 */
export function openEdgeDatabase(dataDirectory: string, further: SchemaParts = {}): Sqlite {
  const db = openEvenWhenFull(dataDirectory);
  // A checkpoint syncs twice: rarer and larger ones hold up ingest less.
  db.pragma('wal_autocheckpoint = 4000');
  try {
    migrateParts(db, { ...basicParts, ...further });
  } catch (error) {
    db.close();
    throw error;
  }
  keepBallast(dataDirectory);
  return db;
}

function migrateParts(db: Sqlite, parts: SchemaParts): void {
  copyIfOlder(db, parts);
  db.transaction(() => {
    db.exec(`CREATE TABLE IF NOT EXISTS schema_versions (
      part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`);
    for (const [part, migrations] of Object.entries(parts)) migratePart(db, part, migrations);
  }).immediate();
}

/** What is there is copied before its form is changed; parts that are new change nothing of it. */
function copyIfOlder(db: Sqlite, parts: SchemaParts): void {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'").get();
  if (isThere === undefined) return;
  const rows = db
    .prepare<[], { part: string; version: number }>('SELECT part, version FROM schema_versions')
    .all();
  const isOlder = rows.some(({ part, version }) => version < (parts[part]?.length ?? 0));
  if (isOlder)
    copyBefore(
      db,
      rows.reduce((sum, { version }) => sum + version, 0),
    );
}

/** A disk that something else filled must not keep the edge from starting: the ballast goes first. */
function openEvenWhenFull(dataDirectory: string): Sqlite {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o750 });
  const file = databaseFile(dataDirectory);
  try {
    return openUnread(file);
  } catch (error) {
    if (!giveUpBallast(dataDirectory)) throw error;
    return openUnread(file);
  }
}

/** It names patients: its owner and group read it, nobody else. SQLite gives the files beside it the same mode. */
function openUnread(file: string): Sqlite {
  closeSync(openSync(file, 'a', 0o640));
  chmodSync(file, 0o640);
  return openSqlite(file, []);
}

function migratePart(db: Sqlite, part: string, migrations: readonly Migration[]): void {
  const version =
    db
      .prepare<[string], number>('SELECT version FROM schema_versions WHERE part = ?')
      .pluck()
      .get(part) ?? 0;
  if (version > migrations.length)
    refuseNewer(db.name, { found: version, known: migrations.length, of: ` of ${part}` });
  // Nothing is written when nothing is new: a program must start on a full disk.
  if (version === migrations.length) return;
  for (const migration of migrations.slice(version)) db.exec(migration.sql);
  db.prepare(
    'INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version',
  ).run(part, migrations.length);
}
