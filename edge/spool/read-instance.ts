/**
 * Gives the bytes of an object back, as they were received.
 *
 *   path ─► preamble ─► data set's bytes as a stream, or their digest
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { decodePreamble, PREAMBLE_BYTES, type Seal } from './preamble.ts';
import { SpoolError, spoolErrorOf } from './spool-error.ts';

const READ_BYTES = 256 * 1024;

/** Which bytes of which file. */
export interface DataSetRange {
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
}

/** The data set alone, without preamble and file meta information. A missing file is an `error` event, ENOENT. */
export function readDataSet(file: string, { dataSetOffset, dataSetBytes }: DataSetRange): Readable {
  if (dataSetBytes === 0) return Readable.from([]);
  return createReadStream(file, {
    start: dataSetOffset,
    end: dataSetOffset + dataSetBytes - 1,
    highWaterMark: READ_BYTES,
  });
}

/** @returns what the file's preamble says; null for a file that was never sealed, or has lost its end. It may be longer: see prepared-files.ts */
export async function readSeal(file: string): Promise<Seal | null> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const bytes = Buffer.alloc(PREAMBLE_BYTES);
    const { bytesRead } = await handle.read(bytes, 0, PREAMBLE_BYTES, 0);
    const seal = decodePreamble(bytes.subarray(0, bytesRead));
    if (seal === null) return null;
    const { size } = await handle.stat();
    return size >= seal.dataSetOffset + seal.dataSetBytes ? seal : null;
  } catch (cause) {
    throw missingOr(cause);
  } finally {
    await handle?.close();
  }
}

/** False: the file is empty, or holds the zeros that it was prepared with; it waited for an object. */
export async function wasBegun(file: string, isPrepared: boolean): Promise<boolean> {
  try {
    const [head] = await createReadStream(file, { end: PREAMBLE_BYTES + 3 }).toArray();
    if (head === undefined || !isPrepared) return head !== undefined;
    return (head as Buffer).some((byte) => byte !== 0);
  } catch (cause) {
    throw missingOr(cause);
  }
}

/** SHA-256 of the data set's bytes in the file, hexadecimal. */
export async function digestDataSet(file: string, range: DataSetRange): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of readDataSet(file, range)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw missingOr(cause);
  }
  return hash.digest('hex');
}

function missingOr(cause: unknown): SpoolError {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT'
    ? new SpoolError('SPOOL_MISSING', 'the file is gone', { cause })
    : spoolErrorOf(cause);
}
