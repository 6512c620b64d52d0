import type { Measure } from '../measure.ts';

export const examsByHour: Measure = {
  id: 'BI-16H',
  version: 1,
  name: 'Examinations by hour',
  question: 'At which hours are scanners used?',
  formula: 'Examinations that began in the month, by the hour on the clock (Europe/London)',
  grain: 'modality, hour, month',
  exclusions: ['no start told'],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'exam',
  relation: `
    SELECT trust, modality, exam, person, started_at,
      strftime(london(started_at), '%H') AS hour
    FROM exam WHERE in_ris AND started_at IS NOT NULL`,
  dimensions: ['modality', 'hour'],
  counts: [{ name: 'exams', title: 'Examinations' }],
  row: ['exam', 'modality', 'started_at'],
};
