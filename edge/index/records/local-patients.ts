/**
 * Who a patient of this trust is: as PAS and RIS tell it, and, where they do not speak of it, as the
 * trust's own objects name it. A number that was merged leads to the one in force.
 */
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { LocalPatientRow } from '../types.ts';
import type { PatientKey } from './types.ts';

export class LocalPatients {
  readonly #home: string;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @param trust home of the objects that are asked */
  constructor(db: Sqlite, trust: string) {
    this.#home = trust;
    this.#statements = prepareStatements(db);
  }

  /** @returns the patient in force, whose number may be another one than was asked for */
  find(key: PatientKey): LocalPatientRow | undefined {
    const { patientId, issuer } = key;
    return this.#statements.find.get({ patientId, issuer, home: this.#home });
  }

  /** Each once; those whom PAS or RIS deleted are left out. */
  withNhsNumber(nhsNumber: string, birthDate: string): LocalPatientRow[] {
    const found = new Map<string, LocalPatientRow>();
    for (const key of this.#statements.named.all({ nhsNumber, home: this.#home })) {
      const patient = this.find(key);
      if (patient?.nhsNumber === nhsNumber && patient.birthDate === birthDate)
        found.set(`${patient.issuer}\0${patient.patientId}`, patient);
    }
    return [...found.values()];
  }
}

function prepareStatements(db: Sqlite) {
  return {
    // '' is what the PAS emptied: the objects' value does not take its place.
    find: db.prepare<[{ patientId: string; issuer: string; home: string }], LocalPatientRow>(
      `WITH RECURSIVE chain (patient_id, issuer, depth) AS (
         SELECT @patientId, @issuer, 0
         UNION ALL
         SELECT k.merged_into_id, k.merged_into_issuer, depth + 1 FROM chain
         JOIN known_patients k ON k.patient_id = chain.patient_id AND k.issuer = chain.issuer
         WHERE k.merged_into_id IS NOT NULL AND depth < 100)
       SELECT c.patient_id AS patientId, c.issuer AS issuer,
         nullif(coalesce(k.nhs_number, p.nhs_number), '') AS nhsNumber,
         nullif(coalesce(k.patient_name, p.patient_name), '') AS patientName,
         nullif(coalesce(k.birth_date, p.birth_date), '') AS birthDate,
         nullif(coalesce(k.sex, p.sex), '') AS sex
       FROM (SELECT patient_id, issuer FROM chain ORDER BY depth DESC LIMIT 1) c
       LEFT JOIN known_patients k ON k.patient_id = c.patient_id AND k.issuer = c.issuer
       LEFT JOIN patients p ON p.home = @home AND p.patient_id = c.patient_id AND p.issuer = c.issuer
       WHERE coalesce(k.is_deleted, 0) = 0
         AND (k.patient_id IS NOT NULL OR p.patient_id IS NOT NULL)`,
    ),
    named: db.prepare<[{ nhsNumber: string; home: string }], PatientKey>(
      `SELECT patient_id AS patientId, issuer FROM known_patients WHERE nhs_number = @nhsNumber
       UNION
       SELECT patient_id, issuer FROM patients WHERE nhs_number = @nhsNumber AND home = @home`,
    ),
  };
}
