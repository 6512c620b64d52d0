/**
 * Configurations of edges as the log holds them, on `cdip.hub.configuration.<ods>`: one proposes, another approves.
 * The newest proposal of a trust takes the place of one before it that nobody has approved.
 */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

const head = {
  v: z.literal(1),
  trust: ODSCode,
  version: z.int().positive(),
  by: z.string(),
  at: z.iso.datetime(),
};
const ProposedSchema = z.object({
  ...head,
  action: z.literal('proposed'),
  changes: z.record(z.string(), z.unknown()),
  returnSeconds: z.int(),
  reason: z.string(),
});
const ApprovedSchema = z.object({ ...head, action: z.literal('approved') });
export const ConfigurationDecisionSchema = z.discriminatedUnion('action', [
  ProposedSchema,
  ApprovedSchema,
]);
export type ConfigurationDecision = z.output<typeof ConfigurationDecisionSchema>;

export interface ConfigurationVersion {
  readonly trust: string;
  readonly version: number;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly returnSeconds: number;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAt: string;
  readonly approvedBy: string | null;
  readonly approvedAt: string | null;
}

/** Within the transaction that moves the cursor. @throws ZodError for a body of another version */
export function applyConfigurationDecision(
  db: Sqlite,
  { body, streamSeq }: { readonly body: unknown; readonly streamSeq: number },
): [] {
  const decision = ConfigurationDecisionSchema.parse(body);
  const { trust, version, by, at } = decision;
  if (decision.action === 'approved') {
    db.prepare<[object]>(
      `UPDATE configurations SET approved_by = @by, approved_at = @at, stream_seq = @streamSeq
       WHERE trust = @trust AND version = @version`,
    ).run({ trust, version, by, at, streamSeq });
    return [];
  }
  const { changes, returnSeconds, reason } = decision;
  db.prepare<[object]>(
    `INSERT OR REPLACE INTO configurations (trust, version, changes, return_seconds, reason,
       proposed_by, proposed_at, stream_seq)
     VALUES (@trust, @version, @changes, @returnSeconds, @reason, @by, @at, @streamSeq)`,
  ).run({
    ...{ trust, version, returnSeconds, reason, by, at, streamSeq },
    changes: JSON.stringify(changes),
  });
  return [];
}

type Row = Omit<ConfigurationVersion, 'changes'> & { readonly changes: string };

/** Newest first. */
export function versionsOf(db: Sqlite, trust: string): ConfigurationVersion[] {
  return db
    .prepare<[string], Row>(
      `SELECT trust, version, changes, return_seconds AS returnSeconds, reason,
         proposed_by AS proposedBy, proposed_at AS proposedAt, approved_by AS approvedBy,
         approved_at AS approvedAt
       FROM configurations WHERE trust = ? ORDER BY version DESC`,
    )
    .all(trust)
    .map((row) => ({ ...row, changes: JSON.parse(row.changes) as Record<string, unknown> }));
}

/** Where the last decision on the trust's configuration stands in the log; 0: nowhere. */
export function lastDecisionOn(db: Sqlite, trust: string): number {
  return (
    db
      .prepare<[string], number | null>(
        'SELECT max(stream_seq) FROM configurations WHERE trust = ?',
      )
      .pluck()
      .get(trust) ?? 0
  );
}
