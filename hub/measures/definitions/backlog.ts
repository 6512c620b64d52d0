import type { Measure } from '../measure.ts';

export const backlog: Measure = {
  id: 'BI-15',
  version: 2,
  name: 'Reporting backlog',
  question:
    'How many examinations wait for their report, how old are they, and how much work is that?',
  formula:
    'Examinations that had ended (T4) and had no verified report (T6) at the end of the month, or now; by age in days; ' +
    'work = reporting minutes of their codes, 5 where none is told. Delegated (by their code, evaluated by who asked for ' +
    'them) are no backlog, and told apart; what went to a provider and did not come back is',
  grain: 'site, modality, age band, month',
  exclusions: ['cancelled after the examination', 'images of which the RIS told no order'],
  source: 'domain notes, section 6',
  target: null,
  kind: 'snapshot',
  fact: 'exam',
  spans: { from: 'ended_at', until: 'verified_at' },
  relation: `
    SELECT $month AS month, trust, site, modality, exam, person, ended_at, reporting_minutes, is_delegated,
      days_between(ended_at, $at) AS age_days,
      CASE WHEN days_between(ended_at, $at) < 1 THEN '0-1 d' WHEN days_between(ended_at, $at) < 3 THEN '1-3 d'
        WHEN days_between(ended_at, $at) < 7 THEN '3-7 d' WHEN days_between(ended_at, $at) < 14 THEN '7-14 d'
        WHEN days_between(ended_at, $at) < 28 THEN '14-28 d' ELSE '28+ d' END AS age_band
    FROM exam
    WHERE in_ris AND ended_at < $at AND status <> 'cancelled'
      AND coalesce(verified_at, TIMESTAMP '9999-01-01') >= $at`,
  dimensions: ['modality', 'age_band', 'site'],
  counts: [
    { name: 'unreported', title: 'Not reported' },
    { name: 'backlog', title: 'Backlog', where: 'NOT is_delegated', since: 2 },
    { name: 'delegated', title: 'Delegated', where: 'is_delegated', since: 2 },
  ],
  sums: [
    {
      name: 'reportingMinutes',
      title: 'Minutes of work',
      of: 'reporting_minutes',
      unit: 'minutes',
      until: 1,
    },
    {
      ...{ name: 'backlogMinutes', title: 'Minutes of work', unit: 'minutes', since: 2 },
      of: 'CASE WHEN NOT is_delegated THEN reporting_minutes END',
    },
  ],
  row: ['exam', 'modality', 'ended_at', 'age_days', 'is_delegated'],
  earlier: [
    {
      version: 1,
      formula:
        'Examinations that had ended (T4) and had no verified report (T6) at the end of the month, or now; by age in days; ' +
        'work = reporting minutes of their codes, 5 where none is told',
      exclusions: ['cancelled after the examination', 'images of which the RIS told no order'],
      target: null,
      changed: 'Delegated examinations are no backlog',
    },
  ],
};
