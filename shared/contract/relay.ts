/**
 * The relay: edges that nobody can dial are reached by connections that they dial themselves.
 *
 *   source edge ─ GET RELAY_WAIT_PATH, Upgrade: RELAY_PROTOCOL ─► hub     then the hub is the client on it
 *   reading edge ─ RELAY_PATH/{ods}/transfer/v1/… ─► hub ─ the same request ─► a waiting connection
 *
 * On a connection that waits, one HTTP/1.1 request is answered; the source dials another one meanwhile.
 */
import * as z from 'zod';
import { ODSCode } from './subjects.ts';

export const RELAY_PROTOCOL = 'cdip-relay-1';
export const RELAY_WAIT_PATH = '/relay/v1/wait';
export const RELAY_PATH = '/relay/v1/to';

/** Base URL of a source as the hub relays it. */
export const relayedUrl = (hubUrl: string, ods: string): string =>
  `${hubUrl.replace(/\/+$/, '')}${RELAY_PATH}/${ods}`;

/** `relay` {}: a pass with which this edge may wait at the hub, `Authorization: Bearer`. */
export const RelayReplySchema = z.union([
  z.object({ pass: z.string() }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);
export type RelayReply = z.output<typeof RelayReplySchema>;

/** A pass is a JWT of the hub for itself; `sub` is the edge. */
export const RELAY_AUDIENCE = 'cdip-relay';
export const RELAY_PASS_SECONDS = 600;
export const RelayPassSchema = z.object({ aud: z.literal(RELAY_AUDIENCE), sub: ODSCode });
