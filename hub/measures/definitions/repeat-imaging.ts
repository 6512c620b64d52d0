import type { Measure } from '../measure.ts';

export const repeatImaging: Measure = {
  id: 'BI-22',
  version: 2,
  name: 'Repeated elsewhere within 7 days',
  question:
    'How often is a patient imaged again at another trust because the first images were not at hand?',
  formula:
    'Same person, modality and body region at another trust 0 to 7 days before (24 hours before), and none of those ' +
    'studies was at the trust, or had been opened by it through the hub, when the examination began / examinations with ' +
    'such a study within 7 days (24 hours)',
  grain: 'site, modality, month',
  exclusions: ['region not told', 'clinical follow-up looks the same: a sample has to be read'],
  source: 'domain notes, section 6; PubMed 26683391 counted 24 hours',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'prior',
  relation: `
    SELECT trust, site, modality, exam, person, started_at, hours_since_same,
      same_not_here, same_not_known
    FROM prior WHERE in_ris AND started_at IS NOT NULL AND hours_since_same <= 168`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'sameElsewhere', title: 'Same elsewhere within 7 days' },
    { name: 'repeated', title: 'Not at hand', where: 'same_not_here', until: 1 },
    {
      ...{ name: 'repeated24Hours', title: 'Not at hand, within 24 hours', until: 1 },
      where: 'same_not_here AND hours_since_same <= 24',
    },
    {
      ...{ name: 'sameElsewhere24Hours', title: 'Same elsewhere within 24 hours', since: 2 },
      where: 'hours_since_same <= 24',
    },
    { name: 'notKnown', title: 'Neither at hand nor opened', where: 'same_not_known', since: 2 },
    {
      ...{ name: 'notKnown24Hours', title: 'Neither, within 24 hours', since: 2 },
      where: 'same_not_known AND hours_since_same <= 24',
    },
  ],
  shares: [
    {
      ...{ name: 'shareRepeated', title: 'Share not at hand', of: 'repeated', until: 1 },
      per: ['sameElsewhere'],
    },
    {
      ...{ name: 'shareNotKnown', title: 'Share repeated', of: 'notKnown', since: 2 },
      per: ['sameElsewhere'],
    },
    {
      ...{ name: 'shareNotKnown24Hours', title: 'Share repeated within 24 hours', since: 2 },
      ...{ of: 'notKnown24Hours', per: ['sameElsewhere24Hours'] },
    },
  ],
  row: [
    ...['exam', 'modality', 'started_at', 'hours_since_same', 'same_not_here'],
    'same_not_known',
  ],
  earlier: [
    {
      version: 1,
      formula:
        'Same person, modality and body region at another trust 0 to 7 days before (24 hours before), and none of those ' +
        'studies at the trust when the examination began / examinations with such a study within 7 days',
      exclusions: ['region not told', 'clinical follow-up looks the same: a sample has to be read'],
      target: null,
      changed: 'What was opened through the hub counts as known; with the share of 24 hours',
    },
  ],
};
