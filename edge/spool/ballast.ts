/**
 * A file that only takes space: given up when a start finds the disk so full that SQLite can't open.
 *
 * Something else than the spool can fill a disk. With the ballast gone the edge starts, says why it
 * refuses objects, and tells the hub; once there is room again the ballast is made anew.
 */
import { closeSync, existsSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freeBytesOf } from './reserve.ts';

const BALLAST_BYTES = 16 * 1024 * 1024;
/** The ballast is made only where there is so much more than it. */
const MAKE_ABOVE_BYTES = 64 * 1024 * 1024;

const ballastFile = (dataDirectory: string): string => join(dataDirectory, 'ballast');

/** Makes the ballast where there is room for it. */
export function keepBallast(dataDirectory: string): void {
  const file = ballastFile(dataDirectory);
  if (existsSync(file) && statSync(file).size === BALLAST_BYTES) return;
  if (freeBytesOf(dataDirectory) < MAKE_ABOVE_BYTES) return;
  const fd = openSync(file, 'w', 0o640);
  try {
    // Written, not truncated to size: a hole holds no space.
    for (let at = 0; at < BALLAST_BYTES; at += CHUNK.length) writeSync(fd, CHUNK);
  } finally {
    closeSync(fd);
  }
}

const CHUNK = Buffer.alloc(1024 * 1024, 1);

/** Gives the ballast's space back. False: there was none. */
export function giveUpBallast(dataDirectory: string): boolean {
  if (!existsSync(ballastFile(dataDirectory))) return false;
  unlinkSync(ballastFile(dataDirectory));
  return true;
}
