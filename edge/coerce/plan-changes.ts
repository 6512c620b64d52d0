/**
 * Which elements of a foreign object get which local value: the table of coercion (domain notes, 1.4;
 * IHE IRWF.b). Pure, and of one object only.
 *
 * UIDs, pixels, institution, device and private elements are never touched: they are the same everywhere.
 */
import { createHash } from 'node:crypto';
import { decodeText } from '../../shared/dicom/character-set.ts';
import { withItem } from '../../shared/dicom/items.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import type { TopLevelElement, TopLevelScan } from '../../shared/dicom/top-level-scan.ts';
import { dicomDateTime, type IdentityMapping, modifyingSystem, type Sides } from './identity.ts';
import {
  codeString,
  date,
  foreignIdentifier,
  identifier,
  longString,
  personName,
} from './local-values.ts';
import {
  carriedOver,
  itemOf,
  type ObjectWriter,
  rawElement,
  sequenceElement,
  textElement,
} from './object-writer.ts';
import { isKnownIdentifier, otherIdentifierItem } from './other-identifiers.ts';
import { CoercionTag as T } from './tags.ts';

/** What an element becomes; null: it goes. */
export interface Change {
  readonly vr: string;
  readonly bytes: Buffer | null;
}
export type Changes = Map<number, Change>;

/** Elements that keep what they hold and get something more. */
export const APPENDED_TO: ReadonlySet<number> = new Set([
  T.OtherPatientIDsSequence,
  T.OtherPatientNames,
  T.ContributingEquipmentSequence,
  T.OriginalAttributesSequence,
]);

/** All that the plan looks at. */
export const COERCED_TAGS: readonly number[] = [
  ...[T.SpecificCharacterSet, T.InstanceCoercionDateTime, T.AccessionNumber],
  ...[T.IssuerOfAccessionNumberSequence, T.PatientName, T.PatientID, T.IssuerOfPatientID],
  ...[T.TypeOfPatientID, T.IssuerOfPatientIDQualifiersSequence, T.PatientBirthDate, T.PatientSex],
  ...[T.OtherPatientNames, T.OtherPatientIDsSequence, T.ContributingEquipmentSequence],
  ...[T.StudyInstanceUID, T.StudyID, T.RequestAttributesSequence, T.ReferencedRequestSequence],
  T.OriginalAttributesSequence,
];

/** The local values as text, fit to be written. */
export interface LocalIdentity {
  readonly patientId: string;
  readonly issuer: string;
  readonly patientName: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
}

/** @throws CoercionError `PATIENT_ID_UNUSABLE` */
export function localIdentity({ patient }: IdentityMapping, { home }: Sides): LocalIdentity {
  const { by, patientId, issuer, patientName, birthDate, sex } = patient;
  return {
    patientId: by === 'foreign' ? foreignIdentifier(patientId) : identifier(patientId),
    // All objects of a study need the same issuer: an archive refuses those that differ.
    issuer: longString(issuer) ?? home,
    patientName: personName(patientName ?? ''),
    birthDate: date(birthDate ?? ''),
    sex: codeString(sex ?? ''),
  };
}

export interface Plan {
  readonly scan: TopLevelScan;
  readonly writer: ObjectWriter;
  readonly sides: Sides;
  readonly mapping: IdentityMapping;
  readonly local: LocalIdentity;
}

export function planChanges(plan: Plan): Changes {
  const changes: Changes = new Map();
  changePatient(plan, changes);
  changeOrder(plan, changes);
  appendFormerIdentity(plan, changes);
  appendEquipment(plan, changes);
  const at = dicomDateTime(plan.mapping.at);
  setText(plan, changes, [T.InstanceCoercionDateTime, 'DT', at]);
  return changes;
}

function changePatient(plan: Plan, changes: Changes): void {
  const { local, sides, mapping, scan } = plan;
  const { patientId, issuer, patientName, birthDate, sex } = local;
  setText(plan, changes, [T.PatientID, 'LO', patientId]);
  setText(plan, changes, [T.IssuerOfPatientID, 'LO', issuer]);
  // The home's may call it an NHS number, which the local one is not.
  if (scan.elements.has(T.TypeOfPatientID))
    setText(plan, changes, [T.TypeOfPatientID, 'CS', 'TEXT']);
  const { namespace = sides.trust, oid } = sides;
  const isOurs = mapping.patient.by !== 'foreign' && issuer === namespace;
  if (isOurs && oid !== undefined) {
    const item = itemOf(plan.writer, [
      textElement(plan.writer, T.UniversalEntityID, 'UT', oid),
      textElement(plan.writer, T.UniversalEntityIDType, 'CS', 'ISO'),
    ]);
    setItem(plan, changes, [T.IssuerOfPatientIDQualifiersSequence, item]);
  } else remove(plan, changes, T.IssuerOfPatientIDQualifiersSequence);
  if (patientName !== null) setText(plan, changes, [T.PatientName, 'PN', patientName]);
  if (birthDate !== null) setText(plan, changes, [T.PatientBirthDate, 'DA', birthDate]);
  if (sex !== null) setText(plan, changes, [T.PatientSex, 'CS', sex]);
}

