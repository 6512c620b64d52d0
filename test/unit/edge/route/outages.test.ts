/** A database that takes nothing: said once, tried again less and less often, shown, and nothing is lost by it. */
import t, { type Test } from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { RuleSet } from '../../../../edge/route/decide.ts';
import { Outages } from '../../../../edge/route/outages.ts';
import { openRouteCounters } from '../../../../edge/route/route-metrics.ts';
import { RouteStore } from '../../../../edge/route/route-store.ts';
import { Router, type RouterParts } from '../../../../edge/route/router.ts';
import { Switches } from '../../../../edge/route/switches.ts';
import { furtherParts } from '../../../../edge/schema-parts.ts';
import type { Log } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';

const MINUTE_MS = 60_000;

function world(t: Test) {
  const directory = temporaryDirectory(t);
  const config = parseEdgeConfig({ trust: 'RRK', dataDirectory: directory, routes: [] });
  const db = openEdgeDatabase(directory, furtherParts);
  t.teardown(() => void db.close());
  const said: string[] = [];
  const log = {
    error: (event: string, { code }: { code: string }) => said.push(`${event} ${code}`),
    info: (event: string) => said.push(event),
  } as unknown as Log;
  const clock = { now: Date.parse('2026-11-27T07:00:00Z'), looks: 0 };
  const store = new RouteStore(db);
  const outages = new Outages();
  const router = new Router({
    ...{ trust: 'RRK', rules: new RuleSet(config), store, outages, quietMs: 0, log, models: [] },
    now: () => clock.now,
    facts: {
      ofStudy: async () => {
        clock.looks += 1;
        return [];
      },
    },
    switches: new Switches(db),
  } as unknown as RouterParts);
  const look = async (): Promise<void> => {
    router.wake();
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const registry = openMetrics({ trust: 'RRK' });
  openRouteCounters(registry, { store, outages, inbox: { heldCount: () => 0 } as never });
  return { db, store, outages, look, said, clock, metrics: () => registry.metrics() };
}

t.test('a full disk stops routing aloud, once, and it goes on by itself', async (t) => {
  const { db, store, outages, look, said, clock, metrics } = world(t);
  const attributes = { studyInstanceUID: '2.999.1', sopInstanceUID: '2.999.1.1' };
  store.enqueue({ attributes } as never, clock.now);
  // Of a full disk SQLite says the same.
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.exec('CREATE TABLE filler (bytes BLOB)');
  db.exec(`CREATE TRIGGER full BEFORE DELETE ON route_queue BEGIN
    INSERT INTO filler VALUES (zeroblob(100000)); END`);
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  for (let i = 0; i < 120; i += 1) {
    await look();
    clock.now += 500;
  }
  t.strictSame(said, ['route.look-failed SQLITE_FULL'], 'a minute of it is one line');
  t.ok(clock.looks >= 5 && clock.looks <= 8, `${clock.looks} looks in a minute`);
  t.match(outages.list(), [{ part: 'rules', code: 'SQLITE_FULL' }]);
  // As "cdip edge status" reads it.
  const stopped =
    /^cdip_route_stopped_since_seconds\{part="rules",code="SQLITE_FULL",trust="RRK"\} \d+$/m;
  t.match(await metrics(), stopped);
  t.equal(store.queueLength(), 1, 'it is still to be decided');
  db.exec('DROP TRIGGER full');
  clock.now += MINUTE_MS;
  await eventually('it goes on', async () => {
    await look();
    return store.queueLength() === 0;
  });
  t.strictSame(said, ['route.look-failed SQLITE_FULL', 'route.works-again']);
  t.strictSame(outages.list(), []);
  t.notMatch(await metrics(), /^cdip_route_stopped_since_seconds\{/m);
});
