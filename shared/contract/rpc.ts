/** Questions an edge asks of whichever hub answers first, on `cdip.rpc.<ods>.<name>`. JSON both ways. */
import * as z from 'zod';
import { ODSCode } from './subjects.ts';

/** `cursor`: how far a hub has committed this edge's events. */
export const CursorReplySchema = z.object({
  /** Null: this hub holds nothing of this edge. */
  cursor: z.object({ epoch: z.int(), seq: z.int() }).nullable(),
  /** True when the hub has read everything that the edge's stream holds: what is above the cursor was lost. */
  caughtUp: z.boolean(),
});

/** `ticket` {fetchId}: a fresh ticket for a fetch that goes on. */
export const TicketRequestSchema = z.object({ fetchId: z.string().min(1) });
export const TicketReplySchema = z.union([
  z.object({ ticket: z.string(), source: z.object({ trust: ODSCode, url: z.url() }) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);

/** `directory`: the trusts, where their edges are, and the hub's keys; cached by the edge for when the hub is down. */
export const DirectorySchema = z.object({
  trusts: z.array(z.object({ ods: ODSCode, name: z.string(), httpUrl: z.url().nullable() })),
  /** RFC 7517, Ed25519: what tickets are signed with. */
  ticketKeys: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
});

export type CursorReply = z.output<typeof CursorReplySchema>;
export type TicketReply = z.output<typeof TicketReplySchema>;
export type Directory = z.output<typeof DirectorySchema>;
