/** Opening a database: migrated once, forward only. */
import { join } from 'node:path';
import t from 'tap';
import { commitDurably, openSqlite } from '../../../../shared/sqlite/open.ts';

const first = { name: 'first', sql: 'CREATE TABLE a (x INTEGER) STRICT' };
const second = { name: 'second', sql: 'ALTER TABLE a ADD COLUMN y TEXT' };

t.test('an older file is brought forward and keeps its rows', async (t) => {
  const file = join(t.testdir(), 'x.sqlite');
  const old = openSqlite(file, [first]);
  old.exec('INSERT INTO a VALUES (1)');
  old.close();
  const db = openSqlite(file, [first, second]);
  t.same(db.prepare('SELECT x, y FROM a').all(), [{ x: 1, y: null }]);
  db.close();
});

t.test('a file from a newer program is refused, untouched', async (t) => {
  const file = join(t.testdir(), 'x.sqlite');
  openSqlite(file, [first, second]).close();
  t.throws(() => openSqlite(file, [first]), /newer/);
});

t.test('a migration that fails leaves the file as it was', async (t) => {
  const file = join(t.testdir(), 'x.sqlite');
  openSqlite(file, [first]).close();
  t.throws(() =>
    openSqlite(file, [first, { name: 'bad', sql: 'CREATE TABLE b (x INTEGER) STRICT; nonsense' }]),
  );
  const db = openSqlite(file, [first, second]);
  t.same(db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'b'").get(), { n: 0 });
  db.close();
});

t.test('a durable commit leaves the connection as it found it, also when it fails', async (t) => {
  const db = openSqlite(join(t.testdir(), 'x.sqlite'), [first]);
  commitDurably(db, () => db.exec('INSERT INTO a VALUES (1)'));
  t.throws(() =>
    commitDurably(db, () => {
      db.exec('INSERT INTO a VALUES (2)');
      throw new Error('no');
    }),
  );
  t.equal(db.pragma('synchronous', { simple: true }), 1);
  t.same(db.prepare('SELECT x FROM a').all(), [{ x: 1 }]);
  db.close();
});
