import type { Measure } from '../measure.ts';

export const cancellations: Measure = {
  id: 'BI-18',
  version: 1,
  name: 'Cancellations',
  question: 'How many bookings are cancelled, by whom and how late?',
  formula:
    'Cancelled / all times that patients were given in the month; on the day = within 24 hours of the time; ' +
    'refilled = somebody else had the slot',
  grain: 'site, modality, who cancelled, month',
  exclusions: ['moved to another time: counted as moved, not as cancelled'],
  source: 'domain notes, section 6; SCH-6 says who',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'appointment',
  relation: `
    SELECT trust, site, modality, by_whom, appointment_id, exam, person, starts_at, outcome,
      released_at, notice_hours, is_refilled
    FROM appointment`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'bookings', title: 'Times given' },
    { name: 'cancelled', title: 'Cancelled', where: "outcome = 'cancelled'" },
    {
      name: 'byPatient',
      title: 'By the patient',
      where: "outcome = 'cancelled' AND by_whom = 'patient'",
    },
    {
      name: 'byHospital',
      title: 'By the hospital',
      where: "outcome = 'cancelled' AND by_whom = 'hospital'",
    },
    {
      name: 'onTheDay',
      title: 'Within 24 hours',
      where: "outcome = 'cancelled' AND notice_hours < 24",
    },
    { name: 'moved', title: 'Moved', where: "outcome = 'moved'" },
    { name: 'refilled', title: 'Refilled', where: "outcome = 'cancelled' AND is_refilled" },
  ],
  shares: [
    { name: 'shareCancelled', title: 'Share cancelled', of: 'cancelled', per: ['bookings'] },
    { name: 'shareRefilled', title: 'Share refilled', of: 'refilled', per: ['cancelled'] },
  ],
  row: ['appointment_id', 'exam', 'starts_at', 'outcome', 'by_whom', 'notice_hours'],
};
