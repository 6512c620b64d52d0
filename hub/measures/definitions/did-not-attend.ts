import type { Measure } from '../measure.ts';

export const didNotAttend: Measure = {
  id: 'BI-17',
  version: 1,
  name: 'Did not attend',
  question: 'How many outpatients missed their booking?',
  formula:
    'Missed / (attended + missed) of the bookings whose time lay in the month; notice = local days from the booking to its time',
  grain: 'site, modality, band, notice, month',
  exclusions: [
    'inpatients and emergencies',
    'cancelled or moved with notice: that is no missed booking',
  ],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'appointment',
  relation: `
    SELECT trust, site, modality, band, notice, appointment_id, exam, person, starts_at, outcome
    FROM appointment
    WHERE outcome IN ('attended', 'missed') AND setting NOT IN ('inpatient', 'emergency')`,
  dimensions: ['modality', 'band', 'site', 'notice'],
  counts: [
    { name: 'bookings', title: 'Attended or missed' },
    { name: 'attended', title: 'Attended', where: "outcome = 'attended'" },
    { name: 'missed', title: 'Missed', where: "outcome = 'missed'" },
  ],
  shares: [{ name: 'shareMissed', title: 'Share missed', of: 'missed', per: ['bookings'] }],
  row: ['appointment_id', 'exam', 'starts_at', 'notice', 'outcome'],
};
