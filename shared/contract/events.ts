/**
 * What an edge tells the hub. Every event but `health` goes through the edge's outbox and is
 * applied by a hub strictly in order, `seq == cursor + 1`, within an epoch.
 *
 *   edge/outbox ──envelope──► EDGE_<ods> ──► hub/projection (cursor in the same transaction)
 *
 * An event carries the whole state of its subject, so the newest one wins whatever came before.
 * A reader ignores fields it does not know.
 */
import * as z from 'zod';
import { DiskSchema, healthDetails, PushedConfigurationSchema } from './health.ts';
import { UpgradeToldSchema } from './releases.ts';
import { ODSCode } from './subjects.ts';
import { teachingFields } from './teaching.ts';

const Time = z.iso.datetime();
const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.int().nonnegative();
/** Longer than PS3.5 §6.2 allows: real objects carry such UIDs, and they are kept. */
const UID = z.string().min(1).max(128);
const Text = z.string().nullable();

/** Fields of every message. `epoch` rises whenever the edge starts to tell again; `seq` counts from 1 in each epoch. */
const envelope = { v: z.literal(1), at: Time, trust: ODSCode };
const ordered = { ...envelope, epoch: z.int().positive(), seq: z.int().positive() };
/**
 * True: what one telling said to which a newer one came first. It is a part of the past, and not how its subject stands;
 * the edge says that again behind it, for readers that do not know this field.
 */
const overtaken = z.boolean().optional();

export const PatientSchema = z.object({
  patientId: z.string(),
  /** The namespace of `patientId`: what the object says, else the trust's own (edge.yaml `patientIds.namespace`). */
  issuer: z.string(),
  /** Ten digits, checked; null when the object holds none that is qualified as an NHS number. */
  nhsNumber: z
    .string()
    .regex(/^\d{10}$/)
    .nullable(),
  /** As DICOM PN, Unicode, all component groups. */
  name: Text,
  /** YYYYMMDD as in the object, null when absent or malformed. */
  birthDate: Text,
  sex: Text,
});

export const SeriesSchema = z.object({
  seriesInstanceUID: UID,
  modality: Text,
  seriesNumber: z.int().nullable(),
  description: Text,
  bodyPart: Text,
  instances: Count,
  bytes: Count,
  setHash: Hash,
});

/** What the trust's PACS says it holds of a study; null: it does not say. */
export const NearlineSchema = z.object({
  series: Count.nullable(),
  instances: Count.nullable(),
  modalities: z.array(z.string()).readonly(),
});

/** State of one study at one trust. Trust, study UID and `home` together are its key. */
export const StudyEventSchema = z.object({
  ...ordered,
  kind: z.literal('study'),
  /** Rises with every change of the instance set. */
  rev: z.int().positive(),
  studyInstanceUID: UID,
  /** Equals `trust` for a study of its own; else this is a copy and names where it came from. */
  home: ODSCode,
  /** True: the trust no longer holds it; the rest is its last state. */
  deleted: z.boolean(),
  /** True when nothing arrived for a while; false while instances still come in. */
  quiet: z.boolean(),
  /**
   * All of it has come, by whose word: performed steps, the PACS's count, or only because nothing came for long.
   * Null: it may still grow. Absent: of a copy, or the edge does not say.
   */
  completeBy: z.enum(['mpps', 'pacs-count', 'time']).nullish(),
  /**
   * When it was made, as modalities say in performed procedure steps: first start, last end. Null: no step was told,
   * or none that was made. Absent: of a copy, or the edge does not say.
   */
  performed: z.object({ startedAt: Time.nullable(), endedAt: Time.nullable() }).nullish(),
  patient: PatientSchema,
  studyDate: Text,
  studyTime: Text,
  studyId: Text,
  accessionNumber: Text,
  accessionIssuer: Text,
  description: Text,
  referringPhysician: Text,
  institution: Text,
  instances: Count,
  bytes: Count,
  /** Order-free digest of the (SOP Instance UID, content digest) pairs; see shared/set-hash.ts. */
  setHash: Hash,
  /** Instances that came again with other content; both are kept, the first is current. */
  conflicts: Count,
  /** As its own objects restrict it (0040,3001). Absent or null: they do not. */
  confidentiality: z.enum(['R', 'V']).nullish(),
  /** In the spool, as `instances`, `bytes` and `setHash`. */
  series: z.array(SeriesSchema),
  /** Absent or null: no PACS of the trust is known to hold it. */
  nearline: NearlineSchema.nullish(),
  /** Objects that rejection notes took back (IHE IOCM), by the note's title in DCM; they are in no count. */
  rejected: z.array(z.object({ code: z.string(), instances: Count, at: Time })).optional(),
});

