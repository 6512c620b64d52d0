import type { Measure } from '../measure.ts';

export const fasterDiagnosis: Measure = {
  id: 'BI-28',
  version: 2,
  name: 'Imaging in the 28-day faster diagnosis standard',
  question: 'How much of the 28 days of urgent suspected cancer does imaging take?',
  formula:
    'T0 to T6 of urgent suspected cancer (P2) examinations verified in the month; share within 7 and 10 days, those over ' +
    '28; the longest of its steps: to be booked (T2 − T0), to be examined (T3 − T2; T3 − T0 where no booking is told), ' +
    'to be reported (T6 − T4)',
  grain: 'site, modality, longest step, month of verification',
  exclusions: [
    'bands other than P2',
    'not verified',
    'the rest of the pathway: what of the 28 days is no imaging is not told',
  ],
  source: 'NHS England, Faster Diagnosis Standard',
  target: { share: 'shareIn10Days', atLeast: 1, source: 'domain notes, section 6' },
  kind: 'events',
  at: 'verified_at',
  fact: 'exam',
  relation: `
    SELECT *, CASE
        WHEN greatest(to_booked, to_exam, to_report) IS NULL THEN 'not told'
        WHEN to_report >= greatest(to_booked, to_exam) OR greatest(to_booked, to_exam) IS NULL THEN 'report'
        WHEN to_exam >= to_booked OR to_booked IS NULL THEN 'examination' ELSE 'booking' END AS longest_step
    FROM (
      SELECT trust, site, modality, exam, person, requested_at, verified_at,
        days_between(requested_at, verified_at) AS days, hours_between(requested_at, booked_at) AS to_booked,
        hours_between(coalesce(booked_at, requested_at), started_at) AS to_exam,
        hours_between(ended_at, verified_at) AS to_report, in_ris, band
      FROM exam)
    WHERE in_ris AND band = 'P2' AND verified_at IS NOT NULL AND requested_at IS NOT NULL`,
  dimensions: ['modality', 'site', 'longest_step'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'in7Days', title: 'Within 7 days', where: 'days <= 7' },
    { name: 'in10Days', title: 'Within 10 days', where: 'days <= 10' },
    { name: 'over28Days', title: 'Over 28 days', where: 'days > 28', since: 2 },
  ],
  shares: [
    { name: 'shareIn7Days', title: 'Share within 7 days', of: 'in7Days', per: ['exams'] },
    { name: 'shareIn10Days', title: 'Share within 10 days', of: 'in10Days', per: ['exams'] },
  ],
  quantiles: [{ name: 'medianDays', title: 'Median days', of: 'days', p: 0.5, unit: 'days' }],
  row: ['exam', 'modality', 'requested_at', 'verified_at', 'days', 'longest_step'],
  earlier: [
    {
      version: 1,
      formula:
        'T0 to T6 of urgent suspected cancer (P2) examinations verified in the month; share within 7 and 10 days',
      exclusions: ['bands other than P2', 'not verified'],
      target: { share: 'shareIn10Days', atLeast: 1, source: 'domain notes, section 6' },
      changed: 'With those over 28 days, and the step that took longest',
    },
  ],
};
