/** Puts a patient's identity into real objects, in every place that the standard and real life have for it. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { PROFILE_TAGS } from '../../../../edge/deidentify/profile.ts';
import { vrOfTag } from '../../../../shared/dicom/dictionary.ts';
import { encodingOf } from '../../../../shared/dicom/transfer-syntax.ts';
import { DataSetTransformer } from '../../../../shared/dicom/transform.ts';
import { sequence, type TestEncoding } from '../../../support/data-set.ts';
import { type Part10, writePart10 } from '../../../support/part10.ts';
import { encoded, NEST, type Planted } from './object-fixture.ts';

export const IDENTITY = {
  family: 'Zyxwcanary',
  given: 'Quillonia',
  maiden: 'Brambleforthe',
  umlaut: 'Grünfläche',
  number: 'KH88123457',
  telephone: '07700900123',
  birthDate: '19470203',
  street: 'Quagmirelane',
  accession: 'AC5550192',
} as const;
const { family, given, maiden, umlaut, number, telephone, birthDate, street, accession } = IDENTITY;

/** In any case, encoding and grouping that is looked for. */
export function identitiesIn(bytes: Buffer): string[] {
  const wide = (from: number): string =>
    bytes.toString('utf16le', from, bytes.length - ((bytes.length - from) % 2));
  const readings = [bytes.toString('latin1'), wide(0), wide(1)];
  const words = [family, given, maiden, number, telephone, birthDate, street, accession];
  const writings = [
    ...words,
    '03/02/1947',
    '3 Feb 1947',
    '1947-02-03',
    '07700 900123',
    'KH 88123457',
  ];
  const folded = readings.map((reading) => reading.toLowerCase());
  const found = writings.filter((word) => folded.some((text) => text.includes(word.toLowerCase())));
  const umlauts = [Buffer.from(umlaut), Buffer.from(umlaut, 'latin1')];
  return [...found, ...(umlauts.some((each) => bytes.includes(each)) ? [umlaut] : [])];
}

/** Sentences as people write them, into text of any length. */
const PROSE = `Seen ${given} ${family} (nee ${maiden}) b. 03/02/1947, 3 Feb 1947, 12 ${street}, ${number}`;
const BY_VR: Readonly<Record<string, string>> = {
  ...{ PN: `${family}^${given}=${family}^${umlaut}`, LO: `${family} ${number}`, SH: family },
  ...{ LT: PROSE, ST: PROSE, UT: PROSE, UC: PROSE, UR: `http://pacs.example/${family}/${number}` },
  ...{
    CS: family.toUpperCase(),
    AE: family.toUpperCase(),
    DA: birthDate,
    DT: `${birthDate}101112`,
  },
  ...{ TM: '101112', AS: '079Y', IS: '88123457', DS: '88123457', UI: '1.2.826.19470203.88123457' },
};

function valueFor(vr: string): string | Buffer | undefined {
  if (/^(OB|OW|UN)$/.test(vr)) return Buffer.from(`${PROSE} `.padEnd(128));
  return BY_VR[vr];
}

/** Every attribute that the table of the profile names. */
function listed(): Planted[] {
  return PROFILE_TAGS.filter((id) => /^[0-9a-f]{8}$/.test(id))
    .map((id) => Number.parseInt(id, 16))
    .filter((tag) => tag >>> 16 > 0x0008 || (tag >>> 16 === 0x0008 && (tag & 0xffff) > 0x0018))
    .filter((tag) => tag >>> 16 < 0x7fe0 && !UIDS_OF_OBJECT.has(tag))
    .flatMap((tag) => {
      const vr = vrOfTag(tag) === 'UN' ? 'LO' : vrOfTag(tag);
      const value = valueFor(vr);
      return value === undefined ? [] : [[tag, vr, value] as const];
    });
}
const UIDS_OF_OBJECT = new Set([0x0020_000d, 0x0020_000e]);

/** Whose patient it is, and what the table does not list. */
const SPECIAL: readonly Planted[] = [
  [0x0008_0050, 'SH', accession],
  [0x0010_0010, 'PN', `${family}^${given}^^Dr`],
  [0x0010_0020, 'LO', number],
  [0x0010_0030, 'DA', birthDate],
  [0x0010_0033, 'LO', birthDate],
  [0x0010_1005, 'PN', maiden],
  [0x0010_1040, 'LO', `12 ${street}`],
  [0x0010_2154, 'SH', telephone],
  // Unlisted: free text of VR ST, LT, UT, UR, PN, DA, UI, retired numbers
  [0x0018_9080, 'ST', PROSE],
  [0x0040_0400, 'LT', PROSE],
  [0x0044_0106, 'UT', PROSE],
  [0x0008_1190, 'UR', `http://x.example/${family}`],
  [0x0014_2006, 'PN', family],
  [0x0014_1020, 'DA', birthDate],
  [0x0040_1006, 'SH', number],
  // Unknown to PS3.6
  [0x0018_7fff, 'LO', family],
  [0x0018_7ffe, 'UN', Buffer.from(`${family} `)],
  // Private: a creator, text, UN, and a vendor's block that may stay but for this
  [0x0019_0010, 'LO', `${family} PRIVATE`],
  [0x0019_1001, 'LO', PROSE],
  [0x0019_1002, 'UN', Buffer.from(`${PROSE} `.padEnd(128))],
  [0x0043_0010, 'LO', 'GEMS_PARM_01'],
  [0x0043_1001, 'LO', family],
  // Curve, overlay and its comment; padding
  [0x5000_2500, 'LO', family],
  [0x6000_0022, 'LO', family],
  [0x6000_3000, 'OW', Buffer.from(`${PROSE} `.padEnd(128))],
  [0x6000_4000, 'LT', PROSE],
  // A document of another format
  [0x0042_0010, 'ST', PROSE],
  [0x0042_0011, 'OB', Buffer.from(`%PDF-1.4 1 0 obj (${PROSE}) endobj %%EOF `.padEnd(200))],
  [0xfffc_fffc, 'OB', Buffer.from(`${PROSE} `.padEnd(128))],
];

