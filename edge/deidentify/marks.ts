/**
 * What an object that was de-identified says of it. PS3.15 §E.1.1 steps 6 to 8, §E.3; PS3.3 C.12.1.1.7, C.7.6.
 */
import {
  type ElementEncoding,
  encodeElement,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { Insertion } from '../../shared/dicom/transform.ts';
import { VERSION } from '../../shared/version.ts';
import { BASIC_PROFILE, type ProfileOption } from './options.ts';
import { PROFILE_EDITION } from './profile.generated.ts';
import { SubjectTag } from './subject.ts';

const PatientIdentityRemoved = 0x0012_0062;
const DeidentificationMethod = 0x0012_0063;
const DeidentificationMethodCodeSequence = 0x0012_0064;
const LongitudinalTemporalInformationModified = 0x0028_0303;

/** Of the original none of these stays: it would speak of another de-identification. */
export const MARK_TAGS: ReadonlySet<number> = new Set([
  PatientIdentityRemoved,
  DeidentificationMethod,
  DeidentificationMethodCodeSequence,
  LongitudinalTemporalInformationModified,
]);

interface Code {
  readonly code: string;
  readonly meaning: string;
}

export interface Marks {
  readonly options: readonly ProfileOption[];
  /** Names, numbers: what archives need and the original does not have. */
  readonly missing: readonly (readonly [tag: number, vr: string, value: string])[];
  readonly hasContributingEquipment: boolean;
  /** Parts of the pixels were blanked. */
  readonly isMasked: boolean;
}

/** @returns the elements to insert, in no order */
export function markElements(encoding: ElementEncoding, marks: Marks): Insertion[] {
  const element = (tag: number, vr: string, value: string): Insertion => ({
    tag,
    bytes: encodeElement(encoding, { tag, vr, value: padded(Buffer.from(value, 'latin1')) }),
  });
  const { options, missing, hasContributingEquipment, isMasked } = marks;
  const codes = [BASIC_PROFILE, ...options];
  const codeItems = Buffer.concat(codes.map((code) => codeItem(encoding, code)));
  return [
    ...missing.map(([tag, vr, value]) => element(tag, vr, value)),
    element(PatientIdentityRemoved, 'CS', 'YES'),
    element(DeidentificationMethod, 'LO', methodOf(options)),
    {
      tag: DeidentificationMethodCodeSequence,
      bytes: encodeElement(encoding, {
        ...{ tag: DeidentificationMethodCodeSequence, vr: 'SQ', value: codeItems },
      }),
    },
    ...(hasContributingEquipment ? [] : [contributingEquipment(encoding)]),
    ...(isMasked ? [element(SubjectTag.BurnedInAnnotation, 'CS', 'NO')] : []),
    element(LongitudinalTemporalInformationModified, 'CS', datesOf(options)),
  ];
}

/** The item that says which equipment did it. PS3.16 CID 7005. */
export function equipmentItem(encoding: ElementEncoding): Buffer {
  const text = (tag: number, vr: string, value: string): Buffer =>
    encodeElement(encoding, { tag, vr, value: padded(Buffer.from(value, 'latin1')) });
  const purpose = codeItem(encoding, { code: '109104', meaning: 'De-identifying Equipment' });
  return encodeItem(encoding, [
    text(SubjectTag.Manufacturer, 'LO', 'CDIP'),
    text(0x0018_1020, 'LO', VERSION),
    encodeElement(encoding, { tag: 0x0040_a170, vr: 'SQ', value: purpose }),
  ]);
}

function contributingEquipment(encoding: ElementEncoding): Insertion {
  const tag = SubjectTag.ContributingEquipmentSequence;
  return { tag, bytes: encodeElement(encoding, { tag, vr: 'SQ', value: equipmentItem(encoding) }) };
}

function codeItem(encoding: ElementEncoding, { code, meaning }: Code): Buffer {
  const text = (tag: number, vr: string, value: string): Buffer =>
    encodeElement(encoding, { tag, vr, value: padded(Buffer.from(value, 'latin1')) });
  return encodeItem(encoding, [
    text(0x0008_0100, 'SH', code),
    text(0x0008_0102, 'SH', 'DCM'),
    text(0x0008_0104, 'LO', meaning),
  ]);
}

/** Each value at most 64 characters. */
function methodOf(options: readonly ProfileOption[]): string {
  const own = `CDIP ${VERSION}, ${PROFILE_EDITION}, Basic Profile`.slice(0, 64);
  return [own, ...options.map(({ name }) => name)].join('\\');
}

function datesOf(options: readonly ProfileOption[]): string {
  const names = options.map(({ name }) => name);
  if (names.includes('retain-full-dates')) return 'UNMODIFIED';
  return names.includes('retain-modified-dates') ? 'MODIFIED' : 'REMOVED';
}

/** Identifiers that archives sort by, never left out. PS3.3 C.7.1.1, C.7.2.1; IHE RAD TF-2 4.6. */
export const NEEDED = [Tag.PatientName, Tag.PatientID, Tag.AccessionNumber, Tag.StudyID] as const;