/** The bucket of studies whose StudyDate is absent or malformed. */
export const UNDATED = 'undated';

export const BucketSchema = z.object({
  /** YYYYMMDD of acquisition, or `undated`. */
  day: z.string().regex(/^(\d{8}|undated)$/),
  studies: Count,
  series: Count,
  instances: Count,
  /** Order-free digest of the bucket's studies; see shared/set-hash.ts. */
  digest: Hash,
});

/**
 * What the edge holds by acquisition day, at this point of its sequence; compared by the hub with its
 * own rows in the transaction that applies it. `whole`: these are all buckets. `members`: asked for
 * after a difference; what is not listed is not there.
 */
export const DigestEventSchema = z.object({
  ...ordered,
  kind: z.literal('digest'),
  whole: z.boolean(),
  buckets: z.array(BucketSchema),
  members: z
    .array(
      z.object({
        day: z.string(),
        studies: z.array(z.object({ studyInstanceUID: UID, home: ODSCode })),
      }),
    )
    .optional(),
});

/** States of a fetch order. contracts.md; the receiving edge reports from `retrieving` on. */
export const FETCH_STATES = [
  'requested',
  'authorised',
  'retrieving',
  'transferring',
  'held',
  'coercing',
  'delivering',
  'available',
  'partial',
  'failed',
  'cancelled',
  'expired',
] as const;
export const FetchState = z.enum(FETCH_STATES);
export type FetchStateName = z.output<typeof FetchState>;
/** States after which nothing more happens by itself. */
export const FINAL_FETCH_STATES: readonly FetchStateName[] = [
  'available',
  'partial',
  'failed',
  'cancelled',
  'expired',
];

const Reason = z.object({ code: z.string(), detail: z.string() });

/** How a fetch stands at the edge that carries it out. The newest one is the state. */
export const ReceiptEventSchema = z.object({
  ...ordered,
  kind: z.literal('receipt'),
  fetchId: z.string(),
  state: FetchState,
  /** Why it stands still, is partial, or failed; what a person has to do. */
  reason: Reason.nullable(),
  instances: z.object({ done: Count, expected: Count }),
  bytes: z.object({ done: Count, expected: Count.nullable() }),
  /** Seconds until available, measured; null when not known. */
  etaSeconds: z.number().nonnegative().nullable(),
  /** Instances that could not be brought or delivered, by name. */
  failures: z.array(z.object({ sopInstanceUID: UID, code: z.string(), detail: z.string() })),
  /** The local patient the copy was filed under, once chosen. */
  localPatient: z
    .object({
      patientId: z.string(),
      issuer: z.string(),
      by: z.enum(['request', 'nhsNumber', 'foreign']),
    })
    .nullable(),
  /** When each state was first reached. */
  steps: z.array(z.object({ state: FetchState, at: Time })),
});