/** Order numbers of the home would attach the object to whatever local order has the same number. */
function changeOrder(plan: Plan, changes: Changes): void {
  const { scan, writer, sides, mapping } = plan;
  setText(plan, changes, [T.AccessionNumber, 'SH', mapping.accessionNumber]);
  const issuer = modifyingSystem(sides.trust);
  const item = itemOf(writer, [textElement(writer, T.LocalNamespaceEntityID, 'UT', issuer)]);
  setItem(plan, changes, [T.IssuerOfAccessionNumberSequence, item]);
  remove(plan, changes, T.RequestAttributesSequence);
  remove(plan, changes, T.ReferencedRequestSequence);
  // Some archives merge the studies of a patient that have no Study ID.
  const studyId = scan.elements.get(T.StudyID)?.[0]?.value.toString('latin1') ?? '';
  const [study] = scan.elements.get(T.StudyInstanceUID) ?? [];
  if (/[^\0 ]/.test(studyId) || study === undefined) return;
  const uid = trimUID(study.value.toString('latin1'));
  const derived = createHash('sha256').update(uid).digest('hex').slice(0, 16).toUpperCase();
  setText(plan, changes, [T.StudyID, 'SH', derived]);
}

function appendFormerIdentity(plan: Plan, changes: Changes): void {
  const { scan, writer, sides, local } = plan;
  if (!isKnownIdentifier({ scan, charset: writer.from, home: sides.home, local }))
    appendItem(plan, changes, [
      T.OtherPatientIDsSequence,
      otherIdentifierItem(scan, writer, sides.home),
    ]);
  const former = textOf(plan, T.PatientName);
  const isSame = local.patientName === null || nameKey(former) === nameKey(local.patientName);
  const others = textOf(plan, T.OtherPatientNames);
  if (isSame || others.split('\\').some((name) => nameKey(name) === nameKey(former))) return;
  const values = [T.OtherPatientNames, T.PatientName]
    .map((tag) => carriedOver(writer, trimmed(scan.elements.get(tag)?.[0])))
    .filter(({ length }) => length > 0);
  const [first = Buffer.alloc(0), second] = values;
  const joined = second === undefined ? first : Buffer.concat([first, Buffer.from('\\'), second]);
  changes.set(T.OtherPatientNames, {
    vr: 'PN',
    bytes: rawElement(writer, T.OtherPatientNames, 'PN', joined),
  });
}

/** Without a version: the same input gives the same bytes after an upgrade too. */
function appendEquipment(plan: Plan, changes: Changes): void {
  const { writer, sides, mapping } = plan;
  const text = (tag: number, vr: string, value: string): Buffer =>
    textElement(writer, tag, vr, value);
  const purpose = itemOf(writer, [
    text(T.CodeValue, 'SH', '109103'),
    text(T.CodingSchemeDesignator, 'SH', 'DCM'),
    text(T.CodeMeaning, 'LO', 'Modifying Equipment'),
  ]);
  const item = itemOf(writer, [
    text(T.Manufacturer, 'LO', 'CDIP'),
    text(T.InstitutionName, 'LO', sides.trust),
    text(T.StationName, 'SH', modifyingSystem(sides.trust)),
    text(T.ContributionDateTime, 'DT', dicomDateTime(mapping.at)),
    sequenceElement(writer, T.PurposeOfReferenceCodeSequence, purpose),
  ]);
  appendItem(plan, changes, [T.ContributingEquipmentSequence, item]);
}

function setText({ writer }: Plan, changes: Changes, [tag, vr, text]: [number, string, string]) {
  changes.set(tag, { vr, bytes: textElement(writer, tag, vr, text) });
}

function setItem({ writer }: Plan, changes: Changes, [tag, item]: [number, Buffer]): void {
  changes.set(tag, { vr: 'SQ', bytes: sequenceElement(writer, tag, item) });
}

function remove({ scan }: Plan, changes: Changes, tag: number): void {
  const occurrences = scan.elements.get(tag) ?? [];
  if (occurrences.some(({ value }) => value.length > 0))
    changes.set(tag, { vr: 'SQ', bytes: null });
}

/** What is not encoded as a sequence, of unknown VR for one, is left as it is: nothing in it is lost. */
function appendItem(plan: Plan, changes: Changes, [tag, item]: [number, Buffer]): void {
  const { scan } = plan;
  const [sequence] = scan.elements.get(tag) ?? [];
  if (sequence === undefined) setItem(plan, changes, [tag, item]);
  else if (sequence.vr === 'SQ')
    changes.set(tag, { vr: 'SQ', bytes: withItem(sequence, item, scan.encoding) });
}

function textOf({ scan, writer }: Plan, tag: number): string {
  return decodeText(scan.elements.get(tag)?.[0]?.value ?? Buffer.alloc(0), writer.from);
}

/** Empty components and groups behind mean nothing. PS3.5 §6.2.1. */
const nameKey = (name: string): string => name.replace(/[\0 ^=]+$/, '');

function trimmed(element: TopLevelElement | undefined): Buffer {
  const value = element?.value ?? Buffer.alloc(0);
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x20 || value[end - 1] === 0)) end -= 1;
  return value.subarray(0, end);
}
