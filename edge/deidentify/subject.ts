/**
 * Whom and what an object is of, read before anything of it is given out: the patient's identifiers in
 * every place where they stand, and what tells whether the pixels may show them.
 *
 *   data set ─► SubjectReader ─► Subject ─► pseudonyms, pixel-rules.ts, leak-check.ts
 */
import { type Charset, charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { openDataSetReader } from '../../shared/dicom/data-set-reader.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import type { ElementHeader, ElementVisitor } from '../../shared/dicom/element-reader.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { KnownIdentifiers } from '../../shared/identifier-search.ts';
import { findNhsNumber, type Identifier } from '../../shared/patient-identifiers.ts';
import { isPrivate, isPrivateCreator, safeCreators } from './safe-private.ts';

export interface Subject {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  /** Ten digits, where the object itself calls a number an NHS number. */
  readonly nhsNumber: string | null;
  /** Issuer and Patient ID; the study where there is none. */
  readonly localKey: string;
  readonly charset: Charset;
  readonly identifiers: KnownIdentifiers;
  /** Days of the examination, YYYYMMDD. */
  readonly days: ReadonlySet<string>;
  /** Of private blocks of the data set itself in which something may stay, by the tags that name them. */
  readonly creators: ReadonlyMap<number, string>;
  /** An overlay has no element of its own but unused bits of the pixels. PS3.5 §8.1.2, retired. */
  readonly hasOverlayInPixels: boolean;
  /** The tags of the data set itself, of those that are asked for here. */
  has(tag: number): boolean;
  /** Text of attributes of the data set itself; '' when absent. */
  text(tag: number): string;
  /** A number of VR US or IS; undefined when absent or none. */
  number(tag: number): number | undefined;
}

export const SubjectTag = {
  ImageType: 0x0008_0008,
  ConversionType: 0x0008_0064,
  Manufacturer: 0x0008_0070,
  SeriesDescription: 0x0008_103e,
  ManufacturerModelName: 0x0008_1090,
  ContributingEquipmentSequence: 0x0018_a001,
  SamplesPerPixel: 0x0028_0002,
  PhotometricInterpretation: 0x0028_0004,
  PlanarConfiguration: 0x0028_0006,
  NumberOfFrames: 0x0028_0008,
  Rows: 0x0028_0010,
  Columns: 0x0028_0011,
  BitsAllocated: 0x0028_0100,
  BitsStored: 0x0028_0101,
  PixelRepresentation: 0x0028_0103,
  BurnedInAnnotation: 0x0028_0301,
  RecognizableVisualFeatures: 0x0028_0302,
} as const;

/** Patient's Name, Birth Name, Mother's Birth Name, Other Names; Responsible Person, who is family. */
const NAMES = new Set([0x0010_0010, 0x0010_1001, 0x0010_1005, 0x0010_1060, 0x0010_2297]);
const NUMBERS = new Set([
  // Patient ID, Other Patient IDs, Accession Number, Admission ID, Telephone Numbers, Medical Record Locator
  ...[0x0010_0020, 0x0010_1000, 0x0008_0050, 0x0038_0010, 0x0010_2154, 0x0010_1090],
  // Military Rank, Service Episode ID; placer and filler order numbers, Requested Procedure ID
  ...[0x0010_1080, 0x0038_0060, 0x0040_2016, 0x0040_2017, 0x0040_1001],
]);
const ADDRESSES = new Set([0x0010_1040, 0x0010_2150, 0x0010_2152, 0x0010_2155]);
/** Of study, series, content and its creation; of acquisition; of the procedure step, as planned and as performed. */
const DAYS = new Set([
  ...[0x0008_0020, 0x0008_0021, 0x0008_0023, 0x0008_0012, 0x0008_0022, 0x0008_002a],
  ...[0x0040_0002, 0x0040_0244, 0x0040_0250],
]);
const BIRTH_DATES = new Set<number>([Tag.PatientBirthDate]);
const ISSUERS = new Set<number>([
  ...[Tag.IssuerOfPatientID, Tag.TypeOfPatientID, Tag.UniversalEntityID],
]);
const TOP_LEVEL = new Set<number>([
  ...[Tag.SpecificCharacterSet, Tag.SOPClassUID, Tag.SOPInstanceUID, Tag.Modality],
  ...[Tag.StudyInstanceUID, Tag.StudyID, ...Object.values(SubjectTag), ...DAYS],
]);
const MAX_VALUE_BYTES = 65_536;

interface Found {
  readonly header: ElementHeader;
  readonly bytes: Buffer;
  /** The sequence of the data set itself that it stands in, and in which of its items. */
  readonly sequence: number;
  readonly item: number;
}

/** @throws, or rejects with, DicomError when it is no whole data set */
export async function readSubject(source: DataSetSource): Promise<Subject> {
  const visitor = new SubjectReader();
  const reader = openDataSetReader(source.transferSyntaxUID, visitor);
  try {
    for await (const chunk of source.open()) await reader.write(chunk);
    await reader.end();
  } finally {
    reader.destroy();
  }
  return visitor.subject();
}

export class SubjectReader implements ElementVisitor {
  readonly #found: Found[] = [];
  readonly #present = new Set<number>();
  readonly #private: Pick<ElementHeader, 'tag' | 'vr' | 'length'>[] = [];
  readonly #creators = new Map<number, string>();
  #sequence = 0;
  #item = 0;

  element(header: ElementHeader): boolean {
    const { tag, vr, length, depth } = header;
    if (depth === 0) {
      this.#sequence = vr === 'SQ' || vr === 'UN' ? tag : 0;
      if (TOP_LEVEL.has(tag) || isIdentifier(tag)) this.#present.add(tag);
      if (isPrivate(tag)) this.#private.push({ tag, vr, length });
    }
    if (length > MAX_VALUE_BYTES) return false;
    if (isOverlayBits(tag)) return true;
    return isIdentifier(tag) || (depth === 0 && (TOP_LEVEL.has(tag) || isPrivateCreator(tag)));
  }

  item(depth: number): void {
    if (depth === 0) this.#item += 1;
  }

  value(header: ElementHeader, bytes: Buffer): void {
    if (header.depth === 0 && isPrivateCreator(header.tag))
      this.#creators.set(header.tag, bytes.toString('latin1').replace(/[\0 ]+$/, ''));
    else
      this.#found.push({
        ...{ header, bytes: Buffer.from(bytes) },
        ...{ sequence: header.depth === 0 ? 0 : this.#sequence, item: this.#item },
      });
  }

  subject(): Subject {
    const top = new Map<number, Found>();
    for (const found of this.#found)
      if (found.sequence === 0 && !top.has(found.header.tag)) top.set(found.header.tag, found);
    const charset = charsetOf(
      top.get(Tag.SpecificCharacterSet)?.bytes.toString('latin1').trim() ?? null,
    );
    const text = (tag: number): string => readText(top.get(tag)?.bytes, charset);
    const studyInstanceUID = trimUID(text(Tag.StudyInstanceUID));
    const patientId = text(Tag.PatientID).trim();
    return {
      sopClassUID: trimUID(text(Tag.SOPClassUID)),
      sopInstanceUID: trimUID(text(Tag.SOPInstanceUID)),
      studyInstanceUID,
      nhsNumber: findNhsNumber(this.#patientIdentifiers(charset)),
      localKey:
        patientId === ''
          ? `study ${studyInstanceUID}`
          : `id ${text(Tag.IssuerOfPatientID).trim()} ${patientId}`,
      charset,
      identifiers: {
        names: this.#values(NAMES, charset),
        numbers: this.#values(NUMBERS, charset),
        birthDates: this.#values(BIRTH_DATES, charset),
        addresses: this.#values(ADDRESSES, charset),
      },
      days: new Set([...DAYS].flatMap((tag) => dayOf(text(tag)))),
      creators: safeCreators(this.#creators, this.#private),
      hasOverlayInPixels: this.#found.some(
        (found) => isOverlayBits(found.header.tag) && (readNumber(found) ?? 1) > 1,
      ),
      has: (tag) => this.#present.has(tag),
      text,
      number: (tag) => readNumber(top.get(tag)),
    };
  }

  /** Of all depths, each once. */
  #values(tags: ReadonlySet<number>, charset: Charset): string[] {
    const values = this.#found
      .filter(({ header }) => tags.has(header.tag))
      .flatMap(({ header, bytes }) => {
        const value = readText(bytes, charset);
        return vrOfTag(header.tag) === 'ST' ? value : value.split('\\');
      })
      .map((value) => value.trim())
      .filter((value) => value !== '');
    return [...new Set(values)];
  }

  /** The Patient ID with its issuer, and those of Other Patient IDs Sequence with theirs. */
  #patientIdentifiers(charset: Charset): Identifier[] {
    const isPatients = ({ sequence, header }: Found): boolean =>
      sequence === Tag.OtherPatientIDsSequence
        ? header.depth <= 2
        : sequence === 0 || sequence === Tag.IssuerOfPatientIDQualifiersSequence;
    const groups = Map.groupBy(this.#found.filter(isPatients), ({ sequence, item }) =>
      sequence === Tag.OtherPatientIDsSequence ? item : 0,
    );
    return [...groups.values()].map((group) => {
      const of = (tag: number): string =>
        readText(group.find(({ header }) => header.tag === tag)?.bytes, charset);
      return {
        value: of(Tag.PatientID),
        issuer: of(Tag.IssuerOfPatientID) || null,
        universalId: of(Tag.UniversalEntityID) || null,
        type: of(Tag.TypeOfPatientID) || null,
      };
    });
  }
}

