/**
 * Elements of one object as they are kept apart and written into another, which may have another encoding
 * and another character set. Text, dates, UIDs, and sequences of such; binary numbers are not carried.
 */

import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import {
  type ElementEncoding,
  encodeElement,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';
import { type ItemElement, itemsOf } from '../../shared/dicom/items.ts';

/** Fit for JSON. */
export interface CarriedElement {
  readonly tag: number;
  readonly vr: string;
  /** As stored, in base64; of a sequence '' */
  readonly value: string;
  readonly items?: readonly (readonly CarriedElement[])[];
}

/** Of a value of this VR, in the new object's character set. */
export type TextWriter = (value: Buffer, vr: string) => Buffer;

/** VRs that Specific Character Set applies to. PS3.5 §6.1.2.3. */
export const TEXT_VRS: ReadonlySet<string> = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

/** @throws DicomError */
export function carriedElement(element: ItemElement, encoding: ElementEncoding): CarriedElement {
  const { tag } = element;
  const vr = element.vr === 'UN' ? vrOfTag(tag) : element.vr;
  if (vr !== 'SQ') return { tag, vr, value: element.value.toString('base64') };
  const inner = element.vr === 'UN' ? { explicit: false, bigEndian: false } : encoding;
  const items = itemsOf(element, inner).map(({ elements }) =>
    elements.map((each) => carriedElement(each, inner)),
  );
  return { tag, vr, value: '', items };
}

export function writeCarried(
  { tag, vr, value, items }: CarriedElement,
  encoding: ElementEncoding,
  text: TextWriter,
): Buffer {
  if (items !== undefined) {
    const encoded = items.map((elements) =>
      encodeItem(
        encoding,
        elements.map((element) => writeCarried(element, encoding, text)),
      ),
    );
    return encodeElement(encoding, { tag, vr, value: Buffer.concat(encoded) });
  }
  const stored = Buffer.from(value, 'base64');
  const written = TEXT_VRS.has(vr) ? text(stored, vr) : stored;
  return encodeElement(encoding, { tag, vr, value: padded(written, vr === 'UI' ? '\0' : ' ') });
}

/** Every text in it. */
export function* textsIn({ vr, value, items }: CarriedElement): Generator<Buffer> {
  for (const elements of items ?? []) for (const element of elements) yield* textsIn(element);
  if (items === undefined && TEXT_VRS.has(vr)) yield Buffer.from(value, 'base64');
}