/** Six sequences deep, in ones that stay; in Original Attributes, which do not; in one that a converter made UN. */
function deep(encoding: TestEncoding): Planted[] {
  const names: readonly Planted[] = [
    [0x0010_0010, 'PN', family],
    [0x0010_4000, 'LT', PROSE],
    [0x0019_0010, 'LO', family],
    [0x0019_1001, 'LO', family],
  ];
  const itemIn = (as: TestEncoding): Buffer =>
    Buffer.concat(names.map((entry) => encoded(as, entry)));
  const six = [...NEST, ...NEST].reduceRight(
    (item, tag, depth) =>
      sequence(encoding, tag, [item, item], depth % 2 === 0 ? 'defined' : 'undefined'),
    itemIn(encoding),
  );
  const itemsIn = (items: readonly Buffer[], as: TestEncoding): Buffer =>
    sequence(as, 0x0018_9346, items).subarray(as.explicit ? 12 : 8);
  // PS3.5 §6.2.2 note 2.
  const implicit = { explicit: false, bigEndian: false };
  return [
    [0x0018_9346, 'SQ', itemsIn([six], encoding)],
    [0x0400_0561, 'SQ', itemsIn([itemIn(encoding)], encoding)],
    [0x0018_9341, 'UN', itemsIn([itemIn(implicit)], implicit)],
  ];
}

/**
 * Its identity, and its patient's name as text over the first pixels, in one or two bytes a letter; undefined where
 * they are compressed, or too few.
 */
export function plantInCorner(object: Part10, encoding: 'latin1' | 'utf16le'): Buffer | undefined {
  const text = Buffer.from(`${family} ${given}, ${number} `, encoding);
  let isWritten = false;
  const transformer = new DataSetTransformer(encodingOf(object.transferSyntaxUID), {
    choose: () => 'keep',
    change: ({ bytes }) => bytes,
    insert: [],
    overwrite: ({ tag, length }) => {
      if (tag !== PIXEL_DATA || length === 0xffff_ffff || length < text.length) return undefined;
      isWritten = true;
      return (bytes, at) => {
        const changed = Buffer.from(bytes);
        if (at < text.length) text.copy(changed, 0, at);
        return changed;
      };
    },
  });
  if (encodingOf(object.transferSyntaxUID).deflated) return undefined;
  const dataSet = Buffer.concat([...transformer.write(object.dataSet), ...transformer.end()]);
  return isWritten ? plant({ ...object, dataSet }) : undefined;
}
const PIXEL_DATA = 0x7fe0_0010;

/** A whole file around it, with the identity in its preamble and its meta information too. */
export function plant(object: Part10, more: readonly Planted[] = []): Buffer {
  const encoding = encodingOf(object.transferSyntaxUID);
  const planted = new Map(
    [...listed(), ...SPECIAL, ...deep(encoding), ...more].map((entry) => [entry[0], entry]),
  );
  const transformer = new DataSetTransformer(encoding, {
    choose: ({ tag }) => (planted.has(tag) ? 'drop' : 'keep'),
    change: ({ bytes }) => bytes,
    insert: [...planted].map(([tag, entry]) => ({ tag, bytes: encoded(encoding, entry) })),
  });
  const { deflated } = encoding;
  const whole = deflated ? inflateRawSync(object.dataSet) : object.dataSet;
  const changed = Buffer.concat([...transformer.write(whole), ...transformer.end()]);
  const dataSet = deflated ? deflateRawSync(changed) : changed;
  const file = writePart10({ ...object, dataSet: Buffer.alloc(0) });
  file.write(PROSE.slice(0, 128), 0, 'latin1');
  const explicit = { explicit: true, bigEndian: false };
  const meta: readonly Planted[] = [
    [0x0002_0016, 'AE', family.toUpperCase()],
    [0x0002_0100, 'UI', '1.2.826.19470203'],
    [0x0002_0102, 'OB', Buffer.from(`${family} `.padEnd(64))],
  ];
  return Buffer.concat([file, ...meta.map((entry) => encoded(explicit, entry)), dataSet]);
}
