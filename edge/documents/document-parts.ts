/**
 * What documents that this edge makes for a PACS have in common: whose study they are of, UIDs, content items.
 * PS3.3 C.17. Pure.
 */
import { createHash } from 'node:crypto';
import type { EventBody, StudyEvent } from '../../shared/contract/events.ts';
import type { Entry } from '../../shared/dicom/small-data-set.ts';
import { Tag } from '../../shared/dicom/tag.ts';

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** A document as it is made. */
export interface MadeDocument {
  readonly dataSet: Buffer;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly seriesInstanceUID: string;
}

export const T = {
  ContentDate: 0x0008_0023,
  ContentTime: 0x0008_0033,
  Manufacturer: 0x0008_0070,
  CodeValue: 0x0008_0100,
  CodingSchemeDesignator: 0x0008_0102,
  CodeMeaning: 0x0008_0104,
  MappingResource: 0x0008_0105,
  ReferencedPerformedProcedureStepSequence: 0x0008_1111,
  ReferencedSeriesSequence: 0x0008_1115,
  ReferencedSOPClassUID: 0x0008_1150,
  ReferencedSOPInstanceUID: 0x0008_1155,
  ReferencedSOPSequence: 0x0008_1199,
  RelationshipType: 0x0040_a010,
  ValueType: 0x0040_a040,
  ConceptNameCodeSequence: 0x0040_a043,
  ContinuityOfContent: 0x0040_a050,
  TextValue: 0x0040_a160,
  PredecessorDocumentsSequence: 0x0040_a360,
  PerformedProcedureCodeSequence: 0x0040_a372,
  CurrentRequestedProcedureEvidenceSequence: 0x0040_a375,
  CompletionFlag: 0x0040_a491,
  VerificationFlag: 0x0040_a493,
  ContentTemplateSequence: 0x0040_a504,
  ContentSequence: 0x0040_a730,
  TemplateIdentifier: 0x0040_db00,
} as const;

/** Patient and study as the copy is filed here. */
export function studyEntries(study: EventBody<StudyEvent>): Entry[] {
  const { patient, accessionNumber, accessionIssuer } = study;
  return [
    [Tag.PatientName, patient.name ?? ''],
    [Tag.PatientID, patient.patientId],
    [Tag.IssuerOfPatientID, patient.issuer],
    [Tag.PatientBirthDate, patient.birthDate ?? ''],
    [Tag.PatientSex, patient.sex ?? ''],
    [Tag.StudyInstanceUID, study.studyInstanceUID],
    [Tag.StudyDate, study.studyDate ?? ''],
    [Tag.StudyTime, study.studyTime ?? ''],
    [Tag.StudyID, study.studyId ?? ''],
    [Tag.AccessionNumber, accessionNumber ?? ''],
    ...(accessionIssuer === null
      ? []
      : [
          [
            Tag.IssuerOfAccessionNumberSequence,
            [[[Tag.LocalNamespaceEntityID, accessionIssuer] as const]],
          ] as const,
        ]),
    [Tag.ReferringPhysicianName, study.referringPhysician ?? ''],
    ...(study.description === null ? [] : [[Tag.StudyDescription, study.description] as const]),
  ];
}

export const code = (value: string, scheme: string, meaning: string): Entry[] => [
  [T.CodeValue, value],
  [T.CodingSchemeDesignator, scheme],
  [T.CodeMeaning, meaning],
];

/** A content item of text under a concept of DCM. PS3.3 C.17.3. */
export function textItem(value: string, meaning: string, text: string): Entry[] {
  return [
    [T.RelationshipType, 'CONTAINS'],
    [T.ValueType, 'TEXT'],
    [T.ConceptNameCodeSequence, [code(value, 'DCM', meaning)]],
    [T.TextValue, text],
  ];
}

/** Of the form 2.25.<128 bits>; the same parts give the same UID. PS3.5 §B.2. */
export function uidOf(parts: readonly string[]): string {
  const bytes = createHash('sha256').update(parts.join('\0')).digest().subarray(0, 16);
  bytes.writeUInt8(((bytes[6] ?? 0) & 0x0f) | 0x80, 6);
  bytes.writeUInt8(((bytes[8] ?? 0) & 0x3f) | 0x80, 8);
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`;
}

const digitsOf = (at: string): string => at.replace(/[-:TZ]/g, '');
export const dicomDate = (at: string): string => digitsOf(at).slice(0, 8);
export const dicomTime = (at: string): string => digitsOf(at).slice(8, 14);
