/** Bytes of one output to its file. What comes small is put together, pixels are written as they lie. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  linkSync,
  openSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Smaller parts are put together before they are written. */
const COPIED_BYTES = 65_536;
/** So much of an output is kept until its end is known; a larger one goes through a temporary file. */
const KEPT_BYTES = 1024 * 1024;

/** As much as is kept, or all. */
export async function beginningOf(
  parts: AsyncIterator<Buffer[]>,
): Promise<{ readonly begun: readonly Buffer[]; readonly isWhole: boolean }> {
  const begun: Buffer[] = [];
  for (let length = 0; length <= KEPT_BYTES; ) {
    const next = await parts.next();
    if (next.done === true) return { begun, isWhole: true };
    for (const part of next.value) {
      begun.push(part);
      length += part.length;
    }
  }
  return { begun, isWhole: false };
}

/** @returns the length */
export async function writeWhole(
  path: string,
  begun: readonly Buffer[],
  rest: AsyncIterator<Buffer[]>,
): Promise<number> {
  const fd = openSync(path, 'w');
  try {
    let length = writeParts(fd, begun);
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      length += writeParts(fd, next.value);
    return length;
  } finally {
    closeSync(fd);
    // Of a disk that took no more, the source is not read on.
    await rest.return?.();
  }
}

/** @returns undefined when the name is taken */
export function openNew(path: string): number | undefined {
  try {
    return openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/** @throws when the disk took less than all */
export function writeParts(fd: number, parts: readonly Buffer[]): number {
  let bytes = 0;
  let small: Buffer[] = [];
  const flush = (): void => {
    if (small.length > 0)
      writeFileSync(fd, small.length === 1 ? (small[0] ?? '') : Buffer.concat(small));
    small = [];
  };
  // Elements together, pixels without a copy.
  for (const part of parts) {
    bytes += part.length;
    if (part.length < COPIED_BYTES) small.push(part);
    else {
      flush();
      writeFileSync(fd, part);
    }
  }
  flush();
  return bytes;
}

/** As rmSync by force, at a tenth of its time. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** @returns false when the name is taken */
export function linkNew(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export async function haveSameBytes(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map(digestOf));
  return first === second;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
