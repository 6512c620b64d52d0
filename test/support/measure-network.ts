/** Measures over a projection that holds a world's events, without a broker: as the hub has them after applying. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHubConfig } from '../../hub/config.ts';
import { Measures } from '../../hub/measures/measures.ts';
import { prepareMeasureInbox } from '../../hub/projection/measure-inbox.ts';
import { projectionSchema } from '../../hub/projection/schema.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import { WORLD_NOW, WORLD_TRUSTS, type World } from './measure-world.ts';
import type { WorldView } from './measure-world-words.ts';

export interface MeasureNetwork {
  readonly measures: Measures;
  readonly db: Sqlite;
  readonly directory: string;
  tell(world: Pick<World, 'events' | 'fetches'> & Partial<Pick<World, 'views'>>): void;
  stop(): Promise<void>;
}

/** @param settings of `measures` in hub.yaml */
export async function startMeasureNetwork(settings: object = {}): Promise<MeasureNetwork> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-measures-'));
  const db = openSqlite(':memory:', projectionSchema);
  const trusts = WORLD_TRUSTS.map((ods) => ({ ods, name: `Trust ${ods}` }));
  // Of few rows a second thread costs half as much again; build.test.ts builds with two.
  const settled = { threads: 1, ...settings };
  const config = parseHubConfig({ dataDirectory: directory, trusts, measures: settled });
  const trail: (WorldView & { seq: number })[] = [];
  const measures = await Measures.open({
    ...{ dataDirectory: directory, config: config.measures, trusts, db, log: silentLog },
    clock: { now: () => Date.parse(WORLD_NOW), monotonicMs: () => performance.now() },
    metrics: openMetrics({}),
    audit: {
      after: (seq, limit) => trail.filter((one) => one.seq > seq).slice(0, limit),
      head: () => ({ seq: trail.length }),
    },
  });
  const inbox = prepareMeasureInbox(db);
  return {
    ...{ measures, db, directory },
    tell({ events, fetches, views = [] }) {
      for (const view of views) trail.push({ ...view, seq: trail.length + 1 });
      db.transaction(() => {
        for (const event of events) inbox.toBeCounted(event);
        for (const { order, receipt } of fetches) {
          const { fetchId, studyInstanceUID, home, source, to, requestedAt } = order as never;
          db.prepare('INSERT INTO fetches VALUES (?, 1, ?, ?, ?, ?, ?, 0, ?)').run(
            ...[fetchId, studyInstanceUID, home, (to as { trust: string }).trust, source],
            ...[requestedAt, JSON.stringify(order)],
          );
          if (receipt !== null) {
            const { trust, state, at } = receipt as never;
            db.prepare('INSERT INTO fetch_receipts VALUES (?, ?, ?, ?, ?)').run(
              ...[fetchId, trust, state, at, JSON.stringify(receipt)],
            );
          }
        }
      })();
    },
    async stop() {
      await measures.stop();
      db.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
