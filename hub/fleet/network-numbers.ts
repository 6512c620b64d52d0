/** Per trust, from the projection: how complete its index is here, and how fetches to it went within a day. */
import { FINAL_FETCH_STATES } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface NetworkNumbers {
  readonly studies: number;
  readonly differingDays: number;
  /** RFC 3339; null: its index was never compared. */
  readonly comparedAt: string | null;
  /** Of the newest event of the trust that is applied here. */
  readonly indexAsOf: string | null;
  readonly transfers: {
    readonly ended: number;
    readonly failed: number;
    readonly medianSeconds: number | null;
    readonly p95Seconds: number | null;
  };
}

const NOTHING: NetworkNumbers = {
  ...{ studies: 0, differingDays: 0, comparedAt: null, indexAsOf: null },
  transfers: { ended: 0, failed: 0, medianSeconds: null, p95Seconds: null },
};

interface IndexRow {
  readonly trust: string;
  readonly studies: number;
  readonly differingDays: number;
  readonly comparedAt: string;
}
interface ReceiptRow {
  readonly trust: string;
  readonly state: string;
  readonly body: string;
}

/** @returns a function of the time, in milliseconds since the epoch, to the numbers of a trust */
export function prepareNetworkNumbers(
  db: Sqlite,
): (now: number) => (trust: string) => NetworkNumbers {
  const index = db.prepare<[], IndexRow>(
    `SELECT trust, sum(studies) AS studies, sum(equal = 0) AS differingDays,
       max(compared_at) AS comparedAt FROM digests GROUP BY trust`,
  );
  const cursors = db.prepare<[], { trust: string; at: string }>(
    'SELECT trust, event_at AS at FROM cursors',
  );
  const receipts = db.prepare<[string, string], ReceiptRow>(
    `SELECT trust, state, body FROM fetch_receipts
     WHERE at > ? AND state IN (SELECT value FROM json_each(?))`,
  );
  const isFinal = JSON.stringify(FINAL_FETCH_STATES);
  return (now) => {
    const rows = new Map(index.all().map((row) => [row.trust, row]));
    const asOf = new Map(cursors.all().map(({ trust, at }) => [trust, at]));
    const from = new Date(now - 86_400_000).toISOString();
    const ended = Map.groupBy(receipts.all(from, isFinal), ({ trust }) => trust);
    return (trust) => ({
      ...NOTHING,
      ...rows.get(trust),
      indexAsOf: asOf.get(trust) ?? null,
      transfers: transfersOf(ended.get(trust) ?? []),
    });
  };
}

function transfersOf(rows: readonly ReceiptRow[]): NetworkNumbers['transfers'] {
  const tried = rows.filter(({ state }) => state !== 'cancelled' && state !== 'expired');
  const seconds = tried
    .filter(({ state }) => state === 'available')
    .flatMap(({ body }) => secondsOf(body))
    .sort((a, b) => a - b);
  const at = (share: number): number | null =>
    seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * share))] ?? null;
  return {
    ended: tried.length,
    failed: tried.filter(({ state }) => state === 'failed' || state === 'partial').length,
    medianSeconds: at(0.5),
    p95Seconds: at(0.95),
  };
}

/** From its first step at the edge to the last. */
function secondsOf(body: string): number[] {
  const { steps = [] } = JSON.parse(body) as { steps?: { at: string }[] };
  const times = steps.map(({ at }) => Date.parse(at));
  return times.length < 2 ? [] : [(Math.max(...times) - Math.min(...times)) / 1000];
}
