import type { Measure, Target } from '../measure.ts';

const WITHIN_HOUR: Target = {
  share: 'shareWithinHour',
  atLeast: 0.95,
  source: 'domain notes: better than the best before',
};

export const transfers: Measure = {
  id: 'BI-20',
  version: 2,
  name: 'Transfers between trusts',
  question:
    'How many studies move, how long does it take until they are there, and are they looked at?',
  formula:
    'Fetches asked for in the month, by the trust that receives (trust) and the home (from_trust), so each direction of a ' +
    'pair is a row of its own; requested to available: median, P95. In target, of those that ended: immediate within 5 ' +
    'minutes, urgent 15, scheduled until it was needed (a day, where that was not said), bulk a day. Not viewed: of those ' +
    'that arrived 30 days ago or earlier and were delivered to no PACS, those whose images nobody of the receiving trust ' +
    'opened through the hub within 30 days',
  grain: 'pair of trusts, direction, priority, modality, month',
  exclusions: [
    'cancelled ones count as asked for, and in nothing else',
    'of views: what was delivered to a PACS, since nobody tells the hub what is looked at there; and what is looked at at ' +
      'an edge is not told either',
  ],
  source: 'programme document: over 600,000 by hand in 2023, one hour at best, up to five days',
  target: {
    ...{ share: 'shareInTarget', atLeast: 0.95 },
    source: 'domain notes, IS-04: targets by priority',
  },
  kind: 'events',
  at: 'requested_at',
  open: 'NOT delivered AND available_at IS NOT NULL AND available_at > $before - INTERVAL 31 DAY',
  fact: 'transfer',
  relation: `
    SELECT to_trust AS trust, home AS from_trust, priority, coalesce(modality, 'not told') AS modality,
      transfer_id, requested_at, available_at, state, delivered, viewed_at,
      hours_between(requested_at, available_at) AS latency,
      available_at <= CASE priority WHEN 'immediate' THEN requested_at + INTERVAL 5 MINUTE
        WHEN 'urgent' THEN requested_at + INTERVAL 15 MINUTE
        WHEN 'scheduled' THEN coalesce(needed_by, requested_at + INTERVAL 1 DAY)
        ELSE requested_at + INTERVAL 1 DAY END AS is_in_target,
      NOT delivered AND available_at <= $now - INTERVAL 30 DAY AS is_viewable,
      coalesce(viewed_at <= available_at + INTERVAL 30 DAY, false) AS is_viewed
    FROM transfer`,
  dimensions: ['priority', 'from_trust', 'modality'],
  counts: [
    { name: 'requested', title: 'Asked for' },
    { name: 'available', title: 'Arrived', where: 'available_at IS NOT NULL' },
    { name: 'withinHour', title: 'Within an hour', where: 'latency <= 1' },
    { name: 'inTarget', title: 'In target', where: 'is_in_target', since: 2 },
    { name: 'failed', title: 'Failed', where: "state IN ('failed', 'partial')" },
    {
      ...{ name: 'toPacs', title: 'Delivered to a PACS', since: 2 },
      where: 'delivered AND available_at IS NOT NULL',
    },
    { name: 'viewable', title: 'Here for 30 days, in no PACS', where: 'is_viewable', since: 2 },
    {
      ...{ name: 'notViewed', title: 'Not viewed in 30 days', since: 2 },
      where: 'is_viewable AND NOT is_viewed',
    },
  ],
  shares: [
    {
      ...{ name: 'shareInTarget', title: 'Share in target', since: 2 },
      ...{ of: 'inTarget', per: ['available', 'failed'] },
    },
    {
      name: 'shareWithinHour',
      title: 'Share within an hour',
      of: 'withinHour',
      per: ['available'],
    },
    {
      ...{ name: 'shareFailed', title: 'Share failed', since: 2 },
      ...{ of: 'failed', per: ['available', 'failed'] },
    },
    {
      ...{ name: 'shareNotViewed', title: 'Share not viewed', since: 2 },
      ...{ of: 'notViewed', per: ['viewable'] },
    },
  ],
  quantiles: [
    { name: 'medianHours', title: 'Median hours', of: 'latency', p: 0.5, unit: 'hours' },
    { name: 'p95Hours', title: 'P95 hours', of: 'latency', p: 0.95, unit: 'hours' },
  ],
  row: [
    ...['transfer_id', 'from_trust', 'priority', 'requested_at', 'available_at', 'state'],
    ...['is_in_target', 'delivered', 'viewed_at'],
  ],
  earlier: [
    {
      version: 1,
      formula:
        'Fetches asked for in the month, by the trust that receives (trust) and the home (from_trust); requested to ' +
        'available: median, P95; within an hour, the best of the process before',
      exclusions: ['cancelled ones count as asked for, and in nothing else'],
      target: WITHIN_HOUR,
      changed:
        'Targets by priority, of those that failed too; share failed; what nobody looked at within 30 days',
    },
  ],
};
