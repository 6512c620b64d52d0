/** A number that is known under one patient is never moved to another by a message: a person decides. */
import { isSame, type KnownPatients } from './known-patients.ts';
import { RecordError } from './record-error.ts';
import type { PatientKey } from './types.ts';

/** @throws RecordError `HL7_OTHER_PATIENT` unless the two were merged */
export function belongsTo(
  patients: KnownPatients,
  held: PatientKey,
  told: PatientKey,
  what: 'order' | 'report' | 'booking' | 'admission',
): void {
  if (isSame(held, told) || isSame(patients.inForce(held), patients.inForce(told))) return;
  throw new RecordError(
    `the number of this ${what} is held under another patient: correct it at the sender, or merge the patients`,
  );
}
