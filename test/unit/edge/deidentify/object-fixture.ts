/** Objects made for tests of the de-identifier: a CT image, with what a test puts into it. */
import { elementsOfDataSet, type ItemElement, itemsOf } from '../../../../shared/dicom/items.ts';
import { element, sequence, type TestEncoding } from '../../../support/data-set.ts';
import { writePart10 } from '../../../support/part10.ts';

export const EXPLICIT: TestEncoding = { explicit: true, bigEndian: false };
export const CT = '1.2.840.10008.5.1.4.1.1.2';

export type Planted = readonly [tag: number, vr: string, value: string | Buffer];

const BASE: readonly Planted[] = [
  [0x0008_0016, 'UI', CT],
  [0x0008_0018, 'UI', '1.2.826.0.1.3680043.9.1.1'],
  [0x0008_0060, 'CS', 'CT'],
  [0x0010_0010, 'PN', 'Okonkwo^Ngozi'],
  [0x0010_0020, 'LO', 'MRN7654321'],
  [0x0020_000d, 'UI', '1.2.826.0.1.3680043.9.1.2'],
  [0x0020_000e, 'UI', '1.2.826.0.1.3680043.9.1.3'],
];
/** Three sequences that the table of the profile does not list, each in the one before. */
export const NEST = [0x0054_0220, 0x0054_0222, 0x0008_2218] as const;

/** @param planted take the place of the image's own elements with the same tag */
export function objectWith(
  planted: readonly Planted[],
  { syntax = '1.2.840.10008.1.2.1' }: { readonly syntax?: string } = {},
): Buffer {
  const tags = new Set(planted.map(([tag]) => tag));
  const all = [...BASE.filter(([tag]) => !tags.has(tag)), ...planted].sort(([a], [b]) => a - b);
  const encoding = { explicit: syntax !== '1.2.840.10008.1.2', bigEndian: false };
  const textOf = (tag: number): string => String(all.find((entry) => entry[0] === tag)?.[2] ?? '');
  return writePart10({
    sopClassUID: textOf(0x0008_0016),
    sopInstanceUID: textOf(0x0008_0018),
    transferSyntaxUID: syntax,
    dataSet: Buffer.concat(all.map((entry) => encoded(encoding, entry))),
  });
}

export function encoded(encoding: TestEncoding, [tag, vr, value]: Planted): Buffer {
  const isUID = vr === 'UI' && typeof value === 'string' && value.length % 2 === 1;
  return element(encoding, tag, vr, isUID ? `${value}\0` : value);
}

/** The same, three sequences deep. */
export function nested(planted: readonly Planted[], encoding: TestEncoding = EXPLICIT): Planted {
  const [outer, middle, inner] = NEST;
  const innermost = Buffer.concat(planted.map((entry) => encoded(encoding, entry)));
  const within = sequence(encoding, middle, [sequence(encoding, inner, [innermost])]);
  const whole = sequence(encoding, outer, [within]);
  return [outer, 'SQ', whole.subarray(encoding.explicit ? 12 : 8)];
}

/** An element of a data set in explicit VR, at the top or within {@link NEST}; undefined when it is not there. */
export function foundAt(
  dataSet: Buffer,
  tag: number,
  where: 'top' | 'nested',
): ItemElement | undefined {
  let elements: readonly ItemElement[] = elementsOfDataSet(dataSet, EXPLICIT);
  if (where === 'nested')
    for (const sequenceTag of NEST) {
      const found = elements.find((each) => each.tag === sequenceTag);
      elements = found === undefined ? [] : (itemsOf(found, EXPLICIT)[0]?.elements ?? []);
    }
  return elements.find((each) => each.tag === tag);
}
