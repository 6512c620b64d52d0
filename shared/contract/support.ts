/**
 * A support bundle on request: asked for by command, made and scrubbed by the edge, sent to the hub once.
 *
 *   hub ─support-bundle, with a ticket─► edge ─ PUT SUPPORT_PATH/{id}, Authorization: Bearer ─► hub: kept for 14 days
 *
 * The body is the bundle (`application/gzip`, its digest in Content-Digest, RFC 9530), or problem details that say why
 * there is none.
 */
import * as z from 'zod';
import { ODSCode } from './subjects.ts';

export const SUPPORT_PATH = '/edge/v1/support';
export const BUNDLE_TYPE = 'application/gzip';
export const MAX_BUNDLE_BYTES = 200_000_000;

/** The ticket is a JWT of the hub for itself; `sub` is the edge, `bundle` what was asked for. Good for one bundle. */
export const SUPPORT_AUDIENCE = 'cdip-support';
export const SUPPORT_TICKET_SECONDS = 86_400;
export const SupportTicketSchema = z.object({
  aud: z.literal(SUPPORT_AUDIENCE),
  sub: ODSCode,
  bundle: z.uuid(),
});
export type SupportTicket = z.output<typeof SupportTicketSchema>;

/** Why there is none. */
export const BundleProblemSchema = z.object({
  code: z.string().max(64),
  detail: z.string().max(500),
});
