/**
 * Changes a data set while it streams by: each element of the data set itself is kept as it is, dropped, or
 * held and replaced. What is kept is copied byte by byte, and never held.
 *
 *   chunk ─► ElementReader ─► choose(header) ─┬─ keep ─► slices of the chunk, or other bytes in their place
 *                                             ├─ drop
 *                                             └─ hold ─► change(element) ─► its bytes
 *
 * Holds one held element and twelve bytes.
 */
import { DicomError } from './dicom-error.ts';
import { type ElementHeader, ElementReader } from './element-reader.ts';
import { formatTag } from './tag.ts';
import type { Encoding } from './transfer-syntax.ts';

export type Choice = 'keep' | 'drop' | 'hold';

/** An element as stored. */
export interface HeldElement {
  readonly tag: number;
  readonly vr: string;
  /** Of the value, or the undefined one, FFFFFFFF. */
  readonly length: number;
  /** Header, value and delimiters. */
  readonly bytes: Buffer;
  /** Without header. */
  readonly value: Buffer;
}

/** A whole element, encoded. */
export interface Insertion {
  readonly tag: number;
  readonly bytes: Buffer;
}

/** As many bytes in the place of some of a value's: `at` is the offset of the first one in the value. */
export type Overwrite = (bytes: Buffer, at: number) => Buffer;

export interface TransformRules {
  readonly choose: (header: ElementHeader) => Choice;
  /** For an element that is kept: what its value is overwritten by. */
  readonly overwrite?: (header: ElementHeader) => Overwrite | undefined;
  /** @returns what stands in its place: a whole element, or nothing */
  readonly change: (element: HeldElement) => Buffer;
  /** Before the first element with a larger tag, in the order of their tags. */
  readonly insert: readonly Insertion[];
}

/** A header that begins in one chunk and ends in the next. */
const MAX_HEADER_BYTES = 12;
const MAX_HELD_BYTES = 128 * 1024 * 1024;

export class DataSetTransformer {
  readonly #rules: TransformRules;
  readonly #reader: ElementReader;
  readonly #insertions: Insertion[];
  #begun: ElementHeader[] = [];
  #current: ElementHeader | undefined;
  #choice: Choice = 'drop';
  #overwrite: Overwrite | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The end of the last chunk, and this one. */
  #tail: Buffer = Buffer.alloc(0);
  #chunk: Buffer = this.#tail;
  #base = 0;
  /** Up to here all is given out. */
  #at = 0;
  #out: Buffer[] = [];

  constructor(encoding: Encoding, rules: TransformRules) {
    this.#rules = rules;
    this.#insertions = [...rules.insert].sort((a, b) => a.tag - b.tag);
    this.#reader = new ElementReader(encoding, {
      element: (header) => {
        if (header.depth === 0) this.#begun.push(header);
        return false;
      },
      value: () => {},
    });
  }

  /** @returns what is known by now: views of the chunk @throws DicomError */
  write(chunk: Buffer): Buffer[] {
    this.#chunk = chunk;
    this.#reader.write(chunk);
    for (const header of this.#begun) this.#begin(header);
    this.#begun = [];
    const end = this.#base + chunk.length;
    this.#pass(end - MAX_HEADER_BYTES);
    this.#tail = Buffer.from(Buffer.concat(this.#views(this.#at, end)));
    this.#base = end;
    return this.#take();
  }

  /** @throws DicomError when it was no whole data set: what was given out is to be thrown away */
  end(): Buffer[] {
    this.#chunk = Buffer.alloc(0);
    this.#pass(this.#reader.end());
    this.#close();
    for (const { bytes } of this.#insertions) this.#out.push(bytes);
    return this.#take();
  }

  #take(): Buffer[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #begin(header: ElementHeader): void {
    this.#pass(header.start);
    this.#close();
    while ((this.#insertions[0]?.tag ?? Number.POSITIVE_INFINITY) < header.tag) {
      const insertion = this.#insertions.shift();
      if (insertion !== undefined) this.#out.push(insertion.bytes);
    }
    this.#current = header;
    this.#choice = this.#rules.choose(header);
    this.#overwrite = this.#choice === 'keep' ? this.#rules.overwrite?.(header) : undefined;
  }

  #close(): void {
    if (this.#current === undefined || this.#choice !== 'hold') return;
    const { tag, vr, length, start, valueStart } = this.#current;
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    const value = bytes.subarray(valueStart - start);
    const changed = this.#rules.change({ tag, vr, length, bytes, value });
    if (changed.length > 0) this.#out.push(changed);
  }

  /** Gives out, holds or drops the current element's bytes up to `end`. */
  #pass(end: number): void {
    if (end <= this.#at) return;
    if (this.#choice === 'keep') this.#keep(end);
    else if (this.#choice === 'hold') this.#hold(end);
    this.#at = end;
  }

  #keep(end: number): void {
    const valueStart = this.#current?.valueStart ?? 0;
    const plainEnd = this.#overwrite === undefined ? end : Math.min(end, valueStart);
    if (this.#at < plainEnd) this.#out.push(...this.#views(this.#at, plainEnd));
    for (let at = Math.max(this.#at, plainEnd); at < end; ) {
      const [bytes = this.#tail] = this.#views(at, end);
      this.#out.push(this.#overwrite?.(bytes, at - valueStart) ?? bytes);
      at += bytes.length;
    }
  }

  #hold(end: number): void {
    this.#heldBytes += end - this.#at;
    if (this.#heldBytes > MAX_HELD_BYTES)
      throw new DicomError(
        'ELEMENT_TOO_LARGE',
        `${formatTag(this.#current?.tag ?? 0)} is too large to be changed`,
      );
    for (const view of this.#views(this.#at, end)) this.#held.push(Buffer.from(view));
  }

  #views(from: number, end: number): Buffer[] {
    const views: Buffer[] = [];
    if (from < this.#base) {
      const tailStart = this.#base - this.#tail.length;
      views.push(this.#tail.subarray(from - tailStart, Math.min(end, this.#base) - tailStart));
    }
    if (end > this.#base)
      views.push(this.#chunk.subarray(Math.max(0, from - this.#base), end - this.#base));
    return views.filter((view) => view.length > 0);
  }
}