/** What the edge has learnt of one PACS. Days are YYYYMMDD. */
export const CrawlProgressSchema = z.object({
  peer: z.string(),
  state: z.enum(['running', 'waiting', 'idle', 'off']),
  /** Everything from this day on is known; null: nothing is. `history`: all of the past is. */
  knownFrom: z.string().nullable(),
  history: z.boolean(),
  /** Studies that the PACS holds, as far as it was asked. */
  studies: Count,
  /** Of them those of which it does not say how many instances they have. */
  uncounted: Count,
  /** Those that it held and does not hold any more. */
  vanished: Count,
  /** Days of which the PACS would not tell everything. */
  cutDays: Count,
  /** The last comparison of the newest 31 days: what the PACS said, and how many of them were new to us. */
  reconciled: z.object({ at: Time, days: Count, studies: Count, added: Count }).nullable(),
  /** Why it stands still. */
  reason: z.object({ code: z.string(), detail: z.string() }).nullable(),
});

const PatientKeySchema = z.object({ patientId: z.string(), issuer: z.string() });

/**
 * A patient as the trust's PAS or RIS tells it. `mergedInto`: this number is the same person as another
 * one of the trust, which is in force; null again when that was undone.
 */
export const PatientEventSchema = z.object({
  ...ordered,
  kind: z.literal('patient'),
  patient: PatientSchema,
  /** NHS Number Status Indicator Code; null when it was not told. */
  nhsNumberStatus: Text,
  /** Null also when the address is restricted. */
  postcode: Text,
  deceased: z.boolean(),
  /** Where the patient lives, is seen and was imaged must not be shown. */
  restricted: z.boolean(),
  deleted: z.boolean(),
  mergedInto: PatientKeySchema.nullable(),
  /** When the sender says that it was so; so below. */
  asOf: Time,
});

const CodedSchema = z.object({ code: Text, text: Text, system: Text });

export const ORDER_STATUSES = [
  'requested',
  'scheduled',
  'in-progress',
  'completed',
  'held',
  'cancelled',
] as const;

/** A request for an examination, as the trust's RIS tells it. `orderId` names it at the trust. */
export const OrderEventSchema = z.object({
  ...ordered,
  kind: z.literal('order'),
  orderId: z.string(),
  patient: PatientSchema,
  accessionNumber: Text,
  accessionIssuer: Text,
  placerNumber: Text,
  fillerNumber: Text,
  status: z.enum(ORDER_STATUSES),
  procedure: CodedSchema.nullable(),
  modality: Text,
  priority: Text,
  scheduledAt: Time.nullable(),
  requestedAt: Time.nullable(),
  referrer: Text,
  location: Text,
  reason: Text,
  studyInstanceUID: UID.nullable(),
  /** When the examination began and ended (OBR-7, OBR-8); absent: not told. */
  startedAt: Time.nullish(),
  endedAt: Time.nullish(),
  /** PV1-2, HL7 table 0004: inpatient, outpatient, emergency, … */
  patientClass: Text.nullish(),
  /** ORC-28, HL7 table 0177, as N, R or V: how close the examination is kept. Absent or null: not told. */
  confidentiality: z.enum(['N', 'R', 'V']).nullish(),
  overtaken,
  asOf: Time,
});

export const REPORT_STATUSES = ['preliminary', 'final', 'corrected', 'withdrawn'] as const;

/** One version of a report. Which one is in force follows from status and `issuedAt`. */
export const ReportEventSchema = z.object({
  ...ordered,
  kind: z.literal('report'),
  reportId: z.string(),
  version: z.int().positive(),
  patient: PatientSchema,
  accessionNumbers: z.array(z.string()),
  studyInstanceUIDs: z.array(UID),
  status: z.enum(REPORT_STATUSES),
  issuedAt: Time,
  title: Text,
  author: Text,
  /** Whom the author reports for, where that is told: an ODS code, or a provider's name. */
  authorOrganisation: Text.nullish(),
  /** When the examination began and ended (OBR-7, OBR-8); absent: not told. */
  startedAt: Time.nullish(),
  endedAt: Time.nullish(),
  text: z.string(),
  /** True: only the beginning of the text is here; the edge holds the whole. */
  isCut: z.boolean(),
  /** A document that the edge holds beside the text. */
  document: z.object({ mediaType: z.string(), bytes: Count }).nullable(),
});

