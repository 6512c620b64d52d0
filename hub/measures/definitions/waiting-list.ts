import type { Measure } from '../measure.ts';

/** Who waits at `$at` for one of the five imaging tests of DM01. BI-10, BI-11. */
export const DM01_WAITING = `
  SELECT $month AS month, trust, site, test, modality, exam, person, requested_at, appointment_at,
    date_diff('day', day_of(requested_at), day_of($at - INTERVAL 1 MICROSECOND)) AS days_waited,
    lpad(least(date_diff('day', day_of(requested_at), day_of($at - INTERVAL 1 MICROSECOND)) // 7, 13)::VARCHAR, 2, '0')
      AS week_band
  FROM exam
  WHERE in_ris AND test IS NOT NULL AND requested_at < $at
    AND band NOT IN ('P1', 'P5') AND setting NOT IN ('inpatient', 'emergency')
    AND coalesce(ended_at, verified_at, TIMESTAMP '9999-01-01') >= $at
    AND coalesce(cancelled_at, TIMESTAMP '9999-01-01') >= $at`;

export const DM01_SPANS = {
  from: 'requested_at',
  until: 'least(coalesce(ended_at, verified_at), cancelled_at)',
};

export const DM01_EXCLUSIONS = [
  'planned and surveillance (P5)',
  'current inpatients and emergencies (P1, PV1-2 I and E)',
  'tests that are not one of the five of imaging',
  'images of which the RIS told no order',
];

export const waitingList: Measure = {
  id: 'BI-10',
  version: 1,
  name: 'Waiting list (DM01)',
  question: 'How many patients wait for each test, and for how many weeks?',
  formula:
    'Examinations asked for before the end of the month (today, for the month that runs) and then neither made nor ' +
    'cancelled; week band = whole weeks from the local day of the request (T0) to the last day, 13 and more in one',
  grain: 'provider, test, month; once per test awaited',
  exclusions: [
    ...DM01_EXCLUSIONS,
    'a clock is never reset: not by a missed booking, not by a move to another site',
  ],
  source: 'DM01 diagnostics waiting times and activity',
  target: null,
  kind: 'snapshot',
  fact: 'exam',
  spans: DM01_SPANS,
  relation: DM01_WAITING,
  dimensions: ['test', 'week_band', 'site'],
  counts: [{ name: 'waiting', title: 'Waiting' }],
  row: ['exam', 'test', 'requested_at', 'appointment_at', 'days_waited'],
};
