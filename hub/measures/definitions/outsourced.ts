import type { Measure } from '../measure.ts';

export const outsourced: Measure = {
  id: 'BI-23',
  version: 1,
  name: 'Outsourced reporting',
  question: 'What share of reports comes from outside the network?',
  formula:
    'Verified reports whose author reports for an organisation that is no trust of the network / all verified in the ' +
    'month, by the hour on the clock',
  grain: 'site, modality, setting, hour, month of verification',
  exclusions: ['no verified report'],
  source: 'domain notes, section 6; the provider is the organisation of OBR-32, not the name',
  target: null,
  kind: 'events',
  at: 'verified_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, setting, exam, person, verified_at, reporter, strftime(london(verified_at), '%H') AS hour,
      reporter NOT IN ($trusts) AS is_outside
    FROM exam WHERE in_ris AND verified_at IS NOT NULL`,
  dimensions: ['modality', 'setting', 'hour', 'site'],
  counts: [
    { name: 'verified', title: 'Verified' },
    { name: 'outsourced', title: 'From outside', where: 'is_outside' },
  ],
  shares: [
    { name: 'shareOutsourced', title: 'Share from outside', of: 'outsourced', per: ['verified'] },
  ],
  row: ['exam', 'modality', 'verified_at', 'reporter'],
};
