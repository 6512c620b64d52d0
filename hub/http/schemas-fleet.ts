/** What the routes of the fleet take and answer. */
import * as z from 'zod';
import { HealthEventSchema } from '../../shared/contract/events.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { PageShape } from './schemas.ts';

const Time = z.iso.datetime();
const Text = z.string().nullable();
const Numeric = z.number().nullable();
const Count = z.int().nonnegative();
const Level = z.enum(['warn', 'page']);

export const AlertAnswer = z.object({
  id: z.string(),
  trust: z.string(),
  signal: z.string(),
  title: z.string(),
  subject: z.string(),
  state: z.enum(['open', 'closed']),
  level: Level,
  value: z.number(),
  unit: z.string(),
  limit: Numeric.describe('Of its level; null: learnt from the device itself'),
  detail: z.string(),
  openedAt: Time,
  levelAt: Time,
  closedAt: Time.nullable(),
  acknowledged: z.object({ by: z.string(), at: Time, note: z.string() }).nullable(),
  snoozed: z.object({ by: z.string(), until: Time }).nullable(),
  inMaintenance: z.boolean().describe('Nobody is told of it meanwhile'),
  toldBy: z.array(z.string()).describe('Channels that were told'),
  runbook: z.string(),
});

const Network = z.object({
  studies: Count,
  differingDays: Count,
  comparedAt: Time.nullable(),
  indexAsOf: Time.nullable(),
  transfers: z.object({
    ended: Count,
    failed: Count,
    medianSeconds: Numeric,
    p95Seconds: Numeric,
  }),
});

export const FleetRowAnswer = z.object({
  trust: ODSCode,
  name: z.string(),
  httpUrl: Text,
  state: z.enum(['live', 'silent', 'unknown']),
  lastHeardAt: Time.nullable(),
  version: Text,
  outboxWaiting: Count.nullable(),
  quarantined: Count.nullable(),
  freeBytes: Count.nullable(),
  alerts: z.object({ page: Count, warn: Count }),
  worst: AlertAnswer.nullable(),
  inMaintenance: z.boolean(),
  diskUsedPercent: Numeric,
  hoursToFull: Numeric,
  waiting: Numeric,
  oldestWaitingSeconds: Numeric,
  objectsPerHour: Numeric,
  certificateDays: Numeric,
  pacs: z.enum(['answers', 'silent']).nullable(),
  ...Network.shape,
});
export const FleetAnswer = z.object({ edges: z.array(FleetRowAnswer) });

export const METRICS = [
  'heartbeats',
  'diskUsed',
  'diskFree',
  'objects',
  'megabytes',
  'acknowledgementMs',
  'waiting',
  'oldestSeconds',
  'outboxSeconds',
  'associations',
  'refused',
  'cpu',
  'memory',
  'eventLoopMs',
  'echoMs',
  'findMs',
  'clockOffsetMs',
  'hl7',
  'studies',
] as const;

export const EdgeQuery = z.strictObject({
  metric: z.enum(METRICS).optional().describe('Its history is answered, too'),
  from: Time.optional(),
  to: Time.optional(),
});

const RhythmAnswer = z.object({
  device: z.string(),
  lastAt: Time,
  state: z.enum(['learning', 'learnt']),
  isWorkingNow: z.boolean(),
  silentSeconds: z.number().describe('Of its busy hours: a quiet one counts in part'),
  p99Seconds: Numeric,
  longestSeconds: Numeric,
  limits: z
    .object({ promptSeconds: z.number(), rareSeconds: z.number() })
    .nullable()
    .describe('From which silence on it is told: a CT by the first, all others by the second'),
});
const ChangeAnswer = z.object({
  trust: ODSCode,
  at: Time,
  what: z.enum(['version', 'configuration', 'address', 'restart']),
  was: z.string(),
  isNow: z.string(),
});
export const MaintenanceAnswer = z.object({
  id: z.string(),
  trust: ODSCode,
  from: Time,
  to: Time,
  reason: z.string(),
  by: z.string(),
});

export const EdgeAnswer = z.object({
  edge: FleetRowAnswer,
  health: HealthEventSchema.nullable().describe('The newest heartbeat, as it came'),
  alerts: z.array(AlertAnswer),
  rhythms: z.array(RhythmAnswer),
  changes: z.array(ChangeAnswer),
  maintenance: z.array(MaintenanceAnswer),
  history: z
    .array(
      z.object({
        at: Time,
        mean: z.number(),
        least: z.number(),
        most: z.number(),
        count: Count,
      }),
    )
    .optional(),
});

export const AlertsQuery = z.strictObject({
  state: z.enum(['open', 'closed']).optional(),
  trust: ODSCode.optional(),
  ...PageShape,
});
export const AlertsAnswer = z.object({
  alerts: z.array(AlertAnswer),
  ...{ total: Count, limit: Count, offset: Count },
});

const Words = z.string().trim().max(500);
export const AcknowledgeInput = z.strictObject({ note: Words.default('') });
export const SnoozeInput = z.strictObject({
  minutes: z.coerce.number().int().min(5).max(10_080).default(60),
});
export const RevokeInput = z.strictObject({ reason: Words.min(1) });
export const RevokedAnswer = z.object({ trust: ODSCode, revoked: z.literal(true) });

export const MaintenanceInput = z
  .strictObject({
    trust: ODSCode,
    from: z.iso.datetime({ offset: true }).optional().describe('Absent: now'),
    to: z.iso.datetime({ offset: true }),
    reason: Words.min(1),
  })
  .refine(({ from, to }) => from === undefined || Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: 'ends before it begins',
  });
export const MaintenancesAnswer = z.object({ maintenance: z.array(MaintenanceAnswer) });
