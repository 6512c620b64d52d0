/**
 * Everything an edge can be told. A value is checked once, here; the rest of the edge receives a
 * frozen `EdgeConfig` and checks nothing again.
 */
import { join } from 'node:path';
import * as z from 'zod';
import { CollectorSchema } from '../shared/audit/collector-config.ts';
import { parseConfig, readConfig } from '../shared/config.ts';
import { ODSCode } from '../shared/contract/subjects.ts';
import { checkRouteNames, routeKeys } from './config-routes.ts';

const AETitle = z
  .string()
  .trim()
  .regex(
    /^[\x21-\x5b\x5d-\x7e]{1,16}$/,
    'an AE title: 1 to 16 characters, no space, no backslash (PS3.5 §6.2)',
  );
const Host = z.string().min(1).max(253);
const Port = z.int().min(0, 'a port: 0 (any free one) to 65535').max(65_535);

const PeerTlsSchema = z
  .strictObject({
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe("who may have signed the peer's certificate; default those that Node knows"),
    keyFile: z.string().min(1).optional().describe('ours, for a peer that asks who calls'),
    certificateFile: z.string().min(1).optional(),
    serverName: Host.optional().describe('the name in its certificate; default host'),
  })
  .refine(
    ({ keyFile, certificateFile }) => (keyFile === undefined) === (certificateFile === undefined),
    'keyFile and certificateFile belong together',
  );

const PeerSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a peer name: a-z, 0-9 and hyphens'),
  aeTitle: AETitle,
  host: Host,
  port: Port,
  role: z.enum(['pacs', 'modality', 'workstation', 'archive', 'ai']),
  importsTo: z
    .boolean()
    .default(false)
    .describe('studies fetched from other trusts are delivered here'),
  receivesMpps: z
    .boolean()
    .default(false)
    .describe('performed procedure steps of modalities are passed on to it, PS3.4 Annex F.7'),
  connections: z
    .int()
    .min(1)
    .max(32)
    .default(4)
    .describe('associations at once when studies are delivered to it; fewer where it grants fewer'),
  window: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe('objects unanswered at once on each, where it grants that, PS3.7 D.3.3.3'),
  compress: z
    .enum(['never', 'jpeg-ls'])
    .default('never')
    .describe('native objects are sent to it in JPEG-LS, lossless, where it takes that'),
  ratePerSecond: z
    .number()
    .positive()
    .max(10_000)
    .optional()
    .describe('objects a second at most; absent: as fast as it takes them'),
  retrieveBy: z
    .array(z.enum(['wado-rs', 'c-get', 'c-move']))
    .min(1)
    .optional()
    .describe('of a PACS: how studies are retrieved from it; default: whichever works'),
  dicomWeb: z
    .strictObject({
      url: z.url().describe('…/studies is behind it'),
      tokenFile: z.string().min(1).optional().describe('sent as a bearer token'),
      caFile: z.string().min(1).optional(),
    })
    .optional()
    .describe('of a PACS: its DICOMweb service, from which studies are retrieved by WADO-RS'),
  characterSet: z
    .string()
    .regex(/^[A-Z0-9_ \\]{1,64}$/, 'values of (0008,0005), such as ISO_IR 100')
    .optional()
    .describe('of answers that name none; default: UTF-8 or Latin-1, whichever they are'),
  callingAETitle: AETitle.optional().describe(
    'how we name ourselves to this peer; default dicom.aeTitle',
  ),
  tls: PeerTlsSchema.optional().describe('it is called over TLS, PS3.15 §B.12'),
});

const TlsSchema = z.strictObject({
  port: Port.default(2762),
  keyFile: z.string().min(1),
  certificateFile: z.string().min(1),
  caFile: z.string().min(1).optional(),
  requireClientCertificate: z.boolean().default(false),
});

