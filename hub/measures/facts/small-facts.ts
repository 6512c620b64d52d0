/** Transfers, staffed sessions, alerts and peer reviews: facts that are told nearly as they are kept. */
import type { Stage } from './stage.ts';

export const transfer: Stage = {
  name: 'transfer',
  key: ['transfer_id'],
  dirty: `
    SELECT transfer_id FROM new_transfer
    UNION SELECT t.transfer_id FROM transfer t
      SEMI JOIN changed_view v ON v.trust = t.to_trust AND v.study_uid = t.study_uid`,
  order: "date_trunc('month', requested_at), to_trust",
  rows: ({ only, named }) => `
    WITH latest AS (
      SELECT * EXCLUDE (seq, arrived) FROM (
        SELECT *, row_number() OVER (PARTITION BY transfer_id ORDER BY as_of DESC, arrived DESC) AS seq
        FROM ${only('told_transfer')})
      WHERE seq = 1),
    seen AS (
      SELECT l.transfer_id, min(v.viewed_at) AS viewed_at
      FROM latest l JOIN ${named(
        'view',
        ['trust', 'study_uid'],
        [{ from: 'told_transfer', names: ['to_trust', 'study_uid'] }],
      )} v ON v.trust = l.to_trust AND v.study_uid = l.study_uid
      WHERE v.part = 'images' AND v.viewed_at >= l.available_at GROUP BY ALL)
    SELECT l.* REPLACE (coalesce(l.delivered, true) AS delivered), s.viewed_at
    FROM latest l LEFT JOIN seen s USING (transfer_id)`,
};

/** Openings through the hub. */
export const view: Stage = {
  name: 'view',
  key: ['trust', 'study_uid'],
  dirty: 'SELECT trust, study_uid FROM new_view',
  rows: ({ only }) => `SELECT DISTINCT trust, study_uid, viewed_at, part FROM ${only('told_view')}`,
};

const session: Stage = {
  name: 'session',
  key: ['trust', 'resource', 'starts_at'],
  dirty: `
    SELECT trust, resource, starts_at FROM new_session
    UNION SELECT s.trust, s.resource, s.starts_at
      FROM session s JOIN (SELECT DISTINCT trust, resource, starts_at FROM (
        SELECT trust, resource, starts_at FROM changed_appointment
        UNION ALL SELECT trust, resource, starts_at FROM changed_refill)) a
      ON a.trust = s.trust AND a.resource = s.resource
        AND a.starts_at >= s.starts_at AND a.starts_at < s.ends_at`,
  rows: ({ only }) => `
    WITH told AS (
      SELECT DISTINCT ON (trust, resource, starts_at, kind) trust, resource, starts_at, ends_at, kind,
        coalesce(modality, 'not told') AS modality
      FROM ${only('told_session')} ORDER BY trust, resource, starts_at, kind, arrived DESC),
    -- By day, so that a resource's bookings are not each held against all of its sessions.
    by_day AS (
      SELECT trust, resource, starts_at, ends_at, kind,
        unnest(generate_series(starts_at::DATE, ends_at::DATE, INTERVAL 1 DAY))::DATE AS day FROM told),
    used AS (
      SELECT s.trust, s.resource, s.starts_at, s.kind, count(*) AS exams, sum(a.minutes) AS booked_minutes,
        sum(coalesce(a.performed_minutes, a.minutes)) AS worked
      FROM by_day s JOIN appointment a ON a.trust = s.trust AND a.resource = s.resource
        AND a.starts_at::DATE = s.day AND a.outcome = 'attended'
        AND a.starts_at >= s.starts_at AND a.starts_at < s.ends_at
      GROUP BY ALL)
    SELECT s.trust, s.resource, s.starts_at, s.ends_at, s.kind, s.modality,
      least(hours_between(s.starts_at, s.ends_at) * 60, coalesce(u.booked_minutes, 0)) AS used_minutes,
      hours_between(s.starts_at, s.ends_at) * 60 AS minutes, coalesce(u.exams, 0) AS exams,
      least(hours_between(s.starts_at, s.ends_at) * 60, coalesce(u.worked, 0)) AS performed_minutes,
      greatest(coalesce(u.worked, 0) - hours_between(s.starts_at, s.ends_at) * 60, 0) AS overrun_minutes,
      CASE WHEN regexp_matches(lower(s.kind), 'staffed|clinical|^list') AND NOT regexp_matches(lower(s.kind), 'unstaffed')
          THEN 'staffed'
        WHEN regexp_matches(lower(s.kind), 'down|break|fault|repair|service|maintenance') THEN 'down'
        WHEN regexp_matches(lower(s.kind), 'train|teach') THEN 'training'
        WHEN regexp_matches(lower(s.kind), '^q\\.?[ac]|quality') THEN 'qa'
        ELSE 'other' END AS line
    FROM told s LEFT JOIN used u USING (trust, resource, starts_at, kind)`,
};

const alert: Stage = {
  name: 'alert',
  key: ['trust', 'alert_id'],
  dirty: 'SELECT trust, alert_id FROM new_alert',
  rows: ({ only }) => `
    SELECT trust, alert_id, min(category) AS category, min(sent_at) AS sent_at,
      min(acknowledged_at) AS acknowledged_at
    FROM ${only('told_alert')} GROUP BY trust, alert_id`,
};

const review: Stage = {
  name: 'review',
  key: ['trust', 'review_id'],
  dirty: 'SELECT trust, review_id FROM new_review',
  rows: ({ only }) => `
    SELECT DISTINCT ON (trust, review_id) trust, review_id, reviewed_at,
      coalesce(modality, 'not told') AS modality, grade
    FROM ${only('told_review')} ORDER BY trust, review_id, arrived DESC`,
};

export const SMALL_FACTS: readonly Stage[] = [session, alert, review];
