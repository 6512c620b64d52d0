/**
 * What the hub watches of its edges, with the limits at which somebody is told: the table of the signals, and
 * the part of hub.yaml that changes it, says whom to tell, and how.
 */
import * as z from 'zod';
import { ODSCode } from '../shared/contract/subjects.ts';

/** `above`: trouble is what is more than the limit; `below`: what is less. */
export interface SignalLimits {
  readonly title: string;
  readonly unit: string;
  readonly trouble: 'above' | 'below';
  /** Null: nobody is warned; or paged. */
  readonly warn: number | null;
  readonly page: number | null;
  /** It has to be so for this long before it counts. */
  readonly holdSeconds: number;
  /** Of docs/runbooks. */
  readonly runbook: string;
}

const limits = (
  title: string,
  unit: string,
  [warn, page]: readonly [number | null, number | null],
  runbook: string,
  { holdSeconds = 0, trouble = 'above' as SignalLimits['trouble'] } = {},
): SignalLimits => ({ title, unit, trouble, warn, page, holdSeconds, runbook });

export const SIGNALS = {
  edgeSilent: limits('Edge silent', 's', [60, 180], 'rb01-edge-silent'),
  diskUsed: limits('Disk used', '%', [75, 90], 'rb02-disk', { holdSeconds: 60 }),
  diskHoursToFull: limits('Hours until the disk is full', 'h', [72, 12], 'rb02-disk', {
    ...{ holdSeconds: 600, trouble: 'below' },
  }),
  queueUrgent: limits('Oldest urgent work', 'min', [1, 5], 'rb03-backlog', { holdSeconds: 60 }),
  queueScheduled: limits('Oldest scheduled work', 'min', [10, 60], 'rb03-backlog'),
  queueBulk: limits('Oldest bulk work', 'min', [240, 1440], 'rb03-backlog'),
  syncLag: limits('Events not yet at the hub', 's', [60, 600], 'rb03-backlog', { holdSeconds: 60 }),
  modalitySilent: limits('Modality silent', 'min', [15, 60], 'rb04-silent-modality'),
  indexDiffers: limits('Days of the index that differ', 'days', [0, null], 'rb05-missing-images', {
    holdSeconds: 1800,
  }),
  pacsLatency: limits('PACS slow', 's', [2, 10], 'rb06-pacs', { holdSeconds: 120 }),
  pacsFailures: limits('PACS does not answer', 'tries', [null, 2], 'rb06-pacs'),
  callerRefused: limits('Associations refused or broken off', '%', [1, 5], 'rb07-associations', {
    holdSeconds: 120,
  }),
  hl7Idle: limits('HL7 feed idle', 'min', [15, 60], 'rb08-hl7'),
  hl7DeadLetters: limits('HL7 dead letters', 'messages', [0, 49], 'rb08-hl7', { holdSeconds: 60 }),
  hl7Refused: limits('HL7 messages refused', '%', [0.5, 5], 'rb08-hl7', { holdSeconds: 120 }),
  clockOffset: limits('Clock off', 'ms', [250, 1000], 'rb09-clock', { holdSeconds: 60 }),
  certificateDays: limits('Certificate ends', 'days', [21, 7], 'rb10-certificate', {
    trouble: 'below',
  }),
  versionDiffers: limits("Version is not the hub's", 'hours', [24, null], 'rb11-version'),
  upgradeStands: limits('Upgrade of the edges stands still', 'rollouts', [0, null], 'rb11-version'),
  identityReviews: limits('Pairs of patients to be decided', 'pairs', [20, 100], 'rb12-identity'),
  otherPatient: limits(
    'Objects that name another patient than their study',
    'objects',
    [0, null],
    'rb12-identity',
  ),
  transferFailures: limits('Fetches that failed', '%', [2, 5], 'rb14-transfers'),
  commitmentFailures: limits(
    'Storage commitments that failed',
    'a day',
    [0, 10],
    'rb15-commitment',
  ),
  machineLoad: limits('Processor, memory or descriptors', '%', [70, 90], 'rb17-machine', {
    holdSeconds: 300,
  }),
  glassReview: limits(
    'Emergency access to be reviewed',
    'working days',
    [0, 5],
    'rb18-emergency-access',
  ),
  sensitiveAccess: limits(
    'Emergency access to a patient with the S-flag',
    'accesses',
    [0, 0],
    'rb18-emergency-access',
  ),
  eventLoop: limits('Event loop held up', 'ms', [100, 1000], 'rb17-machine', { holdSeconds: 60 }),
} as const satisfies Readonly<Record<string, SignalLimits>>;

export type SignalId = keyof typeof SIGNALS;
export const SIGNAL_IDS = Object.keys(SIGNALS) as readonly SignalId[];
export type Level = 'warn' | 'page';

const Limit = z.number().nonnegative().nullable();
const Changed = z.strictObject({ warn: Limit.optional(), page: Limit.optional() });
const Thresholds = z.strictObject(
  Object.fromEntries(SIGNAL_IDS.map((id) => [id, Changed.optional()])) as Record<
    SignalId,
    z.ZodOptional<typeof Changed>
  >,
);

export const AlertsSchema = z.strictObject({
  enabled: z.boolean().default(true),
  thresholds: Thresholds.prefault({}).describe('what differs from the table; null: never'),
  groupSeconds: z
    .number()
    .nonnegative()
    .default(15)
    .describe('what comes within this time is told in one message'),
  bankHolidays: z
    .array(z.iso.date())
    .default([])
    .describe('beside those of England; modalities and feeds rest as on a Sunday'),
  runbooks: z
    .url()
    .optional()
    .describe("where docs/runbooks is published; default the hub's own copy"),
  email: z
    .strictObject({
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).default(587),
      secure: z
        .boolean()
        .default(false)
        .describe(
          'TLS from the start; else STARTTLS where offered, and always where there is a user',
        ),
      user: z.string().min(1).optional(),
      passwordFile: z.string().min(1).optional(),
      from: z.email(),
      to: z.array(z.email()).min(1),
      level: z.enum(['warn', 'page']).default('page').describe('from which on it is told'),
    })
    .optional(),
  privacy: z
    .array(z.strictObject({ trust: ODSCode, to: z.array(z.email()).min(1) }))
    .default([])
    .describe(
      'privacy officers, told at once of emergency accesses that their trust reviews; needs email',
    ),
  webhooks: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a name: a-z, 0-9 and hyphens'),
        url: z.url(),
        secretFile: z
          .string()
          .min(1)
          .optional()
          .describe('signs the body: X-CDIP-Signature, HMAC-SHA-256'),
        level: z.enum(['warn', 'page']).default('page'),
        trusts: z.array(ODSCode).optional().describe('absent: all'),
      }),
    )
    .default([])
    .refine(
      (hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length,
      'a webhook name is listed twice',
    ),
  deadMan: z
    .strictObject({ url: z.url(), everySeconds: z.int().min(10).max(3_600).default(60) })
    .optional()
    .describe('called while the hub watches; who is called raises the alarm when the calls stop'),
});

export type AlertsConfig = Readonly<z.output<typeof AlertsSchema>>;

/** The limits in force. */
export function limitsOf(
  { thresholds }: Pick<AlertsConfig, 'thresholds'>,
  id: SignalId,
): SignalLimits {
  const { warn, page } = thresholds[id] ?? {};
  const usual: SignalLimits = SIGNALS[id];
  return {
    ...usual,
    warn: warn === undefined ? usual.warn : warn,
    page: page === undefined ? usual.page : page,
  };
}
