/** A store of the measures that can't be opened: the rest of the hub goes on, and nothing that was told is lost. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseHubConfig } from '../../../../hub/config.ts';
import { Measures } from '../../../../hub/measures/measures.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { codeOf } from '../../../../shared/errors.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';

t.test('a damaged store is said to be so, and built when it is out of the way', async (t) => {
  const dataDirectory = t.testdir();
  const file = join(dataDirectory, 'measures', 'facts.duckdb');
  mkdirSync(join(dataDirectory, 'measures'));
  writeFileSync(file, Buffer.alloc(20_000, 'damaged'));
  const errors: string[] = [];
  const config = parseHubConfig({ dataDirectory, trusts: [{ ods: 'RRK', name: 'One' }] });
  const measures = await Measures.open({
    ...{ dataDirectory, config: config.measures, trusts: config.trusts, clock: systemClock },
    db: openSqlite(':memory:', projectionSchema),
    log: { ...silentLog, error: (event) => void errors.push(event) },
    metrics: openMetrics({}),
  });
  t.teardown(() => measures.stop());
  t.strictSame(errors, ['measures.not-built']);
  const asked = await measures.answer('BI-13', { by: [], filters: {} } as never).catch(codeOf);
  t.equal(asked, 'MEASURES_NOT_BUILT');
  await t.rejects(measures.refresh());
  rmSync(file);
  t.equal(await measures.refresh(), true, 'without the damaged file it is built');
});
