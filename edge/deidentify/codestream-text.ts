/**
 * What compressed pixels say beside pixels: comments and application segments of JPEG, JPEG-LS and JPEG 2000,
 * into which converters write whatever they had at hand. They are filled with zeros, in place.
 *
 *   fragments ─► segments before the first scan or tile ─┬─ needed to decode ─► as they are
 *                                                         └─ COM, APPn ─► zeros
 *
 * PS3.5 §A.4; ISO 10918-1 B.2.4, ISO 14495-1 C.1, ISO 15444-1 A.9.2. Lengths stay, so all else does.
 */
import { Tag } from '../../shared/dicom/tag.ts';
import type { Overwrite } from '../../shared/dicom/transform.ts';
import { WithheldError } from './withheld.ts';

const JPEG = 0xffd8;
const JPEG_2000 = 0xff4f;
/** A file of boxes, JP2 or JPEG XL, where there should be a codestream: its boxes may hold anything. */
const BOX = 0x0000;
const BOX_TYPES = /^(jP {2}|JXL )$/;

/** How many bytes of a segment's content a decoder needs: JFIF, SPIFF or a colour transform, Adobe's. */
const JPEG_SEGMENTS: ReadonlyMap<number, number> = new Map([
  ...Array.from({ length: 16 }, (_, n) => [0xffe0 + n, 0] as const),
  ...([
    [0xffe0, 14],
    [0xffe8, 32],
    [0xffee, 12],
    [0xfffe, 0],
  ] as const),
]);
/** Rcom, what kind of comment it is. */
const JPEG_2000_SEGMENTS: ReadonlyMap<number, number> = new Map([[0xff64, 2]]);
/** Start of scan; start of tile-part. Behind them it is pixels. */
const PIXELS_BEGIN = new Set([0xffda, 0xff90]);
const isAlone = (marker: number): boolean => marker === 0xff01 || (marker & 0xfff8) === 0xffd0;

type State = 'item' | 'begin' | 'box' | 'marker' | 'length' | 'keep' | 'blank' | 'rest';
/** Bytes that a state collects before it can go on. */
const HEADER_BYTES: Partial<Record<State, number>> = {
  ...{ item: 8, begin: 2, box: 6, marker: 2, length: 2 },
};

/** For one element: to be given its value's bytes in their order. */
export function blankCodestreamText(): Overwrite {
  const text = new CodestreamText();
  return (bytes) => text.pass(bytes);
}

class CodestreamText {
  #state: State = 'item';
  readonly #header: number[] = [];
  /** Items before this one; the first is the offset table. */
  #items = 0;
  /** Bytes of the fragment, and of the segment's part, that have not come. */
  #fragmentLeft = 0;
  #left = 0;
  #marker = 0;
  #blankLeft = 0;
  /** Segments of the codestream; undefined where none are known. */
  #segments: ReadonlyMap<number, number> | undefined;
  /** The last fragment ended within the codestream's head. */
  #isInHead = false;

  pass(bytes: Buffer): Buffer {
    let out = bytes;
    let at = 0;
    while (at < bytes.length) {
      const wanted = HEADER_BYTES[this.#state];
      if (wanted !== undefined) {
        at += this.#collect(bytes, at, wanted);
        continue;
      }
      const count = Math.min(this.#countLeft(), bytes.length - at);
      if (this.#state === 'blank') {
        if (out === bytes) out = Buffer.from(bytes);
        out.fill(0, at, at + count);
      }
      at += count;
      this.#advance(count);
    }
    return out;
  }

  #countLeft(): number {
    return this.#state === 'rest' ? this.#fragmentLeft : Math.min(this.#left, this.#fragmentLeft);
  }

  /** @returns how many bytes were taken: one */
  #collect(bytes: Buffer, at: number, wanted: number): number {
    this.#header.push(bytes[at] ?? 0);
    if (this.#state !== 'item') this.#fragmentLeft -= 1;
    if (this.#header.length === wanted) {
      const header = Buffer.from(this.#header.splice(0));
      this.#take(header);
    }
    if (this.#state !== 'item' && this.#fragmentLeft === 0) this.#endFragment();
    return 1;
  }

  #take(header: Buffer): void {
    switch (this.#state) {
      case 'item':
        this.#beginItem(header);
        break;
      case 'begin':
        this.#beginFragment(header.readUInt16BE(0));
        break;
      case 'box':
        if (BOX_TYPES.test(header.toString('latin1', 2)))
          throw new WithheldError('UNREADABLE_VALUE', 'its frames are files of another format');
        this.#state = 'rest';
        break;
      case 'marker':
        this.#takeMarker(header.readUInt16BE(0));
        break;
      default:
        this.#beginSegment(header.readUInt16BE(0));
    }
  }

  #beginItem(header: Buffer): void {
    const isItem = header.readUInt16LE(0) * 0x1_0000 + header.readUInt16LE(2) === Tag.Item;
    this.#fragmentLeft = isItem ? header.readUInt32LE(4) : 0;
    this.#items += 1;
    if (this.#fragmentLeft === 0) return;
    if (this.#items === 1) this.#state = 'rest';
    else this.#state = this.#isInHead ? 'marker' : 'begin';
  }

  #beginFragment(first: number): void {
    this.#segments =
      first === JPEG ? JPEG_SEGMENTS : first === JPEG_2000 ? JPEG_2000_SEGMENTS : undefined;
    if (first === BOX) this.#state = 'box';
    else this.#state = this.#segments === undefined ? 'rest' : 'marker';
  }

  #takeMarker(marker: number): void {
    this.#marker = marker;
    if (marker < 0xff00 || PIXELS_BEGIN.has(marker)) this.#state = 'rest';
    // Fill bytes: any number of FF may stand before a marker.
    else if (marker === 0xffff) this.#header.push(0xff);
    else this.#state = isAlone(marker) ? 'marker' : 'length';
  }

  #beginSegment(length: number): void {
    const content = Math.max(0, length - 2);
    const needed = this.#segments?.get(this.#marker) ?? content;
    this.#left = Math.min(needed, content);
    this.#blankLeft = content - this.#left;
    this.#state = 'keep';
    this.#advance(0);
  }

  #advance(count: number): void {
    this.#fragmentLeft -= count;
    if (this.#state !== 'rest') {
      this.#left -= count;
      if (this.#left === 0 && this.#state === 'keep') {
        this.#left = this.#blankLeft;
        this.#state = 'blank';
      }
      if (this.#left === 0) this.#state = 'marker';
    }
    if (this.#fragmentLeft === 0) this.#endFragment();
  }

  /** A segment goes on in the next fragment; between two headers nothing does. */
  #endFragment(): void {
    this.#isInHead = this.#state === 'marker';
    const isWithin = ['length', 'keep', 'blank', 'box'].includes(this.#state);
    if (isWithin || this.#header.length > 0)
      throw new WithheldError(
        'UNREADABLE_VALUE',
        'a frame begins in one fragment and goes on in another',
      );
    this.#state = 'item';
  }
}
