/** The analytic store and the hub that ends while it is being built. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Store } from '../../../../hub/measures/store.ts';

const HOURS_OF_WORK =
  'CREATE TABLE much AS SELECT sum(hash(a.range, b.range)) AS s FROM range(10000000) a, range(1000000) b';

t.test(
  'a build that runs when the hub ends is broken off at once and leaves nothing',
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'cdip-test-store-'));
    const options = { directory, memoryMegabytes: 256, threads: 1 };
    const store = await Store.open(options);
    const build = store.transaction(async () => {
      await store.run('CREATE TABLE begun AS SELECT 1 AS one');
      await store.run(HOURS_OF_WORK);
    });
    setTimeout(() => store.end(), 200);
    await t.rejects(build, { code: 'MEASURES_ENDED' });
    await t.rejects(store.run('CREATE TABLE later AS SELECT 1 AS one'), { code: 'MEASURES_ENDED' });
    store.close();

    const again = await Store.open(options);
    t.teardown(() => again.close());
    const tables = await again.rows(
      "SELECT table_name FROM information_schema.tables WHERE table_name IN ('begun', 'much', 'later')",
    );
    t.strictSame(tables, []);
  },
);
