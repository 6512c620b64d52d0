/**
 * What the hub asks of an edge, on `cdip.command.<ods>`, stream COMMANDS. An edge makes a command
 * durable before it acknowledges it, and carries out each `id` once in effect.
 */
import * as z from 'zod';
import { REPORT_STATUSES } from './events.ts';
import { ReleaseVersion, Sha256 } from './releases.ts';
import { ODSCode } from './subjects.ts';
import { TeachingNoteSchema } from './teaching.ts';

const envelope = { v: z.literal(1), id: z.string().min(1), at: z.iso.datetime() };
/** Longer than PS3.5 §6.2 allows: real objects carry such UIDs, and they are kept. */
const UID = z.string().min(1).max(128);

/** In falling order of urgency. */
export const PRIORITIES = ['immediate', 'urgent', 'scheduled', 'bulk'] as const;
export const Priority = z.enum(PRIORITIES);

/** The patient at the receiving trust whom the copy is to be filed under. */
export const LocalPatientSchema = z.object({
  patientId: z.string().min(1).max(64),
  issuer: z.string().min(1).max(64).optional(),
  patientName: z.string().max(324).optional(),
  /** YYYYMMDD. */
  birthDate: z
    .string()
    .regex(/^\d{8}$/)
    .optional(),
  sex: z.enum(['M', 'F', 'O']).optional(),
});

/** Bring a study from `source`, file it under the local patient, deliver it. */
export const FetchCommandSchema = z.object({
  ...envelope,
  kind: z.literal('fetch'),
  fetchId: z.string().min(1),
  studyInstanceUID: UID,
  /** Absent: the whole study. */
  seriesInstanceUIDs: z.array(UID).optional(),
  source: z.object({ trust: ODSCode, url: z.url() }),
  /** Signed by the hub; see ticket.ts. A fresh one is asked by rpc `ticket` when it has run out. */
  ticket: z.string(),
  home: ODSCode,
  priority: Priority,
  /** Name of the peer at the receiving trust; absent: its peer with `importsTo`. */
  peer: z.string().optional(),
  /** False: it is filed, and delivered to no peer. */
  deliver: z.boolean().default(true),
  localPatient: LocalPatientSchema.optional(),
  expected: z.object({ instances: z.int().nonnegative(), bytes: z.int().nonnegative() }),
});

/** End a fetch that is under way; what has been delivered stays. */
export const CancelCommandSchema = z.object({
  ...envelope,
  kind: z.literal('cancel'),
  fetchId: z.string().min(1),
});

/** Somebody named the patient of a held fetch. */
export const NamePatientCommandSchema = z.object({
  ...envelope,
  kind: z.literal('name-patient'),
  fetchId: z.string().min(1),
  localPatient: LocalPatientSchema,
});

/** The hub's rows differ from the edge's digest: tell these days again, with their members. `days` absent: all. */
export const ReannounceCommandSchema = z.object({
  ...envelope,
  kind: z.literal('reannounce'),
  days: z.array(z.string()).optional(),
});

/** A version of a report as it goes with a copy of its study. */
export const CopiedReportSchema = z.object({
  /** The trust that wrote it, and how it is called. */
  trust: ODSCode,
  trustName: z.string(),
  reportId: z.string(),
  version: z.int().positive(),
  status: z.enum(REPORT_STATUSES),
  issuedAt: z.iso.datetime(),
  title: z.string().nullable(),
  author: z.string().nullable(),
  /** Null: withdrawn, so that no text is shown. */
  text: z.string().nullable(),
  isCut: z.boolean(),
  /** A document came with it, which the trust that wrote it holds. */
  hasDocument: z.boolean(),
});

/** The version in force of a report, for whoever has, or gets, a copy of its study. A later one takes its place. */
export const ReportCommandSchema = z.object({
  ...envelope,
  kind: z.literal('report'),
  studyInstanceUID: UID,
  home: ODSCode,
  report: CopiedReportSchema,
});

/** The home does not hold the study any more: the copy goes, and nothing of it is brought or delivered. */
export const WithdrawCommandSchema = z.object({
  ...envelope,
  kind: z.literal('withdraw'),
  studyInstanceUID: UID,
  home: ODSCode,
});

/**
 * Other values for keys of the edge's configuration. The edge tries them, and goes back by itself when it does not
 * reach a hub with them.
 */
export const ConfigureCommandSchema = z.object({
  ...envelope,
  kind: z.literal('configure'),
  /** Counts up for each trust; one that is not above what the edge has seen is passed over. */
  version: z.int().positive(),
  /** By key at the top of edge.yaml; null takes the key out. */
  changes: z.record(z.string(), z.unknown()),
  /** How long it may take to reach a hub. */
  returnSeconds: z.int().min(10).max(3_600),
});

