import type { Measure } from '../measure.ts';

export const cancellations: Measure = {
  id: 'BI-18',
  version: 2,
  name: 'Cancellations',
  question: 'How many bookings are cancelled, by whom, why and how late?',
  formula:
    'Cancelled / all times that patients were given in the month. Why: one list for all trusts, from what the RIS says ' +
    '(its own words by reason.csv); by whom follows from it. How late: local days from being cancelled to the time; on the ' +
    'day = on the same local day, or afterwards. Refilled = somebody else had the slot',
  grain: 'site, modality, lead time, reason, month',
  exclusions: ['moved to another time: counted as moved, not as cancelled'],
  source: 'domain notes, section 6; SCH-6 says why',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'appointment',
  relation: `
    SELECT trust, site, modality, by_whom, cancelled_by, appointment_id, exam, person, starts_at, outcome,
      released_at, notice_hours, is_refilled, outcome = 'cancelled' AND lead_time IN ('on the day', 'afterwards') AS is_late,
      CASE WHEN outcome = 'cancelled' THEN lead_time ELSE 'not cancelled' END AS lead_time,
      CASE WHEN outcome = 'cancelled' THEN common_reason ELSE 'not cancelled' END AS reason
    FROM appointment`,
  dimensions: ['modality', 'site', 'lead_time', 'reason'],
  counts: [
    { name: 'bookings', title: 'Times given' },
    { name: 'cancelled', title: 'Cancelled', where: "outcome = 'cancelled'" },
    {
      ...{ name: 'byPatient', title: 'By the patient', until: 1 },
      where: "outcome = 'cancelled' AND by_whom = 'patient'",
    },
    {
      ...{ name: 'byHospital', title: 'By the hospital', until: 1 },
      where: "outcome = 'cancelled' AND by_whom = 'hospital'",
    },
    {
      ...{ name: 'onTheDay', title: 'Within 24 hours', until: 1 },
      where: "outcome = 'cancelled' AND notice_hours < 24",
    },
    {
      ...{ name: 'cancelledByPatient', title: 'By the patient', since: 2 },
      where: "outcome = 'cancelled' AND cancelled_by = 'patient'",
    },
    {
      ...{ name: 'cancelledByHospital', title: 'By the hospital', since: 2 },
      where: "outcome = 'cancelled' AND cancelled_by = 'hospital'",
    },
    { name: 'sameDay', title: 'On the day', where: 'is_late', since: 2 },
    {
      ...{ name: 'hospitalSameDay', title: 'By the hospital on the day', since: 2 },
      where: "is_late AND cancelled_by = 'hospital'",
    },
    { name: 'moved', title: 'Moved', where: "outcome = 'moved'" },
    { name: 'refilled', title: 'Refilled', where: "outcome = 'cancelled' AND is_refilled" },
  ],
  shares: [
    { name: 'shareCancelled', title: 'Share cancelled', of: 'cancelled', per: ['bookings'] },
    {
      ...{ name: 'shareByPatient', title: 'Share by the patient', since: 2 },
      ...{ of: 'cancelledByPatient', per: ['bookings'] },
    },
    {
      ...{ name: 'shareByHospital', title: 'Share by the hospital', since: 2 },
      ...{ of: 'cancelledByHospital', per: ['bookings'] },
    },
    {
      ...{ name: 'shareHospitalSameDay', title: 'Share by the hospital on the day', since: 2 },
      ...{ of: 'hospitalSameDay', per: ['bookings'] },
    },
    { name: 'shareRefilled', title: 'Share refilled', of: 'refilled', per: ['cancelled'] },
  ],
  row: [
    ...['appointment_id', 'exam', 'starts_at', 'outcome', 'cancelled_by', 'reason', 'lead_time'],
    ...['notice_hours', 'is_refilled'],
  ],
  earlier: [
    {
      version: 1,
      formula:
        'Cancelled / all times that patients were given in the month; on the day = within 24 hours of the time; ' +
        'refilled = somebody else had the slot',
      exclusions: ['moved to another time: counted as moved, not as cancelled'],
      target: null,
      changed:
        'By whom follows from one list of reasons; on the day is the local day, not 24 hours; split by lead time and reason',
    },
  ],
};
