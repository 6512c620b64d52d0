import type { Measure } from '../measure.ts';

export const crossNetwork: Measure = {
  id: 'BI-24',
  version: 1,
  name: 'Reported by another trust',
  question: 'How much do the trusts of the network report for each other?',
  formula:
    'Verified reports whose author reports for another trust of the network / all verified in the month',
  grain: 'home trust, reporting trust, modality, month of verification',
  exclusions: ['no verified report'],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'verified_at',
  fact: 'exam',
  relation: `
    SELECT trust, modality, exam, person, verified_at, reporter,
      reporter <> trust AND reporter IN ($trusts) AS is_other,
      CASE WHEN reporter IN ($trusts) THEN reporter ELSE 'no trust of the network' END AS reporting_trust
    FROM exam WHERE in_ris AND verified_at IS NOT NULL`,
  dimensions: ['modality', 'reporting_trust'],
  counts: [
    { name: 'verified', title: 'Verified' },
    { name: 'byOtherTrust', title: 'By another trust', where: 'is_other' },
  ],
  shares: [
    {
      name: 'shareByOther',
      title: 'Share by another trust',
      of: 'byOtherTrust',
      per: ['verified'],
    },
  ],
  row: ['exam', 'modality', 'verified_at', 'reporter'],
};
