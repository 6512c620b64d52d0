/**
 * The disk of the data directory: room, speed, and whether an fsync reaches it.
 *
 *   a file is written, synced and removed ─► MB/s, ms a sync        /proc/mounts ─► kind of file system
 *
 * That a sync survives a power cut can't be proved by a program; what shows that it does not is found.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig } from '../config.ts';
import { freeBytesOf } from '../spool/reserve.ts';
import { type Finding, found, well } from './finding.ts';

const BLOCK = Buffer.alloc(1_048_576, 0x5a);
/** MB that are written to see how fast the disk is. */
const WRITTEN_MB = 16;
const SYNCS = 20;
/** Ingest of one CT at modality speed needs more. */
const SLOW_MB_PER_SECOND = 20;
const SLOW_SYNC_MS = 50;
/** Faster than any disk, with a battery or without, has been seen to be. */
const SUSPECT_SYNC_MS = 0.03;
const VOLATILE = new Set(['tmpfs', 'ramfs']);

export interface DiskSpeed {
  readonly mbPerSecond: number;
  /** Median of appending a block and syncing it. */
  readonly syncMs: number;
}

export async function examineDisk({
  dataDirectory,
  storage,
}: Pick<EdgeConfig, 'dataDirectory' | 'storage'>): Promise<Finding[]> {
  const check = { check: 'disk', about: dataDirectory } as const;
  let free: number;
  try {
    mkdirSync(dataDirectory, { recursive: true });
    free = freeBytesOf(dataDirectory);
  } catch (error) {
    return [notWritable(dataDirectory, error)];
  }
  const room = roomOf(dataDirectory, { free, reserve: storage.reserveBytes });
  const kind = fileSystemOf(dataDirectory);
  const durable = VOLATILE.has(kind)
    ? found('DISK_NOT_DURABLE', {
        ...check,
        what: `${dataDirectory} is on ${kind}, which is memory.`,
        mend: 'Put dataDirectory of edge.yaml on a disk.',
      })
    : undefined;
  return [room, ...(durable === undefined ? await speedOf(dataDirectory, kind) : [durable])];
}

function roomOf(about: string, { free, reserve }: { free: number; reserve: number }): Finding {
  const what = `${gigabytes(free)} free, ${gigabytes(reserve)} kept as reserve.`;
  const mend = `Free space on the file system of ${about}, or make it larger.`;
  const seen = { check: 'disk', about, what } as const;
  if (free <= reserve) return found('DISK_FULL', { ...seen, mend });
  if (free < 2 * reserve) return found('DISK_NEARLY_FULL', { ...seen, mend });
  return well(seen);
}

async function speedOf(directory: string, kind: string): Promise<Finding[]> {
  let speed: DiskSpeed;
  try {
    speed = await measureDisk(directory);
  } catch (error) {
    // That there is no room is told already.
    return codeOf(error) === 'ENOSPC' ? [] : [notWritable(directory, error)];
  }
  const { mbPerSecond, syncMs } = speed;
  const seen = {
    ...({ check: 'disk', about: directory } as const),
    what: `Writes ${Math.round(mbPerSecond)} MB/s, syncs in ${syncMs.toFixed(2)} ms (${kind}).`,
  };
  if (syncMs < SUSPECT_SYNC_MS)
    return [
      found('DISK_FSYNC_SUSPECT', {
        ...seen,
        mend: 'Let no layer swallow fsync (libeatmydata, a virtual disk with cache=unsafe, a mount with nobarrier).',
      }),
    ];
  if (mbPerSecond < SLOW_MB_PER_SECOND || syncMs > SLOW_SYNC_MS)
    return [
      found('DISK_SLOW', {
        ...seen,
        mend: 'Use an SSD, a RAID controller with a protected write cache, or a faster virtual disk.',
      }),
    ];
  return [well(seen)];
}

/** Leaves nothing behind. @throws a Node system error */
export async function measureDisk(directory: string): Promise<DiskSpeed> {
  const name = join(directory, `doctor-${process.pid}.probe`);
  const file = await open(name, 'wx', 0o600);
  try {
    const started = performance.now();
    for (let written = 0; written < WRITTEN_MB; written += 1) await file.write(BLOCK);
    await file.sync();
    const mbPerSecond = WRITTEN_MB / ((performance.now() - started) / 1000);
    const syncs: number[] = [];
    while (syncs.length < SYNCS) {
      const before = performance.now();
      await file.write(BLOCK, 0, 4096);
      await file.sync();
      syncs.push(performance.now() - before);
    }
    return { mbPerSecond, syncMs: syncs.toSorted((a, b) => a - b)[SYNCS / 2] ?? 0 };
  } finally {
    await file.close();
    rmSync(name, { force: true });
  }
}

function notWritable(directory: string, error: unknown): Finding {
  return found('DISK_NOT_WRITABLE', {
    ...{ check: 'disk', about: directory },
    what: `${directory} can not be written: ${codeOf(error)}.`,
    mend: 'Make it a directory of the user that the edge runs as, on a file system that is mounted for writing.',
  });
}

/** As /proc/mounts names it: of the mount with the longest path above the directory. */
function fileSystemOf(directory: string): string {
  let lines: string[];
  try {
    lines = readFileSync('/proc/mounts', 'utf8').split('\n');
  } catch {
    return 'unknown';
  }
  const above = lines
    .map((line) => line.split(' '))
    .filter(([, path = '-']) => path === '/' || `${directory}/`.startsWith(`${path}/`))
    // Of two mounts on one path the later one counts.
    .toSorted(([, a = ''], [, b = '']) => a.length - b.length);
  return above.at(-1)?.[2] ?? 'unknown';
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
