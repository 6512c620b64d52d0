/** Rollouts as they stand in the log: `cdip.hub.rollout.network`, whole state each, so that one is under way at a time. */
import * as z from 'zod';
import { hubSubject } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type Rollout, RolloutSchema } from './rollout.ts';

export const ROLLOUT_SUBJECT = hubSubject('rollout', 'network');

const DecisionSchema = z.object({ v: z.literal(1), rollout: RolloutSchema });

/** Within the transaction that moves the cursor. @throws ZodError for a body of another version */
export function applyRollout(
  db: Sqlite,
  { body, streamSeq }: { readonly body: unknown; readonly streamSeq: number },
): [] {
  const { rollout } = DecisionSchema.parse(body);
  db.prepare<[object]>(
    'INSERT OR REPLACE INTO rollouts VALUES (@number, @state, @body, @streamSeq)',
  ).run({
    ...{ number: rollout.number, state: rollout.state, streamSeq },
    body: JSON.stringify(rollout),
  });
  return [];
}

/** The newest first. */
export function listRollouts(db: Sqlite): Rollout[] {
  return db
    .prepare<[], string>('SELECT body FROM rollouts ORDER BY number DESC')
    .pluck()
    .all()
    .map((body) => JSON.parse(body) as Rollout);
}

/** Where the last decision on any rollout stands in the log; 0: nowhere. */
export function lastRolloutDecision(db: Sqlite): number {
  return (
    db.prepare<[], number>('SELECT coalesce(max(stream_seq), 0) FROM rollouts').pluck().get() ?? 0
  );
}
