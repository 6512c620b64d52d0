/** Data go forward in form with a copy before; an older program says how to go back. */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { databaseFile, openEdgeDatabase } from '../../../../edge/database.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';

const first = { name: 'first', sql: 'CREATE TABLE things (name TEXT) STRICT' };
const second = { name: 'second', sql: 'ALTER TABLE things ADD COLUMN colour TEXT' };

t.test('a file is copied before its form changes, and not when nothing changes', async (t) => {
  const file = join(t.testdir(), 'x.sqlite');
  const old = openSqlite(file, [first]);
  old.exec("INSERT INTO things VALUES ('kept')");
  old.close();
  openSqlite(file, [first]).close();
  t.notOk(existsSync(`${file}.schema-1`));
  openSqlite(file, [first, second]).close();
  const copy = openSqlite(`${file}.schema-1`, [first]);
  t.strictSame(copy.prepare('SELECT * FROM things').all(), [{ name: 'kept' }]);
  copy.close();
});

t.test('what can be made again is not copied', async (t) => {
  const file = join(t.testdir(), 'x.sqlite');
  openSqlite(file, [first]).close();
  openSqlite(file, [first, second], { copiesBefore: false }).close();
  t.notOk(existsSync(`${file}.schema-1`));
});

t.test('an older edge refuses newer data, and the way back that it names works', async (t) => {
  const directory = t.testdir();
  const file = databaseFile(directory);
  const old = openEdgeDatabase(directory, { things: [first] });
  old.exec("INSERT INTO things VALUES ('kept')");
  old.close();
  openEdgeDatabase(directory, { things: [first, second] }).close();
  let message = '';
  try {
    openEdgeDatabase(directory, { things: [first] });
  } catch (error) {
    t.match(error, { code: 'DATA_NEWER', retry: 'never' });
    ({ message } = error as Error);
  }
  const [, from = '', to = ''] = /"cp (\S+) (\S+)"/.exec(message) ?? [];
  t.equal(to, file);
  copyFileSync(from, to);
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  const again = openEdgeDatabase(directory, { things: [first] });
  t.strictSame(again.prepare('SELECT * FROM things').all(), [{ name: 'kept' }]);
  again.close();
});