const DicomSchema = z.strictObject({
  aeTitle: AETitle.optional().describe('default CDIP_<trust>'),
  host: Host.default('127.0.0.1'),
  port: Port.default(11_112),
  tls: TlsSchema.optional(),
  maxPduBytes: z
    .int()
    .min(4_096)
    .max(1_048_576)
    .default(131_072)
    .describe('what we say we receive, PS3.8 Annex D.1'),
  maxAssociations: z.int().min(1).max(2_000).default(100),
  maxAssociationsPerCaller: z.int().min(1).max(2_000).default(20),
  acceptUnknownCallers: z.boolean().default(true),
  acceptAnyCalledAETitle: z
    .boolean()
    .default(true)
    .describe('until every modality calls us by our own title'),
  artimSeconds: z.number().positive().max(300).default(30).describe('PS3.8 §9.1.5'),
  idleSeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(900)
    .describe('an association on which nothing happens is aborted'),
});

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day: HH:MM');
const MbitPerSecond = z.number().positive().max(100_000);

const TransferSchema = z.strictObject({
  withoutHub: z
    .boolean()
    .default(true)
    .describe('urgent studies are read by and from other edges while no hub answers'),
  maxMbitPerSecond: MbitPerSecond.optional().describe(
    'of transfers to and from other trusts, each way; absent: no ceiling',
  ),
  hours: z
    .array(
      z.strictObject({
        from: TimeOfDay,
        to: TimeOfDay,
        maxMbitPerSecond: MbitPerSecond.optional(),
        bulk: z.boolean().default(true).describe('false: bulk fetches rest'),
      }),
    )
    .default([])
    .describe('by local time, over midnight too; the first that matches counts'),
});

const StorageSchema = z.strictObject({
  reserveBytes: z
    .int()
    .nonnegative()
    .default(20_000_000_000)
    .describe('free space kept: below it C-STORE answers A700H'),
  retentionHours: z.number().positive().default(72),
  copyRetentionDays: z.number().positive().default(30),
  quietSeconds: z
    .number()
    .positive()
    .default(5)
    .describe('a study that got nothing for this long is told to the hub as quiet'),
  quietSecondsByModality: z
    .record(z.string().regex(/^[A-Z]{2,16}$/), z.number().positive())
    .default({})
    .describe('and may be complete; default 120 US CR DX RF, 900 NM PT MG, 300 others'),
});

const CrawlSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('learns by C-FIND what the peers of role pacs hold; nothing is copied'),
  queriesPerMinute: z.int().min(1).max(6_000).default(600),
  busyHours: z
    .strictObject({
      from: z.int().min(0).max(24).default(7),
      to: z.int().min(0).max(24).default(19),
      queriesPerMinute: z.int().min(0).max(6_000).default(120).describe('0: nothing is asked then'),
    })
    .prefault({})
    .describe('by the clock of Europe/London'),
  earliestYear: z
    .int()
    .min(1900)
    .max(2100)
    .default(1990)
    .describe('what is older is asked for at once, not by day'),
});

const FieldPath = z
  .string()
  .regex(/^[A-Z][A-Z0-9]{2}-\d{1,2}(\.\d{1,2})?$/, 'a field, such as ORC-3 or OBR-18.1');

const Hl7SourceSchema = z.strictObject({
  sendingApplication: z.string().optional().describe('MSH-3; absent: any'),
  sendingFacility: z.string().optional().describe('MSH-4; absent: any'),
  accession: z.array(FieldPath).min(1).optional().describe('default hl7.accession'),
  addenda: z
    .enum(['replace', 'append'])
    .default('replace')
    .describe('append: an addendum comes without the text that it adds to'),
  nhsNumberStatus: z
    .string()
    .regex(/^0[1-8]$/)
    .optional()
    .describe('of NHS numbers whose status the message does not tell (PID-32)'),
  acknowledgement: z
    .enum(['auto', 'original'])
    .default('auto')
    .describe('auto: enhanced where MSH-15 asks for it; original: one AA, AE or AR always'),
  onFault: z.enum(['accept', 'refuse']).optional().describe('default hl7.onFault'),
});

