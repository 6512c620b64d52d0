import type { Measure } from '../measure.ts';

export const fasterDiagnosis: Measure = {
  id: 'BI-28',
  version: 1,
  name: 'Imaging in the 28-day faster diagnosis standard',
  question: 'How much of the 28 days of urgent suspected cancer does imaging take?',
  formula:
    'T0 to T6 of urgent suspected cancer (P2) examinations verified in the month; share within 7 and 10 days',
  grain: 'site, modality, month of verification',
  exclusions: ['bands other than P2', 'not verified'],
  source: 'NHS England, Faster Diagnosis Standard',
  target: { share: 'shareIn10Days', atLeast: 1, source: 'domain notes, section 6' },
  kind: 'events',
  at: 'verified_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, exam, person, requested_at, verified_at,
      days_between(requested_at, verified_at) AS days
    FROM exam
    WHERE in_ris AND band = 'P2' AND verified_at IS NOT NULL AND requested_at IS NOT NULL`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'in7Days', title: 'Within 7 days', where: 'days <= 7' },
    { name: 'in10Days', title: 'Within 10 days', where: 'days <= 10' },
  ],
  shares: [
    { name: 'shareIn7Days', title: 'Share within 7 days', of: 'in7Days', per: ['exams'] },
    { name: 'shareIn10Days', title: 'Share within 10 days', of: 'in10Days', per: ['exams'] },
  ],
  quantiles: [{ name: 'medianDays', title: 'Median days', of: 'days', p: 0.5, unit: 'days' }],
  row: ['exam', 'modality', 'requested_at', 'verified_at', 'days'],
};
