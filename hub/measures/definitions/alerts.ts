import type { Measure } from '../measure.ts';

export const alerts: Measure = {
  id: 'BI-26',
  version: 1,
  name: 'Acknowledgement of critical findings',
  question: 'How soon does the referrer acknowledge a critical finding?',
  formula:
    'Alerts sent in the month: acknowledged; within 24 hours; open for longer than 24 hours as of the data',
  grain: 'category, month',
  exclusions: [],
  source: 'RCR and AoMRC, alerts and notification of imaging reports; told by CSV',
  target: { share: 'shareIn24Hours', atLeast: 1, source: 'domain notes: all within 24 hours' },
  kind: 'events',
  at: 'sent_at',
  open: 'acknowledged_at IS NULL',
  fact: 'alert',
  relation: `
    SELECT trust, category, alert_id, sent_at, acknowledged_at,
      hours_between(sent_at, acknowledged_at) AS latency, hours_between(sent_at, $now) AS age
    FROM alert`,
  dimensions: ['category'],
  counts: [
    { name: 'sent', title: 'Sent' },
    { name: 'acknowledged', title: 'Acknowledged', where: 'latency IS NOT NULL' },
    { name: 'in24Hours', title: 'Within 24 hours', where: 'latency <= 24' },
    { name: 'overdue', title: 'Overdue', where: 'latency IS NULL AND age > 24' },
  ],
  shares: [
    { name: 'shareIn24Hours', title: 'Share within 24 hours', of: 'in24Hours', per: ['sent'] },
  ],
  quantiles: [{ name: 'medianHours', title: 'Median hours', of: 'latency', p: 0.5, unit: 'hours' }],
  row: ['alert_id', 'category', 'sent_at', 'acknowledged_at'],
};
