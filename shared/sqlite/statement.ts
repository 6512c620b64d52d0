/** Prepared statements, once per database and text: searches are made of few shapes that come again and again. */
import type { Statement } from 'better-sqlite3';
import type { Sqlite } from './open.ts';

const prepared = new WeakMap<Sqlite, Map<string, Statement<unknown[]>>>();

/**
 * The statement of `sql`, whose rows are `Row`. Texts are made of code alone, never of values, so
 * the number that is kept is bounded by the code.
 */
export function statement<Row>(db: Sqlite, sql: string): Statement<unknown[], Row> {
  const known = prepared.get(db) ?? new Map<string, Statement<unknown[]>>();
  prepared.set(db, known);
  const found = known.get(sql) ?? db.prepare<unknown[]>(sql);
  known.set(sql, found);
  return found as Statement<unknown[], Row>;
}
