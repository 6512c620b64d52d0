/**
 * `cdip hub backup FILE`, `cdip hub restore FILE`, with the hub stopped: people and keys, the audit trail, the log with
 * all decisions. The view of the network is left out: the next start builds it from the log and the edges.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ArchiveError, packArchive, unpackArchive } from '../../shared/archive.ts';
import { holdDirectory } from '../../shared/sqlite/hold-directory.ts';
import { type HubConfig, readHubConfig } from '../config.ts';

/** The lock of a running hub, what a restore put aside, what is built again, and what is kept for days alone. */
const LEFT_OUT = /^(running\.lock.*|replaced|projection\.sqlite.*|support)$/;

/** Rows of people for analysts, and what did not fit into memory. */
const MADE_WHEN_ASKED = [join('measures', 'marts'), join('measures', 'temp')];

/** Prints the path. @throws DirectoryInUseError while the hub runs */
export function backup({ dataDirectory }: HubConfig, configFile: string, file: string): number {
  const letGo = holdDirectory(dataDirectory);
  try {
    packArchive(file, 'cdip-hub', (into) => {
      copyFileSync(configFile, join(into, 'hub.yaml'));
      for (const name of kept(dataDirectory))
        cpSync(join(dataDirectory, name), join(into, 'data', name), {
          recursive: true,
          filter: (source) => !MADE_WHEN_ASKED.includes(relative(dataDirectory, source)),
        });
    });
  } finally {
    letGo();
  }
  process.stderr.write(
    "The hub's keys and its audit trail are in it: keep it as you keep those.\n",
  );
  process.stdout.write(`${file}\n`);
  return 0;
}

const kept = (directory: string): string[] =>
  readdirSync(directory).filter((name) => !LEFT_OUT.test(name));

/** @throws ArchiveError, DirectoryInUseError: nothing has changed */
export function restore(configFile: string, file: string): number {
  unpackArchive(file, dirname(configFile), (from) => {
    const data = join(from, 'data');
    if (!existsSync(data)) throw new ArchiveError(`${file} is no backup of a hub`);
    if (!existsSync(configFile)) copyFileSync(join(from, 'hub.yaml'), configFile);
    const { dataDirectory } = readHubConfig(configFile, process.env);
    mkdirSync(dataDirectory, { recursive: true });
    const letGo = holdDirectory(dataDirectory);
    const aside = join(dataDirectory, 'replaced');
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside);
    for (const name of kept(dataDirectory))
      renameSync(join(dataDirectory, name), join(aside, name));
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(dataDirectory, `projection.sqlite${suffix}`), { force: true });
    cpSync(data, dataDirectory, { recursive: true });
    letGo();
  });
  process.stderr.write('Restored. What was there before is in "replaced". Start the hub.\n');
  return 0;
}
