/**
 * Walks the elements of a data set while its bytes stream by. PS3.5 §7.
 *
 *   bytes ─► header ─► visitor.element() ─┬─ wanted ──► visitor.value()
 *                                         ├─ sequence ► a frame on the stack, not a call
 *                                         └─ else ────► passed over, never held
 *
 * Holds a header of at most 12 bytes, the values asked for, and 24 bytes a level of nesting.
 */

import { DicomError } from './dicom-error.ts';
import { vrOfTag } from './dictionary.ts';
import { formatTag, Tag } from './tag.ts';
import type { Encoding } from './transfer-syntax.ts';
import { vrOfBytes } from './vr.ts';

/** The length of a sequence or an item that ends with a delimiter. PS3.5 §7.1.3. */
export const UNDEFINED_LENGTH = 0xffff_ffff;
/** Real objects nest ten deep; each sequence and each item is one. */
const MAX_FRAMES = 1_000_000;

/** Offsets count from the first byte of the (inflated) data set. */
export interface ElementHeader {
  readonly tag: number;
  /** As encoded; by the dictionary in implicit VR. */
  readonly vr: string;
  /** Of the value, or {@link UNDEFINED_LENGTH}. */
  readonly length: number;
  /** Sequences around it; 0 for the data set's own elements. */
  readonly depth: number;
  readonly start: number;
  readonly valueStart: number;
  /** How numbers in the value are encoded. */
  readonly bigEndian: boolean;
}

export interface ElementVisitor {
  /** An element begins. True: its value is wanted whole; ignored for sequences and fragments. */
  element(header: ElementHeader): boolean;
  /** A value that was wanted. The bytes are a view that is not reused. */
  value(header: ElementHeader, bytes: Buffer): void;
  /** An item of the sequence begins whose own depth is `depth`. */
  item?(depth: number): void;
  /** A sequence, whose own depth is `depth`, has ended. */
  sequenceEnd?(depth: number): void;
}

const SEQUENCE = 0;
const ITEM = 1;
/** Encapsulated pixel data: items hold bytes, not elements. PS3.5 §A.4. */
const FRAGMENTS = 2;

export class ElementReader {
  readonly #visitor: ElementVisitor;
  readonly #scratch = Buffer.alloc(12);
  #scratchLength = 0;
  #chunk: Buffer = this.#scratch;
  #at = 0;
  /** Offset of the chunk's first byte. */
  #base = 0;
  /** Bytes of the present value that have not come. */
  #left = 0;
  #header: ElementHeader | undefined;
  #collected: Buffer[] | undefined;
  #elements = 0;
  #explicit: boolean;
  #bigEndian: boolean;
  /** What is around the present frame, innermost last; see {@link packed}. */
  readonly #frames: number[] = [];
  #kind = ITEM;
  #end = Number.POSITIVE_INFINITY;
  #depth = 0;

  constructor(encoding: Pick<Encoding, 'explicit' | 'bigEndian'>, visitor: ElementVisitor) {
    this.#visitor = visitor;
    this.#explicit = encoding.explicit;
    this.#bigEndian = encoding.bigEndian;
  }

  /** Elements seen, at any depth. */
  get elements(): number {
    return this.#elements;
  }

