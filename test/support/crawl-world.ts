/** An edge's index with a crawl of one PACS, without the rest of an edge: time is the test's. */
import { parseEdgeConfig } from '../../edge/config.ts';
import { PacsCrawl } from '../../edge/crawl/pacs-crawl.ts';
import { crawlProgress } from '../../edge/crawl/progress.ts';
import { openEdgeDatabase } from '../../edge/database.ts';
import { EdgeIndex } from '../../edge/index/edge-index.ts';
import { Outbox } from '../../edge/outbox/outbox.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
import type { CrawlProgress } from '../../shared/contract/events.ts';
import { silentLog } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface CrawlWorld {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly outbox: Outbox;
  readonly crawl: PacsCrawl;
  /** What the crawl has asked, by how it was answered. */
  readonly queries: Record<string, number>;
  now: number;
  /** Steps until nothing is due. */
  settle(): Promise<void>;
  progress(): CrawlProgress;
  /** Study Instance UIDs of the index, sorted. */
  studies(): string[];
  close(): Promise<void>;
}

export interface CrawlWorldOptions {
  readonly directory: string;
  readonly pacs: { readonly port: number; readonly aeTitle: string };
  readonly now: number;
  readonly characterSet?: string;
  readonly maxForUndated?: number;
}

export function openCrawlWorld(options: CrawlWorldOptions): CrawlWorld {
  const { directory, characterSet, maxForUndated } = options;
  const { port, aeTitle } = options.pacs;
  const peer = { name: 'main-pacs', host: '127.0.0.1', role: 'pacs', port, aeTitle };
  const config = parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: directory },
    peers: [{ ...peer, ...(characterSet === undefined ? {} : { characterSet }) }],
    crawl: {
      ...{ queriesPerMinute: 6_000, earliestYear: 2000 },
      busyHours: { from: 0, to: 0 },
    },
  });
  const db = openEdgeDatabase(directory, furtherParts);
  const world = { now: options.now };
  const clock = { now: () => world.now, monotonicMs: () => performance.now() };
  const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
  const outbox = new Outbox({ db, index, clock, quietMs: 5_000 });
  outbox.beginEpoch();
  const queries: Record<string, number> = {};
  const [known] = config.peers;
  if (known === undefined) throw new Error('no peer');
  const crawl = new PacsCrawl({
    ...{ peer: known, config, db, index, clock, reading: dicomReading, log: silentLog },
    ...{ ownAETitle: 'CDIP_RRK', random: () => 0 },
    ...(maxForUndated === undefined ? {} : { maxForUndated }),
    onQuery: (end) => {
      queries[end] = (queries[end] ?? 0) + 1;
    },
  });
  return Object.assign(world, {
    ...{ db, index, outbox, crawl, queries },
    async settle() {
      while (await crawl.step());
    },
    progress(): CrawlProgress {
      const [progress] = crawlProgress(db, config);
      if (progress === undefined) throw new Error('no PACS');
      return progress;
    },
    studies: () =>
      db.prepare<[], string>('SELECT study_uid FROM studies ORDER BY study_uid').pluck().all(),
    async close() {
      await crawl.stop();
      db.close();
    },
  });
}
