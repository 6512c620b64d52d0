import type { Measure } from '../measure.ts';

const EXCLUSIONS = [
  'planned and surveillance (P5): they count from their due date, which is not told',
  'no start or no request told',
];

const PARTS = [
  { of: 'to_received', name: 'ToReceived', title: 'to received' },
  { of: 'to_booked', name: 'ToBooked', title: 'to booked' },
  { of: 'notice', name: 'Notice', title: 'notice' },
] as const;

export const requestToExam: Measure = {
  id: 'BI-13',
  version: 2,
  name: 'Request to examination',
  question: 'How long do patients wait from the request to the examination?',
  formula:
    'T3 − T0, and its parts T1 − T0 (received), T2 − T1 (booked), T2a − T2 (notice); median, P90, P95 of the ' +
    'examinations that began in the month; hours on the clock, over the change of the hour as they passed',
  grain: 'site, modality, band, setting, month',
  exclusions: EXCLUSIONS,
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, band, setting, exam, person, requested_at, started_at,
      hours_between(requested_at, started_at) AS wait,
      hours_between(requested_at, received_at) AS to_received,
      hours_between(received_at, booked_at) AS to_booked,
      hours_between(booked_at, appointment_at) AS notice
    FROM exam
    WHERE in_ris AND started_at IS NOT NULL AND requested_at IS NOT NULL AND band <> 'P5'`,
  dimensions: ['modality', 'band', 'setting', 'site'],
  counts: [{ name: 'exams', title: 'Examinations' }],
  quantiles: [
    { name: 'medianHours', title: 'Median hours', of: 'wait', p: 0.5, unit: 'hours' },
    { name: 'p90Hours', title: 'P90 hours', of: 'wait', p: 0.9, unit: 'hours' },
    { name: 'p95Hours', title: 'P95 hours', of: 'wait', p: 0.95, unit: 'hours' },
    {
      name: 'medianToReceived',
      title: 'Median to received',
      of: 'to_received',
      p: 0.5,
      unit: 'hours',
    },
    { name: 'medianToBooked', title: 'Median to booked', of: 'to_booked', p: 0.5, unit: 'hours' },
    { name: 'medianNotice', title: 'Median notice', of: 'notice', p: 0.5, unit: 'hours' },
    ...PARTS.flatMap(({ of, name, title }) =>
      ([90, 95] as const).map((percent) => ({
        ...{ name: `p${percent}${name}`, title: `P${percent} ${title}`, of, p: percent / 100 },
        ...{ unit: 'hours' as const, since: 2 },
      })),
    ),
  ],
  row: ['exam', 'requested_at', 'started_at', 'wait', 'to_received', 'to_booked', 'notice'],
  earlier: [
    {
      version: 1,
      formula:
        'T3 − T0 of the examinations that began in the month: median, P90, P95; of its parts T1 − T0 (received), T2 − T1 ' +
        '(booked), T2a − T2 (notice) the median',
      exclusions: EXCLUSIONS,
      target: null,
      changed: 'P90 and P95 of the parts, too',
    },
  ],
};