  /** @throws DicomError */
  write(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
    while (this.#at < chunk.length) {
      if (this.#left > 0) this.#passValue();
      else this.#readHeader();
    }
    this.#base += chunk.length;
  }

  /** The data set is over. @returns its length in bytes @throws DicomError */
  end(): number {
    const missing = this.#left > 0 || this.#scratchLength > 0 || this.#frames.length > 0;
    if (missing)
      throw new DicomError(
        'DATASET_TRUNCATED',
        `the data set ends at ${this.#base}, within an element`,
      );
    if (this.#elements === 0) throw new DicomError('DATASET_EMPTY', 'the data set has no element');
    return this.#base;
  }

  #passValue(): void {
    const bytes = Math.min(this.#left, this.#chunk.length - this.#at);
    if (this.#collected !== undefined)
      this.#collected.push(this.#chunk.subarray(this.#at, this.#at + bytes));
    this.#at += bytes;
    this.#left -= bytes;
    if (this.#left > 0) return;
    this.#endValue();
    this.#closeEnded(this.#base + this.#at);
  }

  #endValue(): void {
    if (this.#collected !== undefined && this.#header !== undefined) {
      const [first, ...more] = this.#collected;
      const bytes = first === undefined || more.length > 0 ? Buffer.concat(this.#collected) : first;
      this.#collected = undefined;
      this.#visitor.value(this.#header, bytes);
    }
  }

  /** Takes a header from the chunk, or what there is of it into the scratch. */
  #readHeader(): void {
    const available = this.#chunk.length - this.#at;
    if (this.#scratchLength === 0 && available >= 12) {
      this.#at += this.#parseHeader(this.#chunk, this.#at, this.#base + this.#at);
      return;
    }
    while (this.#at < this.#chunk.length) {
      this.#scratch[this.#scratchLength++] = this.#chunk[this.#at++] ?? 0;
      if (this.#scratchLength < 8) continue;
      if (this.#scratchLength < 12 && this.#isLongHeader(this.#scratch)) continue;
      this.#scratchLength = 0;
      const start = this.#base + this.#at;
      this.#parseHeader(this.#scratch, 0, start - (this.#isLongHeader(this.#scratch) ? 12 : 8));
      return;
    }
  }

  #isLongHeader(bytes: Buffer): boolean {
    if (!this.#explicit || this.#kind !== ITEM) return false;
    if (this.#tagAt(bytes, 0) >>> 16 === 0xfffe) return false;
    return vrOfBytes(bytes[4] ?? 0, bytes[5] ?? 0)?.isLong ?? false;
  }

  #tagAt(b: Buffer, at: number): number {
    return this.#bigEndian
      ? b.readUInt32BE(at)
      : ((b.readUInt16LE(at) << 16) | b.readUInt16LE(at + 2)) >>> 0;
  }

  #lengthAt(b: Buffer, at: number): number {
    return this.#bigEndian ? b.readUInt32BE(at) : b.readUInt32LE(at);
  }

  /** @returns the header's length */
  #parseHeader(b: Buffer, at: number, start: number): number {
    const tag = this.#tagAt(b, at);
    if (this.#kind !== ITEM || tag >>> 16 === 0xfffe) {
      this.#delimiter(tag, this.#lengthAt(b, at + 4), start);
      return 8;
    }
    if (!this.#explicit) {
      const length = this.#lengthAt(b, at + 4);
      const vr = vrOfTag(tag);
      this.#begin({ tag, vr, length, start, valueStart: start + 8 });
      return 8;
    }
    const first = b[at + 4] ?? 0;
    const second = b[at + 5] ?? 0;
    const form = vrOfBytes(first, second);
    if (form === undefined)
      throw new DicomError(
        'DATASET_MALFORMED',
        `no value representation at ${start + 4}, ${formatTag(tag)}`,
      );
    if (form.isLong) {
      const length = this.#lengthAt(b, at + 8);
      this.#begin({ tag, vr: form.vr, length, start, valueStart: start + 12 });
      return 12;
    }
    const length = this.#bigEndian ? b.readUInt16BE(at + 6) : b.readUInt16LE(at + 6);
    this.#begin({ tag, vr: form.vr, length, start, valueStart: start + 8 });
    return 8;
  }

  #begin(at: Omit<ElementHeader, 'depth' | 'bigEndian'>): void {
    const { vr, length, valueStart } = at;
    const header = { ...at, depth: this.#depth, bigEndian: this.#bigEndian };
    this.#elements += 1;
    const isUndefined = length === UNDEFINED_LENGTH;
    if (valueStart + (isUndefined ? 0 : length) > this.#end)
      throw malformed(header, 'is longer than what holds it');
    const wanted = this.#visitor.element(header);
    if (vr === 'SQ' || isUndefined) {
      this.#beginNested(header);
      this.#closeEnded(valueStart);
      return;
    }
    this.#header = header;
    this.#left = length;
    this.#collected = wanted ? [] : undefined;
    if (length > 0) return;
    this.#endValue();
    this.#closeEnded(valueStart);
  }

  #beginNested(header: ElementHeader): void {
    const { vr, length, valueStart, tag } = header;
    const end = length === UNDEFINED_LENGTH ? Number.POSITIVE_INFINITY : valueStart + length;
    if (vr === 'SQ' || (vr === 'UN' && tag !== Tag.PixelData)) {
      this.#push(SEQUENCE, end);
      // A sequence of unknown VR is in implicit VR little endian, whatever holds it. PS3.5 §6.2.2 note 2.
      if (vr === 'UN') this.#explicit = this.#bigEndian = false;
    } else if (vr.startsWith('O') || vr === 'UN') this.#push(FRAGMENTS, end);
    else throw malformed(header, `has undefined length, as ${vr} never has`);
    this.#depth += 1;
  }

  /** Item and delimitation items. PS3.5 §7.5. */
  #delimiter(tag: number, length: number, start: number): void {
    if (start + 8 > this.#end) throw outOfPlace(tag, start);
    if (tag === Tag.Item && this.#kind !== ITEM) this.#beginItem(length, start);
    else if (tag === Tag.SequenceDelimitationItem && this.#kind !== ITEM) this.#pop();
    else if (tag === Tag.ItemDelimitationItem && this.#kind === ITEM && this.#frames.length > 0)
      this.#pop();
    else throw outOfPlace(tag, start);
    this.#closeEnded(start + 8);
  }

  #beginItem(length: number, start: number): void {
    const end = length === UNDEFINED_LENGTH ? Number.POSITIVE_INFINITY : start + 8 + length;
    if (end > this.#end && length !== UNDEFINED_LENGTH) throw outOfPlace(Tag.Item, start);
    if (this.#kind === SEQUENCE) {
      this.#push(ITEM, end);
      this.#visitor.item?.(this.#depth - 1);
      return;
    }
    if (length === UNDEFINED_LENGTH) throw outOfPlace(Tag.Item, start);
    this.#header = undefined;
    this.#collected = undefined;
    this.#left = length;
  }

  #push(kind: number, end: number): void {
    if (this.#frames.length >= MAX_FRAMES)
      throw new DicomError('DATASET_TOO_DEEP', 'sequences are nested too deep');
    const encoding = (this.#explicit ? 1 : 0) | (this.#bigEndian ? 2 : 0);
    this.#frames.push(packed(this.#end, this.#kind * 4 + encoding));
    this.#kind = kind;
    // What lies within something of defined length ends with it at the latest.
    this.#end = Math.min(end, this.#end);
  }

  #pop(): void {
    const wasSequence = this.#kind !== ITEM;
    const frame = this.#frames.pop() ?? packed(Number.POSITIVE_INFINITY, ITEM * 4);
    const form = frame % FORMS;
    this.#kind = form >> 2;
    this.#end = frame < packed(NO_END, 0) ? Math.floor(frame / FORMS) : Number.POSITIVE_INFINITY;
    this.#explicit = (form & 1) !== 0;
    this.#bigEndian = (form & 2) !== 0;
    if (!wasSequence) return;
    this.#depth -= 1;
    this.#visitor.sequenceEnd?.(this.#depth);
  }

  /** Leaves what ends here by its length. */
  #closeEnded(position: number): void {
    if (this.#left > 0) return;
    while (this.#frames.length > 0 && position >= this.#end) this.#pop();
  }
}

/** Of a frame's end no object is so long that it would be more. */
const NO_END = 2 ** 48;
const FORMS = 16;

/** A frame in one number: a hostile file has as many as it has room for. @param form kind and encoding */
const packed = (end: number, form: number): number => Math.min(end, NO_END) * FORMS + form;

const malformed = ({ tag, start }: ElementHeader, what: string): DicomError =>
  new DicomError('DATASET_MALFORMED', `${formatTag(tag)} at ${start} ${what}`);

const outOfPlace = (tag: number, start: number): DicomError =>
  new DicomError('DATASET_MALFORMED', `${formatTag(tag)} at ${start} is out of place`);
