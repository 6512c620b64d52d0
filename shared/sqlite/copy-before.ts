/**
 * The copy of a database that is made before its form is changed, beside it: `edge.sqlite.schema-37`. An older
 * version of the program can go on with it.
 */
import {
  closeSync,
  fsyncSync,
  globSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { DataError } from './data-error.ts';

const KEPT = 2;

/** @returns its path, durable @throws DataError `DATA_COPY_NO_ROOM`: the database is as it was */
export function copyBefore(db: Database.Database, version: number): string {
  const file = `${db.name}.schema-${version}`;
  requireRoom(db.name);
  snapshot(db, file);
  const copies = copiesOf(db.name);
  for (const old of copies.slice(0, -KEPT)) rmSync(old, { force: true });
  return file;
}

/** A whole and durable copy of what is committed, also while others write. The file is replaced. */
export function snapshot(db: Database.Database, file: string): void {
  rmSync(`${file}.new`, { force: true });
  db.prepare('VACUUM INTO ?').run(`${file}.new`);
  const fd = openSync(`${file}.new`, 'r+');
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.new`, file);
}

/** @throws DataError `DATA_NEWER` */
export function refuseNewer(
  file: string,
  { found, known, of = '' }: { found: number; known: number; of?: string },
): never {
  const [copy] = copiesOf(file).toReversed();
  const way =
    copy === undefined
      ? 'install that version again'
      : `install that version again; or, with the program stopped, put the copy from before it in place: "cp ${copy} ${file}" and remove ${file}-wal and ${file}-shm`;
  throw new DataError(
    'DATA_NEWER',
    `${file} was written by a newer version of the program (schema ${found}${of}, this one knows ${known}): ${way}`,
  );
}

/** The oldest first. */
function copiesOf(file: string): string[] {
  const numberOf = (path: string): number => Number(/\.schema-(\d+)$/.exec(path)?.[1] ?? -1);
  return globSync(`${basename(file)}.schema-*`, { cwd: dirname(file) })
    .filter((name) => numberOf(name) >= 0)
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map((name) => join(dirname(file), name));
}

function requireRoom(file: string): void {
  const { bavail, bsize } = statfsSync(dirname(file));
  const needed = statSync(file).size * 1.1;
  const free = bavail * bsize;
  if (free > needed) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new DataError(
    'DATA_COPY_NO_ROOM',
    `before ${file} is changed to its new form it is copied: ${megabytes(needed)} are needed there, ${megabytes(free)} are free; make room, or install the version before again`,
  );
}
