import type { Measure, Target } from '../measure.ts';

const WITHIN_28_DAYS: Target = {
  share: 'shareWithin28Days',
  atLeast: 1,
  source: '28-day maximum since 9 August 2023',
};

const EXCLUSIONS = [
  'preliminary reports are not verified',
  'addenda and corrections do not start it again',
  'a withdrawn report is none',
  'cancelled after the examination and never reported',
];

export const reportTurnaround: Measure = {
  id: 'BI-14',
  version: 2,
  name: 'Report turnaround',
  question: 'How long after the examination is the verified report there?',
  formula:
    'T6 − T4 of the examinations that ended in the month: median, P90, P95; share within 28 days of those reported; ' +
    'those unreported, and of them those older than 28 days as of the data; in target: within the hours that hub.yaml ' +
    '(measures.reportTargets) has for modality, band and setting, of those reported for which it has some. Delegated: by ' +
    'their code, evaluated by who asked for them; they are in every figure, and can be told apart (read_by)',
  grain: 'site, modality, band, setting, month of the examination',
  exclusions: EXCLUSIONS,
  source: 'NHS England, diagnostic imaging reporting turnaround times: 28 days at most',
  target: WITHIN_28_DAYS,
  kind: 'events',
  at: 'ended_at',
  open: 'verified_at IS NULL OR ended_at > $before',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, band, setting, exam, person, ended_at, verified_at, hours_between(ended_at, verified_at) AS turnaround,
      $targetHours AS target_hours, CASE WHEN is_delegated THEN 'delegated' ELSE 'radiology' END AS read_by,
      verified_at IS NOT NULL AS is_reported, days_between(ended_at, coalesce(verified_at, $now)) AS age_days
    FROM exam
    WHERE in_ris AND ended_at IS NOT NULL AND ended_at <= $now
      AND (status <> 'cancelled' OR verified_at IS NOT NULL)`,
  dimensions: ['modality', 'band', 'setting', 'site', 'read_by'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'reported', title: 'Reported', where: 'is_reported' },
    { name: 'within28Days', title: 'Within 28 days', where: 'is_reported AND age_days <= 28' },
    { name: 'over28Days', title: 'Later than 28 days', where: 'is_reported AND age_days > 28' },
    { name: 'unreported', title: 'Not reported', where: 'NOT is_reported' },
    {
      name: 'unreportedOver28Days',
      title: 'Not reported for more than 28 days',
      where: 'NOT is_reported AND age_days > 28',
    },
    {
      ...{ name: 'withTarget', title: 'Reported, with a target', since: 2 },
      where: 'is_reported AND target_hours IS NOT NULL',
    },
    {
      ...{ name: 'inTarget', title: 'In target', since: 2 },
      where: 'is_reported AND turnaround <= target_hours',
    },
  ],
  shares: [
    {
      name: 'shareWithin28Days',
      title: 'Share within 28 days',
      of: 'within28Days',
      per: ['reported'],
    },
    {
      ...{ name: 'shareInTarget', title: 'Share in target', since: 2 },
      ...{ of: 'inTarget', per: ['withTarget'] },
    },
  ],
  quantiles: [
    { name: 'medianHours', title: 'Median hours', of: 'turnaround', p: 0.5, unit: 'hours' },
    { name: 'p90Hours', title: 'P90 hours', of: 'turnaround', p: 0.9, unit: 'hours' },
    { name: 'p95Hours', title: 'P95 hours', of: 'turnaround', p: 0.95, unit: 'hours' },
  ],
  row: [
    ...['exam', 'modality', 'ended_at', 'verified_at', 'turnaround', 'target_hours'],
    'read_by',
  ],
  earlier: [
    {
      version: 1,
      formula:
        'T6 − T4 of the examinations that ended in the month: median, P90, P95; share within 28 days of those reported; ' +
        'those unreported, and of them those older than 28 days as of the data',
      exclusions: EXCLUSIONS,
      target: WITHIN_28_DAYS,
      changed:
        'With targets by pathway; split by who reads, so that what is delegated can be told apart',
    },
  ],
};
