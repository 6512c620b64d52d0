/**
 * Everything a hub can be told. A value is checked once, here; the rest of the hub receives a
 * frozen `HubConfig` and checks nothing again.
 */
import * as z from 'zod';
import { CollectorSchema } from '../shared/audit/collector-config.ts';
import { parseConfig, readConfig } from '../shared/config.ts';
import { ODSCode } from '../shared/contract/subjects.ts';
import { AlertsSchema } from './config-alerts.ts';
import { SignInSchema } from './config-sign-in.ts';

const Port = z.int().min(0, 'a port: 0 (any free one) to 65535').max(65_535);

const MailServer = z.strictObject({
  host: z.string().min(1),
  port: Port.default(587),
  secure: z.boolean().default(false).describe('TLS from the first byte'),
  requireTls: z.boolean().default(true),
  from: z.string().min(3),
  user: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
});

const EmbeddedNats = z.strictObject({
  embedded: z.literal(true).default(true),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(1, 'a port: 1 to 65535; edges keep it').max(65_535).default(4222),
  publicUrl: z.string().optional().describe('how edges reach it; default nats://host:port'),
  retentionDays: z.number().positive().default(30),
  tls: z
    .strictObject({
      keyFile: z.string().min(1),
      certificateFile: z.string().min(1),
      caFile: z.string().min(1).optional(),
      requireClientCertificate: z
        .boolean()
        .default(false)
        .describe('edges show the certificate that this hub issued for them'),
    })
    .optional(),
});
const NatsCluster = z.strictObject({
  embedded: z.literal(false).optional(),
  servers: z.array(z.string().min(1)).min(1),
  credentialsSeedFile: z
    .string()
    .min(1)
    .describe("the hub's nkey seed for its account on the cluster"),
  replicas: z.int().min(1).max(5).default(3),
  retentionDays: z.number().positive().default(30),
});