const Hl7Schema = z.strictObject({
  host: Host.default('127.0.0.1'),
  port: Port.default(2575),
  tls: TlsSchema.extend({ port: Port.default(2576) }).optional(),
  maxConnections: z.int().min(1).max(2_000).default(100),
  maxMessageBytes: z.int().min(65_536).max(100_000_000).default(20_000_000),
  frameSeconds: z
    .number()
    .positive()
    .max(3_600)
    .default(60)
    .describe('a message that has begun and of which nothing more comes ends its connection'),
  retentionDays: z.number().positive().default(30).describe('raw messages are kept so long'),
  timeZone: z
    .string()
    .default('Europe/London')
    .refine(
      (zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC',
      'an IANA time zone',
    ),
  charset: z
    .enum(['windows-1252', 'iso-8859-15', 'utf-8'])
    .default('windows-1252')
    .describe('of messages that declare none and are not UTF-8'),
  onFault: z
    .enum(['accept', 'refuse'])
    .default('accept')
    .describe('a fault of content: AA and a dead letter, or AE and a dead letter'),
  localAuthorities: z
    .array(z.string().min(1))
    .default([])
    .describe('further names of patientIds.namespace in PID-3.4'),
  accession: z
    .array(FieldPath)
    .min(1)
    .default(['IPC-1', 'ORC-3', 'OBR-3', 'OBR-18', 'OBR-20'])
    .describe('where the accession number stands; the first that is filled'),
  sources: z.array(Hl7SourceSchema).default([]).describe('the first that fits MSH-3 and MSH-4'),
});

const Fields = z.strictObject({
  trust: ODSCode,
  dataDirectory: z.string().min(1),
  dicom: DicomSchema.prefault({}),
  http: z
    .strictObject({
      host: Host.default('127.0.0.1'),
      port: Port.default(8080),
      publicUrl: z.url().optional().describe('how other edges reach us; default http://host:port'),
      tls: z
        .strictObject({
          keyFile: z.string().min(1),
          certificateFile: z.string().min(1),
          requireClientCertificate: z
            .boolean()
            .default(false)
            .describe('readers with a ticket show the certificate that the hub issued for them'),
        })
        .optional(),
    })
    .prefault({}),
  hl7: Hl7Schema.prefault({}).describe('MLLP, HL7 2.x'),
  ris: z
    .strictObject({
      host: Host,
      port: Port,
      application: z.string().max(180).default('RIS').describe('MSH-5'),
      facility: z.string().max(180).default('').describe('MSH-6'),
      answerSeconds: z.number().positive().max(60).default(10),
    })
    .optional()
    .describe('where bookings of the hub are sent (SIU over MLLP); absent: nowhere'),
  peers: z.array(PeerSchema).default([]),
  patientIds: z
    .strictObject({
      namespace: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .describe("the local MRN's assigning authority; default the trust's ODS code"),
      oid: z
        .string()
        .regex(/^[0-2](\.(0|[1-9]\d*))+$/, 'an OID')
        .max(64)
        .optional(),
      unmatched: z.enum(['hold', 'foreign']).default('hold'),
    })
    .prefault({}),
  storage: StorageSchema.prefault({}),
  transfer: TransferSchema.prefault({}).describe("the trust's line to the other trusts"),
  crawl: CrawlSchema.prefault({}),
  retrieve: z
    .strictObject({
      stallSeconds: z
        .number()
        .positive()
        .default(120)
        .describe('a retrieve from the PACS of which nothing comes for so long is ended'),
      deadlineMinutes: z.number().positive().default(30).describe('… and one that takes longer'),
    })
    .prefault({}),
  hub: z
    .strictObject({ url: z.url(), nats: z.string().min(1) })
    .optional()
    .describe('written by `cdip edge enrol`; absent: the trust works alone'),
  audit: z
    .strictObject({ collector: CollectorSchema.optional() })
    .prefault({})
    .describe('where the audit trail is passed on to, as DICOM audit messages over syslog TLS'),
  upgrades: z
    .enum(['automatic', 'manual'])
    .default('automatic')
    .describe('builds that the hub sends; manual: they wait for a person on the status page'),
  upgradeHours: z
    .strictObject({ from: TimeOfDay, to: TimeOfDay })
    .optional()
    .describe('when they are installed, by local time, over midnight too; absent: at once'),
  clock: z
    .strictObject({
      ntpServers: z
        .array(Host)
        .default([])
        .describe('asked by "cdip edge doctor" for the time, beside the hub: host or host:port'),
    })
    .prefault({}),
  worklist: z
    .strictObject({
      folder: z.string().min(1).optional().describe('*.wl files, as for wlmscpfs of DCMTK'),
    })
    .prefault({})
    .describe('Modality Worklist, PS3.4 Annex K'),
  dicomWeb: z
    .strictObject({
      clients: z
        .array(z.strictObject({ name: z.string().min(1), key: z.string().min(24) }))
        .default([])
        .describe('who may use /dicom-web/ from other machines, as Authorization: Bearer KEY'),
    })
    .prefault({}),
  ...routeKeys,
});

export const EdgeConfigSchema = Fields.superRefine(checkRouteNames);

type Parsed = z.output<typeof EdgeConfigSchema>;
export type LineConfig = Readonly<Omit<z.output<typeof TransferSchema>, 'withoutHub'>>;
export type Peer = Readonly<z.output<typeof PeerSchema>>;
export type EdgeConfig = Readonly<
  Omit<Parsed, 'dicom' | 'patientIds'> & {
    dicom: Parsed['dicom'] & { aeTitle: string };
    patientIds: Parsed['patientIds'] & { namespace: string };
  }
>;

/**
 * Reads edge.yaml, with `CDIP_*` variables over it.
 *
 * @throws ConfigError with all faults at once, unknown keys included
 */
export function readEdgeConfig(file: string, environment: NodeJS.ProcessEnv): EdgeConfig {
  return withTrustDefaults(readConfig(file, EdgeConfigSchema, environment) as Parsed);
}

/** As {@link readEdgeConfig}, from what the YAML held. */
export function parseEdgeConfig(raw: unknown, environment: NodeJS.ProcessEnv = {}): EdgeConfig {
  return withTrustDefaults(parseConfig(raw, EdgeConfigSchema, environment) as Parsed);
}

/** Of an appliance that has just been installed: reached by the trust's machines at the ports that they expect. */
export const firstConfig = (trust: string): object => ({
  trust,
  dataDirectory: '/var/lib/cdip',
  dicom: { host: '0.0.0.0', port: 104 },
  hl7: { host: '0.0.0.0', port: 2575 },
});

/** Fills what defaults to a form of the trust's ODS code. */
function withTrustDefaults(parsed: Parsed): EdgeConfig {
  return Object.freeze({
    ...parsed,
    dicom: Object.freeze({
      ...parsed.dicom,
      aeTitle: parsed.dicom.aeTitle ?? `CDIP_${parsed.trust}`,
    }),
    patientIds: Object.freeze({
      ...parsed.patientIds,
      namespace: parsed.patientIds.namespace ?? parsed.trust,
    }),
  });
}

/** What stands for a destination that is no peer where a delivery names one. */
export const asPeer = (name: string): Peer =>
  Object.freeze(
    PeerSchema.parse({ name, aeTitle: 'NONE', host: 'none', port: 0, role: 'archive' }),
  );

/** The edge's own nkey seed, made by `cdip edge enrol`. */
export const natsSeedFile = (dataDirectory: string): string => join(dataDirectory, 'nats.seed');

/**
 * How other edges and the hub reach this edge's HTTP.
 *
 * @param port that was bound
 */
export function httpUrlOf({ http }: Pick<EdgeConfig, 'http'>, port: number): string {
  const scheme = http.tls === undefined ? 'http' : 'https';
  return http.publicUrl ?? `${scheme}://${http.host}:${port}`;
}
