/**
 * A transfer ticket: what lets one edge read one study from another, for minutes.
 * A JWT (RFC 7519) signed by the hub with Ed25519; presented as `Authorization: Bearer`.
 */
import * as z from 'zod';
import { Priority } from './commands.ts';
import { ODSCode } from './subjects.ts';

export const TICKET_ISSUER = 'cdip-hub';
export const TICKET_SECONDS = 600;

/** Claims beside `iss`, `iat`, `exp`, `jti`. `aud` is the source trust, `sub` the receiving trust. */
export const TicketClaimsSchema = z.object({
  aud: ODSCode,
  sub: ODSCode,
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
