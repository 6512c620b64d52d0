/**
 * A transfer ticket: what lets one reader read one study from one edge, for minutes, once.
 * A JWT (RFC 7519) signed by the hub with Ed25519; presented as `Authorization: Bearer`.
 *
 * An edge's ticket is bound to the edge's own key (`cnf`, RFC 7800): each request also carries a proof in
 * `PROOF_HEADER` that only the holder of that key can make, for this ticket, method and address, once. All
 * requests that use it until they rest are one use. A ticket of the hub itself is for one request.
 */
import * as z from 'zod';
import { Priority } from './commands.ts';
import { ODSCode } from './subjects.ts';

export const TICKET_ISSUER = 'cdip-hub';
export const TICKET_SECONDS = 600;
/** Clocks of two trusts may differ so much. */
export const CLOCK_TOLERANCE_SECONDS = 30;
/** `sub` of what the hub reads in its own name. */
export const HUB_READER = 'HUB';
export const HUB_TICKET_SECONDS = 60;
export const PROOF_HEADER = 'cdip-proof';
export const PROOF_TYPE = 'cdip-proof+jwt';

/** The public nkey of an edge. */
export const EdgeKey = z.string().regex(/^U[A-Z2-7]{55}$/);

/** Claims beside `iss`, `iat`, `exp`, `jti`. `aud` is the source trust, `sub` the receiving trust. */
export const TicketClaimsSchema = z.object({
  aud: ODSCode,
  sub: ODSCode,
  /** Whose proofs it needs; absent: a ticket of the hub for itself. */
  cnf: z.object({ nkey: EdgeKey }).optional(),
  /** Study Instance UID. */
  study: z.string().min(1).max(128),
  /** Absent: the whole study. */
  series: z.array(z.string().min(1).max(128)).optional(),
  /** The copy or own study at the source: whose study it is. */
  home: ODSCode,
  /** The fetch order. */
  fetch: z.string().min(1),
  /** How urgent it is; absent: of a hub before this was told, or no fetch. */
  priority: Priority.optional(),
});
export type TicketClaims = z.output<typeof TicketClaimsSchema>;

/** As it is read again. */
export const TicketSchema = TicketClaimsSchema.extend({
  jti: z.string().min(1).max(64),
  exp: z.int().positive(),
});
export type Ticket = z.output<typeof TicketSchema>;

/** Claims of a proof. RFC 9449 §4.2 in form; it has no time of its own, since it ends with its ticket. */
export const ProofSchema = z.object({
  jti: z.string().min(16).max(64),
  /** HTTP method. */
  htm: z.string(),
  /** Path and query from `/transfer/v1/` on: what stands before it differs by the way. */
  htu: z.string(),
  /** SHA-256 of the ticket, base64url. */
  ath: z.string(),
});
