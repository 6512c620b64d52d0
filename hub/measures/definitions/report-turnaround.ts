import type { Measure } from '../measure.ts';

export const reportTurnaround: Measure = {
  id: 'BI-14',
  version: 1,
  name: 'Report turnaround',
  question: 'How long after the examination is the verified report there?',
  formula:
    'T6 − T4 of the examinations that ended in the month: median, P90, P95; share within 28 days of those reported; ' +
    'those unreported, and of them those older than 28 days as of the data',
  grain: 'site, modality, band, setting, month of the examination',
  exclusions: [
    'preliminary reports are not verified',
    'addenda and corrections do not start it again',
    'a withdrawn report is none',
    'cancelled after the examination and never reported',
  ],
  source: 'NHS England, diagnostic imaging reporting turnaround times: 28 days at most',
  target: { share: 'shareWithin28Days', atLeast: 1, source: '28-day maximum since 9 August 2023' },
  kind: 'events',
  at: 'ended_at',
  open: 'verified_at IS NULL OR ended_at > $before',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, band, setting, exam, person, ended_at, verified_at, hours_between(ended_at, verified_at) AS turnaround,
      verified_at IS NOT NULL AS is_reported, days_between(ended_at, coalesce(verified_at, $now)) AS age_days
    FROM exam
    WHERE in_ris AND ended_at IS NOT NULL AND ended_at <= $now
      AND (status <> 'cancelled' OR verified_at IS NOT NULL)`,
  dimensions: ['modality', 'band', 'setting', 'site'],
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
  ],
  shares: [
    {
      name: 'shareWithin28Days',
      title: 'Share within 28 days',
      of: 'within28Days',
      per: ['reported'],
    },
  ],
  quantiles: [
    { name: 'medianHours', title: 'Median hours', of: 'turnaround', p: 0.5, unit: 'hours' },
    { name: 'p90Hours', title: 'P90 hours', of: 'turnaround', p: 0.9, unit: 'hours' },
    { name: 'p95Hours', title: 'P95 hours', of: 'turnaround', p: 0.95, unit: 'hours' },
  ],
  row: ['exam', 'modality', 'ended_at', 'verified_at', 'turnaround'],
};
