/** The finest cells of a measure, counted from its relation, and which of them stand together (suppress.ts). */
import { DuckDBTimestampValue } from '@duckdb/node-api';
import { guardedOf, type Measure } from './measure.ts';
import { quoted, type Store, timestamp } from './store.ts';
import { ALONE, type Cell, unitsOf } from './suppress.ts';

export interface Context {
  /** ODS codes of the network. */
  readonly trusts: readonly string[];
  readonly now: number;
}

export const cellTable = (measure: Measure): string =>
  `cell_${measure.id.replaceAll('-', '_').toLowerCase()}`;

/** The relation with its moments and lists filled in. @param at of a snapshot, a timestamp of SQL */
export function relationOf(measure: Measure, { trusts, now }: Context, at?: string): string {
  const list = trusts.length === 0 ? "''" : trusts.map(quoted).join(', ');
  return measure.relation
    .replaceAll('$trusts', list)
    .replaceAll('$now', timestamp(now))
    .replaceAll('$at', at ?? timestamp(now));
}

/** Counts of every finest cell, into `cell_…`. Within the build's transaction. */
export async function buildCells(store: Store, measure: Measure, context: Context): Promise<void> {
  const table = cellTable(measure);
  const { dimensions, counts } = measure;
  const counted = counts.map(({ name, where }) =>
    where === undefined ? `count(*) AS ${name}` : `count(*) FILTER (${where}) AS ${name}`,
  );
  const split = dimensions.map((name) => `coalesce(${name}, 'not told') AS ${name}`);
  const columns = ['trust', ...split, ...counted].join(', ');
  await store.run(`DROP TABLE IF EXISTS ${table}`);
  await store.run(
    measure.kind === 'events'
      ? `CREATE TABLE ${table} AS SELECT month_of(day_of(${measure.at})) AS month, ${columns},
           ${ALONE} AS unit, ${ALONE} AS detail_unit FROM (${relationOf(measure, context)}) WHERE ${measure.at} IS NOT NULL GROUP BY ALL`
      : `CREATE TABLE ${table} AS ${(await snapshotMonths(store, context))
          .map(
            ({ month, at }) =>
              `SELECT ${quoted(month)} AS month, ${columns}, ${ALONE} AS unit, ${ALONE} AS detail_unit
               FROM (${relationOf(measure, context, at)}) GROUP BY ALL`,
          )
          .join(' UNION ALL ')}`,
  );
  await putTogether(store, measure, table);
}

export interface SnapshotMonth {
  readonly month: string;
  /** SQL of the moment: the end of the month, or now. */
  readonly at: string;
}

/** Every month of which anything is known, up to now. */
async function snapshotMonths(store: Store, { now }: Context): Promise<SnapshotMonth[]> {
  const rows = await store.rows(`
    SELECT month_of(d) AS month, utc_of_london((d + INTERVAL 1 MONTH)::TIMESTAMP) AS ends
    FROM (SELECT unnest(generate_series(
      (SELECT date_trunc('month', coalesce(min(day_of(requested_at)), day_of(${timestamp(now)}))) FROM exam
        WHERE requested_at >= TIMESTAMP '1990-01-01'),
      date_trunc('month', day_of(${timestamp(now)})), INTERVAL 1 MONTH)) AS d)`);
  return rows.map(({ month, ends }) => ({
    month: String(month),
    at: timestamp(Math.min(now, millisecondsOf(ends))),
  }));
}

const millisecondsOf = (value: unknown): number =>
  value instanceof DuckDBTimestampValue ? Number(value.micros / 1_000n) : Number(value);

async function putTogether(store: Store, measure: Measure, table: string): Promise<void> {
  const guarded = guardedOf(measure).map((sql, index) => `${sql} AS g${index}`);
  const names = ['trust', 'month', ...measure.dimensions];
  const total = measure.counts[0].name;
  const rows = await store.rows(
    `SELECT rowid AS place, ${[...names, `${total} AS total`, ...guarded].join(', ')}
     FROM ${table} ORDER BY ALL`,
  );
  const cells: Cell[] = rows.map((row) => ({
    path: names.map((name) => String(row[name])),
    total: Number(row['total']),
    details: guarded.map((_, index) => Number(row[`g${index}`])),
  }));
  const units = unitsOf(cells);
  const joined = rows.flatMap(({ place }, index) => {
    const [ofTotal, ofDetails] = [units.total[index], units.details[index]];
    const isAlone = ofTotal === ALONE && ofDetails === ALONE;
    return isAlone ? [] : [`(${String(place)}, ${ofTotal}, ${ofDetails})`];
  });
  if (joined.length === 0) return;
  await store.run(
    `UPDATE ${table} SET unit = j.unit, detail_unit = j.detail_unit
     FROM (VALUES ${joined.join(', ')}) j(place, unit, detail_unit) WHERE ${table}.rowid = j.place`,
  );
}