export const APPOINTMENT_STATUSES = [
  'booked',
  'cancelled',
  'deleted',
  'missed',
  'attended',
] as const;

export const AppointmentEventSchema = z.object({
  ...ordered,
  kind: z.literal('appointment'),
  appointmentId: z.string(),
  patient: PatientSchema,
  status: z.enum(APPOINTMENT_STATUSES),
  startsAt: Time.nullable(),
  minutes: z.int().positive().nullable(),
  procedure: CodedSchema.nullable(),
  resource: Text,
  location: Text,
  /** Every name in AIG-3 and AIL-3. Absent: `resource` and `location` are all. */
  resources: z.array(z.string()).optional(),
  placerNumber: Text,
  fillerNumber: Text,
  /** Why it was made, moved or cancelled (SCH-6). */
  reason: Text.nullish(),

  /** SCH-1: a booking of the hub, where it is one. Absent: not told. */
  placerAppointmentId: Text.optional(),
  overtaken,
  asOf: Time,
});

export const ENCOUNTER_STATUSES = ['planned', 'open', 'ended', 'cancelled'] as const;

/** An admission, attendance or visit, as the trust's PAS tells it: who is cared for there. */
export const EncounterEventSchema = z.object({
  ...ordered,
  kind: z.literal('encounter'),
  encounterId: z.string(),
  patient: PatientSchema,
  status: z.enum(ENCOUNTER_STATUSES),
  /** PV1-2, HL7 table 0004. */
  patientClass: Text,
  beganAt: Time,
  endedAt: Time.nullable(),
  asOf: Time,
});

const Amount = z.number().nonnegative().nullable();

/** One irradiation event; also what a report tells only as a sum, then under the UID of what it sums up. */
export const IrradiationSchema = z.object({
  eventUID: UID,
  startedAt: Time,
  protocol: Text,
  /** A localiser of CT: its CTDIvol is in no mean. */
  isLocaliser: z.boolean(),
  /** Null, and so below: not told. */
  ctdivolMGy: Amount,
  dlpMGyCm: Amount,
  dapGyCm2: Amount,
  referencePointMGy: Amount,
  fluoroSeconds: Amount,
  /** Average glandular dose of one exposure of a breast. Older edges do not tell it, nor what follows. */
  glandularMGy: Amount.default(null),
  /** Administered activity of a radiopharmaceutical. */
  activityMBq: Amount.default(null),
});

/** A radiation dose report, as a modality of the trust sent it: PS3.16 TID 10001, 10011 and 10021. Names no patient. */
export const DoseEventSchema = z.object({
  ...ordered,
  kind: z.literal('dose'),
  sopInstanceUID: UID,
  studyInstanceUID: UID,
  accessionNumber: Text,
  /** CT or MG; null: the report does not say which X-ray. */
  modality: Text,
  device: Text,
  irradiations: z.array(IrradiationSchema),
});

/** The word of the trust's RIS on a booking that the hub wants it to take, or to end. */
export const BookingEventSchema = z.object({
  ...ordered,
  kind: z.literal('booking'),
  bookingId: z.string(),
  action: z.enum(['book', 'cancel']),
  outcome: z.enum(['accepted', 'refused']),
  reason: Text,
});

/** How a teaching file stands at the home of its study. Nothing in it leads to the patient or the original. */
export const TeachingEventSchema = z.object({ ...ordered, ...teachingFields(SeriesSchema) });

