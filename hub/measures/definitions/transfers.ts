import type { Measure } from '../measure.ts';

export const transfers: Measure = {
  id: 'BI-20',
  version: 1,
  name: 'Transfers between trusts',
  question: 'How many studies move, and how long does it take until they are there?',
  formula:
    'Fetches asked for in the month, by the trust that receives (trust) and the home (from_trust); requested to ' +
    'available: median, P95; within an hour, the best of the process before',
  grain: 'pair of trusts, priority, modality, month',
  exclusions: ['cancelled ones count as asked for, and in nothing else'],
  source: 'programme document: over 600,000 by hand in 2023, one hour at best, up to five days',
  target: {
    share: 'shareWithinHour',
    atLeast: 0.95,
    source: 'domain notes: better than the best before',
  },
  kind: 'events',
  at: 'requested_at',
  fact: 'transfer',
  relation: `
    SELECT to_trust AS trust, home AS from_trust, priority, coalesce(modality, 'not told') AS modality,
      transfer_id, requested_at, available_at, state,
      hours_between(requested_at, available_at) AS latency
    FROM transfer`,
  dimensions: ['priority', 'from_trust', 'modality'],
  counts: [
    { name: 'requested', title: 'Asked for' },
    { name: 'available', title: 'Arrived', where: 'available_at IS NOT NULL' },
    { name: 'withinHour', title: 'Within an hour', where: 'latency <= 1' },
    { name: 'failed', title: 'Failed', where: "state IN ('failed', 'partial')" },
  ],
  shares: [
    {
      name: 'shareWithinHour',
      title: 'Share within an hour',
      of: 'withinHour',
      per: ['available'],
    },
  ],
  quantiles: [
    { name: 'medianHours', title: 'Median hours', of: 'latency', p: 0.5, unit: 'hours' },
    { name: 'p95Hours', title: 'P95 hours', of: 'latency', p: 0.95, unit: 'hours' },
  ],
  row: ['transfer_id', 'from_trust', 'priority', 'requested_at', 'available_at', 'state'],
};
