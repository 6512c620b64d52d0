/** Earlier imaging of the person at other trusts, and whether it was at hand. BI-21, BI-22. */

/** A prior counts for so long: as prefetch brings them by default. */
const YEARS_BACK = 5;

/** Makes `exam_built` of `exam_plain`; needs `transfer_built`. */
export const PRIORS = `
CREATE OR REPLACE TEMP TABLE exam_prior AS
  WITH earlier AS (
    SELECT e.trust, e.exam, e.started_at, e.verified_at, e.modality, e.region,
      p.study_uid, p.started_at AS prior_at, p.modality AS prior_modality, p.region AS prior_region,
      (SELECT min(t.available_at) FROM transfer_built t
        WHERE t.study_uid = p.study_uid AND t.to_trust = e.trust) AS here_at
    FROM exam_plain e JOIN exam_plain p ON p.person = e.person
      AND p.trust <> e.trust AND p.study_uid IS NOT NULL AND p.started_at < e.started_at
      AND p.started_at >= e.started_at - INTERVAL ${YEARS_BACK} YEAR
      AND (p.modality = e.modality OR (p.region = e.region AND p.region <> 'not told'))
    WHERE e.started_at IS NOT NULL)
  SELECT trust, exam, count(*) AS priors,
    count(*) FILTER (here_at < coalesce(verified_at, TIMESTAMP '9999-01-01')) AS priors_brought,
    min(hours_between(prior_at, started_at)) FILTER (prior_modality = modality AND prior_region = region)
      AS hours_since_same,
    bool_and(here_at IS NULL OR here_at > started_at)
      FILTER (prior_modality = modality AND prior_region = region
        AND prior_at >= started_at - INTERVAL 7 DAY) AS same_not_here
  FROM earlier GROUP BY trust, exam;

CREATE OR REPLACE TEMP TABLE exam_built AS
  SELECT e.*, coalesce(p.priors, 0) AS priors, coalesce(p.priors_brought, 0) AS priors_brought,
    p.hours_since_same, coalesce(p.same_not_here, false) AS same_not_here,
    coalesce(month_of(day_of(coalesce(
      CASE WHEN e.status <> 'cancelled' OR e.verified_at IS NOT NULL THEN coalesce(e.ended_at, e.verified_at) END,
      e.cancelled_at))), 'open') AS month
  FROM exam_plain e LEFT JOIN exam_prior p USING (trust, exam);
`;
