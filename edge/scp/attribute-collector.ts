/**
 * Picks out of a data set what the index keeps of it: top-level elements, and the items that say whose
 * an identifier is. Text is decoded when the data set is over.
 *
 * An element that stands twice counts as it stood first. A value longer than any of its kind has is
 * none.
 */
import { readConfidentiality } from '../../shared/confidentiality.ts';
import { type Charset, charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import type { ElementHeader, ElementVisitor } from '../../shared/dicom/element-reader.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { findNhsNumber, type Identifier } from '../../shared/patient-identifiers.ts';
import type { InstanceAttributes, RejectionNote } from '../index/attributes.ts';
import { dateOf, integerOf, textOf } from './values.ts';

/** Text of 64 characters may take four bytes each, and escape sequences; a name has three such groups. */
const MAX_VALUE_BYTES = 4_096;

/** Confidentiality Constraint on Patient Data Description. PS3.3 C.2.4. */
const ConfidentialityConstraint = 0x0040_3001;

const TOP_LEVEL: ReadonlySet<number> = new Set([
  ...[Tag.SpecificCharacterSet, Tag.SOPClassUID, Tag.SOPInstanceUID, Tag.StudyDate, Tag.StudyTime],
  ...[Tag.AccessionNumber, Tag.Modality, Tag.InstitutionName, Tag.ReferringPhysicianName],
  ...[Tag.StudyDescription, Tag.SeriesDescription, Tag.PatientName, Tag.PatientID],
  ...[Tag.IssuerOfPatientID, Tag.TypeOfPatientID, Tag.PatientBirthDate, Tag.PatientSex],
  ...[Tag.BodyPartExamined, Tag.StudyInstanceUID, Tag.SeriesInstanceUID, Tag.StudyID],
  ...[Tag.SeriesNumber, Tag.InstanceNumber],
  ConfidentialityConstraint,
]);
/** Key Object Selection Document Storage. PS3.4 B.5. */
const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59';
const ConceptNameCodeSequence = 0x0040_a043;
const CurrentRequestedProcedureEvidenceSequence = 0x0040_a375;
const ReferencedSOPInstanceUID = 0x0008_1155;
const ModifyingSystem = 0x0400_0563;
const SourceOfPreviousValues = 0x0400_0564;
const CodeValue = 0x0008_0100;
const CodingSchemeDesignator = 0x0008_0102;
/** Titles of rejection notes. IHE IOCM; PS3.16 CID 7011. */
const REJECTIONS: ReadonlySet<string> = new Set(['113001', '113037', '113038', '113039']);
/** More objects than any study has: beyond it somebody is up to no good. */
const MAX_REFERENCES = 200_000;

const SEQUENCES: ReadonlySet<number> = new Set([
  ConceptNameCodeSequence,
  CurrentRequestedProcedureEvidenceSequence,
  Tag.OriginalAttributesSequence,
  Tag.IssuerOfAccessionNumberSequence,
  Tag.IssuerOfPatientIDQualifiersSequence,
  Tag.OtherPatientIDsSequence,
]);
const IN_ITEMS: ReadonlySet<number> = new Set([
  ...[Tag.PatientID, Tag.IssuerOfPatientID, Tag.TypeOfPatientID],
  ...[Tag.LocalNamespaceEntityID, Tag.UniversalEntityID, Tag.UniversalEntityIDType],
  ...[CodeValue, CodingSchemeDesignator, ModifyingSystem, SourceOfPreviousValues],
]);
/** Identifiers of one patient that are looked at. */
const MAX_ITEMS = 64;

type Values = Map<number, Buffer>;

export class AttributeCollector implements ElementVisitor {
  readonly #values: Values = new Map();
  readonly #items = new Map<number, Values[]>();
  /** The sequence of interest that is being walked; its items' own elements have depth 1. */
  #sequence = 0;
  /** SOP Instance UIDs that a Key Object Selection names as its evidence. */
  readonly #references: string[] = [];

  element({ tag, depth, length, vr }: ElementHeader): boolean {
    if (depth === 0) {
      this.#sequence = vr === 'SQ' && SEQUENCES.has(tag) ? tag : 0;
      return length <= MAX_VALUE_BYTES && TOP_LEVEL.has(tag) && !this.#values.has(tag);
    }
    if (this.#sequence === 0 || length > MAX_VALUE_BYTES) return false;
    if (this.#sequence === CurrentRequestedProcedureEvidenceSequence)
      return tag === ReferencedSOPInstanceUID && this.#isKeyObjectSelection();
    if (!IN_ITEMS.has(tag)) return false;
    return depth <= 2 && this.#present() !== undefined;
  }

  item(depth: number): void {
    if (depth !== 0 || this.#sequence === 0) return;
    const items = this.#items.get(this.#sequence) ?? [];
    this.#items.set(this.#sequence, items);
    if (items.length < MAX_ITEMS) items.push(new Map());
  }

  value({ tag, depth }: ElementHeader, bytes: Buffer): void {
    // A view of a chunk would keep the whole chunk.
    const kept = Buffer.from(bytes);
    if (depth > 0 && this.#sequence === CurrentRequestedProcedureEvidenceSequence) {
      if (this.#references.length < MAX_REFERENCES)
        this.#references.push(trimUID(kept.toString('latin1')));
      return;
    }
    const values = depth === 0 ? this.#values : this.#present();
    if (values !== undefined && !values.has(tag)) values.set(tag, kept);
  }

  #isKeyObjectSelection(): boolean {
    const sopClass = this.#values.get(Tag.SOPClassUID);
    return sopClass !== undefined && trimUID(sopClass.toString('latin1')) === KEY_OBJECT_SELECTION;
  }

  /** What a rejection note takes back; undefined: the object is none. */
  #rejection(charset: Charset): RejectionNote | undefined {
    const [title] = this.#items.get(ConceptNameCodeSequence) ?? [];
    if (title === undefined || !this.#isKeyObjectSelection()) return undefined;
    const code = textOf(title.get(CodeValue), charset) ?? '';
    if (textOf(title.get(CodingSchemeDesignator), charset) !== 'DCM' || !REJECTIONS.has(code))
      return undefined;
    return { code, sopInstanceUIDs: this.#references };
  }

  #present(): Values | undefined {
    return this.#items.get(this.#sequence)?.at(-1);
  }

  /** Of a data set that is over. */
  attributes(): InstanceAttributes {
    const charset = charsetOf(
      this.#values.get(Tag.SpecificCharacterSet)?.toString('latin1') ?? null,
    );
    const uid = (tag: number): string => trimUID(this.#values.get(tag)?.toString('latin1') ?? '');
    const text = (tag: number): string | null => textOf(this.#values.get(tag), charset);
    const patient = this.#identifier(charset);
    const rejects = this.#rejection(charset);
    const confidentiality = readConfidentiality(text(ConfidentialityConstraint) ?? '') ?? 'N';
    const modified = (this.#items.get(Tag.OriginalAttributesSequence) ?? []).map((item) => ({
      system: textOf(item.get(ModifyingSystem), charset) ?? '',
      source: textOf(item.get(SourceOfPreviousValues), charset) ?? '',
    }));
    const [accessionIssuer] = this.#items.get(Tag.IssuerOfAccessionNumberSequence) ?? [];
    return {
      sopClassUID: uid(Tag.SOPClassUID),
      sopInstanceUID: uid(Tag.SOPInstanceUID),
      studyInstanceUID: uid(Tag.StudyInstanceUID),
      seriesInstanceUID: uid(Tag.SeriesInstanceUID),
      patientId: patient.value,
      issuer: patient.issuer ?? patient.universalId,
      nhsNumber: findNhsNumber([patient, ...this.#otherIdentifiers(charset)]),
      patientName: nameOf(this.#values.get(Tag.PatientName), charset),
      birthDate: dateOf(text(Tag.PatientBirthDate)),
      sex: text(Tag.PatientSex),
      studyDate: dateOf(text(Tag.StudyDate)) ?? text(Tag.StudyDate),
      studyTime: text(Tag.StudyTime),
      studyId: text(Tag.StudyID),
      accessionNumber: text(Tag.AccessionNumber),
      accessionIssuer: accessionIssuer === undefined ? null : entityOf(accessionIssuer, charset),
      studyDescription: text(Tag.StudyDescription),
      referringPhysician: nameOf(this.#values.get(Tag.ReferringPhysicianName), charset),
      institution: text(Tag.InstitutionName),
      modality: text(Tag.Modality),
      seriesNumber: integerOf(text(Tag.SeriesNumber)),
      seriesDescription: text(Tag.SeriesDescription),
      bodyPart: text(Tag.BodyPartExamined),
      instanceNumber: integerOf(text(Tag.InstanceNumber)),
      ...(rejects === undefined ? {} : { rejects }),
      ...(confidentiality === 'N' ? {} : { confidentiality }),
      ...(modified.length === 0 ? {} : { modified }),
    };
  }

  #identifier(charset: Charset): Identifier {
    const [qualifiers] = this.#items.get(Tag.IssuerOfPatientIDQualifiersSequence) ?? [];
    return identifierOf(this.#values, qualifiers ?? this.#values, charset);
  }

  #otherIdentifiers(charset: Charset): Identifier[] {
    const items = this.#items.get(Tag.OtherPatientIDsSequence) ?? [];
    // Elements of an item's own qualifiers lie one level deeper and stand with it.
    return items.map((item) => identifierOf(item, item, charset));
  }
}

function identifierOf(values: Values, qualifiers: Values, charset: Charset): Identifier {
  const text = (tag: number): string | null => textOf(values.get(tag), charset);
  return {
    value: text(Tag.PatientID) ?? '',
    issuer: text(Tag.IssuerOfPatientID),
    universalId: textOf(qualifiers.get(Tag.UniversalEntityID), charset),
    type: text(Tag.TypeOfPatientID),
  };
}

function entityOf(item: Values, charset: Charset): string | null {
  const local = textOf(item.get(Tag.LocalNamespaceEntityID), charset);
  return local ?? textOf(item.get(Tag.UniversalEntityID), charset);
}

/** PN: all component groups; only spaces behind are padding. PS3.5 §6.2.1. */
function nameOf(bytes: Buffer | undefined, charset: Charset): string | null {
  if (bytes === undefined) return null;
  const name = decodeText(bytes, charset)
    .replace(/[\0 ]+$/, '')
    .replace(/[=^]+$/, '')
    .trim();
  return name === '' ? null : name.slice(0, 324);
}
