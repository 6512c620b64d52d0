/** Questions an edge asks of whichever hub answers first, on `cdip.rpc.<ods>.<name>`. JSON both ways. */
import * as z from 'zod';
import { AnchorSchema, COMPARED } from '../audit/anchors.ts';
import { ODSCode } from './subjects.ts';
import { EdgeKey } from './ticket.ts';

/** `cursor`: how far a hub has committed this edge's events. */
export const CursorReplySchema = z.object({
  /** Null: this hub holds nothing of this edge. */
  cursor: z.object({ epoch: z.int(), seq: z.int() }).nullable(),
  /** True when the hub has read everything that the edge's stream holds: what is above the cursor was lost. */
  caughtUp: z.boolean(),
  /** The hub's clock when it answered. Absent: an older hub. */
  at: z.iso.datetime().optional(),
});

/** `ticket` {fetchId}: a fresh ticket for a fetch that goes on. */
export const TicketRequestSchema = z.object({ fetchId: z.string().min(1) });
export const TicketReplySchema = z.union([
  z.object({ ticket: z.string(), source: z.object({ trust: ODSCode, url: z.url() }) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

const Text = z.string().max(324);

/**
 * `query`: studies of other trusts for a workstation of this one. Names a patient or studies; nothing else
 * is listed. `patientId` without `issuer`: of whatever issuer.
 */
export const QueryRequestSchema = z.object({
  nhsNumber: z
    .string()
    .regex(/^\d{10}$/)
    .optional(),
  patientId: Text.optional(),
  issuer: Text.optional(),
  /** With wildcards. */
  patientName: Text.optional(),
  /** YYYYMMDD. */
  birthDate: Text.optional(),
  studyInstanceUIDs: z.array(z.string().min(1).max(128)).max(100).optional(),
  modalities: z.array(z.string().max(16)).optional(),
  from: Text.optional(),
  to: Text.optional(),
  /** With their series. */
  withSeries: z.boolean(),
  limit: z.int().min(1).max(500),
  offset: z.int().nonnegative(),
});

const Given = z.string().nullable();

const QueriedSeriesSchema = z.object({
  seriesInstanceUID: z.string(),
  modality: Given,
  seriesNumber: z.int().nullable(),
  description: Given,
  bodyPart: Given,
  /** Null: not known. */
  numberOfInstances: z.int().nullable(),
});

export const QueriedStudySchema = z.object({
  studyInstanceUID: z.string(),
  home: ODSCode,
  patient: z.object({
    patientId: z.string(),
    issuer: z.string(),
    nhsNumber: Given,
    name: Given,
    birthDate: Given,
    sex: Given,
  }),
  /** YYYYMMDD, HHMMSS. */
  studyDate: Given,
  studyTime: Given,
  studyId: Given,
  accessionNumber: Given,
  description: Given,
  referringPhysician: Given,
  institution: Given,
  modalities: z.array(z.string()),
  /** Null: not known. */
  numberOfSeries: z.int().nullable(),
  numberOfInstances: z.int().nullable(),
  series: z.array(QueriedSeriesSchema.extend({ numberOfInstances: z.int() })).optional(),
});

/** The part of a federated answer that says whom it speaks for. */
export const AnsweredSchema = z.object({
  trust: ODSCode,
  ok: z.boolean(),
  asOf: z.iso.datetime().nullable(),
  reason: z.string().optional(),
});

export const QueryReplySchema = z.union([
  z.object({
    studies: z.array(QueriedStudySchema),
    /** Of all pages. */
    total: z.int().nonnegative(),
    answered: z.array(AnsweredSchema),
    /** Studies that match and that this trust may not be shown. Absent: none, or an older hub. */
    withheld: z.int().positive().optional(),
  }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `contents`: the series of a study of another trust, or the objects of one. Nothing is moved for it. */
export const ContentsRequestSchema = z.object({
  studyInstanceUID: z.string().min(1).max(128),
  home: ODSCode,
  /** Absent: its series. */
  seriesInstanceUID: z.string().min(1).max(128).optional(),
  limit: z.int().min(1).max(1_000),
  offset: z.int().nonnegative(),
});
export const ContentsReplySchema = z.union([
  z.object({
    instances: z.array(
      z.object({ sopInstanceUID: z.string(), sopClassUID: Given, instanceNumber: Given }),
    ),
  }),
  z.object({ series: z.array(QueriedSeriesSchema) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `fetch`: a workstation of this trust wants a study of another one. The order is the hub's, as any. */
export const FetchRpcRequestSchema = z.object({
  studyInstanceUID: z.string().min(1).max(128),
  home: ODSCode.optional(),
  seriesInstanceUIDs: z.array(z.string().min(1).max(128)).optional(),
  /** Name of the peer at this trust; absent: it is filed here and delivered nowhere. */
  peer: z.string().optional(),
  /** AE title of the workstation. */
  requestedBy: z.string().max(16),
});
export const FetchRpcReplySchema = z.union([
  z.object({ fetchId: z.string() }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `keys`: which of its keys an edge uses, and which it wants beside it. That it uses a newer one ends those before. */
export const KeysRequestSchema = z.object({ current: EdgeKey, next: EdgeKey.optional() });
export const KeysReplySchema = z.union([
  z.object({
    /** When the key in use ends. */
    endsAt: z.iso.datetime(),
    /** The hub's clock. */
    at: z.iso.datetime(),
    /** PEM, for the key in use; and who issued it. Absent: an older hub. */
    certificate: z.string().optional(),
    authority: z.string().optional(),
  }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `anchors`: the ends of both audit trails, each kept by the other one. shared/audit/anchors.ts. */
export const AnchorsRequestSchema = z.object({
  /** The end of the edge's trail; null: it is empty. */
  own: AnchorSchema.nullable(),
  /** What the edge keeps of the hub's. */
  kept: z.array(AnchorSchema).max(COMPARED),
});
export const AnchorsReplySchema = z.union([
  z.object({ own: AnchorSchema.nullable(), kept: z.array(AnchorSchema) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `directory`: the trusts, where their edges are, and the hub's keys; cached by the edge for when the hub is down. */
export const DirectorySchema = z.object({
  trusts: z.array(z.object({ ods: ODSCode, name: z.string(), httpUrl: z.url().nullable() })),
  /** Public nkeys of edges that were taken back: tickets that are bound to one open nothing. Absent: an older hub. */
  revokedKeys: z.array(z.string()).optional(),
  /** RFC 7517, Ed25519: what tickets are signed with. */
  ticketKeys: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  /** Where edges speak to the hub by HTTP, with the certificate that it issued. Absent: where people do. */
  edgesUrl: z.url().optional(),
  /** What lets this edge fetch urgent studies while no hub answers: unaided.ts. Absent: nothing does. */
  delegation: z.string().max(4_096).optional(),
});

export type AnchorsRequest = z.output<typeof AnchorsRequestSchema>;
export type AnchorsReply = z.output<typeof AnchorsReplySchema>;
export type KeysReply = z.output<typeof KeysReplySchema>;
export type CursorReply = z.output<typeof CursorReplySchema>;
export type TicketReply = z.output<typeof TicketReplySchema>;
export type QueryRequest = z.output<typeof QueryRequestSchema>;
export type QueryReply = z.output<typeof QueryReplySchema>;
export type QueriedSeries = z.output<typeof QueriedSeriesSchema>;
export type QueriedStudy = z.output<typeof QueriedStudySchema>;
export type ContentsRequest = z.output<typeof ContentsRequestSchema>;
export type ContentsReply = z.output<typeof ContentsReplySchema>;
export type AnsweredTrust = z.output<typeof AnsweredSchema>;
export type FetchRpcRequest = z.output<typeof FetchRpcRequestSchema>;
export type FetchRpcReply = z.output<typeof FetchRpcReplySchema>;
export type Directory = z.output<typeof DirectorySchema>;
