import type { Measure } from '../measure.ts';

export const slotUse: Measure = {
  id: 'BI-16',
  version: 2,
  name: 'Use of staffed sessions',
  question: 'How much of the time that scanners are staffed is used?',
  formula:
    'Staffed sessions that began in the month: minutes of their examinations (from T3 to T4 where both are told, else as ' +
    'booked), the session at most, / minutes of the sessions; overrun = minutes beyond the session, alone; examinations ' +
    '/ staffed hours. Machine down, training and quality assurance: their own minutes',
  grain: 'resource, modality, month',
  exclusions: [
    'hours of opening: only sessions that are told as staffed count',
    'what was done in sessions of another kind',
    'bookings that name no resource: in which session they were is not known',
  ],
  source: 'domain notes, section 6; sessions are told by CSV',
  target: null,
  kind: 'events',
  at: 'starts_at',
  fact: 'session',
  relation: `
    SELECT trust, resource, modality, kind, line, starts_at, ends_at, minutes, used_minutes, exams, performed_minutes,
      overrun_minutes
    FROM session`,
  dimensions: ['kind', 'modality', 'resource'],
  counts: [
    { name: 'sessions', title: 'Sessions' },
    { name: 'staffedSessions', title: 'Staffed', where: "line = 'staffed'", since: 2 },
    // Of fewer than five the minutes would tell how many people were there.
    { name: 'usedSessions', title: 'Used', where: 'exams > 0', isGuarded: true, since: 2 },
  ],
  sums: [
    { name: 'minutes', title: 'Minutes', of: 'minutes', unit: 'minutes', until: 1 },
    { name: 'usedMinutes', title: 'Minutes used', of: 'used_minutes', unit: 'minutes', until: 1 },
    {
      ...{ name: 'staffedMinutes', title: 'Staffed minutes', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'staffed' THEN minutes END",
    },
    {
      ...{ name: 'staffedMinutesUsed', title: 'Of them used', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'staffed' THEN performed_minutes END",
    },
    {
      ...{ name: 'overrunMinutes', title: 'Overrun', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'staffed' THEN overrun_minutes END",
    },
    {
      ...{ name: 'exams', title: 'Examinations', unit: 'count', since: 2 },
      of: "CASE WHEN line = 'staffed' THEN exams END",
    },
    {
      ...{ name: 'downMinutes', title: 'Machine down', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'down' THEN minutes END",
    },
    {
      ...{ name: 'trainingMinutes', title: 'Training', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'training' THEN minutes END",
    },
    {
      ...{ name: 'qaMinutes', title: 'Quality assurance', unit: 'minutes', since: 2 },
      of: "CASE WHEN line = 'qa' THEN minutes END",
    },
  ],
  ratios: [
    {
      ...{
        name: 'shareUsed',
        title: 'Share used',
        of: 'staffedMinutesUsed',
        per: 'staffedMinutes',
      },
      ...{ unit: 'share', since: 2 },
    },
    {
      ...{ name: 'examsAnHour', title: 'Examinations a staffed hour', of: 'exams' },
      ...{ per: 'staffedMinutes', times: 60, unit: 'an hour', since: 2 },
    },
  ],
  isAboutRecords: true,
  row: [
    ...['resource', 'kind', 'starts_at', 'ends_at', 'minutes', 'performed_minutes'],
    ...['overrun_minutes', 'exams'],
  ],
  earlier: [
    {
      version: 1,
      formula:
        'Minutes of sessions of any kind, and of them the minutes that attended bookings had in the diary, the session at most',
      exclusions: ['overruns beyond the session'],
      target: null,
      changed:
        'Only staffed sessions, by how long examinations took; overrun, examinations and lines for machine down, training ' +
        'and quality assurance of their own',
    },
  ],
};
