import type { Measure } from '../measure.ts';

export const slotUse: Measure = {
  id: 'BI-16',
  version: 1,
  name: 'Use of staffed sessions',
  question: 'How much of the time that scanners are staffed is used?',
  formula:
    'Minutes of attended bookings in a staffed session, the session at most, / minutes of the staffed sessions; ' +
    'examinations per staffed hour',
  grain: 'resource, modality, month',
  exclusions: [
    'machine down, training and quality control: they are lines of their own',
    'overruns beyond the session',
  ],
  source: 'domain notes, section 6; sessions are told by CSV',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'session',
  relation: `
    SELECT trust, resource, modality, kind, starts_at, ends_at, minutes,
      used_minutes, exams
    FROM session`,
  dimensions: ['kind', 'modality', 'resource'],
  counts: [
    { name: 'sessions', title: 'Sessions' },
    // Of fewer than five the minutes would tell how many people were there.
    { name: 'usedSessions', title: 'Sessions used', where: 'exams > 0', isGuarded: true },
  ],
  sums: [
    { name: 'minutes', title: 'Minutes', of: 'minutes', unit: 'minutes' },
    { name: 'usedMinutes', title: 'Minutes used', of: 'used_minutes', unit: 'minutes' },
    { name: 'exams', title: 'Examinations', of: 'exams', unit: 'count' },
  ],
  isAboutRecords: true,
  row: ['resource', 'kind', 'starts_at', 'ends_at', 'used_minutes', 'exams'],
};
