/**
 * The Minimal Lower Layer Protocol: where a message begins and ends in a stream. HL7 2.5 Appendix C.
 *
 *   bytes ─► MllpReader ─► frames        frame(text) ─► 0BH text 1CH 0DH
 *
 * What stands between frames is passed over: keep-alives, stray line ends. Pure; holds at most one frame.
 */

const VT = 0x0b;
const FS = 0x1c;
const CR = 0x0d;

/** One frame, or why there is none. */
export type MllpFrame =
  | { readonly kind: 'frame'; readonly bytes: Buffer }
  /** Longer than allowed: passed over up to its end. */
  | { readonly kind: 'too-large'; readonly begin: Buffer }
  /** A new one began before it ended. */
  | { readonly kind: 'cut'; readonly begin: Buffer };

/** Of a message that can't be taken whole so much is kept, so that its sender can be found. */
const BEGIN_BYTES = 4_096;

export class MllpReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isOpen = false;
  #isTooLarge = false;

  /** @param maxBytes of one message, without its frame */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True while a frame has begun and not ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param chunk as it came; not changed @returns the frames that end in it */
  push(chunk: Buffer): MllpFrame[] {
    const frames: MllpFrame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#isOpen) at = this.#readOpen(chunk, at, frames);
      else {
        const start = chunk.indexOf(VT, at);
        if (start < 0) break;
        this.#begin();
        at = start + 1;
      }
    }
    return frames;
  }

  #begin(): void {
    this.#isOpen = true;
    this.#isTooLarge = false;
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** @returns where to read on */
  #readOpen(chunk: Buffer, at: number, frames: MllpFrame[]): number {
    const end = endOf(chunk, at);
    if (end < 0) {
      this.#keep(chunk.subarray(at));
      return chunk.length;
    }
    this.#keep(chunk.subarray(at, end));
    if (chunk[end] === VT) {
      frames.push({ kind: 'cut', begin: this.#taken().subarray(0, BEGIN_BYTES) });
      this.#begin();
      return end + 1;
    }
    const bytes = this.#taken();
    frames.push(
      this.#isTooLarge
        ? { kind: 'too-large', begin: bytes.subarray(0, BEGIN_BYTES) }
        : { kind: 'frame', bytes },
    );
    this.#isOpen = false;
    this.#chunks = [];
    return chunk[end + 1] === CR ? end + 2 : end + 1;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (!this.#isTooLarge) this.#chunks.push(part);
    if (this.#bytes <= this.#maxBytes || this.#isTooLarge) return;
    this.#isTooLarge = true;
    this.#chunks = [Buffer.from(this.#taken().subarray(0, BEGIN_BYTES))];
  }

  #taken(): Buffer {
    return this.#chunks.length === 1 && this.#chunks[0]
      ? this.#chunks[0]
      : Buffer.concat(this.#chunks);
  }
}

/** Neither byte stands in the text of a message, whatever its character set. */
function endOf(chunk: Buffer, at: number): number {
  const end = chunk.indexOf(FS, at);
  const next = chunk.indexOf(VT, at);
  return next >= 0 && (end < 0 || next < end) ? next : end;
}

export function mllpFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([VT]), Buffer.from(text, 'utf8'), Buffer.from([FS, CR])]);
}
