/**
 * What a crawl asks a PACS for, and how its answers are read. PS3.4 C.6.2.1, Study Root at STUDY level.
 *
 *   Slice ─► identifier        identifier of an answer ─► PacsStudy
 *
 * An answer without a character set is read in the one that the configuration gives the PACS, else as UTF-8 or
 * Latin-1, whichever it is.
 */
import { Tag } from '../../shared/dicom/tag.ts';
import { GatewayError } from '../../shared/errors.ts';
import { decodeIdentifier, encodeIdentifier, type IdentifierElement } from '../dimse/identifier.ts';
import type { PacsStudy } from '../index/nearline.ts';
import type { ObjectReading } from '../scp/object-reading.ts';
import { dateKey, type Slice, timeKey } from './slice.ts';

const QueryRetrieveLevel = 0x0008_0052;
const ModalitiesInStudy = 0x0008_0061;
const NumberOfStudyRelatedSeries = 0x0020_1206;
const NumberOfStudyRelatedInstances = 0x0020_1208;

/** What every PACS has to answer. */
const REQUIRED: readonly IdentifierElement[] = [
  { tag: Tag.StudyDate, vr: 'DA', value: '' },
  { tag: Tag.StudyTime, vr: 'TM', value: '' },
  { tag: Tag.AccessionNumber, vr: 'SH', value: '' },
  { tag: Tag.PatientName, vr: 'PN', value: '' },
  { tag: Tag.PatientID, vr: 'LO', value: '' },
  { tag: Tag.StudyID, vr: 'SH', value: '' },
  { tag: Tag.StudyInstanceUID, vr: 'UI', value: '' },
];
const OPTIONAL: readonly IdentifierElement[] = [
  { tag: Tag.SpecificCharacterSet, vr: 'CS', value: 'ISO_IR 192' },
  { tag: ModalitiesInStudy, vr: 'CS', value: '' },
  { tag: Tag.InstitutionName, vr: 'LO', value: '' },
  { tag: Tag.ReferringPhysicianName, vr: 'PN', value: '' },
  { tag: Tag.StudyDescription, vr: 'LO', value: '' },
  { tag: Tag.IssuerOfPatientID, vr: 'LO', value: '' },
  { tag: Tag.PatientBirthDate, vr: 'DA', value: '' },
  { tag: Tag.PatientSex, vr: 'CS', value: '' },
  { tag: Tag.OtherPatientIDsSequence, vr: 'SQ', value: '' },
  { tag: NumberOfStudyRelatedSeries, vr: 'IS', value: '' },
  { tag: NumberOfStudyRelatedInstances, vr: 'IS', value: '' },
];

export interface AskOptions {
  readonly transferSyntaxUID: string;
  /** The PACS refuses keys that it does not have to know. */
  readonly fewKeys: boolean;
}

/** One study, or a patient's. */
export type Named = { readonly studyInstanceUID: string } | { readonly patientId: string };

/** Asks for the studies of a slice, of a patient, or for one by its UID. */
export function studyIdentifier(
  of: Slice | Named,
  { transferSyntaxUID, fewKeys }: AskOptions,
): Buffer {
  const asked = new Map(askedOf(of));
  const keys = [...REQUIRED, ...(fewKeys ? [] : OPTIONAL)];
  return encodeIdentifier(transferSyntaxUID, [
    { tag: QueryRetrieveLevel, vr: 'CS', value: 'STUDY' },
    ...keys.map((key) => ({ ...key, value: asked.get(key.tag) || key.value })),
  ]);
}

function askedOf(of: Slice | Named): [tag: number, value: string][] {
  if ('studyInstanceUID' in of) return [[Tag.StudyInstanceUID, of.studyInstanceUID]];
  if ('patientId' in of) return [[Tag.PatientID, of.patientId]];
  return [
    [Tag.StudyDate, dateKey(of)],
    [Tag.StudyTime, timeKey(of)],
    [ModalitiesInStudy, of.modality ?? ''],
  ];
}

export interface ReadOptions {
  readonly transferSyntaxUID: string;
  readonly reading: Pick<ObjectReading, 'openReader'>;
  /** Of a PACS that does not name it. */
  readonly characterSet: string | undefined;
}

/** @returns undefined for what names no study, or can't be read: it can't be recorded */
export async function readStudy(
  answer: Buffer,
  { transferSyntaxUID, reading, characterSet }: ReadOptions,
): Promise<PacsStudy | undefined> {
  try {
    const values = decodeIdentifier(transferSyntaxUID, answer);
    const said = withCharacterSet(answer, values, { transferSyntaxUID, characterSet });
    const reader = reading.openReader(transferSyntaxUID);
    await reader.write(said);
    const attributes = await reader.end();
    if (!/^.{1,128}$/.test(attributes.studyInstanceUID)) return undefined;
    return {
      attributes,
      series: countOf(values.get(NumberOfStudyRelatedSeries)),
      instances: countOf(values.get(NumberOfStudyRelatedInstances)),
      modalities: modalitiesOf(values.get(ModalitiesInStudy)),
    };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return undefined;
  }
}

function withCharacterSet(
  answer: Buffer,
  values: ReadonlyMap<number, string>,
  { transferSyntaxUID, characterSet }: Omit<ReadOptions, 'reading'>,
): Buffer {
  if (characterSet === undefined || values.get(Tag.SpecificCharacterSet)) return answer;
  const element = { tag: Tag.SpecificCharacterSet, vr: 'CS', value: characterSet };
  // Of an element that stands twice the first counts.
  return Buffer.concat([encodeIdentifier(transferSyntaxUID, [element]), answer]);
}

/** IS. Zero is what some PACS say when they do not know. */
export function countOf(text: string | undefined): number | null {
  const digits = text?.trim() ?? '';
  return /^\d{1,9}$/.test(digits) && Number(digits) > 0 ? Number(digits) : null;
}

export const modalitiesOf = (text: string | undefined): string[] => [
  ...new Set(
    (text ?? '')
      .split('\\')
      .map((modality) => modality.trim())
      .filter((modality) => modality !== ''),
  ),
];
