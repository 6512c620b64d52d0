/**
 * The files of a package, laid out as they will be installed: the program as it stands here, the packages that it
 * needs to run (package-lock.json, without those for development), its own Node.
 *
 *   bin, edge, hub, shared ─┐
 *   node_modules, pruned ───┴─► STAGE/usr/lib/cdip-edge
 */
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = ['bin', 'edge', 'hub', 'shared', 'LICENSE'];
/** Not needed to run. */
const SKIPPED = /(^|\/)\.bin(\/|$)|\.map$/;
/** Folders of sources that a binary was made of, by package. */
const SOURCES: Readonly<Record<string, RegExp>> = {
  'node_modules/better-sqlite3': /^(deps|src)(\/|$)/,
};
/** Its prepared files are what runs. */
const ONLY_PREPARED = new Set(['node_modules/@ohif/app']);
const VIEWER = 'node_modules/.cdip-viewer';

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

/** Paths of the packages that run, as `node_modules/…`. */
export function runtimePackages(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path)
    .filter((path) => !ONLY_PREPARED.has(path) && isThere(join(ROOT, path)))
    .sort();
}

export interface StageOptions {
  /** Where it is installed, below the stage. */
  readonly into: string;
  readonly version: string;
  readonly withViewer: boolean;
}

export function stageProgram({ into, version, withViewer }: StageOptions): void {
  mkdirSync(into, { recursive: true });
  for (const part of PROGRAM) cpSync(join(ROOT, part), join(into, part), { recursive: true });
  for (const path of runtimePackages()) copyPackage(path, into);
  if (withViewer) cpSync(join(ROOT, VIEWER), join(into, VIEWER), { recursive: true });
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
  writeFileSync(join(into, 'package.json'), `${JSON.stringify({ ...own, version }, null, 2)}\n`);
}

/** Without the packages inside it, which are copied by themselves. */
function copyPackage(path: string, into: string): void {
  const from = join(ROOT, path);
  const to = join(into, path);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const inside = source.slice(from.length + 1);
      if (inside === '') return true;
      if (inside.split('/').includes('node_modules')) return false;
      if (SOURCES[path]?.test(inside) === true) return false;
      return !SKIPPED.test(inside) && !isForOtherMachines(inside);
    },
  });
}

/** Prebuilt binaries are named `prebuilds/<platform>-<arch>.node`. */
function isForOtherMachines(inside: string): boolean {
  if (!inside.startsWith('prebuilds/')) return false;
  return !basename(inside).startsWith(`${process.platform}-${process.arch}`);
}

/** The same modes and times on every machine: what may be run stays so, everybody may read. */
export function normalise(path: string, epochSeconds: number): void {
  const stat = lstatSync(path);
  if (stat.isDirectory())
    for (const name of readdirSync(path)) normalise(join(path, name), epochSeconds);
  if (!stat.isSymbolicLink())
    chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  // dpkg-deb and tar only bring younger times down to the epoch: a file's time of unpacking may be older.
  lutimesSync(path, epochSeconds, epochSeconds);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
