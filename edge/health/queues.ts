/** What waits, by queue and priority, with the age of the oldest and why it waits. SQL over the queues' own tables. */
import { PRIORITIES } from '../../shared/contract/commands.ts';
import type { QueueHealth } from '../../shared/contract/health.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

interface QueueRow {
  readonly queue: QueueHealth['queue'];
  readonly priority: number;
  readonly waiting: number;
  readonly oldest: number;
  readonly reason: string | null;
}

/** A query that says min() takes the other columns from the oldest row: SQLite, "bare columns in an aggregate query". */
const SQL = `
SELECT 'delivery' AS queue, priority, count(*) AS waiting, min(created_at) AS oldest, reason_code AS reason
  FROM deliveries WHERE ended_at IS NULL GROUP BY priority
UNION ALL
SELECT 'fetch', priority, count(*), min(received_at), reason_code
  FROM fetches WHERE ended_at IS NULL AND state <> 'delivering' GROUP BY priority
UNION ALL
SELECT 'route', priority, count(*), min(created_at), reason_code
  FROM route_jobs WHERE ended_at IS NULL AND state IN ('waiting', 'held') GROUP BY priority`;

/** @returns a function of the time, in milliseconds since the epoch */
export function prepareQueues(db: Sqlite): (now: number) => QueueHealth[] {
  const statement = db.prepare<[], QueueRow>(SQL);
  return (now) =>
    statement.all().map(({ queue, priority, waiting, oldest, reason }) => ({
      ...{ queue, waiting, reason },
      priority: PRIORITIES[priority] ?? 'bulk',
      oldestSeconds: Math.max(0, (now - oldest) / 1000),
    }));
}
