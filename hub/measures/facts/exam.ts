/**
 * One row per examination: trust and accession number. BI-01, BI-03. The times are those of section 6 of the
 * domain notes: T0 requested, T1 received, T2 booked, T2a appointment, T3 start, T4 end, T5 preliminary,
 * T6 verified.
 */

/** Makes `order_now`: each order as it was told last. */
export const ORDERS = `
CREATE OR REPLACE TEMP TABLE order_told AS
  SELECT *, row_number() OVER (ORDER BY as_of, rowid) AS seq FROM told_order;

CREATE OR REPLACE TEMP TABLE order_now AS
  WITH state AS (
    SELECT trust, exam, arg_max(status, seq) AS status,
      arg_max(patient_key, seq) AS patient_key,
      arg_max(requested_at, seq) AS requested_at, min(as_of) AS received_at,
      min(as_of) FILTER (status = 'scheduled' OR scheduled_at IS NOT NULL) AS booked_at,
      arg_max(scheduled_at, seq) AS appointment_at,
      arg_max(started_at, seq) AS started_at, arg_max(ended_at, seq) AS ended_at,
      min(as_of) FILTER (status = 'in-progress') AS in_progress_at,
      min(as_of) FILTER (status = 'completed') AS completed_at,
      coalesce(max(seq) FILTER (status <> 'cancelled'), 0) AS last_live,
      arg_max(code, seq) AS code, arg_max(code_system, seq) AS code_system,
      arg_max(modality, seq) AS modality, arg_max(priority, seq) AS priority,
      arg_max(setting, seq) AS setting, arg_max(site, seq) AS site,
      arg_max(study_uid, seq) AS study_uid,
      arg_max(placer, seq) AS placer, arg_max(filler, seq) AS filler
    FROM order_told GROUP BY trust, exam),
  cancelled AS (
    SELECT t.trust, t.exam, min(t.as_of) AS cancelled_at
    FROM order_told t JOIN state s ON s.trust = t.trust AND s.exam = t.exam
    WHERE t.status = 'cancelled' AND t.seq > s.last_live GROUP BY ALL)
  SELECT s.*, c.cancelled_at FROM state s LEFT JOIN cancelled c USING (trust, exam);
`;

