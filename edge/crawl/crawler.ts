/** Learns what every PACS of the trust holds, each by itself: one that stands still holds up no other. */
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import { paced } from '../../shared/paced.ts';
import type { EdgeConfig } from '../config.ts';
import { PacsCrawl, type PacsCrawlOptions } from './pacs-crawl.ts';
import { crawlProgress, pacsPeers } from './progress.ts';

export interface CrawlerOptions
  extends Omit<PacsCrawlOptions, 'peer' | 'config' | 'onQuery' | 'ownAETitle'> {
  readonly config: EdgeConfig;
  readonly metrics: Registry;
}

export class Crawler {
  readonly #crawls: readonly PacsCrawl[];

  constructor(options: CrawlerOptions) {
    const { config, metrics, db, clock } = options;
    const queries = new Counter({
      name: 'cdip_crawl_queries_total',
      help: 'C-FIND requests to the PACS by how they were answered',
      labelNames: ['peer', 'end'],
      registers: [metrics],
    });
    this.#crawls = config.crawl.enabled
      ? pacsPeers(config).map(
          (peer) =>
            new PacsCrawl({
              ...options,
              peer,
              ownAETitle: config.dicom.aeTitle,
              onQuery: (end) => queries.inc({ peer: peer.name, end }),
            }),
        )
      : [];
    openGauges(
      metrics,
      paced(() => crawlProgress(db, config), clock),
    );
  }

  start(): void {
    for (const crawl of this.#crawls) crawl.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#crawls.map((crawl) => crawl.stop()));
  }
}

function openGauges(metrics: Registry, progress: () => ReturnType<typeof crawlProgress>): void {
  const gauge = (
    name: string,
    help: string,
    read: (of: ReturnType<typeof crawlProgress>[number]) => number,
  ): void => {
    new Gauge({
      ...{ name, help, labelNames: ['peer'], registers: [metrics] },
      collect() {
        for (const one of progress()) this.set({ peer: one.peer }, read(one));
      },
    });
  };
  gauge('cdip_pacs_studies', 'Studies that the PACS is known to hold', ({ studies }) => studies);
  gauge('cdip_crawl_cut_days', 'Days of which the PACS does not tell everything', (p) => p.cutDays);
  gauge('cdip_crawl_history_known', '1: everything that the PACS holds was asked for', (p) =>
    Number(p.history),
  );
  gauge('cdip_crawl_stands_still', '1: the PACS can not be asked', (p) =>
    Number(p.reason !== null),
  );
}
