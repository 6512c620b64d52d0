import type { Measure } from '../measure.ts';

export const activity: Measure = {
  id: 'BI-12',
  version: 1,
  name: 'Diagnostic activity (DM01)',
  question: 'How many tests were made, from the waiting list, planned and unscheduled?',
  formula:
    'Examinations that ended (T4) in the month: planned = P5; unscheduled = P1, inpatients and emergencies; the rest ' +
    'from the waiting list',
  grain: 'provider, test, month',
  exclusions: [
    'images of which the RIS told no order',
    'tests that are not one of the five of imaging',
  ],
  source: 'DM01 diagnostics waiting times and activity',
  target: null,
  kind: 'events',
  at: 'ended_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, test, modality, exam, person, ended_at,
      CASE WHEN band = 'P5' THEN 'planned'
        WHEN band = 'P1' OR setting IN ('inpatient', 'emergency') THEN 'unscheduled'
        ELSE 'waiting list' END AS part
    FROM exam WHERE in_ris AND ended_at IS NOT NULL AND test IS NOT NULL`,
  dimensions: ['test', 'site'],
  counts: [
    { name: 'tests', title: 'Tests' },
    { name: 'waitingList', title: 'From the waiting list', where: "part = 'waiting list'" },
    { name: 'planned', title: 'Planned', where: "part = 'planned'" },
    { name: 'unscheduled', title: 'Unscheduled', where: "part = 'unscheduled'" },
  ],
  row: ['exam', 'test', 'part', 'ended_at'],
};
