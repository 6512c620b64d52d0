/**
 * Cuts a data set into blocks that are compressed each by itself: rows of its pixel data are never cut.
 *
 *   chunks ─► PixelRegionFinder ─► block, block, …
 *
 * Holds one block, whatever the object's size. An object a little larger than a block is one.
 */
import { PixelRegionFinder } from './pixel-region.ts';
import type { SampleShape } from './predict.ts';

export const BLOCK_BYTES = 1024 * 1024;

/** Bytes of a data set, and which of them are samples to be predicted. */
export interface CutBlock {
  readonly bytes: Buffer;
  /** Absent: none. */
  readonly samples?: { readonly from: number; readonly bytes: number; readonly shape: SampleShape };
}

export class BlockCutter {
  readonly #finder: PixelRegionFinder;
  readonly #totalBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Offset in the data set of what is held. */
  #at = 0;

  /** @param totalBytes of the data set */
  constructor(transferSyntaxUID: string, totalBytes: number) {
    this.#finder = new PixelRegionFinder(transferSyntaxUID);
    this.#totalBytes = totalBytes;
  }

  /** @returns what is whole by now; `chunk` must not change while a block of it is used */
  push(chunk: Buffer): CutBlock[] {
    this.#finder.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const blocks: CutBlock[] = [];
    for (;;) {
      const bytes = this.#nextBlockBytes();
      if (bytes === 0 || bytes > this.#heldBytes) return blocks;
      blocks.push(this.#take(bytes));
    }
  }

  /** Up to the end of a row, or of the object when not much more is left. */
  #nextBlockBytes(): number {
    const left = this.#totalBytes - this.#at;
    if (left <= BLOCK_BYTES + BLOCK_BYTES / 4) return left;
    const region = this.#finder.region;
    const limit = this.#at + BLOCK_BYTES;
    if (region === undefined || limit <= region.start || this.#at >= region.end) return BLOCK_BYTES;
    if (limit >= region.end) return region.end - this.#at;
    const rowBytes = region.shape.rowSamples * region.shape.sampleBytes;
    const rows = Math.floor((limit - region.start) / rowBytes);
    const atRow = region.start + rows * rowBytes;
    return atRow > this.#at ? atRow - this.#at : rowBytes;
  }

  #take(bytes: number): CutBlock {
    const whole = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    const start = this.#at;
    const block = whole.subarray(0, bytes);
    this.#held = whole.length > bytes ? [whole.subarray(bytes)] : [];
    this.#heldBytes -= bytes;
    this.#at += bytes;
    const region = this.#finder.region;
    if (region === undefined) return { bytes: block };
    const from = Math.max(0, region.start - start);
    const to = Math.min(bytes, region.end - start);
    const length = to - from - ((to - from) % region.shape.sampleBytes);
    if (length <= 0) return { bytes: block };
    return { bytes: block, samples: { from, bytes: length, shape: region.shape } };
  }
}
