import type { Measure } from '../measure.ts';

export const refill: Measure = {
  id: 'BI-19',
  version: 2,
  name: 'Refill of released slots',
  question: 'How many slots that were given back within a week of their time were used again?',
  formula:
    'Slots released less than 7 days before their time that another booking of the same resource and time took / all so ' +
    'released; time to fill = from being released to being booked again, median of those used again',
  grain: 'site, modality, month',
  exclusions: ['bookings without a resource: whether the slot was taken again is not known'],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'appointment',
  relation: `
    SELECT trust, site, modality, appointment_id, person, resource, starts_at, released_at,
      notice_hours, is_refilled, fill_hours
    FROM appointment
    WHERE released_at IS NOT NULL AND resource IS NOT NULL AND notice_hours >= 0 AND notice_hours < 168`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'released', title: 'Released' },
    { name: 'refilled', title: 'Used again', where: 'is_refilled' },
  ],
  shares: [{ name: 'shareRefilled', title: 'Share used again', of: 'refilled', per: ['released'] }],
  quantiles: [
    { name: 'medianNotice', title: 'Median notice', of: 'notice_hours', p: 0.5, unit: 'hours' },
    {
      ...{ name: 'medianTimeToFill', title: 'Median time to fill', of: 'fill_hours' },
      ...{ p: 0.5, unit: 'hours', since: 2 },
    },
  ],
  row: ['appointment_id', 'resource', 'starts_at', 'released_at', 'is_refilled', 'fill_hours'],
  earlier: [
    {
      version: 1,
      formula:
        'Slots released less than 7 days before their time that another booking of the same resource and time took / all ' +
        'so released',
      exclusions: ['bookings without a resource: whether the slot was taken again is not known'],
      target: null,
      changed: 'With the time to fill',
    },
  ],
};
