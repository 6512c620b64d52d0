import type { Measure } from '../measure.ts';

export const discrepancies: Measure = {
  id: 'BI-27',
  version: 1,
  name: 'Discrepancies in peer review',
  question: 'How often does a second reader see it otherwise?',
  formula: 'Peer reviews with a grade other than none, 0 or 1 / all peer reviews of the month',
  grain: 'modality, month; never by name',
  exclusions: [],
  source: 'RCR, REALM; told by CSV',
  target: null,
  kind: 'events',
  at: 'reviewed_at',
  fact: 'review',
  relation: `
    SELECT trust, modality, review_id, reviewed_at, grade,
      lower(grade) NOT IN ('none', '0', '1') AS is_discrepant
    FROM review`,
  dimensions: ['modality'],
  counts: [
    { name: 'reviewed', title: 'Reviewed' },
    { name: 'discrepant', title: 'With a discrepancy', where: 'is_discrepant' },
  ],
  shares: [{ name: 'shareDiscrepant', title: 'Share', of: 'discrepant', per: ['reviewed'] }],
  row: ['review_id', 'modality', 'reviewed_at', 'grade'],
};
