/**
 * Each trail's end, kept by others once a day, so that who writes a whole trail and its head anew is found by what
 * he does not hold: the hub's end in the trail of every edge, each edge's in the hub's.
 *
 *   ours: seq, digest ─► the other one's trail ─► compared with our rows when we speak again ─► ANCHOR_DIFFERS
 */
import * as z from 'zod';
import type { AuditEntry } from './entry.ts';
import type { AuditTrail } from './trail.ts';

/** How the hub's trail is called. */
export const HUB_TRAIL = 'HUB';
/** One of each day is kept; compared are those of a year and more. */
export const COMPARED = 400;

export const AnchorSchema = z.object({
  seq: z.int().nonnegative(),
  /** SHA-256, hexadecimal. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
  /** The same, signed by whose trail it is: a JWS with its ticket key. The hub's alone. */
  jws: z.string().max(2_000).optional(),
});
export type Anchor = z.output<typeof AnchorSchema>;

type Trail = Pick<AuditTrail, 'append' | 'digestAt' | 'find'>;

const keeperOf = (of: string): string => `end of the trail of ${of}`;
const disputeWith = (by: string): string => `what ${by} keeps of this trail`;

/** Keeps another one's end in our trail. */
export function keepAnchor(trail: Trail, of: string, anchor: Anchor): void {
  const { seq, digest, at, jws } = anchor;
  trail.append({
    ...ofPrograms({ user: keeperOf(of), outcome: 0, code: null }),
    query: { of, seq, digest, at, ...(jws === undefined ? {} : { jws }) },
  });
}

/** What we keep of another one's trail, newest first. */
export function keptAnchors(trail: Trail, of: string, limit: number = COMPARED): Anchor[] {
  const { events } = trail.find({ user: keeperOf(of) }, { limit, offset: 0 });
  return events.flatMap(({ query }) => AnchorSchema.safeParse(query).data ?? []);
}

/**
 * Compares our rows with what another one keeps of them; what differs is recorded, once each.
 *
 * @returns the rows that are not what they were, or not there
 */
export function compareAnchors(trail: Trail, by: string, kept: readonly Anchor[]): number[] {
  const differing = kept.filter(({ seq, digest }) => seq > 0 && trail.digestAt(seq) !== digest);
  if (differing.length === 0) return [];
  const { events } = trail.find({ user: disputeWith(by) }, { limit: COMPARED, offset: 0 });
  const known = new Set(events.map(({ query }) => `${query['seq']} ${query['digest']}`));
  for (const { seq, digest, at } of differing)
    if (!known.has(`${seq} ${digest}`))
      trail.append({
        ...ofPrograms({ user: disputeWith(by), outcome: 12, code: 'ANCHOR_DIFFERS' }),
        query: { by, seq, digest, at },
      });
  return differing.map(({ seq }) => seq);
}

function ofPrograms(
  given: Pick<AuditEntry, 'user' | 'outcome' | 'code'>,
): Omit<AuditEntry, 'query'> {
  return {
    ...{ event: 'audit', action: 'C', ...given, role: 'system', trust: null, what: 'anchor' },
    ...{ address: null, purpose: null, patients: [], studies: [], homes: [] },
  };
}