/** The edge's heartbeat: no sequence, only the newest counts. */
export const HealthEventSchema = z.object({
  ...envelope,
  kind: z.literal('health'),
  version: z.string(),
  startedAt: Time,
  /** Where other edges and the hub reach this edge's HTTP. */
  httpUrl: z.url(),
  epoch: z.int().nonnegative(),
  /** Last sequence appended to the outbox, and the last one a hub is known to have applied. */
  lastSeq: Count,
  committedSeq: Count,
  /** Events that the hub has not applied yet, and the age of the oldest. */
  outbox: z.object({ waiting: Count, oldestSeconds: z.number().nonnegative() }),
  index: z.object({ studies: Count, series: Count, instances: Count }),
  quarantined: Count,
  /** Of them those that name another patient than their study does. */
  otherPatient: Count.default(0),
  conflicts: Count,
  associations: Count,
  fetches: Count,
  disk: DiskSchema,
  /** How far each PACS of the trust is known. Absent: this edge knows of no PACS. */
  crawl: z.array(CrawlProgressSchema).optional(),
  ...healthDetails,
  /** What became of the last configuration that was pushed. Absent: none was. */
  pushedConfiguration: PushedConfigurationSchema.optional(),
  /** It takes what is sent to it: /health/ready. Absent: an older edge. */
  ready: z.boolean().optional(),
  /** The newest build that it was told of, and how far it is. Absent: none was. */
  upgrade: UpgradeToldSchema.optional(),
});

export const OrderedEventSchema = z.discriminatedUnion('kind', [
  StudyEventSchema,
  DigestEventSchema,
  ReceiptEventSchema,
  PatientEventSchema,
  OrderEventSchema,
  ReportEventSchema,
  AppointmentEventSchema,
  EncounterEventSchema,
  BookingEventSchema,
  DoseEventSchema,
  TeachingEventSchema,
]);

export type Patient = z.output<typeof PatientSchema>;
export type SeriesState = z.output<typeof SeriesSchema>;
export type StudyEvent = z.output<typeof StudyEventSchema>;
export type DigestEvent = z.output<typeof DigestEventSchema>;
export type Bucket = z.output<typeof BucketSchema>;
export type ReceiptEvent = z.output<typeof ReceiptEventSchema>;
export type CrawlProgress = z.output<typeof CrawlProgressSchema>;
export type PatientEvent = z.output<typeof PatientEventSchema>;
export type OrderEvent = z.output<typeof OrderEventSchema>;
export type ReportEvent = z.output<typeof ReportEventSchema>;
export type BookingEvent = z.output<typeof BookingEventSchema>;
export type TeachingEvent = z.output<typeof TeachingEventSchema>;
export type AppointmentEvent = z.output<typeof AppointmentEventSchema>;
export type EncounterEvent = z.output<typeof EncounterEventSchema>;
export type DoseEvent = z.output<typeof DoseEventSchema>;
export type Irradiation = z.output<typeof IrradiationSchema>;
export type EncounterStatus = EncounterEvent['status'];
export type OrderStatus = OrderEvent['status'];
export type ReportStatus = ReportEvent['status'];
export type AppointmentStatus = AppointmentEvent['status'];
export type PushedConfiguration = z.output<typeof PushedConfigurationSchema>;
export type HealthEvent = z.output<typeof HealthEventSchema>;
export type OrderedEvent = z.output<typeof OrderedEventSchema>;

/** An event before the outbox has given it its place: what differs from kind to kind. */
export type EventBody<E extends OrderedEvent> = Omit<E, 'v' | 'at' | 'trust' | 'epoch' | 'seq'>;
/** What RIS and PAS tell, passed on, and what dose reports tell. */
export type RecordEventBody =
  | EventBody<PatientEvent>
  | EventBody<OrderEvent>
  | EventBody<ReportEvent>
  | EventBody<AppointmentEvent>
  | EventBody<EncounterEvent>
  | EventBody<DoseEvent>;
export type AnyEventBody =
  | EventBody<StudyEvent>
  | EventBody<DigestEvent>
  | EventBody<ReceiptEvent>
  | EventBody<BookingEvent>
  | EventBody<TeachingEvent>
  | RecordEventBody;