/** Makes `exam_plain`; needs `order_now`, `exam_booking`, `person`. */
export const EXAMS = `
CREATE OR REPLACE TEMP TABLE study_now AS
  SELECT * FROM (
    SELECT trust, study_uid, arg_max(deleted, seq) AS deleted, arg_max(exam, seq) AS exam,
      arg_max(started_at, seq) AS started_at, arg_max(modality, seq) AS modality,
      arg_max(region, seq) AS region, arg_max(patient_key, seq) AS patient_key
    FROM (SELECT *, row_number() OVER (ORDER BY as_of, rowid) AS seq FROM told_study)
    GROUP BY trust, study_uid)
  WHERE NOT deleted;

-- A study belongs to the order that names it, else to that of its accession number, else to itself.
CREATE OR REPLACE TEMP TABLE study_exam AS
  SELECT s.* EXCLUDE (exam), coalesce(by_uid.exam, s.exam, s.study_uid) AS exam
  FROM study_now s
  LEFT JOIN (SELECT trust, study_uid, min(exam) AS exam FROM order_now
    WHERE study_uid IS NOT NULL GROUP BY ALL) by_uid USING (trust, study_uid);

CREATE OR REPLACE TEMP TABLE exam_study AS
  SELECT trust, exam, arg_min(study_uid, (started_at, study_uid)) AS study_uid, min(started_at) AS started_at,
    min(modality) AS modality, min(region) AS region, min(patient_key) AS patient_key
  FROM study_exam GROUP BY trust, exam;

CREATE OR REPLACE TEMP TABLE report_valid AS
  WITH versions AS (
    SELECT DISTINCT ON (trust, report_id, version) * FROM told_report
    ORDER BY trust, report_id, version, rowid DESC),
  withdrawn AS (
    SELECT trust, report_id FROM versions GROUP BY trust, report_id
    HAVING arg_max(status, (issued_at, version)) = 'withdrawn')
  SELECT v.* FROM versions v ANTI JOIN withdrawn w USING (trust, report_id);

-- By the accession numbers of the trust that reports; by Study UID also those of another trust.
CREATE OR REPLACE TEMP TABLE report_exam AS
  SELECT DISTINCT * FROM (
    SELECT trust, unnest(exams) AS exam, trust AS reporter, report_id, version, status, issued_at,
      started_at, ended_at, provider, patient_key
    FROM report_valid
    UNION ALL
    SELECT s.trust, s.exam, r.trust, r.report_id, r.version, r.status, r.issued_at,
      r.started_at, r.ended_at, r.provider, CASE WHEN s.trust = r.trust THEN r.patient_key END
    FROM (SELECT *, unnest(study_uids) AS study_uid FROM report_valid) r
    JOIN study_exam s ON s.study_uid = r.study_uid);

CREATE OR REPLACE TEMP TABLE exam_report AS
  SELECT trust, exam,
    min(issued_at) FILTER (status = 'preliminary') AS first_preliminary_at,
    min(issued_at) FILTER (status IN ('final', 'corrected')) AS verified_at,
    arg_min(coalesce(provider, reporter), issued_at) FILTER (status IN ('final', 'corrected')) AS reporter,
    arg_max(started_at, issued_at) AS started_at, arg_max(ended_at, issued_at) AS ended_at,
    min(patient_key) AS patient_key
  FROM report_exam GROUP BY trust, exam;

-- What the RIS knows; and images of which no order was told, which are no examination of the returns.
CREATE OR REPLACE TEMP TABLE exam_known AS
  SELECT trust, exam, true AS in_ris FROM order_now
  UNION SELECT trust, exam, true FROM exam_report
  UNION SELECT trust, exam, false FROM exam_study s
    WHERE NOT EXISTS (FROM order_now o WHERE o.trust = s.trust AND o.exam = s.exam)
      AND NOT EXISTS (FROM exam_report r WHERE r.trust = s.trust AND r.exam = s.exam);

CREATE OR REPLACE TEMP TABLE exam_timed AS
  SELECT k.trust, k.exam, k.in_ris,
    coalesce(o.patient_key, r.patient_key, s.patient_key) AS patient_key,
    coalesce(o.status, CASE WHEN coalesce(s.study_uid, r.exam) IS NOT NULL THEN 'completed' END) AS status,
    coalesce(o.requested_at, o.received_at) AS requested_at, o.received_at,
    least(o.booked_at, a.booked_at) AS booked_at,
    coalesce(a.starts_at, o.appointment_at) AS appointment_at,
    coalesce(o.started_at, r.started_at, s.started_at, o.in_progress_at) AS started_at,
    coalesce(o.ended_at, r.ended_at, o.completed_at, o.started_at, r.started_at, s.started_at,
      o.in_progress_at) AS ended_at,
    r.first_preliminary_at, r.verified_at, r.reporter, o.cancelled_at,
    o.code, o.code_system, o.priority, o.setting, o.site, s.study_uid, r.exam IS NOT NULL AS has_report,
    known_modality(o.modality) AS modality, s.modality AS imaged, s.region
  FROM exam_known k
  LEFT JOIN order_now o USING (trust, exam)
  LEFT JOIN exam_study s USING (trust, exam)
  LEFT JOIN exam_report r USING (trust, exam)
  LEFT JOIN exam_booking a USING (trust, exam);

CREATE OR REPLACE TEMP TABLE exam_plain AS
  SELECT e.trust, e.exam, e.in_ris, p.person, coalesce(p.restricted, false) AS restricted, p.nhs_status,
    coalesce(p.sex, 'not told') AS sex,
    CASE WHEN p.birth_month IS NULL THEN 'not told'
      WHEN date_diff('month', p.birth_month, day_of(coalesce(e.ended_at, e.requested_at))) < 192 THEN '0-15'
      WHEN date_diff('month', p.birth_month, day_of(coalesce(e.ended_at, e.requested_at))) < 780 THEN '16-64'
      ELSE '65+' END AS age_band,
    e.status, e.code, c.code IS NOT NULL AS is_mapped,
    CASE WHEN regexp_full_match(e.site, e.trust || '[0-9A-Z]{2}') THEN e.site ELSE e.trust END AS site,
    coalesce(e.modality, c.modality, e.imaged, modality_of_nicip(e.code), 'not told') AS modality,
    coalesce(c.region, e.region, 'not told') AS region,
    coalesce(c.test, dm01_test(coalesce(e.modality, c.modality, e.imaged, modality_of_nicip(e.code)), e.code))
      AS test,
    coalesce(c.reporting_minutes, 5) AS reporting_minutes,
    band_of(e.priority) AS band, coalesce(e.setting, 'not told') AS setting,
    e.requested_at, e.received_at, e.booked_at, e.appointment_at, e.started_at, e.ended_at,
    e.first_preliminary_at, e.verified_at, e.cancelled_at, e.reporter, e.study_uid, e.has_report
  FROM exam_timed e
  LEFT JOIN person p USING (trust, patient_key)
  LEFT JOIN (SELECT DISTINCT ON (upper(code)) * FROM told_code ORDER BY upper(code), rowid DESC) c
    ON upper(c.code) = upper(e.code);
`;
