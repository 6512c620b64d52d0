/**
 * Under which local patient a foreign study is filed. Pure: IS-20 of the domain notes.
 *
 *   named by a person ─► else exactly one local patient with the same NHS number and birth date
 *     ─► else, by `patientIds.unmatched`: held until somebody names one │ a marked foreign patient
 *
 * Never guesses: a name, a sex, a part of a date decide nothing.
 */
import { createHash } from 'node:crypto';
import type { LocalPatient } from '../../shared/contract/commands.ts';
import type { Patient } from '../../shared/contract/events.ts';
import type { LocalPatientRow } from '../index/types.ts';

/** A PatientID has at most so many characters. PS3.5 §6.2, LO. */
const MAX_ID_LENGTH = 64;

/** The patient of a copy. Null: that element stays as the home has it. */
export interface CopyPatient {
  readonly by: 'request' | 'nhsNumber' | 'foreign';
  readonly patientId: string;
  readonly issuer: string;
  readonly patientName: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
}

export interface PatientQuestion {
  /** Named in the request, or later. */
  readonly named: LocalPatient | undefined;
  /** As the home has it. */
  readonly source: Patient;
  readonly home: string;
  readonly studyInstanceUID: string;
  readonly policy: { readonly namespace: string; readonly unmatched: 'hold' | 'foreign' };
}

/** What the local index knows. */
export interface LocalPatients {
  localPatient(patientId: string, issuer: string): LocalPatientRow | undefined;
  localPatientsByNhsNumber(nhsNumber: string, birthDate: string): LocalPatientRow[];
}

export type PatientChoice =
  | { readonly kind: 'chosen'; readonly patient: CopyPatient }
  | { readonly kind: 'held'; readonly reason: { readonly code: string; readonly detail: string } };

export function choosePatient(question: PatientQuestion, local: LocalPatients): PatientChoice {
  const { named, source, policy } = question;
  if (named !== undefined) return { kind: 'chosen', patient: asNamed(named, policy, local) };
  const { nhsNumber, birthDate } = source;
  const matches =
    nhsNumber === null || birthDate === null
      ? []
      : local.localPatientsByNhsNumber(nhsNumber, birthDate);
  const [match] = matches;
  if (match !== undefined && matches.length === 1)
    return { kind: 'chosen', patient: { by: 'nhsNumber', ...identityOf(match) } };
  if (policy.unmatched === 'foreign' && matches.length === 0)
    return { kind: 'chosen', patient: asForeign(question) };
  return { kind: 'held', reason: whyHeld(source, matches.length) };
}

/** What the person did not say is taken from the local index. */
function asNamed(
  named: LocalPatient,
  { namespace }: { namespace: string },
  local: LocalPatients,
): CopyPatient {
  const issuer = named.issuer ?? namespace;
  const known = local.localPatient(named.patientId, issuer);
  return {
    by: 'request',
    // A number that was merged is no longer in use: the one in force takes its place.
    patientId: known?.patientId ?? named.patientId,
    issuer: known?.issuer ?? issuer,
    patientName: named.patientName ?? known?.patientName ?? null,
    birthDate: named.birthDate ?? known?.birthDate ?? null,
    sex: named.sex ?? known?.sex ?? null,
  };
}

function identityOf(row: LocalPatientRow): Omit<CopyPatient, 'by'> {
  const { patientId, issuer, patientName, birthDate, sex } = row;
  return { patientId, issuer, patientName, birthDate, sex };
}

/** The home's identifier under the home's issuer, marked by the home's code so that nobody takes it for a local one. */
function asForeign({ source, home, studyInstanceUID }: PatientQuestion): CopyPatient {
  const id = source.patientId === '' ? shortDigest(studyInstanceUID) : source.patientId;
  return {
    by: 'foreign',
    patientId: fitted(`${home}-${id}`),
    issuer: source.issuer,
    patientName: null,
    birthDate: null,
    sex: null,
  };
}

/** A longer one keeps its beginning, and a digest of the whole in place of the end. */
function fitted(patientId: string): string {
  if (patientId.length <= MAX_ID_LENGTH) return patientId;
  const digest = shortDigest(patientId);
  return `${patientId.slice(0, MAX_ID_LENGTH - digest.length - 1)}~${digest}`;
}

const shortDigest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

function whyHeld(source: Patient, matches: number): { code: string; detail: string } {
  const name = 'name the local patient to go on';
  if (matches > 1)
    return {
      code: 'PATIENT_AMBIGUOUS',
      detail: `${matches} local patients have this NHS number and birth date: ${name}`,
    };
  if (source.nhsNumber === null)
    return {
      code: 'PATIENT_WITHOUT_NHS_NUMBER',
      detail: `the study holds no valid NHS number to match by: ${name}`,
    };
  if (source.birthDate === null)
    return {
      code: 'PATIENT_WITHOUT_BIRTH_DATE',
      detail: `the study holds no birth date to match by: ${name}`,
    };
  return {
    code: 'PATIENT_NOT_FOUND',
    detail: `no local patient has this NHS number and birth date: ${name}`,
  };
}

/** True when two mappings file under the same patient. */
export function isSamePatient(
  a: Pick<CopyPatient, 'patientId' | 'issuer'>,
  b: Pick<CopyPatient, 'patientId' | 'issuer'>,
): boolean {
  return a.patientId === b.patientId && a.issuer === b.issuer;
}
