/**
 * Elements and items as bytes, in the encoding of the data set that they go into. PS3.5 §7.1, §7.5.
 * Items have their length; sequences too.
 */
import { Tag } from './tag.ts';
import type { Encoding } from './transfer-syntax.ts';
import { hasLongForm } from './vr.ts';

/** Implicit or explicit VR, and the order of bytes. */
export type ElementEncoding = Pick<Encoding, 'explicit' | 'bigEndian'>;

/** @param value of even length, in the encoding's order of bytes; below 64 KB for a VR of the short form */
export function encodeElement(
  encoding: ElementEncoding,
  { tag, vr, value }: { readonly tag: number; readonly vr: string; readonly value: Buffer },
): Buffer {
  return Buffer.concat([encodeElementHeader(encoding, { tag, vr, length: value.length }), value]);
}

/** @param header `length` may be the undefined one, FFFFFFFF */
export function encodeElementHeader(
  { explicit, bigEndian }: ElementEncoding,
  { tag, vr, length }: { readonly tag: number; readonly vr: string; readonly length: number },
): Buffer {
  if (!explicit) return encodeTagAndLength({ bigEndian }, tag, length);
  const isLong = hasLongForm(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  writeTag(header, tag, bigEndian);
  header.write(vr, 4, 2, 'latin1');
  if (isLong) writeUInt32(header, 8, length, bigEndian);
  else if (bigEndian) header.writeUInt16BE(length, 6);
  else header.writeUInt16LE(length, 6);
  return header;
}

/** An item of a sequence around elements that are encoded already, in the order of their tags. */
export function encodeItem(encoding: ElementEncoding, elements: readonly Buffer[]): Buffer {
  const content = Buffer.concat(elements);
  return Buffer.concat([encodeTagAndLength(encoding, Tag.Item, content.length), content]);
}

/** The values of VR AT. PS3.5 §6.2. */
export function encodeTags({ bigEndian }: ElementEncoding, tags: readonly number[]): Buffer {
  const value = Buffer.alloc(4 * tags.length);
  for (const [i, tag] of tags.entries()) writeTag(value.subarray(4 * i, 4 * i + 4), tag, bigEndian);
  return value;
}

/** With the VR's padding. PS3.5 §6.2. */
export function padded(value: Buffer, pad = ' '): Buffer {
  return value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.from(pad, 'latin1')]);
}

function encodeTagAndLength(
  { bigEndian }: { bigEndian: boolean },
  tag: number,
  length: number,
): Buffer {
  const header = Buffer.alloc(8);
  writeTag(header, tag, bigEndian);
  writeUInt32(header, 4, length, bigEndian);
  return header;
}

function writeTag(into: Buffer, tag: number, bigEndian: boolean): void {
  if (bigEndian) {
    into.writeUInt32BE(tag, 0);
    return;
  }
  into.writeUInt16LE(tag >>> 16, 0);
  into.writeUInt16LE(tag & 0xffff, 2);
}

function writeUInt32(into: Buffer, at: number, value: number, bigEndian: boolean): void {
  if (bigEndian) into.writeUInt32BE(value, at);
  else into.writeUInt32LE(value, at);
}
