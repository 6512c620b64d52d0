/**
 * Items that stand in the place of a sequence's own where those can't be changed one by one: the text of a
 * report, the marks that somebody drew.
 */
import {
  type ElementEncoding,
  encodeElement,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';

const ContentSequence = 0x0040_a730;
const PersonIdentificationCodeSequence = 0x0040_1101;
const InstitutionCodeSequence = 0x0008_0082;

type Value = string | readonly Entry[];
type Entry = readonly [tag: number, vr: string, value: Value];

/** A code of nobody. PS3.3 table 8.8-1. */
const ANONYMOUS: readonly Entry[] = [
  [0x0008_0100, 'SH', 'ANONYMIZED'],
  [0x0008_0102, 'SH', '99CDIP'],
  [0x0008_0104, 'LO', 'ANONYMIZED'],
];

const ITEMS: ReadonlyMap<number, readonly Entry[]> = new Map<number, readonly Entry[]>([
  [InstitutionCodeSequence, ANONYMOUS],
  [PersonIdentificationCodeSequence, ANONYMOUS],
  [
    // A text that says that there was one. PS3.3 C.17.3, PS3.16: (121106, DCM, "Comment").
    ContentSequence,
    [
      [0x0040_a010, 'CS', 'CONTAINS'],
      [0x0040_a040, 'CS', 'TEXT'],
      [
        0x0040_a043,
        'SQ',
        [
          [0x0008_0100, 'SH', '121106'],
          [0x0008_0102, 'SH', 'DCM'],
          [0x0008_0104, 'LO', 'Comment'],
        ],
      ],
      [0x0040_a160, 'UT', 'ANONYMIZED'],
    ],
  ],
]);

/** @returns undefined where the sequence's own items can be changed */
export function dummyItem(tag: number, encoding: ElementEncoding): Buffer | undefined {
  const entries = ITEMS.get(tag);
  return entries === undefined ? undefined : itemOf(entries, encoding);
}

function itemOf(entries: readonly Entry[], encoding: ElementEncoding): Buffer {
  return encodeItem(
    encoding,
    entries.map(([tag, vr, value]) =>
      encodeElement(encoding, {
        ...{ tag, vr },
        value: typeof value === 'string' ? padded(Buffer.from(value)) : itemOf(value, encoding),
      }),
    ),
  );
}
