/** Dose of examinations, from what was told of irradiation events. BI-25. */
import { LEVELS, QUANTITIES } from '../reference-levels.ts';
import type { Stage } from './stage.ts';

/** An irradiation event counts once, however often its report came, as it was told last. */
export const doseEvent: Stage = {
  name: 'dose_event',
  key: ['trust', 'event_uid'],
  order: "date_trunc('month', as_of), trust",
  dirty: `
    SELECT trust, event_uid FROM new_dose
    UNION SELECT d.trust, d.event_uid FROM dose_event d SEMI JOIN changed_study_exam USING (trust, study_uid)`,
  rows: ({ only, named }) => `
    WITH latest AS (
      SELECT * EXCLUDE (place, arrived) FROM (
        SELECT *, row_number() OVER (PARTITION BY trust, event_uid ORDER BY as_of DESC, arrived DESC) AS place
        FROM ${only('told_dose')})
      WHERE place = 1),
    of_study AS (
      SELECT trust, study_uid, exam FROM ${named(
        'study_exam',
        ['trust', 'study_uid'],
        [{ from: 'told_dose', names: ['trust', 'study_uid'] }],
      )})
    SELECT l.* EXCLUDE (exam), coalesce(s.exam, l.exam) AS exam
    FROM latest l LEFT JOIN of_study s USING (trust, study_uid)`,
};

/** Levels are of adults. */
export const dose: Stage = {
  name: 'dose',
  key: ['trust', 'exam'],
  order: "date_trunc('month', dosed_at), trust",
  dirty: `
    SELECT trust, exam FROM changed_dose_event
    UNION SELECT d.trust, d.exam FROM dose d SEMI JOIN changed_exam USING (trust, exam)
    UNION SELECT d.trust, d.exam FROM dose d SEMI JOIN new_level USING (examination)`,
  rows: ({ only, named }) => `
    WITH level AS (${LEVELS}),
    summed AS (
      SELECT trust, exam, min(as_of) AS dosed_at, min(modality) AS modality,
        arg_max(protocol, (coalesce(dlp_mgycm, dap_gycm2, glandular_mgy, activity_mbq, 0), protocol)) AS protocol, min(device) AS device,
        exact_sum(ctdivol_mgy) / count(ctdivol_mgy) AS ctdivol_mgy, exact_sum(dlp_mgycm) AS dlp_mgycm,
        exact_sum(dap_gycm2) AS dap_gycm2,
        exact_sum(reference_point_mgy) AS reference_point_mgy,
        exact_sum(fluoro_seconds) AS fluoro_seconds,
        exact_sum(glandular_mgy) / count(glandular_mgy) AS glandular_mgy,
        exact_sum(activity_mbq) AS activity_mbq
      FROM ${only('dose_event')} GROUP BY trust, exam),
    known AS (
      SELECT d.* REPLACE (coalesce(d.modality, e.modality, 'not told') AS modality,
          coalesce(d.protocol, 'not told') AS protocol, coalesce(d.device, 'not told') AS device),
        coalesce(e.age_band, 'not told') AS age_band, coalesce(e.examination, 'not told') AS examination
      FROM summed d
      LEFT JOIN ${named('exam', ['trust', 'exam'], [{ from: 'dose_event', names: ['trust', 'exam'] }])} e USING (trust, exam)),
    compared AS (
      -- How many times the level of the quantity that lies highest.
      SELECT k.*, greatest(${Object.keys(QUANTITIES)
        .map((name) => `k.${name} / coalesce(own.${name}, uk.${name})`)
        .join(', ')}) AS most
      FROM known k
      LEFT JOIN level own ON own.trust = k.trust AND own.examination = k.examination
      LEFT JOIN level uk ON uk.trust = '' AND uk.examination = k.examination)
    SELECT * EXCLUDE (most), age_band IN ('16-64', '65+') AND most IS NOT NULL AS is_compared,
      is_compared AND most > 1 AS is_above
    FROM compared`,
};
