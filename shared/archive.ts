/** Archives for people to keep or send: one folder in a tar.gz, whole or not there, readable by its owner alone. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GatewayError, type Retry } from './errors.ts';

export class ArchiveError extends GatewayError {
  override readonly name = 'ArchiveError';
  readonly code = 'ARCHIVE_UNREADABLE';
  readonly retry: Retry = 'never';
}

const QUIET = { stdio: ['ignore', 'ignore', 'ignore'] as 'ignore'[] };

/** @param fill puts the content into the folder that it is given */
export function packArchive(file: string, name: string, fill: (folder: string) => void): void {
  const work = mkdtempSync(join(dirname(resolve(file)), '.cdip-archive-'));
  try {
    const folder = join(work, name);
    mkdirSync(folder, { mode: 0o700 });
    fill(folder);
    const packed = join(work, 'packed');
    execFileSync('tar', ['-czf', packed, '-C', work, name], QUIET);
    chmodSync(packed, 0o600);
    renameSync(packed, file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param use is given the folder; it is gone afterwards @throws ArchiveError, and `use` was not called */
export function unpackArchive<T>(file: string, near: string, use: (folder: string) => T): T {
  const work = mkdtempSync(join(near, '.cdip-archive-'));
  try {
    try {
      execFileSync('tar', ['-xzf', resolve(file), '-C', work], QUIET);
    } catch (cause) {
      throw new ArchiveError(`${file} is no archive of this program, or is damaged`, { cause });
    }
    const [name, ...others] = readdirSync(work);
    if (name === undefined || others.length > 0)
      throw new ArchiveError(`${file} is no archive of this program`);
    return use(join(work, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
