/**
 * What lets an edge fetch an urgent study while no hub answers. architecture.md, rule 8.
 *
 *   hub ─ delegation, hours, in the directory ─► edge ─ signs its own ticket, minutes ─► source: verifies both
 *
 * A delegation is a JWT of the hub: this key may sign urgent tickets of this trust. A ticket by it (`typ`) opens a
 * study of the source's own, needs the same proofs as the hub's, opens once, and names who wants it and why. Both
 * edges keep what was read and tell a hub as soon as one answers (rpc `unaided`).
 */
import * as z from 'zod';
import { ODSCode } from './subjects.ts';
import { EdgeKey, TICKET_SECONDS, TicketSchema } from './ticket.ts';

export const DELEGATION_TYPE = 'cdip-delegation+jwt';
export const DELEGATION_AUDIENCE = 'cdip-unaided';
/** So long a hub may be down; and so long an edge that was taken back is trusted by who could not be told. */
export const DELEGATION_SECONDS = 12 * 3_600;
/** The same delegation is handed out for so long. */
export const DELEGATION_STEP_SECONDS = 3_600;

export const DelegationSchema = z.object({
  /** The trust whose edge it is. */
  sub: ODSCode,
  cnf: z.object({ nkey: EdgeKey }),
  exp: z.int().positive(),
});

export const UNAIDED_TICKET_TYPE = 'cdip-unaided-ticket+jwt';
export const UNAIDED_TICKET_SECONDS = TICKET_SECONDS;

const Words = z.string().trim().min(1).max(200);

/** Claims of an edge's own ticket. `iss` and `sub` are the trust that reads. */
export const UnaidedTicketSchema = TicketSchema.omit({ cnf: true }).extend({
  iat: z.int().positive(),
  priority: z.literal('urgent'),
  delegation: z.string().min(1).max(4_096),
  /** Who wants it, and why: what the source keeps. */
  by: Words,
  reason: Words,
});
export type UnaidedTicket = z.output<typeof UnaidedTicketSchema>;

/** `unaided`: a fetch that no hub ordered, told by either edge when a hub answers again. */
export const UnaidedReportSchema = z.object({
  side: z.enum(['reader', 'source']),
  fetchId: z.string().min(1).max(64),
  /** The trust at the other end. */
  other: ODSCode,
  studyInstanceUID: z.string().min(1).max(128),
  home: ODSCode,
  by: Words,
  reason: Words,
  at: z.iso.datetime(),
});
export type UnaidedReport = z.output<typeof UnaidedReportSchema>;

export const UnaidedReplySchema = z.union([
  z.object({ recorded: z.literal(true) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);
