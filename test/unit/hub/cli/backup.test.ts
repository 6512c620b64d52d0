/** What a hub's backup has of the measures: their history, not the rows of people that were made for analysts. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { backup, restore } from '../../../../hub/cli/backup.ts';
import { parseHubConfig } from '../../../../hub/config.ts';

t.test('marts are left out, the store comes back', async (t) => {
  const folder = t.testdir({
    'hub.yaml': '',
    there: {},
    data: {
      measures: {
        'facts.duckdb': 'history',
        marts: { 'purpose-a.1.duckdb': 'rows' },
        temp: { spill: 'rows' },
      },
    },
  });
  const configOf = (dataDirectory: string) =>
    parseHubConfig({ dataDirectory, trusts: [{ ods: 'RRK', name: 'One' }] });
  const file = join(folder, 'hub.backup');
  const there = join(folder, 'there');
  writeFileSync(
    join(folder, 'hub.yaml'),
    `dataDirectory: ${there}\ntrusts: [{ ods: RRK, name: One }]\n`,
  );
  t.equal(backup(configOf(join(folder, 'data')), join(folder, 'hub.yaml'), file), 0);
  t.equal(restore(join(folder, 'hub.yaml'), file), 0);
  t.ok(existsSync(join(there, 'measures', 'facts.duckdb')));
  t.notOk(existsSync(join(there, 'measures', 'marts')));
  t.notOk(existsSync(join(there, 'measures', 'temp')));
});
