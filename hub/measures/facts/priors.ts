/** Earlier imaging of the person at other trusts, and whether it was at hand. BI-21, BI-22. */
import type { Naming, Stage } from './stage.ts';

/** A prior counts for so long: as prefetch brings them by default. */
const YEARS_BACK = 5;

const IMAGED: readonly Naming[] = [{ from: 'exam', names: ['study_uid'] }];

export const prior: Stage = {
  name: 'prior',
  key: ['person'],
  dirty: `
    SELECT person FROM changed_exam
    UNION SELECT e.person FROM exam e SEMI JOIN changed_transfer USING (study_uid)
    UNION SELECT e.person FROM exam e SEMI JOIN changed_view USING (study_uid)`,
  order: "date_trunc('month', started_at), trust",
  rows: ({ only, named }) => `
    WITH of_person AS (
      SELECT trust, exam, person, in_ris, site, modality, region, study_uid, requested_at,
        started_at, verified_at
      FROM ${only('exam')}),
    arrived AS (
      SELECT t.study_uid, t.to_trust, min(t.available_at) AS here_at
      FROM ${named('transfer', ['study_uid'], IMAGED)} t GROUP BY ALL),
    -- Opened through the hub, by the people of a trust.
    opened AS (
      SELECT v.study_uid, v.trust, list(v.viewed_at) AS views
      FROM ${named('view', ['study_uid'], IMAGED)} v GROUP BY ALL),
    earlier AS (
      SELECT e.trust, e.exam, e.started_at, e.verified_at, e.modality, e.region,
        p.started_at AS prior_at, p.modality AS prior_modality, p.region AS prior_region, a.here_at,
        -- For this examination, not for one before it.
        len([seen FOR seen IN o.views IF seen >= coalesce(e.requested_at, e.started_at - INTERVAL 7 DAY)
          AND seen < coalesce(e.verified_at, TIMESTAMP '9999-01-01')]) > 0 AS is_opened,
        len([seen FOR seen IN o.views IF seen >= p.started_at AND seen <= e.started_at]) > 0 AS is_seen
      FROM of_person e JOIN of_person p ON p.person = e.person
        AND p.trust <> e.trust AND p.study_uid IS NOT NULL AND p.started_at < e.started_at
        AND p.started_at >= e.started_at - INTERVAL ${YEARS_BACK} YEAR
        AND (p.modality = e.modality OR (p.region = e.region AND p.region <> 'not told'))
      LEFT JOIN arrived a ON a.study_uid = p.study_uid AND a.to_trust = e.trust
      LEFT JOIN opened o ON o.study_uid = p.study_uid AND o.trust = e.trust
      WHERE e.started_at IS NOT NULL),
    found AS (
      SELECT trust, exam, count(*) AS priors,
        count(*) FILTER (here_at < coalesce(verified_at, TIMESTAMP '9999-01-01')) AS priors_brought,
        count(*) FILTER (is_opened) AS priors_opened,
        min(hours_between(prior_at, started_at)) FILTER (prior_modality = modality AND prior_region = region)
          AS hours_since_same,
        bool_and(here_at IS NULL OR here_at > started_at)
          FILTER (prior_modality = modality AND prior_region = region
            AND prior_at >= started_at - INTERVAL 7 DAY) AS same_not_here,
        bool_and((here_at IS NULL OR here_at > started_at) AND NOT coalesce(is_seen, false))
          FILTER (prior_modality = modality AND prior_region = region
            AND prior_at >= started_at - INTERVAL 7 DAY) AS same_not_known
      FROM earlier GROUP BY trust, exam)
    SELECT e.trust, e.exam, e.person, e.in_ris, e.site, e.modality, e.started_at,
      coalesce(p.priors, 0) AS priors, coalesce(p.priors_brought, 0) AS priors_brought,
      coalesce(p.priors_opened, 0) AS priors_opened, p.hours_since_same,
      coalesce(p.same_not_here, false) AS same_not_here, coalesce(p.same_not_known, false) AS same_not_known
    FROM of_person e LEFT JOIN found p USING (trust, exam) WHERE e.started_at IS NOT NULL`,
};