export const HubConfigSchema = z.strictObject({
  dataDirectory: z.string().min(1),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: Port.default(8000),
      publicUrl: z.url().optional(),
      edges: z
        .strictObject({
          host: z.string().min(1).default('127.0.0.1'),
          port: z.int().min(1, 'a port: 1 to 65535; edges keep it').max(65_535),
          publicUrl: z.url({ protocol: /^https$/ }).describe('how edges reach it'),
          keyFile: z.string().min(1),
          certificateFile: z.string().min(1),
        })
        .optional()
        .describe(
          'a listener for edges alone, which asks each for the certificate that this hub issued for it',
        ),
      trustedProxies: z
        .array(z.string().min(1))
        .default([])
        .describe('addresses or networks whose X-Forwarded-For is believed'),
    })
    .prefault({}),
  nats: z.union([EmbeddedNats, NatsCluster]).prefault({ embedded: true }),
  prefetch: z
    .strictObject({
      enabled: z.boolean().default(true),
      daysAhead: z.int().min(1).max(90).default(14),
      yearsBack: z.int().min(1).max(50).default(5),
      newest: z.int().min(1).max(50).default(3),
    })
    .prefault({})
    .describe('an order fetches the related studies of other trusts before they are needed'),
  measures: z
    .strictObject({
      memoryMegabytes: z.int().min(256).max(65_536).default(1_024),
      threads: z.int().min(1).max(64).default(2),
      sql: z
        .strictObject({
          seconds: z.int().min(1).max(600).default(30),
          rows: z.int().min(1).max(1_000_000).default(10_000),
          memoryMegabytes: z.int().min(64).max(16_384).default(512),
          atOnce: z.int().min(0).max(16).default(2),
        })
        .prefault({})
        .describe("limits of a question of an analyst's own SQL; atOnce 0 turns it off"),
      buildHour: z
        .int()
        .min(0)
        .max(23)
        .optional()
        .describe(
          'figures are built once a night, from this hour on, so that nobody sees them change in the course of the day; absent: soon after something is told',
        ),
      gate: z
        .strictObject({
          least: z.number().min(0).max(1).default(0.95),
          of: z
            .array(
              z.enum(['nhsVerified', 'codeMapped', 'timesInOrder', 'reportLinked', 'studyLinked']),
            )
            .default(['timesInOrder']),
        })
        .prefault({})
        .describe(
          'whose figures are held against those of others: at least so much of its records is right, by BI-29',
        ),
      reportTargets: z
        .array(
          z.strictObject({
            modality: z.string().min(1).optional(),
            band: z.enum(['P1', 'P2', 'P3', 'P4', 'P5', 'not told']).optional(),
            setting: z.enum(['outpatient', 'inpatient', 'emergency', 'not told']).optional(),
            hours: z.number().positive().max(10_000),
          }),
        )
        .default([])
        .describe(
          'within how many hours of the examination its report is due, by pathway; the first that fits',
        ),
      purposes: z
        .array(
          z.strictObject({
            id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'small letters, digits and dashes'),
            title: z.string().min(1).max(200),
            approvedBy: z.string().min(1).describe('who of privacy approved it'),
            until: z.iso.date().describe('its last day'),
            people: z.array(z.string().min(1)).min(1).describe('as they are called when signed in'),
          }),
        )
        .default([])
        .describe(
          'secondary uses for which rows of people, under keys of the purpose, were approved',
        ),
      email: MailServer.extend({
        domains: z
          .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a domain in small letters'))
          .min(1)
          .describe('to whose addresses figures may be sent, their subdomains too'),
        hour: z.int().min(0).max(23).default(7).describe('from which on, by the clock on the wall'),
      })
        .optional()
        .describe('figures that people subscribe to, weekly or monthly; absent: nobody can'),
    })
    .prefault({})
    .describe('the analytic store: what its queries may take of the machine'),
  travel: z
    .strictObject({
      postcodesFile: z
        .string()
        .min(1)
        .optional()
        .describe('CSV with a header: postcode (or pcds), latitude (lat), longitude (long)'),
      timetableFolder: z.string().min(1).optional().describe('GTFS, unpacked'),
    })
    .prefault({})
    .describe('how long patients travel; without files it is estimated, and said so'),
  access: z
    .strictObject({
      daysAfterCare: z
        .int()
        .min(0)
        .max(730)
        .default(90)
        .describe('so long after an examination, appointment or discharge care goes on'),
      workstations: z
        .enum(['trust', 'relationship'])
        .default('trust')
        .describe(
          'C-FIND and C-MOVE: each trust answers for who sits at its workstations; or only for patients that it has an order, booking or admission of',
        ),
      region: z
        .string()
        .min(1)
        .max(64)
        .default('West Midlands')
        .describe('all that is said of where a restricted study is'),
    })
    .prefault({})
    .describe('what makes somebody concerned with a patient'),
  audit: z
    .strictObject({ collector: CollectorSchema.optional() })
    .prefault({})
    .describe('where the audit trail is passed on to, as DICOM audit messages over syslog TLS'),
  alerts: AlertsSchema.prefault({}).describe('what is watched of the edges, and who is told'),
  messages: z
    .strictObject({
      webhook: z
        .strictObject({
          url: z.url(),
          channels: z
            .array(z.enum(['app', 'sms', 'email', 'letter', 'automated-call']))
            .min(1)
            .default(['sms', 'app', 'email']),
          tokenFile: z.string().min(1).optional().describe('sent as Authorization: Bearer'),
        })
        .optional(),
      email: MailServer.optional(),
    })
    .prefault({})
    .describe('how patients are sent offers; without any, staff pass them on'),
  signIn: SignInSchema.prefault({}),
  trusts: z
    .array(
      z.strictObject({
        ods: ODSCode,
        name: z.string().min(1),
        postcode: z
          .string()
          .regex(/^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$/i, 'a UK postcode')
          .optional(),
      }),
    )
    .default([])
    .refine(
      (trusts) => new Set(trusts.map((trust) => trust.ods)).size === trusts.length,
      'an ODS code is listed twice',
    ),
});

export type HubConfig = Readonly<z.output<typeof HubConfigSchema>>;
export type TrustConfig = HubConfig['trusts'][number];

/**
 * How people and edges reach this hub's HTTP.
 *
 * @param port that was bound
 */
export function httpUrlOf({ http }: Pick<HubConfig, 'http'>, port: number): string {
  const { host, publicUrl } = http;
  const anyAddress = host === '0.0.0.0' || host === '::';
  const name = anyAddress ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return publicUrl?.replace(/\/+$/, '') ?? `http://${name}:${port}`;
}

/**
 * Reads hub.yaml, with `CDIP_*` variables over it.
 *
 * @throws ConfigError with all faults at once, unknown keys included
 */
export function readHubConfig(file: string, environment: NodeJS.ProcessEnv): HubConfig {
  return readConfig(file, HubConfigSchema, environment);
}

/** As {@link readHubConfig}, from what the YAML held. */
export function parseHubConfig(raw: unknown, environment: NodeJS.ProcessEnv = {}): HubConfig {
  return parseConfig(raw, HubConfigSchema, environment);
}
