/**
 * An object that names another patient than its study does: one of the two is wrong, and nobody here knows
 * which. It is kept, out of view, until a person decides. IS-40.
 *
 * No other patient: another number of the same person, that is, one that was merged into the study's; one under
 * which objects of the study were filed before; one with the same name, where nothing else contradicts. Such a
 * study is shown as a conflict. Nor is no number at all.
 */

import { foldName } from '../../shared/dicom/person-name.ts';
import type { AcceptedObject } from '../index/accept-object.ts';
import type { PatientAttributes } from '../index/attributes.ts';
import type { PatientKey } from '../index/records/types.ts';
import type { LocalPatientRow } from '../index/types.ts';
import { type Fault, PATIENT_MISMATCH } from '../spool/quarantine.ts';
import type { StorageParts } from './storage-parts.ts';

export function otherPatient(
  { index, trust, namespace, inForce = (key) => key }: StorageParts,
  { sealed: { home }, attributes }: AcceptedObject,
): Fault | undefined {
  const { studyInstanceUID, sopInstanceUID, patientId, issuer } = attributes;
  // What a copy names was put there by this network.
  if (home !== trust || patientId === '') return undefined;
  const patients = index.patientsOf({ studyInstanceUID, home });
  if (patients.length === 0) return undefined;
  const named = { patientId, issuer: issuer ?? namespace };
  // Nearly always the very same number: whose it is now need not be looked up.
  if (patients.some((patient) => isSameKey(patient, named))) return undefined;
  const key = inForce(named);
  const isNamed = (patient: LocalPatientRow): boolean =>
    isSameKey(inForce(patient), key) || isSamePerson(patient, attributes);
  if (patients.some(isNamed)) return undefined;
  // A known object again is the index's to judge.
  if (index.findInstance(sopInstanceUID, home) !== undefined) return undefined;
  const detail = 'names another patient than the objects of its study that came before';
  return { code: PATIENT_MISMATCH, detail };
}

const isSameKey = (one: PatientKey, other: PatientKey): boolean =>
  one.patientId === other.patientId && one.issuer === other.issuer;

type Person = Pick<PatientAttributes, 'patientName' | 'birthDate' | 'sex' | 'nhsNumber'>;

/** The same words of a name, whatever their order; nothing that both say differs. */
function isSamePerson(one: Person, other: Person): boolean {
  const words = wordsOf(one.patientName);
  if (words === '' || words !== wordsOf(other.patientName)) return false;
  const agrees = (a: string | null, b: string | null): boolean => !a || !b || a === b;
  return (
    agrees(one.birthDate, other.birthDate) &&
    agrees(one.sex, other.sex) &&
    agrees(one.nhsNumber, other.nhsNumber)
  );
}

const wordsOf = (name: string | null): string =>
  foldName(name ?? '')
    .split(/[\^ ]+/)
    .filter((word) => word !== '')
    .sort()
    .join(' ');
