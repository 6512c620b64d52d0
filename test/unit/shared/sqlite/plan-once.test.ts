/** Values hidden from the planner: the statement stays what it was. */
import Database from 'better-sqlite3';
import t from 'tap';
import { planOnce } from '../../../../shared/sqlite/plan-once.ts';

t.test('parameters are hidden where a column equals them, and nowhere else', async (t) => {
  const same = (from: string, to: string) => t.equal(planOnce(from), to);
  same('SELECT 1 FROM a WHERE x = ? AND y=@y', 'SELECT 1 FROM a WHERE x = +? AND y= +@y');
  same(
    'SELECT 1 FROM a WHERE x IS ? OR x IS NOT @x',
    'SELECT 1 FROM a WHERE x IS +? OR x IS NOT +@x',
  );
  same('SELECT 1 FROM a WHERE x >= ? AND x <= ?', 'SELECT 1 FROM a WHERE x >= ? AND x <= ?');
  same('SELECT 1 FROM a WHERE x != ? AND y IS NULL', 'SELECT 1 FROM a WHERE x != ? AND y IS NULL');
  same("SELECT 'it''s = ?' WHERE x = ?", "SELECT 'it''s = ?' WHERE x = +?");
});

t.test('the same rows by the same indexes, for text, keys and null', async (t) => {
  const db = new Database(':memory:');
  db.exec(`CREATE TABLE a (x TEXT PRIMARY KEY, y INTEGER) STRICT;
           CREATE TABLE b (y INTEGER PRIMARY KEY, z TEXT) STRICT;
           INSERT INTO a VALUES ('7', 1), ('8', 2); INSERT INTO b VALUES (1, 'one'), (2, NULL)`);
  for (const [where, value] of [
    ['x = ?', '7'],
    ['b.y = ?', '2'],
    ['z IS ?', null],
  ] as const) {
    const sql = `SELECT * FROM a JOIN b USING (y) WHERE ${where}`;
    const rows = db.prepare(sql).all(value);
    t.equal(rows.length, 1, `${where} finds one by ${value}`);
    t.same(db.prepare(planOnce(sql)).all(value), rows);
    const plan = (text: string) => db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(value);
    t.same(plan(planOnce(sql)), plan(sql));
  }
  db.close();
});
