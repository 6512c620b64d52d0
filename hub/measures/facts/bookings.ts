/** Bookings: one row per time that a patient was given, and what became of it. SC-35, BI-17 to BI-19. */
import { byWhomSql, reasonSql } from './cancellation-reasons.ts';
import type { Naming, Stage } from './stage.ts';

const APPOINTMENT = ['trust', 'appointment_id'] as const;

/** By which a booking may name an order. */
const NUMBERS = ['placer', 'filler', 'exam'] as const;

const NUMBERED: readonly Naming[] = [
  { from: 'told_appointment', names: ['trust', 'unnest([placer, filler])'] },
];

/** Each time of an appointment as it was told, with the examination that its numbers name. */
export const booking: Stage = {
  name: 'booking',
  key: APPOINTMENT,
  order: "date_trunc('month', booked_at), trust",
  dirty: `
    WITH number AS (
      SELECT trust, unnest([placer, filler, exam]) AS number FROM changed_order_now)
    SELECT trust, appointment_id FROM new_appointment
    UNION SELECT b.trust, b.appointment_id FROM booking b
      SEMI JOIN number n ON n.trust = b.trust AND n.number = b.placer
    UNION SELECT b.trust, b.appointment_id FROM booking b
      SEMI JOIN number n ON n.trust = b.trust AND n.number = b.filler`,
  rows: ({ only, named }) => `
    -- What a telling does not say stays as it was told before.
    WITH filled AS (
      SELECT trust, appointment_id, seq, as_of, status, reason,
        last_value(starts_at IGNORE NULLS) OVER told AS starts_at,
        last_value(minutes IGNORE NULLS) OVER told AS minutes,
        last_value(resource IGNORE NULLS) OVER told AS resource,
        last_value(placer IGNORE NULLS) OVER told AS placer,
        last_value(filler IGNORE NULLS) OVER told AS filler,
        last_value(patient_key IGNORE NULLS) OVER told AS patient_key
      FROM (SELECT *, seq_of(as_of, arrived) AS seq FROM ${only('told_appointment')})
      WINDOW told AS (PARTITION BY trust, appointment_id ORDER BY seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
    times AS (
      SELECT trust, appointment_id, starts_at, min(seq) AS first_seq, max(seq) AS last_seq,
        arg_max(status, seq) AS status, min(as_of) AS booked_at, arg_max(as_of, seq) AS ended_as_of,
        arg_max(reason, seq) AS reason, arg_max(minutes, seq) AS minutes,
        arg_max(resource, seq) AS resource, arg_max(placer, seq) AS placer,
        arg_max(filler, seq) AS filler, arg_max(patient_key, seq) AS patient_key
      FROM filled WHERE starts_at IS NOT NULL GROUP BY trust, appointment_id, starts_at),
    moved AS (
      SELECT * EXCLUDE (first_seq), lead(first_seq) OVER by_seq IS NOT NULL AS is_moved,
        lead(booked_at) OVER by_seq AS moved_at
      FROM times WINDOW by_seq AS (PARTITION BY trust, appointment_id ORDER BY last_seq)),
    number AS (
      SELECT trust, number, min(exam) AS exam FROM (
        ${NUMBERS.map(
          (name) => `SELECT trust, ${name} AS number, exam
            FROM ${named('order_now', ['trust', name], NUMBERED)}`,
        ).join(' UNION ALL ')})
      GROUP BY ALL)
    SELECT m.* REPLACE (kept_seq(m.last_seq) AS last_seq), coalesce(p.exam, f.exam) AS exam
    FROM moved m
    LEFT JOIN number p ON p.trust = m.trust AND p.number = m.placer
    LEFT JOIN number f ON f.trust = m.trust AND f.number = m.filler`,
};

export const appointment: Stage = {
  name: 'appointment',
  key: APPOINTMENT,
  dirty: `
    SELECT trust, appointment_id FROM changed_booking
    UNION SELECT b.trust, b.appointment_id FROM booking b SEMI JOIN changed_exam USING (trust, exam)
    UNION SELECT b.trust, b.appointment_id FROM booking b SEMI JOIN new_reason n
      ON n.trust = b.trust AND lower(n.told) = lower(b.reason)
    UNION SELECT b.trust, b.appointment_id FROM booking b
      SEMI JOIN (SELECT trust, patient_key FROM changed_person WHERE NOT is_new) USING (trust, patient_key)`,
  rows: ({ only, named }) => `
    WITH dated AS MATERIALIZED (
      SELECT *, CASE WHEN status IN ('cancelled', 'deleted') THEN ended_as_of WHEN is_moved THEN moved_at END
          AS released_at,
        day_of(starts_at) AS starts_on, day_of(released_at) AS released_on, day_of(booked_at) AS booked_on
      FROM ${only('booking')}),
    reasons AS (
      SELECT trust, lower(told) AS told, arg_max(common, rowid) AS common FROM told_reason GROUP BY ALL),
    explained AS MATERIALIZED (
      SELECT d.*, coalesce(r.common, ${reasonSql('d.reason')}) AS common_reason
      FROM dated d LEFT JOIN reasons r ON r.trust = d.trust AND r.told = lower(d.reason))
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
      a.released_at,
      CASE WHEN regexp_matches(lower(a.reason), 'patient|^pt\\b') THEN 'patient'
        WHEN regexp_matches(lower(a.reason), 'hospital|clinic|staff|equipment|machine|scanner|trust')
          THEN 'hospital'
        ELSE 'not told' END AS by_whom,
      hours_between(a.released_at, a.starts_at) AS notice_hours,
      a.common_reason, ${byWhomSql('a.common_reason')} AS cancelled_by,
      CASE WHEN a.released_at >= a.starts_at THEN 'afterwards'
        ELSE lead_time_of(date_diff('day', a.released_on, a.starts_on)) END AS lead_time,
      notice_of(date_diff('day', a.booked_on, a.starts_on)) AS notice,
      e.performed_minutes,
      false AS is_refilled, NULL::DOUBLE AS fill_hours
    FROM explained a
    LEFT JOIN ${named('exam', ['trust', 'exam'], [{ from: 'booking', names: ['trust', 'exam'] }])} e
      ON e.trust = a.trust AND e.exam = a.exam
    LEFT JOIN ${named('person', ['trust', 'patient_key'], [{ from: 'booking', names: ['trust', 'patient_key'] }])} p
      ON p.trust = a.trust AND p.patient_key = a.patient_key`,
};

/** Whether somebody else had the slot that was given back. */
export const refill: Stage = {
  name: 'refill',
  table: 'appointment',
  key: ['trust', 'resource', 'starts_at'],
  dirty: 'SELECT trust, resource, starts_at FROM changed_appointment',
  order: "date_trunc('month', starts_at), trust",
  rows: ({ only }) => `
    WITH slot AS (FROM ${only('appointment')}),
    filled AS (
      SELECT a.trust, a.resource, a.starts_at, a.appointment_id, min(n.booked_at) AS filled_at
      FROM slot a JOIN slot n ON n.trust = a.trust AND n.resource = a.resource
        AND n.starts_at = a.starts_at AND n.appointment_id <> a.appointment_id
        AND n.booked_at >= a.released_at AND n.outcome IN ('attended', 'booked')
      GROUP BY ALL)
    SELECT a.* REPLACE (f.filled_at IS NOT NULL AS is_refilled,
      hours_between(a.released_at, f.filled_at) AS fill_hours)
    FROM slot a LEFT JOIN filled f USING (trust, resource, starts_at, appointment_id)`,
};
