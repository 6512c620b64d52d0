import type { Measure } from '../measure.ts';

export const repeatImaging: Measure = {
  id: 'BI-22',
  version: 1,
  name: 'Repeated elsewhere within 7 days',
  question:
    'How often is a patient imaged again at another trust because the first images were not at hand?',
  formula:
    'Same person, modality and body region at another trust 0 to 7 days before (24 hours before), and none of those ' +
    'studies at the trust when the examination began / examinations with such a study within 7 days',
  grain: 'site, modality, month',
  exclusions: ['region not told', 'clinical follow-up looks the same: a sample has to be read'],
  source: 'domain notes, section 6; PubMed 26683391 counted 24 hours',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'prior',
  relation: `
    SELECT trust, site, modality, exam, person, started_at, hours_since_same,
      same_not_here
    FROM prior WHERE in_ris AND started_at IS NOT NULL AND hours_since_same <= 168`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'sameElsewhere', title: 'Same elsewhere within 7 days' },
    { name: 'repeated', title: 'Not at hand', where: 'same_not_here' },
    {
      name: 'repeated24Hours',
      title: 'Not at hand, within 24 hours',
      where: 'same_not_here AND hours_since_same <= 24',
    },
  ],
  shares: [
    { name: 'shareRepeated', title: 'Share not at hand', of: 'repeated', per: ['sameElsewhere'] },
  ],
  row: ['exam', 'modality', 'started_at', 'hours_since_same', 'same_not_here'],
};
