/**
 * Where the elements of a data set stand that somebody wants to change, and what they hold.
 *
 *   bytes ─► ElementReader ─► here ─► wanted elements, whole, as stored
 *                                  └► where each wanted one would go if it is not there
 *
 * Holds the wanted elements, at most MAX_HELD_BYTES of them, and of everything else nothing.
 */
import { DicomError } from './dicom-error.ts';
import { vrOfTag } from './dictionary.ts';
import { type ElementHeader, ElementReader, type ElementVisitor } from './element-reader.ts';
import { formatTag } from './tag.ts';
import type { Encoding } from './transfer-syntax.ts';

/** An element of the data set itself, not of an item in it. */
export interface TopLevelElement {
  readonly tag: number;
  readonly vr: string;
  /** Of the value, or {@link UNDEFINED_LENGTH}. */
  readonly length: number;
  /** Offset in the (inflated) data set. */
  readonly start: number;
  /** Header and value as stored, delimiters included. */
  readonly bytes: Buffer;
  /** The value alone. */
  readonly value: Buffer;
  /** True where the order of tags alone tells its place: taken out, it could be put back. */
  readonly isInOrder: boolean;
  /** It, or something in it, has text of other characters than ASCII. */
  readonly hasExtendedText: boolean;
}

export interface TopLevelScan {
  readonly encoding: Encoding;
  /** The wanted ones that are there, each as often as it stands there, in the order of the data set. */
  readonly elements: ReadonlyMap<number, readonly TopLevelElement[]>;
  /** What is not wanted has text of other characters than ASCII. */
  readonly restHasExtendedText: boolean;
  /** Of the (inflated) data set. */
  readonly bytes: number;
  /** The offset of the first element with a larger tag; the end where there is none. For wanted tags. */
  placeOf(tag: number): number;
}

const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** Longer text counts as extended without being looked at. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** A header that begins in one chunk and ends in the next. */
const MAX_HEADER_BYTES = 12;

/** VRs that Specific Character Set applies to. PS3.5 §6.1.2.3. */
const TEXT_VRS: ReadonlySet<string> = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

/**
 * Reads a whole data set.
 *
 * @param bytes inflated
 * @throws DicomError, `ELEMENT_TOO_LARGE` when the wanted elements together are over 8 MB
 */
export async function scanTopLevel(
  bytes: AsyncIterable<Buffer>,
  encoding: Encoding,
  wanted: ReadonlySet<number>,
): Promise<TopLevelScan> {
  const scanner = new Scanner(encoding, wanted);
  for await (const chunk of bytes) scanner.write(chunk);
  return scanner.end();
}

/** An element that has begun. */
interface Open {
  readonly header: ElementHeader;
  readonly isAfterSmaller: boolean;
  readonly parts: Buffer[];
  held: number;
  hasExtendedText: boolean;
}

class Scanner implements ElementVisitor {
  readonly #encoding: Encoding;
  readonly #wanted: ReadonlySet<number>;
  readonly #reader: ElementReader;
  readonly #elements = new Map<number, TopLevelElement[]>();
  /** Wanted tags, ascending, and the place of each that is known. */
  readonly #tags: number[];
  readonly #places = new Map<number, number>();
  #placed = 0;
  #largest = -1;
  #open: Open | undefined;
  #isRestExtended = false;
  #held = 0;
  /** The bytes at hand: the end of the last chunk, and this one. */
  #tail: Buffer = Buffer.alloc(0);
  #chunk: Buffer = this.#tail;
  #base = 0;

  constructor(encoding: Encoding, wanted: ReadonlySet<number>) {
    this.#encoding = encoding;
    this.#wanted = wanted;
    this.#tags = [...wanted].sort((a, b) => a - b);
    this.#reader = new ElementReader(encoding, this);
  }

  write(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#reader.write(chunk);
    const end = this.#base + chunk.length;
    if (this.#open !== undefined) this.#holdUpTo(this.#open, end);
    this.#tail = Buffer.from(this.#bytesBetween(end - MAX_HEADER_BYTES, end));
    this.#base = end;
    this.#chunk = chunk.subarray(chunk.length);
  }

  end(): TopLevelScan {
    const bytes = this.#reader.end();
    this.#close(bytes, Number.POSITIVE_INFINITY);
    const places = this.#places;
    return {
      encoding: this.#encoding,
      elements: this.#elements,
      restHasExtendedText: this.#isRestExtended,
      bytes,
      placeOf: (tag) => places.get(tag) ?? bytes,
    };
  }

  element(header: ElementHeader): boolean {
    if (header.depth === 0) this.#beginTopLevel(header);
    // Text of unknown VR is text all the same where the dictionary says so.
    const vr = header.vr === 'UN' ? vrOfTag(header.tag) : header.vr;
    if (!TEXT_VRS.has(vr)) return false;
    if (header.length <= MAX_TEXT_BYTES) return true;
    this.#markExtended();
    return false;
  }

  value(_header: ElementHeader, bytes: Buffer): void {
    if (isExtended(bytes)) this.#markExtended();
  }

  #markExtended(): void {
    if (this.#open === undefined) this.#isRestExtended = true;
    else this.#open.hasExtendedText = true;
  }

  #beginTopLevel(header: ElementHeader): void {
    const { tag, start } = header;
    this.#close(start, tag);
    for (; (this.#tags[this.#placed] ?? tag) < tag; this.#placed += 1)
      this.#places.set(this.#tags[this.#placed] ?? tag, start);
    if (this.#wanted.has(tag))
      this.#open = {
        header,
        isAfterSmaller: this.#largest < tag,
        parts: [],
        held: 0,
        hasExtendedText: false,
      };
    this.#largest = Math.max(this.#largest, tag);
  }

  #close(end: number, nextTag: number): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#holdUpTo(open, end);
    const { tag, vr, length, start, valueStart } = open.header;
    // The last part may reach into the header of what follows.
    const bytes = Buffer.concat(open.parts).subarray(0, end - start);
    const occurrences = this.#elements.get(tag) ?? [];
    this.#elements.set(tag, occurrences);
    occurrences.push({
      ...{ tag, vr, length, start, bytes },
      value: bytes.subarray(valueStart - start),
      isInOrder: open.isAfterSmaller && nextTag > tag,
      hasExtendedText: open.hasExtendedText,
    });
  }

  #holdUpTo(open: Open, end: number): void {
    const from = open.header.start + open.held;
    if (end <= from) return;
    this.#held += end - from;
    if (this.#held > MAX_HELD_BYTES)
      throw new DicomError(
        'ELEMENT_TOO_LARGE',
        `${formatTag(open.header.tag)} is too large to be changed`,
      );
    open.parts.push(this.#bytesBetween(from, end));
    open.held += end - from;
  }

  /** A copy: a view would keep the whole chunk. */
  #bytesBetween(from: number, end: number): Buffer {
    const tailBytes = Math.min(Math.max(0, this.#base - from), this.#tail.length);
    const tail = this.#tail.subarray(this.#tail.length - tailBytes);
    const begin = Math.max(0, from - this.#base);
    return Buffer.concat([tail, this.#chunk.subarray(begin, Math.max(begin, end - this.#base))]);
  }
}

/** A byte above 7F, or an escape sequence. */
function isExtended(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte > 0x7f || byte === 0x1b) return true;
  return false;
}
