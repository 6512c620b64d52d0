/** Writes elements for one object: in its encoding, its character set, or UTF-8 where it gets that. */
import { type Charset, decodeText } from '../../shared/dicom/character-set.ts';
import {
  type ElementEncoding,
  encodeElement,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';
import { encodeText } from '../../shared/dicom/encode-text.ts';

export interface ObjectWriter {
  readonly encoding: ElementEncoding;
  /** What the object's own text is in. */
  readonly from: Charset;
  /** What new text is written in. */
  readonly to: Charset;
}

export const UTF_8: Charset = { kind: 'encoding', label: 'utf-8' };

export function textElement(writer: ObjectWriter, tag: number, vr: string, text: string): Buffer {
  return rawElement(writer, tag, vr, encodeText(text, writer.to).bytes);
}

/** @param value bytes in the character set that is written */
export function rawElement(writer: ObjectWriter, tag: number, vr: string, value: Buffer): Buffer {
  return encodeElement(writer.encoding, { tag, vr, value: padded(value) });
}

export function sequenceElement(writer: ObjectWriter, tag: number, item: Buffer): Buffer {
  return encodeElement(writer.encoding, { tag, vr: 'SQ', value: item });
}

export function itemOf(writer: ObjectWriter, elements: readonly Buffer[]): Buffer {
  return encodeItem(writer.encoding, elements);
}

/** Text of the object for another place in it: byte for byte, unless the character set changes. */
export function carriedOver({ from, to }: ObjectWriter, value: Buffer): Buffer {
  return from === to ? value : encodeText(decodeText(value, from), to).bytes;
}