/** A build to be installed: taken from the hub by its digest. */
export const UpgradeCommandSchema = z.object({
  ...envelope,
  kind: z.literal('upgrade'),
  /** Counts up; of one rollout each try counts up. What is not above what the edge has seen is passed over. */
  rollout: z.int().positive(),
  attempt: z.int().positive(),
  version: ReleaseVersion,
  sha256: Sha256,
  bytes: z.int().positive(),
  /** Ed25519 over the file, base64; root at the edge verifies it, by the key of the build that is installed. */
  signature: z.base64().length(88),
});

/** The rollout stands still or was stopped: what is not installed yet is not installed. */
export const WithdrawUpgradeCommandSchema = z.object({
  ...envelope,
  kind: z.literal('withdraw-upgrade'),
  rollout: z.int().positive(),
});

/** Somebody of the network's staff, or of the trust's, needs a support bundle. */
export const SupportBundleCommandSchema = z.object({
  ...envelope,
  kind: z.literal('support-bundle'),
  bundle: z.uuid(),
  askedBy: z.string(),
  reason: z.string(),
  /** Signed by the hub; good for bringing this one. shared/contract/support.ts. */
  ticket: z.string(),
});

/** The network has changed: a key was taken back. The directory is to be asked for now, not in its time. */
export const DirectoryCommandSchema = z.object({ ...envelope, kind: z.literal('directory') });

/** The trust's RIS owns the diary: it has to confirm a booking of the hub, and is told when that ends. SC-01. */
export const BookingCommandSchema = z.object({
  ...envelope,
  kind: z.literal('booking'),
  action: z.enum(['book', 'cancel']),
  bookingId: z.string().min(1),
  /** The RIS's own number, where it gave one. */
  appointmentId: z.string().nullable(),
  /** A booking that is not confirmed by then is given up. */
  until: z.iso.datetime(),
  start: z.iso.datetime(),
  minutes: z.int().positive(),
  /** As the RIS names it. */
  resource: z.string(),
  procedure: z.object({ code: z.string(), text: z.string() }),
  patient: z.object({
    patientId: z.string(),
    issuer: z.string(),
    nhsNumber: z.string().optional(),
    patientName: z.string().optional(),
    /** YYYYMMDD. */
    birthDate: z.string().optional(),
    sex: z.string().optional(),
  }),
  /** Of the order that it is for. */
  placerNumber: z.string().nullable(),
  reason: z.string(),
});

/** A clinician marked an own study of the trust as a teaching file: it is to be de-identified into the collection. */
export const TeachCommandSchema = z.object({
  ...envelope,
  kind: z.literal('teach'),
  caseId: z.uuid(),
  studyInstanceUID: UID,
  note: TeachingNoteSchema,
});

/** The teaching file goes out of the collection for good. */
export const WithdrawTeachingCommandSchema = z.object({
  ...envelope,
  kind: z.literal('withdraw-teaching'),
  caseId: z.uuid(),
});

export const CommandSchema = z.discriminatedUnion('kind', [
  FetchCommandSchema,
  CancelCommandSchema,
  NamePatientCommandSchema,
  ReannounceCommandSchema,
  ReportCommandSchema,
  WithdrawCommandSchema,
  ConfigureCommandSchema,
  BookingCommandSchema,
  DirectoryCommandSchema,
  UpgradeCommandSchema,
  WithdrawUpgradeCommandSchema,
  SupportBundleCommandSchema,
  TeachCommandSchema,
  WithdrawTeachingCommandSchema,
]);

export type LocalPatient = z.output<typeof LocalPatientSchema>;
export type BookingCommand = z.output<typeof BookingCommandSchema>;
export type FetchCommand = z.output<typeof FetchCommandSchema>;
export type CopiedReport = z.output<typeof CopiedReportSchema>;
export type ReportCommand = z.output<typeof ReportCommandSchema>;
export type ConfigureCommand = z.output<typeof ConfigureCommandSchema>;
export type DirectoryCommand = z.output<typeof DirectoryCommandSchema>;
export type UpgradeCommand = z.output<typeof UpgradeCommandSchema>;
export type WithdrawUpgradeCommand = z.output<typeof WithdrawUpgradeCommandSchema>;
export type TeachCommand = z.output<typeof TeachCommandSchema>;
export type WithdrawTeachingCommand = z.output<typeof WithdrawTeachingCommandSchema>;
export type SupportBundleCommand = z.output<typeof SupportBundleCommandSchema>;
export type Command = z.output<typeof CommandSchema>;
export type PriorityName = z.output<typeof Priority>;
