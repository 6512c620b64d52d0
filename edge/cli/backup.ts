/**
 * `cdip edge backup FILE`, `cdip edge restore FILE`: what can't be made again from spool and PACS. Configuration, keys,
 * and the database (what RIS and PAS told, commands, queues); the objects themselves are not in it.
 *
 *   database ─VACUUM INTO─► + edge.yaml + nats.seed + directory ─► FILE (tar.gz, for its owner alone)
 *
 * A backup may be made while the edge runs; a restore puts aside what it replaces. Objects that came after the backup
 * and are still in the spool are found and filed by the next start.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { ArchiveError, packArchive, unpackArchive } from '../../shared/archive.ts';
import { auditFile, headFile } from '../../shared/audit/trail.ts';
import { snapshot } from '../../shared/sqlite/copy-before.ts';
import { holdDirectory } from '../../shared/sqlite/hold-directory.ts';
import { type EdgeConfig, natsSeedFile, readEdgeConfig } from '../config.ts';
import { databaseFile } from '../database.ts';
import { directoryFile } from '../transfer/directory.ts';
import { openToRead } from './open-to-read.ts';

const EXIT_FAULT = 1;

/** Prints the path. */
export function backup(config: EdgeConfig, configFile: string, file: string): number {
  const { dataDirectory, trust } = config;
  const db = openToRead(dataDirectory);
  if (db === undefined) {
    process.stderr.write(`cdip edge backup: ${databaseFile(dataDirectory)} can not be read\n`);
    return EXIT_FAULT;
  }
  packArchive(file, `cdip-edge-${trust}`, (into) => {
    snapshot(db, join(into, 'edge.sqlite'));
    keepTrail(dataDirectory, into);
    copyFileSync(configFile, join(into, 'edge.yaml'));
    for (const [name, path] of keptFiles(dataDirectory))
      if (existsSync(path)) copyFileSync(path, join(into, name));
  });
  db.close();
  process.stderr.write(
    "The edge's key and data of patients are in it: keep it as you keep those.\n",
  );
  process.stdout.write(`${file}\n`);
  return 0;
}

/** The head first: rows that come between the two are behind it, which a trail may have. */
function keepTrail(dataDirectory: string, into: string): void {
  if (!existsSync(auditFile(dataDirectory)) || !existsSync(headFile(dataDirectory))) return;
  copyFileSync(headFile(dataDirectory), join(into, 'audit.head'));
  const trail = new Database(auditFile(dataDirectory), { readonly: true });
  snapshot(trail, join(into, 'audit.sqlite'));
  trail.close();
}

/** A trail that is there goes on: what was done since the backup was done. */
function restoreTrail(from: string, dataDirectory: string): void {
  if (existsSync(auditFile(dataDirectory)) || !existsSync(join(from, 'audit.sqlite'))) return;
  copyFileSync(join(from, 'audit.sqlite'), auditFile(dataDirectory));
  copyFileSync(join(from, 'audit.head'), headFile(dataDirectory));
}

const keptFiles = (dataDirectory: string): [name: string, path: string][] => [
  ['nats.seed', natsSeedFile(dataDirectory)],
  ['directory.json', directoryFile(dataDirectory)],
];

/**
 * The edge is stopped. The configuration is restored where there is none.
 *
 * @throws ArchiveError, DirectoryInUseError: nothing has changed
 */
export function restore(configFile: string, file: string): number {
  unpackArchive(file, dirname(configFile), (from) => {
    if (!existsSync(join(from, 'edge.sqlite')))
      throw new ArchiveError(`${file} is no backup of an edge`);
    if (!existsSync(configFile)) copyFileSync(join(from, 'edge.yaml'), configFile);
    const { dataDirectory } = readEdgeConfig(configFile, process.env);
    mkdirSync(dataDirectory, { recursive: true });
    const letGo = holdDirectory(dataDirectory);
    putAside(databaseFile(dataDirectory));
    copyFileSync(join(from, 'edge.sqlite'), databaseFile(dataDirectory));
    restoreTrail(from, dataDirectory);
    for (const [name, path] of keptFiles(dataDirectory))
      if (existsSync(join(from, name))) copyFileSync(join(from, name), path);
    letGo();
  });
  process.stderr.write(
    'Restored. Start the edge: what is in its spool and not in the backup is filed then.\n',
  );
  return 0;
}

/** As `edge.sqlite.replaced`, with what was not yet written into it. */
function putAside(file: string): void {
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${file}.replaced${suffix}`);
}
