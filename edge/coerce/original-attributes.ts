/**
 * The item of Original Attributes Sequence that tells what a coercion changed. PS3.3 C.12.1.1.9.
 *
 *   former elements ─► originalAttributesItem() ─► item ─► readOriginalAttributes() ─► former elements
 *
 * Former elements stand in it byte for byte, an element that stood twice stands in it twice. One that was
 * not there is there with no value, as the standard asks; that it was absent rather than empty is said by
 * a private element beside.
 */
import { encodeTags } from '../../shared/dicom/encode-element.ts';
import { type ItemElement, itemsOf, type SequenceItem } from '../../shared/dicom/items.ts';
import { dicomDateTime, modifyingSystem } from './identity.ts';
import {
  itemOf,
  type ObjectWriter,
  rawElement,
  sequenceElement,
  textElement,
} from './object-writer.ts';
import { PRIVATE_CREATOR, CoercionTag as T } from './tags.ts';

/** What stood in the object before; no bytes: nothing. */
export interface Former {
  readonly tag: number;
  readonly vr: string;
  readonly bytes: readonly Buffer[];
}

export interface Modification {
  readonly trust: string;
  readonly home: string;
  readonly at: string;
  readonly former: readonly Former[];
  /** The sequence itself is new in this object. */
  readonly isFirst: boolean;
}

export function originalAttributesItem(writer: ObjectWriter, modification: Modification): Buffer {
  const { trust, home, at, isFirst } = modification;
  const former = [...modification.former].sort((a, b) => a.tag - b.tag);
  const absent = former.filter(({ bytes }) => bytes.length === 0).map(({ tag }) => tag);
  if (isFirst) absent.push(T.OriginalAttributesSequence);
  const attributes = former.flatMap(({ tag, vr, bytes }) =>
    bytes.length > 0 ? bytes : [rawElement(writer, tag, vr, Buffer.alloc(0))],
  );
  const text = (tag: number, vr: string, value: string): Buffer =>
    textElement(writer, tag, vr, value);
  return itemOf(writer, [
    sequenceElement(writer, T.ModifiedAttributesSequence, itemOf(writer, attributes)),
    text(T.AttributeModificationDateTime, 'DT', dicomDateTime(at)),
    text(T.ModifyingSystem, 'LO', modifyingSystem(trust)),
    text(T.SourceOfPreviousValues, 'LO', home),
    text(T.ReasonForTheAttributeModification, 'CS', 'COERCE'),
    text(T.PrivateCreator, 'LO', PRIVATE_CREATOR),
    rawElement(writer, T.AbsentAttributes, 'AT', encodeTags(writer.encoding, absent)),
  ]);
}

/** What {@link originalAttributesItem} recorded. */
export interface Recorded {
  readonly former: ReadonlyMap<number, readonly Buffer[]>;
  readonly absent: ReadonlySet<number>;
}

/** True for an item that this edge wrote. */
export function isOwnItem(item: SequenceItem, trust: string): boolean {
  const text = (tag: number): string =>
    item.elements
      .find((element) => element.tag === tag)
      ?.value.toString('latin1')
      .replace(/[\0 ]+$/, '') ?? '';
  return (
    text(T.ReasonForTheAttributeModification) === 'COERCE' &&
    text(T.ModifyingSystem) === modifyingSystem(trust) &&
    text(T.PrivateCreator) === PRIVATE_CREATOR
  );
}

export function readOriginalAttributes(
  item: SequenceItem,
  encoding: ObjectWriter['encoding'],
): Recorded {
  const find = (tag: number): ItemElement | undefined =>
    item.elements.find((element) => element.tag === tag);
  const absent = new Set(tagsOf(find(T.AbsentAttributes)?.value, encoding));
  const sequence = find(T.ModifiedAttributesSequence);
  const [attributes] = sequence === undefined ? [] : itemsOf(sequence, encoding);
  const former = new Map<number, Buffer[]>();
  for (const { tag, bytes } of attributes?.elements ?? []) {
    if (absent.has(tag)) continue;
    former.set(tag, [...(former.get(tag) ?? []), bytes]);
  }
  return { former, absent };
}

function tagsOf(
  value: Buffer = Buffer.alloc(0),
  { bigEndian }: ObjectWriter['encoding'],
): number[] {
  const tags: number[] = [];
  for (let at = 0; at + 4 <= value.length; at += 4)
    tags.push(
      bigEndian
        ? value.readUInt32BE(at)
        : ((value.readUInt16LE(at) << 16) | value.readUInt16LE(at + 2)) >>> 0,
    );
  return tags;
}
