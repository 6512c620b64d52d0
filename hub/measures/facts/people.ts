/** Who is the same person: merges of a trust followed to the number in force, then joined by NHS number. */
import type { KindName } from '../told.ts';
import type { Stage } from './stage.ts';

const PATIENT = ['trust', 'patient_key'] as const;

const patientNow: Stage = {
  name: 'patient_now',
  key: PATIENT,
  dirty: 'FROM new_patient',
  rows: ({ only }) => `
    SELECT * EXCLUDE (seq, arrived) FROM (
      SELECT *, row_number() OVER (PARTITION BY trust, patient_key ORDER BY as_of DESC, arrived DESC) AS seq
      FROM ${only('told_patient')})
    WHERE seq = 1 AND patient_key IS NOT NULL`,
};

/** Who names a patient, and when. */
const TELLINGS: readonly (readonly [KindName, string])[] = [
  ['order', 'as_of'],
  ['report', 'issued_at'],
  ['appointment', 'as_of'],
  ['study', 'as_of'],
  ['patient', 'as_of'],
];

/** The NHS number under which anybody told the patient, the newest. */
const patientNhs: Stage = {
  name: 'patient_nhs',
  key: PATIENT,
  dirty: TELLINGS.map(([kind]) => `SELECT trust, patient_key FROM new_${kind}`).join(' UNION '),
  rows: ({ kept, fresh }) => `
    -- Largest and row_number, no arg_max of texts: they go to the disk where there are many patients.
    SELECT trust, patient_key, nhs_key, kept_seq(seq) AS seq FROM (
      SELECT trust, patient_key, nhs_key, max(seq) AS seq FROM (
      ${kept === null ? '' : `SELECT trust, patient_key, nhs_key, seq::HUGEINT AS seq FROM ${kept} UNION ALL`}
      ${TELLINGS.map(
        ([kind, at]) => `
        SELECT trust, patient_key, nhs_key,
          CASE WHEN nhs_key IS NOT NULL THEN seq_of(${at}, (hash(nhs_key) >> 24)::BIGINT) END AS seq
        FROM ${fresh(kind)}`,
      ).join(' UNION ALL ')})
      WHERE patient_key IS NOT NULL GROUP BY ALL)
    QUALIFY row_number() OVER (PARTITION BY trust, patient_key ORDER BY seq DESC NULLS LAST) = 1`,
};

/** Per trust and patient key: the person's key and what is known of them. */
const person: Stage = {
  name: 'person',
  key: PATIENT,
  dirty: `
    WITH RECURSIVE concerned AS (
      SELECT trust, patient_key FROM changed_patient_now
      UNION SELECT trust, patient_key FROM changed_patient_nhs
      UNION SELECT p.trust, p.patient_key FROM concerned c
        JOIN patient_now p ON p.trust = c.trust AND p.merged_into = c.patient_key)
    FROM concerned`,
  rows: ({ only }) => `
    WITH RECURSIVE chain(trust, patient_key, in_force, depth) AS (
      SELECT trust, patient_key, merged_into, 1 FROM ${only('patient_now')} WHERE merged_into IS NOT NULL
      UNION ALL
      SELECT c.trust, c.patient_key, p.merged_into, depth + 1
      FROM chain c JOIN patient_now p ON p.trust = c.trust AND p.patient_key = c.in_force
      WHERE p.merged_into IS NOT NULL AND depth < 100),
    patient_in_force AS (
      SELECT trust, patient_key, arg_max(in_force, depth) AS in_force FROM chain GROUP BY ALL)
    SELECT n.trust, n.patient_key,
      coalesce(survivor.nhs_key, n.nhs_key, n.trust || '/' || coalesce(f.in_force, n.patient_key)) AS person,
      coalesce(now.nhs_status, own.nhs_status) AS nhs_status,
      coalesce(now.birth_month, own.birth_month) AS birth_month,
      coalesce(now.sex, own.sex) AS sex,
      coalesce(now.restricted, false) OR coalesce(own.restricted, false) AS restricted
    FROM ${only('patient_nhs')} n
    LEFT JOIN patient_in_force f USING (trust, patient_key)
    LEFT JOIN patient_nhs survivor
      ON survivor.trust = n.trust AND survivor.patient_key = coalesce(f.in_force, n.patient_key)
    LEFT JOIN patient_now own ON own.trust = n.trust AND own.patient_key = n.patient_key
    LEFT JOIN patient_now now
      ON now.trust = n.trust AND now.patient_key = coalesce(f.in_force, n.patient_key)`,
};

export const PEOPLE: readonly Stage[] = [patientNow, patientNhs, person];
