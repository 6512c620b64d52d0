/** A foreign object's data set, what it is given here, and what our own reader reads of the result. */
import { type CoercionInput, coerceObject, restoreObject } from '../../../../edge/coerce/coerce.ts';
import type { IdentityMapping } from '../../../../edge/coerce/identity.ts';
import { charsetOf, decodeText } from '../../../../shared/dicom/character-set.ts';
import { type ItemElement, itemsOf } from '../../../../shared/dicom/items.ts';
import { readTopLevel } from '../../../../shared/dicom/rewrite.ts';
import { Tag } from '../../../../shared/dicom/tag.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../shared/dicom/transfer-syntax.ts';
import { chunksOf, collect, element, type TestEncoding } from '../../../support/data-set.ts';

export const LITTLE: TestEncoding = { explicit: true, bigEndian: false };
export const sides = { home: 'RRK', trust: 'RXK', namespace: 'RXK', oid: '2.999.1' };
export const mapping: IdentityMapping = {
  patient: {
    by: 'request',
    patientId: 'M0012345',
    issuer: 'RXK',
    patientName: 'Local^Zoë',
    birthDate: '19700102',
    sex: 'F',
  },
  accessionNumber: 'I0A1B2C3D4E5F6G7',
  at: '2026-06-01T09:30:00.123Z',
};

/** The mapping with another patient. */
export function patientMapping(patient: Partial<IdentityMapping['patient']>): IdentityMapping {
  return { ...mapping, patient: { ...mapping.patient, ...patient } };
}

type Entry = readonly [tag: number, vr: string, value: Buffer | string];

/** A data set of these elements, in explicit VR little endian, with a Study Instance UID and pixels. */
export function dataSet(...entries: readonly Entry[]): Buffer {
  const all: Entry[] = [
    ...entries,
    [Tag.StudyInstanceUID, 'UI', '1.2.3\0'],
    [Tag.PixelData, 'OB', Buffer.alloc(64, 9)],
  ];
  const sorted = [...all].sort(([a], [b]) => a - b);
  return Buffer.concat(sorted.map(([tag, vr, value]) => element(LITTLE, tag, vr, value)));
}

interface Object {
  readonly bytes: Buffer;
  readonly transferSyntaxUID?: string;
  readonly chunk?: number;
}

const inputOf = (object: Object): CoercionInput => ({
  ...sides,
  transferSyntaxUID: object.transferSyntaxUID ?? EXPLICIT_VR_LITTLE_ENDIAN,
  open: chunksOf(object.bytes, object.chunk),
});

export function coerce(object: Object, how: IdentityMapping = mapping): Promise<Buffer> {
  return collect(coerceObject(inputOf(object), how));
}

export function restore(object: Object): Promise<Buffer> {
  return collect(restoreObject(inputOf(object)));
}

/** Text by tag, decoded and trimmed; of sequences, their items. */
export async function read(bytes: Buffer, tags: readonly number[]): Promise<unknown[]> {
  const source = { transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN, open: chunksOf(bytes) };
  const { elements } = await readTopLevel(source, [...tags, Tag.SpecificCharacterSet]);
  const specific = elements.get(Tag.SpecificCharacterSet)?.[0]?.value.toString('latin1') ?? null;
  const text = (value: Buffer): string =>
    decodeText(value, charsetOf(specific)).replace(/[\0 ]+$/, '');
  const view = (one: Omit<ItemElement, 'tag'> | undefined): unknown => {
    if (one === undefined) return undefined;
    if (one.vr !== 'SQ') return text(one.value);
    return itemsOf(one, LITTLE).map((item) =>
      Object.fromEntries(item.elements.map((inner) => [hex(inner.tag), view(inner)])),
    );
  };
  return tags.map((tag) => view(elements.get(tag)?.[0]));
}

export const hex = (tag: number): string => tag.toString(16).padStart(8, '0');
