/** The edge's database for a command that only looks, and must not change its form. */
import Database from 'better-sqlite3';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { databaseFile } from '../database.ts';

/** Undefined: there is none yet, or a full disk keeps it from being opened. */
export function openToRead(dataDirectory: string): Sqlite | undefined {
  try {
    const db = new Database(databaseFile(dataDirectory), { readonly: true });
    db.prepare('SELECT 1 FROM sqlite_schema').get();
    return db;
  } catch {
    return undefined;
  }
}
