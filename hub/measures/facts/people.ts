/** Who is the same person: merges of a trust followed to the number in force, then joined by NHS number. */

/** Makes `person`: per trust and patient key, the person's key and what is known of them. */
export const PEOPLE = `
CREATE OR REPLACE TEMP TABLE patient_now AS
  SELECT * EXCLUDE (seq) FROM (
    SELECT *, row_number() OVER (PARTITION BY trust, patient_key ORDER BY as_of DESC, rowid DESC) AS seq
    FROM told_patient)
  WHERE seq = 1;

CREATE OR REPLACE TEMP TABLE patient_in_force AS
  WITH RECURSIVE chain(trust, patient_key, in_force, depth) AS (
    SELECT trust, patient_key, merged_into, 1 FROM patient_now WHERE merged_into IS NOT NULL
    UNION ALL
    SELECT c.trust, c.patient_key, p.merged_into, depth + 1
    FROM chain c JOIN patient_now p ON p.trust = c.trust AND p.patient_key = c.in_force
    WHERE p.merged_into IS NOT NULL AND depth < 100)
  SELECT trust, patient_key, arg_max(in_force, depth) AS in_force FROM chain GROUP BY ALL;

-- The NHS number under which anybody told the patient, the newest.
CREATE OR REPLACE TEMP TABLE patient_nhs AS
  SELECT trust, patient_key, arg_max(nhs_key, as_of) AS nhs_key FROM (
    SELECT trust, patient_key, nhs_key, as_of FROM told_order
    UNION ALL SELECT trust, patient_key, nhs_key, issued_at FROM told_report
    UNION ALL SELECT trust, patient_key, nhs_key, as_of FROM told_appointment
    UNION ALL SELECT trust, patient_key, nhs_key, as_of FROM told_study
    UNION ALL SELECT trust, patient_key, nhs_key, as_of FROM told_patient)
  WHERE patient_key IS NOT NULL GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE person AS
  SELECT n.trust, n.patient_key,
    coalesce(survivor.nhs_key, n.nhs_key, n.trust || '/' || coalesce(f.in_force, n.patient_key)) AS person,
    coalesce(now.nhs_status, own.nhs_status) AS nhs_status,
    coalesce(now.birth_month, own.birth_month) AS birth_month,
    coalesce(now.sex, own.sex) AS sex,
    coalesce(now.restricted, false) OR coalesce(own.restricted, false) AS restricted
  FROM patient_nhs n
  LEFT JOIN patient_in_force f USING (trust, patient_key)
  LEFT JOIN patient_nhs survivor
    ON survivor.trust = n.trust AND survivor.patient_key = coalesce(f.in_force, n.patient_key)
  LEFT JOIN patient_now own ON own.trust = n.trust AND own.patient_key = n.patient_key
  LEFT JOIN patient_now now
    ON now.trust = n.trust AND now.patient_key = coalesce(f.in_force, n.patient_key);
`;
