/** Orders as they were told last, and which examination a study, a report or a booking is of. */
import type { Stage } from './stage.ts';

const EXAM = ['trust', 'exam'] as const;

const orderNow: Stage = {
  name: 'order_now',
  key: EXAM,
  order: "date_trunc('month', heard_at), trust",
  dirty: 'SELECT trust, exam FROM new_order',
  rows: ({ only }) => `
    WITH told AS (SELECT *, seq_of(as_of, arrived) AS seq FROM ${only('told_order')}),
    state AS (
      SELECT trust, exam, arg_max(status, seq) AS status,
        arg_max(patient_key, seq) AS patient_key,
        -- What a RIS says with each message (ORC-9) may be when it sent that: it was asked for at the earliest.
        min(requested_at) AS requested_at,
        -- Heard of for the first time when it was under way or made: when it was received nobody told.
        CASE WHEN min(as_of) = min(as_of) FILTER (status IN ('requested', 'scheduled', 'held', 'cancelled'))
          THEN min(as_of) END AS received_at, min(as_of) AS heard_at,
        min(as_of) FILTER (status = 'scheduled' OR scheduled_at IS NOT NULL) AS booked_at,
        arg_max(scheduled_at, seq) AS appointment_at,
        arg_max(started_at, seq) AS started_at, arg_max(ended_at, seq) AS ended_at,
        min(as_of) FILTER (status = 'in-progress') AS in_progress_at,
        min(as_of) FILTER (status = 'completed') AS completed_at,
        coalesce(max(seq) FILTER (status <> 'cancelled'), 0) AS last_live,
        list(struct_pack(seq, as_of)) FILTER (status = 'cancelled') AS cancellations,
        arg_max(code, seq) AS code, arg_max(code_system, seq) AS code_system,
        arg_max(modality, seq) AS modality, arg_max(priority, seq) AS priority,
        arg_max(setting, seq) AS setting, arg_max(site, seq) AS site,
        arg_max(study_uid, seq) AS study_uid,
        arg_max(placer, seq) AS placer, arg_max(filler, seq) AS filler
      FROM told GROUP BY trust, exam)
    SELECT * EXCLUDE (last_live, cancellations),
      list_min([one.as_of FOR one IN cancellations IF one.seq > last_live]) AS cancelled_at FROM state`,
};

/** A study belongs to the order that names it, else to that of its accession number, else to itself. */
const studyExam: Stage = {
  name: 'study_exam',
  key: ['trust', 'study_uid'],
  order: "date_trunc('month', started_at), trust",
  dirty: `
    SELECT trust, study_uid FROM new_study
    UNION SELECT trust, study_uid FROM changed_order_now`,
  rows: ({ only }) => `
    WITH now AS (
      SELECT trust, study_uid, arg_max(deleted, seq) AS deleted, arg_max(exam, seq) AS exam,
        arg_max(started_at, seq) AS started_at, arg_max(modality, seq) AS modality,
        arg_max(region, seq) AS region, arg_max(patient_key, seq) AS patient_key,
        arg_max(performed_started_at, seq) AS performed_started_at,
        arg_max(performed_ended_at, seq) AS performed_ended_at
      FROM (SELECT *, seq_of(as_of, arrived) AS seq FROM ${only('told_study')})
      GROUP BY trust, study_uid),
    by_uid AS (
      SELECT trust, study_uid, min(exam) AS exam FROM ${only('order_now')}
      WHERE study_uid IS NOT NULL GROUP BY ALL)
    SELECT n.* EXCLUDE (exam, deleted), coalesce(b.exam, n.exam, n.study_uid) AS exam
    FROM now n LEFT JOIN by_uid b USING (trust, study_uid) WHERE NOT coalesce(n.deleted, false)`,
};

const reportUid: Stage = {
  name: 'report_uid',
  key: ['trust', 'report_id'],
  dirty: 'SELECT trust, report_id FROM new_report',
  rows: ({ only }) =>
    `SELECT DISTINCT trust, report_id, unnest(study_uids) AS study_uid FROM ${only('told_report')}`,
};

/** Versions of reports by examination: by the accession numbers of the trust that reports; by Study UID also those of others. */
const reportExam: Stage = {
  name: 'report_exam',
  key: ['reporter', 'report_id'],
  order: "date_trunc('month', issued_at), trust",
  dirty: `
    SELECT trust AS reporter, report_id FROM new_report
    UNION SELECT r.trust, r.report_id FROM report_uid r SEMI JOIN changed_study_exam USING (study_uid)`,
  rows: ({ only, named }) => `
    WITH versions AS (
      SELECT DISTINCT ON (trust, report_id, version) *
      FROM ${only('told_report', ['trust', 'report_id'])}
      ORDER BY trust, report_id, version, arrived DESC),
    withdrawn AS (
      SELECT trust, report_id FROM versions GROUP BY trust, report_id
      HAVING arg_max(status, seq_of(issued_at, version)) = 'withdrawn'),
    valid AS (FROM versions ANTI JOIN withdrawn USING (trust, report_id))
    SELECT DISTINCT * FROM (
      SELECT trust, unnest(exams) AS exam, trust AS reporter, report_id, version, status, issued_at,
        started_at, ended_at, provider, patient_key
      FROM valid
      UNION ALL
      SELECT s.trust, s.exam, r.trust, r.report_id, r.version, r.status, r.issued_at,
        r.started_at, r.ended_at, r.provider, CASE WHEN s.trust = r.trust THEN r.patient_key END
      FROM (SELECT *, unnest(study_uids) AS study_uid FROM valid) r
      JOIN ${named(
        'study_exam',
        ['study_uid'],
        [{ from: 'told_report', columns: ['trust', 'report_id'], names: ['unnest(study_uids)'] }],
      )} s
        ON s.study_uid = r.study_uid)`,
};

export const ORDERS: readonly Stage[] = [orderNow, studyExam, reportUid, reportExam];
