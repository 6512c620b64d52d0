/**
 * How an edge stands, as an engineer and the hub are told: counts, what waits and why. Read from the
 * database alone, so that `cdip edge status` works while the edge is down.
 *
 * No patient identity is in it: numbers, codes, UIDs, AE titles.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type IndexCounts, IndexQueries } from '../index/queries.ts';

export interface OutboxView {
  readonly epoch: number;
  readonly waiting: number;
  /** Of the oldest that waits. */
  readonly oldestSeconds: number;
}

export interface StoredStatus {
  readonly index: IndexCounts;
  readonly quarantined: number;
  readonly outbox: OutboxView;
  /** Fetches and deliveries that are not over. */
  readonly fetches: number;
  readonly deliveries: number;
}

/** @param now milliseconds since the epoch */
export function readStoredStatus(db: Sqlite, trust: string, now: number): StoredStatus {
  const number = (sql: string): number => Number(db.prepare(sql).pluck().get() ?? 0);
  const oldestAt = number(`SELECT min(at) FROM outbox
    WHERE row_id > (SELECT committed_row_id FROM outbox_cursor)`);
  return {
    index: new IndexQueries(db, trust).counts(),
    quarantined: number('SELECT count(*) FROM quarantine'),
    outbox: {
      epoch: number('SELECT max(epoch) FROM epochs'),
      waiting: number(`SELECT count(*) FROM outbox
        WHERE row_id > (SELECT committed_row_id FROM outbox_cursor)`),
      oldestSeconds: oldestAt === 0 ? 0 : Math.max(0, (now - oldestAt) / 1000),
    },
    fetches: number('SELECT count(*) FROM fetches WHERE ended_at IS NULL'),
    deliveries: number('SELECT count(*) FROM deliveries WHERE ended_at IS NULL'),
  };
}
