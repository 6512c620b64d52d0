/** Bookings: one row per time that a patient was given, and what became of it. SC-35, BI-17 to BI-19. */

/** Makes `appointment_built` and `exam_booking`; needs `order_now` and `person`. */
export const BOOKINGS = `
CREATE OR REPLACE TEMP TABLE appointment_told AS
  SELECT *, row_number() OVER (ORDER BY as_of, rowid) AS seq FROM told_appointment;

-- What a telling does not say stays as it was told before.
CREATE OR REPLACE TEMP TABLE appointment_filled AS
  SELECT trust, appointment_id, seq, as_of, status, reason,
    last_value(starts_at IGNORE NULLS) OVER told AS starts_at,
    last_value(minutes IGNORE NULLS) OVER told AS minutes,
    last_value(resource IGNORE NULLS) OVER told AS resource,
    last_value(placer IGNORE NULLS) OVER told AS placer,
    last_value(filler IGNORE NULLS) OVER told AS filler,
    last_value(patient_key IGNORE NULLS) OVER told AS patient_key
  FROM appointment_told
  WINDOW told AS (PARTITION BY trust, appointment_id ORDER BY seq
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

CREATE OR REPLACE TEMP TABLE order_number AS
  SELECT trust, number, min(exam) AS exam FROM (
    SELECT trust, exam, placer AS number FROM order_now
    UNION SELECT trust, exam, filler FROM order_now
    UNION SELECT trust, exam, exam FROM order_now)
  WHERE number IS NOT NULL GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE appointment_time AS
  WITH times AS (
    SELECT trust, appointment_id, starts_at, min(seq) AS first_seq, max(seq) AS last_seq,
      arg_max(status, seq) AS status, min(as_of) AS booked_at, arg_max(as_of, seq) AS ended_as_of,
      arg_max(reason, seq) AS reason, arg_max(minutes, seq) AS minutes,
      arg_max(resource, seq) AS resource, arg_max(placer, seq) AS placer,
      arg_max(filler, seq) AS filler, arg_max(patient_key, seq) AS patient_key
    FROM appointment_filled WHERE starts_at IS NOT NULL GROUP BY trust, appointment_id, starts_at)
  SELECT *, lead(first_seq) OVER by_seq IS NOT NULL AS is_moved,
    lead(booked_at) OVER by_seq AS moved_at
  FROM times WINDOW by_seq AS (PARTITION BY trust, appointment_id ORDER BY last_seq);

CREATE OR REPLACE TEMP TABLE appointment_linked AS
  SELECT a.*, coalesce(p.exam, f.exam) AS exam
  FROM appointment_time a
  LEFT JOIN order_number p ON p.trust = a.trust AND p.number = a.placer
  LEFT JOIN order_number f ON f.trust = a.trust AND f.number = a.filler;

CREATE OR REPLACE TEMP TABLE exam_booking AS
  SELECT trust, exam, min(booked_at) AS booked_at,
    arg_max(starts_at, last_seq) FILTER (status IN ('booked', 'attended', 'missed')) AS starts_at
  FROM appointment_linked WHERE exam IS NOT NULL GROUP BY trust, exam;
`;

/** Makes `appointment_built`; needs `exam_plain`. */
export const APPOINTMENTS = `
CREATE OR REPLACE TEMP TABLE appointment_outcome AS
  SELECT a.trust, a.appointment_id, a.exam, a.starts_at, a.minutes, a.resource, a.booked_at,
    p.person, coalesce(p.restricted, false) AS restricted,
    coalesce(e.site, a.trust) AS site, coalesce(e.modality, 'not told') AS modality,
    coalesce(e.setting, 'not told') AS setting, coalesce(e.band, 'not told') AS band,
    CASE WHEN a.status IN ('cancelled', 'deleted') THEN 'cancelled'
      WHEN a.status IN ('attended', 'missed') THEN a.status
      WHEN a.is_moved THEN 'moved'
      WHEN e.ended_at >= a.starts_at - INTERVAL 12 HOUR AND e.ended_at < a.starts_at + INTERVAL 24 HOUR
        THEN 'attended'
      ELSE 'booked' END AS outcome,
    CASE WHEN a.status IN ('cancelled', 'deleted') THEN a.ended_as_of WHEN a.is_moved THEN a.moved_at END
      AS released_at,
    CASE WHEN regexp_matches(lower(a.reason), 'patient|^pt\\b') THEN 'patient'
      WHEN regexp_matches(lower(a.reason), 'hospital|clinic|staff|equipment|machine|scanner|trust')
        THEN 'hospital'
      ELSE 'not told' END AS by_whom
  FROM appointment_linked a
  LEFT JOIN exam_plain e ON e.trust = a.trust AND e.exam = a.exam
  LEFT JOIN person p ON p.trust = a.trust AND p.patient_key = a.patient_key;

CREATE OR REPLACE TEMP TABLE appointment_built AS
  SELECT a.*, CASE WHEN a.released_at IS NOT NULL THEN hours_between(a.released_at, a.starts_at) END
      AS notice_hours,
    a.released_at IS NOT NULL AND a.resource IS NOT NULL AND EXISTS (
      FROM appointment_outcome n WHERE n.trust = a.trust AND n.resource = a.resource
        AND n.starts_at = a.starts_at AND n.appointment_id <> a.appointment_id
        AND n.booked_at >= a.released_at AND n.outcome IN ('attended', 'booked')) AS is_refilled,
    month_of(day_of(a.starts_at)) AS month
  FROM appointment_outcome a;
`;
