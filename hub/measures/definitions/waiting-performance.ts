import type { Measure } from '../measure.ts';
import { DM01_EXCLUSIONS, DM01_SPANS, DM01_WAITING } from './waiting-list.ts';

export const waitingPerformance: Measure = {
  id: 'BI-11',
  version: 1,
  name: 'Waiting six weeks or more (DM01)',
  question: 'What share of those who wait has waited six weeks or more?',
  formula: 'Waiting 42 days or more at the end of the month / all waiting (BI-10)',
  grain: 'provider, test, month',
  exclusions: DM01_EXCLUSIONS,
  source: 'DM01; the national standard is 1 % or less',
  target: {
    share: 'shareSixWeeks',
    atMost: 0.01,
    source: 'national standard: 99 % within six weeks',
  },
  kind: 'snapshot',
  fact: 'exam',
  spans: DM01_SPANS,
  relation: DM01_WAITING,
  dimensions: ['test', 'site'],
  counts: [
    { name: 'waiting', title: 'Waiting' },
    { name: 'sixWeeks', title: 'Six weeks or more', where: 'days_waited >= 42' },
  ],
  shares: [
    { name: 'shareSixWeeks', title: 'Share six weeks or more', of: 'sixWeeks', per: ['waiting'] },
  ],
  row: ['exam', 'test', 'requested_at', 'appointment_at', 'days_waited'],
};
