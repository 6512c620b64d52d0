/**
 * One program a data directory: two of them would overwrite each other's files.
 *
 * A lock that the kernel frees however the program ends, kill -9 included: SQLite holds it on a file.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { codeOf, GatewayError, type Retry } from '../errors.ts';

export class DirectoryInUseError extends GatewayError {
  override readonly name = 'DirectoryInUseError';
  readonly code = 'DATA_DIRECTORY_IN_USE';
  readonly retry: Retry = 'safe';
}

/** @returns how to let go @throws DirectoryInUseError */
export function holdDirectory(dataDirectory: string): () => void {
  mkdirSync(dataDirectory, { recursive: true });
  const db = new Database(join(dataDirectory, 'running.lock'), { timeout: 2_000 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if (!codeOf(cause).startsWith('SQLITE_BUSY')) throw cause;
    throw new DirectoryInUseError(
      `another program runs on ${dataDirectory}: stop it first, or name another dataDirectory`,
      { cause },
    );
  }
  return () => db.close();
}
