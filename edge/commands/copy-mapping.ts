/**
 * What a foreign study is given here, fixed for the whole study: each object of it, whenever it comes,
 * gets exactly this, so that doing it again gives the same bytes.
 */
import { createHash } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import { type CopyPatient, isSamePatient } from './choose-patient.ts';

export interface CopyMapping {
  readonly patient: CopyPatient;
  /** At most 16 characters. PS3.5 §6.2, SH. */
  readonly accessionNumber: string;
  /** The moment that the objects say they were changed at, RFC 3339. */
  readonly at: string;
}

export function mappingFor(
  study: { readonly studyInstanceUID: string; readonly home: string },
  patient: CopyPatient,
  now: number,
): CopyMapping {
  return { patient, accessionNumber: importAccession(study), at: rfc3339(now) };
}

/**
 * A number of our own range for imports: the home's would collide with a local one, or overflow with a
 * prefix. `I` and 15 characters of a digest.
 */
function importAccession(study: { studyInstanceUID: string; home: string }): string {
  const digest = createHash('sha256').update(`${study.home}\0${study.studyInstanceUID}`).digest();
  const number = digest.readBigUInt64BE(0) * 2n ** 14n + BigInt(digest.readUInt16BE(8) % 2 ** 14);
  return `I${number.toString(36).toUpperCase().padStart(15, '0').slice(-15)}`;
}

/** True when a request for this patient can be met by copies made with the mapping. */
export function fitsRequest(
  mapping: CopyMapping,
  named: { readonly patientId: string; readonly issuer?: string | undefined } | null,
  namespace: string,
): boolean {
  if (named === null) return true;
  const { patientId, issuer = namespace } = named;
  return isSamePatient(mapping.patient, { patientId, issuer });
}
