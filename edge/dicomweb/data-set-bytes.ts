/** Any bytes of an object's data set, by their offset in it. */
import { type FileHandle, open } from 'node:fs/promises';
import { inflate } from '../../shared/dicom/deflated-bytes.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';

export interface ByteRange {
  /** Counted from the (inflated) data set's first byte. */
  readonly start: number;
  readonly length: number;
}

/** A deflated data set is inflated up to where it is wanted. */
export async function* readRange(
  file: string,
  instance: StoredInstance,
  { start, length }: ByteRange,
): AsyncGenerator<Buffer> {
  if (!encodingOf(instance.transferSyntaxUID).deflated) {
    const dataSetOffset = instance.dataSetOffset + start;
    yield* readDataSet(file, { dataSetOffset, dataSetBytes: length }) as AsyncIterable<Buffer>;
    return;
  }
  let at = 0;
  for await (const chunk of inflate(readDataSet(file, instance) as AsyncIterable<Buffer>)) {
    const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, start + length - at));
    at += chunk.length;
    if (piece.length > 0) yield piece;
    if (at >= start + length) return;
  }
}

export async function readWhole(
  file: string,
  instance: StoredInstance,
  range: ByteRange,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readRange(file, instance, range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of fragments only the headers are wanted, and what lies between may be large. */
const WINDOW_BYTES = 4 * 1024;

/** Small reads that go forward, a window at a time. Of data sets that are not deflated. */
export class WindowReader {
  readonly #handle: FileHandle;
  readonly #instance: StoredInstance;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  private constructor(handle: FileHandle, instance: StoredInstance) {
    this.#handle = handle;
    this.#instance = instance;
  }

  static async open(file: string, instance: StoredInstance): Promise<WindowReader> {
    return new WindowReader(await open(file, 'r'), instance);
  }

  /** At most 4 KB; less at the data set's end. */
  async read(start: number, length: number): Promise<Buffer> {
    if (start < this.#start || start + length > this.#start + this.#length) {
      const left = Math.max(0, this.#instance.dataSetBytes - start);
      const wanted = Math.min(left, this.#window.length);
      const at = this.#instance.dataSetOffset + start;
      const { bytesRead } = await this.#handle.read(this.#window, 0, wanted, at);
      this.#start = start;
      this.#length = bytesRead;
    }
    const from = start - this.#start;
    return this.#window.subarray(from, Math.min(from + length, this.#length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
