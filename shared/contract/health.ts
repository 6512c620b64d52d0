/**
 * What a heartbeat tells beyond the counts: how the machine, its queues, its callers and its neighbours are.
 *
 *   edge/health ──HealthEvent──► HEALTH ──► hub/fleet (history), hub/alerts
 *
 * Numbers, codes, AE titles, hosts of the trust's own network; nothing of a patient. Every part may be
 * absent: an older edge does not tell it.
 */
import * as z from 'zod';
import { ODSCode } from './subjects.ts';

const Count = z.int().nonnegative();
const Time = z.iso.datetime();
const Seconds = z.number().nonnegative();
/** 0 to 1; a load may be above. */
const Share = z.number().nonnegative();

export const MachineSchema = z.object({
  /** Load of the last minute by core. */
  cpu: Share,
  memory: Share,
  /** Of this program. */
  rssBytes: Count,
  /** 99 % of the delays of the event loop since the last look were below. */
  eventLoopMs: z.number().nonnegative(),
  /** Of the descriptors that this program may have open; null: the system does not say. */
  files: Share.nullable(),
});

/** What waits for one reason of its own; the oldest by priority. */
export const QueueSchema = z.object({
  queue: z.enum(['delivery', 'fetch', 'route']),
  priority: z.enum(['immediate', 'urgent', 'scheduled', 'bulk']),
  waiting: Count,
  oldestSeconds: Seconds,
  /** Why the oldest waits; null: it does not stand still. */
  reason: z.string().nullable(),
});

/** Of the last minutes. */
export const TrafficSchema = z.object({
  seconds: Seconds,
  objects: Count,
  bytes: Count,
  /** C-STORE requests that were not answered 0000H. */
  notStored: Count,
  associations: Count,
  rejected: Count,
  aborted: Count,
  /** Mean time from the last byte of an object to its status; null: none came. */
  acknowledgementMs: z.number().nonnegative().nullable(),
  hl7: Count,
  hl7Refused: Count,
});

/** Somebody whose associations were refused or broke off within the hour. */
export const TroubledCallerSchema = z.object({
  callingAETitle: z.string(),
  host: z.string(),
  known: z.boolean(),
  associations: Count,
  rejected: z.record(z.string(), Count),
  aborted: Count,
});

/** Somebody who stores objects. */
export const ModalityHealthSchema = z.object({
  aeTitle: z.string(),
  /** Of the peers of edge.yaml; null: not listed there. */
  peer: z.string().nullable(),
  role: z.string().nullable(),
  /** (0008,0060) of its last object. */
  modality: z.string().nullable(),
  lastObjectAt: Time,
  /** Since this edge was installed. */
  objects: Count,
});

export const Hl7FeedSchema = z.object({
  application: z.string(),
  facility: z.string(),
  lastAt: Time,
});

const Probe = z.object({
  ok: z.boolean(),
  /** Of the last 20 that were answered, the slowest but one; null: none was. */
  p95Ms: z.number().nonnegative().nullable(),
  /** In a row. */
  failures: Count,
  at: Time,
  reason: z.string().nullable(),
});
export const PacsHealthSchema = z.object({
  peer: z.string(),
  echo: Probe.nullable(),
  find: Probe.nullable(),
});

export const CertificateSchema = z.object({ of: z.string(), endsAt: Time });

/** Whether another trust's edge can be dialled from this one. */
export const ReachSchema = z.object({
  trust: ODSCode,
  ok: z.boolean(),
  ms: z.number().nonnegative().nullable(),
  at: Time,
  reason: z.string().nullable(),
});

export const healthDetails = {
  machine: MachineSchema.optional(),
  queues: z.array(QueueSchema).optional(),
  traffic: TrafficSchema.optional(),
  callers: z.array(TroubledCallerSchema).optional(),
  modalities: z.array(ModalityHealthSchema).optional(),
  hl7: z.object({ feeds: z.array(Hl7FeedSchema), dead: Count }).optional(),
  pacs: z.array(PacsHealthSchema).optional(),
  certificates: z.array(CertificateSchema).optional(),
  /** Ours less the hub's, measured when the cursor is asked for; null: not measured yet. */
  clock: z.object({ offsetMs: z.number().nullable() }).optional(),
  reach: z.array(ReachSchema).optional(),
  /** Storage commitments of the last day that named objects as not committed, or could not be told. */
  commitmentFailures: Count.optional(),
  /** Digest of the configuration in force. */
  configuration: z.string().optional(),
};

export const DiskSchema = z.object({
  freeBytes: Count,
  reserveBytes: Count,
  totalBytes: Count.optional(),
  /** Until the reserve is reached at the rate of the last hours; null: it is not filling. */
  hoursToFull: z.number().nonnegative().nullish(),
});

export type MachineHealth = z.output<typeof MachineSchema>;
export type QueueHealth = z.output<typeof QueueSchema>;
export type TrafficHealth = z.output<typeof TrafficSchema>;
export type TroubledCaller = z.output<typeof TroubledCallerSchema>;
export type ModalityHealth = z.output<typeof ModalityHealthSchema>;
export type PacsHealth = z.output<typeof PacsHealthSchema>;
export type PacsProbe = z.output<typeof Probe>;
export type CertificateHealth = z.output<typeof CertificateSchema>;
export type ReachHealth = z.output<typeof ReachSchema>;

/** The last configuration that was pushed to the edge. */
export const PushedConfigurationSchema = z.object({
  version: z.int().positive(),
  /** `trial`: in force, until it is clear whether a hub is reached with it; `returned`, `refused`: the one before is in force. */
  state: z.enum(['trial', 'kept', 'returned', 'refused']),
  at: Time,
  reason: z.object({ code: z.string(), detail: z.string() }).nullable(),
});
