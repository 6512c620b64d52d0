/** What people decided of two identities, as it stands in the log: `cdip.hub.identity.<pair>`; the newest counts. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';

export const IdentityDecisionSchema = z.object({
  v: z.literal(1),
  /** Keys as `keyText` writes them, in order. */
  a: z.string(),
  b: z.string(),
  /** `undone`: the rules decide again. */
  decision: z.enum(['same', 'different', 'undone']),
  by: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
});
export type IdentityDecision = z.output<typeof IdentityDecisionSchema>;

export interface PairDecision {
  readonly a: string;
  readonly b: string;
  readonly decision: 'same' | 'different';
}

/** A token of a subject, the same for both orders. */
export const pairId = (a: string, b: string): string =>
  createHash('sha256').update([a, b].toSorted().join(' ')).digest('hex').slice(0, 32);

/** Within the transaction that moves the cursor. @throws ZodError for a body of another version */
export function applyIdentityDecision(
  db: Sqlite,
  { body, streamSeq }: { readonly body: unknown; readonly streamSeq: number },
): [] {
  const decision = IdentityDecisionSchema.parse(body);
  db.prepare<[object]>(
    `INSERT OR REPLACE INTO identity_decisions
     VALUES (@a, @b, @decision, @by, @reason, @at, @streamSeq)`,
  ).run({ ...decision, streamSeq });
  return [];
}

/** Where the last decision on the pair stands in the log; 0: nowhere. */
export function lastDecisionOn(db: Sqlite, a: string, b: string): number {
  return (
    db
      .prepare<[string, string], number>(
        'SELECT stream_seq FROM identity_decisions WHERE a = ? AND b = ?',
      )
      .pluck()
      .get(a, b) ?? 0
  );
}

export function decisionsAbout(db: Sqlite, key: string): PairDecision[] {
  return statement<PairDecision>(
    db,
    `SELECT a, b, decision FROM identity_decisions
     WHERE (a = ? OR b = ?) AND decision <> 'undone'`,
  ).all(key, key);
}
