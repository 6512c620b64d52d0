/** Which numbers of this trust are one person's, by the merges that are in force; SQL. */
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { PatientKey } from './types.ts';

/** More merges of one person are damage. */
const MAX_NUMBERS = 200;

export class MergedNumbers {
  readonly #same;
  readonly #into;

  constructor(db: Sqlite) {
    this.#same = db.prepare<[{ patientId: string }], PatientKey>(
      `WITH RECURSIVE same (id, issuer) AS (
         SELECT patient_id, issuer FROM known_patients WHERE patient_id = @patientId
         UNION
         SELECT k.merged_into_id, k.merged_into_issuer FROM same
         JOIN known_patients k ON k.patient_id = same.id AND k.issuer = same.issuer
         WHERE k.merged_into_id IS NOT NULL
         UNION
         SELECT k.patient_id, k.issuer FROM same
         JOIN known_patients k ON k.merged_into_id = same.id AND k.merged_into_issuer = same.issuer)
       SELECT id AS patientId, issuer FROM same LIMIT ${MAX_NUMBERS}`,
    );
    this.#into = db.prepare<[string, string], PatientKey>(
      `SELECT merged_into_id AS patientId, merged_into_issuer AS issuer FROM known_patients
       WHERE patient_id = ? AND issuer = ? AND merged_into_id IS NOT NULL`,
    );
  }

  /** All numbers of whoever has this one, itself included where PAS or RIS told of it. */
  sameAs(patientId: string): PatientKey[] {
    return this.#same.all({ patientId });
  }

  /** The number under which the patient goes now. */
  inForce(key: PatientKey): PatientKey {
    let current = key;
    for (let step = 0; step < MAX_NUMBERS; step += 1) {
      const into = this.#into.get(current.patientId, current.issuer);
      if (into === undefined) break;
      current = into;
    }
    return current;
  }
}
