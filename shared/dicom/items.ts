/**
 * Items of a sequence and their elements, of bytes in memory that an {@link ElementReader} has gone
 * through without a fault. PS3.5 §7.5.
 */
import { DicomError } from './dicom-error.ts';
import { vrOfTag } from './dictionary.ts';
import { UNDEFINED_LENGTH } from './element-reader.ts';
import type { ElementEncoding } from './encode-element.ts';
import { Tag } from './tag.ts';
import { vrOfBytes } from './vr.ts';

/** An element of an item. */
export interface ItemElement {
  readonly tag: number;
  readonly vr: string;
  /** As stored, or {@link UNDEFINED_LENGTH}. */
  readonly length: number;
  /** Header, value and delimiters. */
  readonly bytes: Buffer;
  /** Without header. */
  readonly value: Buffer;
}

export interface SequenceItem {
  /** Offset in the sequence's value. */
  readonly start: number;
  /** With header and delimiter. */
  readonly bytes: Buffer;
  readonly elements: readonly ItemElement[];
}

/** A sequence as stored. */
export interface StoredSequence {
  /** Header, items and delimiter. */
  readonly bytes: Buffer;
  /** Without header. */
  readonly value: Buffer;
  /** Of the value, or {@link UNDEFINED_LENGTH}. */
  readonly length: number;
}

/** @throws DicomError `DATASET_MALFORMED` for what is no sequence */
export function itemsOf({ value }: StoredSequence, encoding: ElementEncoding): SequenceItem[] {
  const items: SequenceItem[] = [];
  let at = 0;
  while (at + 8 <= value.length) {
    const header = headerAt(value, at, encoding);
    if (header.tag === Tag.SequenceDelimitationItem) break;
    if (header.tag !== Tag.Item) throw malformed();
    const { elements, end } = elementsOf(value, header, encoding);
    items.push({ start: at, bytes: value.subarray(at, end), elements });
    at = end;
  }
  return items;
}

/** The elements of a whole data set in memory, as those of an item. @throws DicomError */
export function elementsOfDataSet(bytes: Buffer, encoding: ElementEncoding): ItemElement[] {
  const all = { tag: Tag.Item, vr: '', length: bytes.length, valueStart: 0 };
  return elementsOf(bytes, all, encoding).elements;
}

/**
 * True when the element, by its own header and delimiters, is all of the bytes. One whose sequence ends
 * before its length says so is not, and would take in what follows it in another place.
 */
export function isWholeElement(bytes: Buffer, encoding: ElementEncoding): boolean {
  try {
    return endOf(bytes, headerAt(bytes, 0, encoding), encoding) === bytes.length;
  } catch (error) {
    if (error instanceof DicomError) return false;
    throw error;
  }
}

/** The sequence with one more item, behind those it has. All other bytes but its length stay. */
export function withItem(
  sequence: StoredSequence,
  item: Buffer,
  encoding: ElementEncoding,
): Buffer {
  const last = itemsOf(sequence, encoding).at(-1);
  const at = last === undefined ? 0 : last.start + last.bytes.length;
  return splicedValue(sequence, { start: at, end: at, bytes: item }, encoding);
}

/** The sequence without one of its items. */
export function withoutItem(
  sequence: StoredSequence,
  { start, bytes }: SequenceItem,
  encoding: ElementEncoding,
): Buffer {
  const end = start + bytes.length;
  return splicedValue(sequence, { start, end, bytes: Buffer.alloc(0) }, encoding);
}

function splicedValue(
  { bytes, value, length }: StoredSequence,
  splice: { readonly start: number; readonly end: number; readonly bytes: Buffer },
  { bigEndian }: ElementEncoding,
): Buffer {
  const header = Buffer.from(bytes.subarray(0, bytes.length - value.length));
  if (length !== UNDEFINED_LENGTH) {
    const changed = length + splice.bytes.length - (splice.end - splice.start);
    // The length is the last field of a sequence's header in every encoding.
    if (bigEndian) header.writeUInt32BE(changed, header.length - 4);
    else header.writeUInt32LE(changed, header.length - 4);
  }
  const { start, end } = splice;
  return Buffer.concat([header, value.subarray(0, start), splice.bytes, value.subarray(end)]);
}

interface Header {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
  readonly valueStart: number;
}

function elementsOf(
  bytes: Buffer,
  item: Header,
  encoding: ElementEncoding,
): { elements: ItemElement[]; end: number } {
  const isUndefined = item.length === UNDEFINED_LENGTH;
  const end = isUndefined ? bytes.length : item.valueStart + item.length;
  const elements: ItemElement[] = [];
  let at = item.valueStart;
  while (at < end) {
    const header = headerAt(bytes, at, encoding);
    if (header.tag === Tag.ItemDelimitationItem) return { elements, end: header.valueStart };
    const { tag, vr, length, valueStart } = header;
    const next = endOf(bytes, header, encoding);
    elements.push({
      ...{ tag, vr, length },
      bytes: bytes.subarray(at, next),
      value: bytes.subarray(valueStart, next),
    });
    at = next;
  }
  if (isUndefined || at !== end) throw malformed();
  return { elements, end };
}

/** Where an element ends: behind the delimiter that closes as many sequences as were opened. */
function endOf(bytes: Buffer, header: Header, encoding: ElementEncoding): number {
  if (header.length !== UNDEFINED_LENGTH) return header.valueStart + header.length;
  const outer: ElementEncoding[] = [];
  let inner = encoding;
  const open = ({ vr }: Header): void => {
    outer.push(inner);
    // A sequence of unknown VR is in implicit VR little endian, whatever holds it. PS3.5 §6.2.2 note 2.
    if (vr === 'UN') inner = { explicit: false, bigEndian: false };
  };
  open(header);
  let at = header.valueStart;
  while (outer.length > 0) {
    const next = headerAt(bytes, at, inner);
    at = next.valueStart;
    if (next.tag === Tag.SequenceDelimitationItem) inner = outer.pop() ?? encoding;
    else if (next.length !== UNDEFINED_LENGTH) at += next.length;
    else if (next.tag !== Tag.Item) open(next);
  }
  return at;
}

function headerAt(bytes: Buffer, at: number, { explicit, bigEndian }: ElementEncoding): Header {
  if (at + 8 > bytes.length) throw malformed();
  const tag = bigEndian
    ? bytes.readUInt32BE(at)
    : ((bytes.readUInt16LE(at) << 16) | bytes.readUInt16LE(at + 2)) >>> 0;
  const lengthAt = (from: number): number =>
    bigEndian ? bytes.readUInt32BE(from) : bytes.readUInt32LE(from);
  if (!explicit || tag >>> 16 === 0xfffe)
    return { tag, vr: vrOfTag(tag), length: lengthAt(at + 4), valueStart: at + 8 };
  const form = vrOfBytes(bytes[at + 4] ?? 0, bytes[at + 5] ?? 0);
  if (form === undefined || (form.isLong && at + 12 > bytes.length)) throw malformed();
  if (form.isLong) return { tag, vr: form.vr, length: lengthAt(at + 8), valueStart: at + 12 };
  const length = bigEndian ? bytes.readUInt16BE(at + 6) : bytes.readUInt16LE(at + 6);
  return { tag, vr: form.vr, length, valueStart: at + 8 };
}

const malformed = (): DicomError =>
  new DicomError('DATASET_MALFORMED', 'a sequence is no sequence');
