/**
 * Alerts and maintenance as they stand in the log: `cdip.hub.alert.<id>`, `cdip.hub.maintenance.<id>`, whole state each.
 *
 * An id is made of what is wrong and its episode, so that two hubs that see the same trouble write the same
 * subject, and one of them is told that it was too late.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Change } from '../projection/change.ts';

const Time = z.iso.datetime();
const Level = z.enum(['warn', 'page']);

export const AlertSchema = z.object({
  id: z.string(),
  /** The network itself: `@network`. */
  trust: z.string(),
  /** Of the table in config-alerts.ts. */
  signal: z.string(),
  /** What of the trust: a device, a peer, a queue; empty: all of it. */
  subject: z.string(),
  episode: z.int().positive(),
  state: z.enum(['open', 'closed']),
  level: Level,
  /** When the level was decided. */
  value: z.number(),
  detail: z.string(),
  openedAt: Time,
  levelAt: Time,
  closedAt: Time.nullable(),
  acknowledged: z.object({ by: z.string(), at: Time, note: z.string() }).nullable(),
  snoozed: z.object({ by: z.string(), until: Time }).nullable(),
  /** Who is told just now, so that no other hub does the same. */
  telling: z.object({ by: z.string(), at: Time }).nullable(),
  /** By channel, what it was told last. */
  told: z.record(z.string(), z.enum(['warn', 'page', 'closed'])),
});
export const AlertDecisionSchema = z.object({ v: z.literal(1), alert: AlertSchema });
export type Alert = z.output<typeof AlertSchema>;

export const MaintenanceSchema = z.object({
  id: z.string(),
  trust: ODSCode,
  from: Time,
  to: Time,
  reason: z.string(),
  by: z.string(),
});
export const MaintenanceDecisionSchema = z.object({
  v: z.literal(1),
  maintenance: MaintenanceSchema,
});
export type Maintenance = z.output<typeof MaintenanceSchema>;

/** A token of a subject. */
export function alertId(
  { trust, signal, subject }: Pick<Alert, 'trust' | 'signal' | 'subject'>,
  episode: number,
): string {
  const digest = createHash('sha256').update(JSON.stringify([trust, signal, subject]));
  return `${digest.digest('hex').slice(0, 12)}-${episode}`;
}

interface Decided {
  readonly body: unknown;
  readonly streamSeq: number;
}

/** Within the transaction that moves the cursor. @throws ZodError for a body of another version */
export function applyAlertDecision(db: Sqlite, { body, streamSeq }: Decided): Change[] {
  const { alert } = AlertDecisionSchema.parse(body);
  db.prepare<[object]>(
    `INSERT INTO alerts VALUES (@id, @streamSeq, @trust, @signal, @subject, @episode, @state, @level,
       @openedAt, @body)
     ON CONFLICT DO UPDATE SET stream_seq = excluded.stream_seq, state = excluded.state,
       level = excluded.level, body = excluded.body`,
  ).run({ ...pickRow(alert), streamSeq, body: JSON.stringify(alert) });
  return [{ kind: 'alert', trust: alert.trust, alertId: alert.id }];
}

const pickRow = ({
  id,
  trust,
  signal,
  subject,
  episode,
  state,
  level,
  openedAt,
}: Alert): object => ({
  ...{ id, trust, signal, subject, episode, state, level, openedAt },
});

/** As {@link applyAlertDecision}. */
export function applyMaintenanceDecision(db: Sqlite, { body, streamSeq }: Decided): Change[] {
  const { maintenance } = MaintenanceDecisionSchema.parse(body);
  const { id, trust, from, to } = maintenance;
  db.prepare<[object]>(
    `INSERT OR REPLACE INTO maintenance VALUES (@id, @streamSeq, @trust, @from, @to, @body)`,
  ).run({ id, trust, from, to, streamSeq, body: JSON.stringify(maintenance) });
  return [{ kind: 'alert', trust, alertId: '' }];
}
