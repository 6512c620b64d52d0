/** Transfers, dose, staffed sessions, alerts and peer reviews: facts that are told nearly as they are kept. */

export const TRANSFERS = `
CREATE OR REPLACE TEMP TABLE transfer_built AS
  SELECT * EXCLUDE (seq), month_of(day_of(requested_at)) AS month FROM (
    SELECT *, row_number() OVER (PARTITION BY transfer_id ORDER BY as_of DESC, rowid DESC) AS seq
    FROM told_transfer)
  WHERE seq = 1;
`;

export const SMALL_FACTS = `
-- An irradiation event counts once, however often its report came.
CREATE OR REPLACE TEMP TABLE dose_event AS
  SELECT * EXCLUDE (seq) FROM (
    SELECT *, row_number() OVER (PARTITION BY trust, event_uid ORDER BY as_of DESC, rowid DESC) AS seq
    FROM told_dose)
  WHERE seq = 1;
CREATE OR REPLACE TEMP TABLE dose_built AS
  SELECT d.trust, d.exam, min(d.as_of) AS dosed_at, min(d.modality) AS modality,
    coalesce(min(d.protocol), 'not told') AS protocol, coalesce(min(d.device), 'not told') AS device,
    avg(d.ctdivol_mgy) AS ctdivol_mgy, sum(d.dlp_mgycm) AS dlp_mgycm, sum(d.dap_gycm2) AS dap_gycm2,
    sum(d.reference_point_mgy) AS reference_point_mgy, sum(d.fluoro_seconds) AS fluoro_seconds,
    coalesce(min(e.age_band), 'not told') AS age_band,
    month_of(day_of(coalesce(min(e.started_at), min(d.as_of)))) AS month
  FROM dose_event d LEFT JOIN exam_plain e ON e.trust = d.trust AND e.exam = d.exam
  GROUP BY d.trust, d.exam;

CREATE OR REPLACE TEMP TABLE session_built AS
  SELECT DISTINCT ON (trust, resource, starts_at, kind) trust, resource, starts_at, ends_at, kind,
    coalesce(modality, 'not told') AS modality,
    least(hours_between(starts_at, ends_at) * 60, coalesce((
      SELECT sum(a.minutes) FROM appointment_built a
      WHERE a.trust = s.trust AND a.resource = s.resource AND a.outcome = 'attended'
        AND a.starts_at >= s.starts_at AND a.starts_at < s.ends_at), 0)) AS used_minutes,
    hours_between(starts_at, ends_at) * 60 AS minutes,
    (SELECT count(*) FROM appointment_built a
      WHERE a.trust = s.trust AND a.resource = s.resource AND a.outcome = 'attended'
        AND a.starts_at >= s.starts_at AND a.starts_at < s.ends_at) AS exams,
    month_of(day_of(starts_at)) AS month
  FROM told_session s ORDER BY trust, resource, starts_at, kind, s.rowid DESC;

CREATE OR REPLACE TEMP TABLE alert_built AS
  SELECT trust, alert_id, min(category) AS category, min(sent_at) AS sent_at,
    min(acknowledged_at) AS acknowledged_at, month_of(day_of(min(sent_at))) AS month
  FROM told_alert GROUP BY trust, alert_id;

CREATE OR REPLACE TEMP TABLE review_built AS
  SELECT DISTINCT ON (trust, review_id) trust, review_id, reviewed_at,
    coalesce(modality, 'not told') AS modality, grade, month_of(day_of(reviewed_at)) AS month
  FROM told_review ORDER BY trust, review_id, rowid DESC;
`;
