/** Chunks to a place in a file, whole: `writev` may write less than it was given. */
import fs from 'node:fs';
import { promisify } from 'node:util';

const writev = promisify(fs.writev);

/** Chunks that belong at byte `at` of the file. */
export interface Batch {
  readonly chunks: Buffer[];
  readonly bytes: number;
  readonly at: number;
}

export async function writeAll(file: number, { chunks, bytes, at }: Batch): Promise<void> {
  let rest = chunks;
  for (let written = 0; written < bytes; ) {
    const { bytesWritten } = await writev(file, rest, at + written);
    written += bytesWritten;
    if (written < bytes) rest = withoutFirst(rest, bytesWritten);
  }
}

export function writeAllSync(file: number, { chunks, bytes, at }: Batch): void {
  let rest = chunks;
  for (let written = 0; written < bytes; ) {
    const bytesWritten = fs.writevSync(file, rest, at + written);
    written += bytesWritten;
    if (written < bytes) rest = withoutFirst(rest, bytesWritten);
  }
}

function withoutFirst(chunks: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  const rest: Buffer[] = [];
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return rest;
}