/** Of a date, or of a date and time. */
const dayOf = (text: string): string[] => text.replaceAll('.', '').match(/^\d{8}/) ?? [];

const isIdentifier = (tag: number): boolean =>
  NAMES.has(tag) ||
  NUMBERS.has(tag) ||
  ADDRESSES.has(tag) ||
  BIRTH_DATES.has(tag) ||
  ISSUERS.has(tag);

/** Overlay Bits Allocated, which is 1, and Overlay Bit Position, which is 0, where it has its own element. */
const isOverlayBits = (tag: number): boolean =>
  tag >>> 24 === 0x60 && ((tag & 0xffff) === 0x0100 || (tag & 0xffff) === 0x0102);

function readNumber(found: Found | undefined): number | undefined {
  if (found === undefined) return undefined;
  const { header, bytes } = found;
  if (header.vr === 'US' || header.vr === 'UN')
    return bytes.length < 2
      ? undefined
      : header.bigEndian
        ? bytes.readUInt16BE(0)
        : bytes.readUInt16LE(0);
  const number = Number(bytes.toString('latin1').replace(/\0/g, '').trim());
  return Number.isInteger(number) ? number : undefined;
}

function readText(bytes: Buffer | undefined, charset: Charset): string {
  return bytes === undefined
    ? ''
    : decodeText(bytes, charset)
        .replace(/[\0 ]+$/, '')
        .trimStart();
}
