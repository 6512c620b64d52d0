/**
 * An object that names another patient than its study does: one of the two names is wrong, and nobody here
 * knows which. It is kept, out of view, until a person decides. IS-40.
 *
 * Another number of the same person is no other patient: one that was merged into the study's, or one under
 * which a person already filed objects of the study. Nor is none at all.
 */
import type { AcceptedObject } from '../index/accept-object.ts';
import type { PatientKey } from '../index/records/types.ts';
import { type Fault, PATIENT_MISMATCH } from '../spool/quarantine.ts';
import type { StorageParts } from './storage-parts.ts';

export function otherPatient(
  { index, trust, namespace, inForce = (key) => key }: StorageParts,
  { sealed: { home }, attributes }: AcceptedObject,
): Fault | undefined {
  const { studyInstanceUID, sopInstanceUID, patientId, issuer } = attributes;
  // What a copy names was put there by this network; a known object again is the index's to judge.
  if (home !== trust || patientId === '' || index.findInstance(sopInstanceUID, home) !== undefined)
    return undefined;
  const patients = index.patientsOf({ studyInstanceUID, home });
  if (patients.length === 0) return undefined;
  const named = inForce({ patientId, issuer: issuer ?? namespace });
  const isKnown = patients.some((patient) => isSame(inForce(patient), named));
  if (isKnown) return undefined;
  const detail = 'names another patient than the objects of its study that came before';
  return { code: PATIENT_MISMATCH, detail };
}

const isSame = (one: PatientKey, other: PatientKey): boolean =>
  one.patientId === other.patientId && one.issuer === other.issuer;
