/**
 * `cdip edge status` and `cdip edge queue`: read from the database alone, so that they answer while the
 * edge is down, too.
 */
import { statfsSync } from 'node:fs';
import { rfc3339 } from '../../shared/clock.ts';
import type { CrawlProgress } from '../../shared/contract/events.ts';
import type { EdgeConfig } from '../config.ts';
import { crawlProgress, crawlWords } from '../crawl/progress.ts';
import { DeliveryQueue } from '../deliver/delivery-queue.ts';
import { PeerStates, stateOf, whyOf } from '../deliver/peer-states.ts';
import { readStoredStatus } from '../health/edge-status.ts';
import { localUrl } from './ask-edge.ts';
import { openForCommands } from './open-for-commands.ts';
import { table } from './table.ts';

const READY_MS = 3_000;

export async function printStatus(config: EdgeConfig, json: boolean): Promise<number> {
  const db = openForCommands(config);
  const stored = readStoredStatus(db, config.trust, Date.now());
  const crawl = crawlProgress(db, config);
  const { bavail, bsize } = statfsSync(config.dataDirectory);
  const disk = { freeBytes: bavail * bsize, reserveBytes: config.storage.reserveBytes };
  const running = await readiness(config);
  const stopped = running === 'not running' ? [] : await stoppedRouting(config);
  const status = { trust: config.trust, running, ...stored, crawl, disk, stopped };
  if (json) {
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return 0;
  }
  const { index, outbox } = stored;
  const rows: string[][] = [
    ['edge', `${config.trust} ${running}`],
    [
      'index',
      `${index.studies} studies, ${index.nearline} only in the PACS; ${index.series} series, ${index.instances} instances here`,
    ],
    ...crawl.map(crawlRow),
    ...stopped.map(({ part, code, since }) => [
      'routing',
      `${part} stands still since ${since}: ${code}; tried again by itself`,
    ]),
    ['quarantine', `${stored.quarantined}`],
    ['conflicts', `${index.conflicts}`],
    [
      'hub has to be told',
      `${outbox.waiting} events, oldest ${Math.round(outbox.oldestSeconds)} s`,
    ],
    ['fetches under way', `${stored.fetches}`],
    ['deliveries under way', `${stored.deliveries}`],
    ['disk', `${gigabytes(disk.freeBytes)} free, ${gigabytes(disk.reserveBytes)} kept as reserve`],
  ];
  process.stdout.write(table(['what', 'now'], rows));
  return 0;
}

function crawlRow(of: CrawlProgress): string[] {
  const [studies, known, compared, gaps] = crawlWords(of);
  const why = of.reason === null ? '' : ` (${of.reason.code}: ${of.reason.detail})`;
  const words = `${of.state}${why}, ${studies} studies, ${known}; compared ${compared}`;
  return [of.peer, gaps === '' ? words : `${words}; ${gaps}`];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** What /health/ready says, or that nobody answers. */
async function readiness(config: EdgeConfig): Promise<string> {
  try {
    const response = await fetch(`${localUrl(config)}/health/ready`, {
      signal: AbortSignal.timeout(READY_MS),
    });
    if (response.ok) return 'ready';
    const { detail } = (await response.json()) as { detail?: string };
    return `not ready: ${detail ?? response.status}`;
  } catch {
    return 'not running';
  }
}

/** Parts of routing that can't work now: where the disk is full, only the running edge can say it. */
async function stoppedRouting(
  config: EdgeConfig,
): Promise<{ part: string; code: string; since: string }[]> {
  try {
    const signal = AbortSignal.timeout(READY_MS);
    const text = await (await fetch(`${localUrl(config)}/metrics`, { signal })).text();
    return [...text.matchAll(/^cdip_route_stopped_since_seconds\{([^}]*)\} (\d+)/gm)].map(
      ([, labels = '', seconds]) => ({
        part: /part="([^"]*)"/.exec(labels)?.[1] ?? '',
        code: /code="([^"]*)"/.exec(labels)?.[1] ?? '',
        since: rfc3339(Number(seconds) * 1000),
      }),
    );
  } catch {
    return [];
  }
}

export function printQueue(config: EdgeConfig, json: boolean): number {
  const db = openForCommands(config);
  const fetches = db
    .prepare<[], QueuedFetch>(
      `SELECT fetch_id AS id, source_trust AS "with", state, instances_done AS done,
         instances_expected AS expected, reason_code AS code, reason_detail AS detail
       FROM fetches WHERE ended_at IS NULL ORDER BY priority, received_at`,
    )
    .all();
  const queue = new DeliveryQueue(db);
  const deliveries = queue
    .list(LISTED)
    .filter(({ endedAt }) => endedAt === null)
    .map((row) => {
      const { sent, instances } = queue.progress(row.deliveryId);
      const { deliveryId: id, peer, state, reasonCode: code, reasonDetail: detail } = row;
      return { id, with: peer, state, done: sent, expected: instances, code, detail };
    });
  const destinations = new PeerStates(db).list();
  if (json) {
    process.stdout.write(`${JSON.stringify({ fetches, deliveries, destinations })}\n`);
    return 0;
  }
  const rows = [
    ...fetches.map((row) => queueRow('fetch from', row)),
    ...deliveries.map((row) => queueRow('delivery to', row)),
  ];
  process.stdout.write(table(['what', 'peer', 'id', 'state', 'objects', 'why it waits'], rows));
  if (destinations.length === 0) return 0;
  const standing = destinations.map((one) => [
    ...[one.peer, stateOf(one), `${one.objects}`, whyOf(one)],
  ]);
  process.stdout.write(`\n${table(['destination', 'state', 'objects', 'why it waits'], standing)}`);
  return 0;
}

const LISTED = 10_000;

interface QueuedFetch {
  readonly id: string;
  readonly with: string;
  readonly state: string;
  readonly done: number;
  readonly expected: number;
  readonly code: string | null;
  readonly detail: string | null;
}

function queueRow(what: string, row: QueuedFetch): string[] {
  const why = row.code === null ? '' : `${row.code}: ${row.detail}`;
  return [what, row.with, row.id, row.state, `${row.done} of ${row.expected}`, why];
}
