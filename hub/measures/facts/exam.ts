/**
 * One row per examination: trust and accession number. BI-01, BI-03. The times are those of section 6 of the
 * domain notes: T0 requested, T1 received, T2 booked, T2a appointment, T3 start, T4 end, T5 preliminary,
 * T6 verified. Its priors come with facts/priors.ts.
 */
import type { Naming, Sources, Stage } from './stage.ts';

export const exam: Stage = {
  name: 'exam',
  key: ['trust', 'exam'],
  order: "date_trunc('month', coalesce(ended_at, verified_at, requested_at)), trust",
  dirty: `
    SELECT trust, exam FROM changed_order_now
    UNION SELECT trust, exam FROM changed_study_exam
    UNION SELECT trust, exam FROM changed_report_exam
    UNION SELECT trust, exam FROM changed_booking
    UNION SELECT trust, exam FROM changed_dose_event
    UNION SELECT e.trust, e.exam FROM exam e
      SEMI JOIN (SELECT trust, patient_key FROM changed_person WHERE NOT is_new) USING (trust, patient_key)
    UNION SELECT e.trust, e.exam FROM exam e SEMI JOIN new_code c ON upper(c.code) = upper(e.code)`,
  rows: (sources) => `
    WITH orders AS (FROM ${sources.only('order_now')}),
    doses AS (SELECT DISTINCT trust, exam, true AS has_dose FROM ${sources.only('dose_event')}),
    ${LINKED(sources)},
    ${TIMED}
    SELECT e.trust, e.exam, e.patient_key, e.in_ris, coalesce(p.person, e.trust || '/exam/' || e.exam) AS person, coalesce(p.restricted, false) AS restricted,
      p.nhs_status, coalesce(p.sex, 'not told') AS sex,
      CASE WHEN p.birth_month IS NULL THEN 'not told'
        WHEN date_diff('month', p.birth_month, e.day) < 192 THEN '0-15'
        WHEN date_diff('month', p.birth_month, e.day) < 780 THEN '16-64'
        ELSE '65+' END AS age_band,
      e.status, e.code, c.code IS NOT NULL AS is_mapped,
      CASE WHEN is_site_of(e.site, e.trust) THEN e.site ELSE e.trust END AS site,
      coalesce(e.modality, c.modality, e.imaged, modality_of_nicip(e.code), 'not told') AS modality,
      coalesce(c.region, e.region, 'not told') AS region,
      coalesce(c.test, dm01_test(coalesce(e.modality, c.modality, e.imaged, modality_of_nicip(e.code)), e.code))
        AS test,
      coalesce(c.reporting_minutes, 5) AS reporting_minutes,
      band_of(e.priority) AS band, coalesce(e.setting, 'not told') AS setting,
      e.requested_at, e.received_at, e.booked_at, e.appointment_at, e.started_at, e.ended_at,
      e.first_preliminary_at, e.verified_at, e.cancelled_at, e.reporter, e.study_uid, e.has_report,
      coalesce(d.has_dose, false) AS has_dose, c.examination, e.performed_minutes,
      coalesce(c.delegated, false) AS is_delegated
    FROM (SELECT *, day_of(coalesce(ended_at, requested_at)) AS day FROM timed) e
    LEFT JOIN ${sources.named('person', ['trust', 'patient_key'], NAMING)} p USING (trust, patient_key)
    LEFT JOIN doses d USING (trust, exam)
    LEFT JOIN (SELECT DISTINCT ON (upper(code)) * FROM told_code ORDER BY upper(code), rowid DESC) c
      ON upper(c.code) = upper(e.code)`,
};

/** Who names a patient of the examinations. */
const NAMING: readonly Naming[] = ['order_now', 'report_exam', 'study_exam'].map((from) => ({
  from,
  names: ['trust', 'patient_key'],
}));

const LINKED = ({ only }: Sources): string => `
    studies AS (
      SELECT trust, exam, first_study(started_at, study_uid) AS study_uid, min(started_at) AS started_at,
        min(performed_started_at) AS performed_started_at, max(performed_ended_at) AS performed_ended_at,
        min(modality) AS modality, min(region) AS region, min(patient_key) AS patient_key
      FROM ${only('study_exam')} GROUP BY trust, exam),
    reports AS (
      SELECT trust, exam,
        min(issued_at) FILTER (status = 'preliminary') AS first_preliminary_at,
        min(issued_at) FILTER (status IN ('final', 'corrected')) AS verified_at,
        arg_min(coalesce(provider, reporter), seq) FILTER (status IN ('final', 'corrected')) AS reporter,
        arg_max(started_at, seq) AS started_at, arg_max(ended_at, seq) AS ended_at,
        min(patient_key) AS patient_key
      FROM (SELECT *, seq_of(issued_at, (hash(report_id, version, provider, reporter) >> 24)::BIGINT) AS seq
        FROM ${only('report_exam')})
      GROUP BY trust, exam),
    bookings AS (
      SELECT trust, exam, min(booked_at) AS booked_at,
        arg_max(starts_at, last_seq::HUGEINT) FILTER (status IN ('booked', 'attended', 'missed')) AS starts_at
      FROM ${only('booking')} GROUP BY trust, exam)`;

/** What the RIS knows; and images of which no order was told, which are no examination of the returns. */
const TIMED = `
    timed AS (
      SELECT trust, exam, o.exam IS NOT NULL OR r.exam IS NOT NULL AS in_ris,
        coalesce(o.patient_key, r.patient_key, s.patient_key) AS patient_key,
        coalesce(o.status, CASE WHEN coalesce(s.study_uid, r.exam) IS NOT NULL THEN 'completed' END) AS status,
        coalesce(o.requested_at, o.received_at) AS requested_at, o.received_at,
        least(o.booked_at, b.booked_at) AS booked_at,
        coalesce(b.starts_at, o.appointment_at) AS appointment_at,
        -- What the RIS says of the examination goes before what modalities say, that before when it was told.
        coalesce(o.started_at, r.started_at, s.performed_started_at, s.started_at, o.in_progress_at) AS started_at,
        coalesce(o.ended_at, r.ended_at, s.performed_ended_at, o.completed_at, o.started_at, r.started_at,
          s.performed_started_at, s.started_at, o.in_progress_at) AS ended_at,
        coalesce(minutes_of(o.started_at, o.ended_at), minutes_of(r.started_at, r.ended_at),
          minutes_of(s.performed_started_at, s.performed_ended_at)) AS performed_minutes,
        r.first_preliminary_at, r.verified_at, r.reporter, o.cancelled_at,
        o.code, o.code_system, o.priority, o.setting, o.site, s.study_uid, r.exam IS NOT NULL AS has_report,
        known_modality(o.modality) AS modality, s.modality AS imaged, s.region
      FROM orders o
      FULL JOIN reports r USING (trust, exam)
      FULL JOIN studies s USING (trust, exam)
      LEFT JOIN bookings b USING (trust, exam))`;
