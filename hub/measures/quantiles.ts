/** Medians and the like: exact over the facts, or, where that would be too many rows for a page, over their sample. */
import type { Question } from './answer.ts';
import { type Context, relationOf } from './cells.ts';
import type { Measure } from './measure.ts';
import { inMonths } from './month-range.ts';
import { sampleFor } from './sample.ts';
import { quoted, type Row, type Store } from './store.ts';

export interface QuantileQuestion {
  readonly asked: Question;
  readonly months: readonly string[];
  readonly context: Context;
  /** How many rows it is about. */
  readonly rowCount: number;
}

export const keyOf = (row: Row, by: readonly string[]): string =>
  by.map((name) => String(row[name])).join('\n');

/** By key: each quantile, and as `n_…` of how many values. */
export async function quantilesOf(
  store: Store,
  measure: Measure,
  { asked, months, context, rowCount }: QuantileQuestion,
): Promise<{ byKey: Map<string, Row>; isSampled: boolean }> {
  const quantiles = measure.quantiles ?? [];
  if (quantiles.length === 0 || months.length === 0) return { byKey: new Map(), isSampled: false };
  const sample = sampleFor(measure.fact, rowCount);
  const { by } = asked;
  // All quantiles of a value at once: its rows are sorted once.
  const values = [...new Set(quantiles.map(({ of }) => of))];
  const found = values.map((of, at) => {
    const ps = quantiles.filter((one) => one.of === of).map(({ p }) => p);
    return `quantile_cont(${of}, [${ps.join(', ')}]) AS q${at}, count(${of}) AS n${at}`;
  });
  const told = quantiles.map(({ name, of }) => {
    const at = values.indexOf(of);
    const place = quantiles.filter((one) => one.of === of).findIndex((one) => one.name === name);
    return `q${at}[${place + 1}] AS ${name}, n${at} AS n_${name}`;
  });
  const split = measure.dimensions.map((name) => `coalesce(${name}, 'not told') AS ${name}`);
  const keys = by.map((name) => `${name},`).join(' ');
  const rows = await store.ask(`
    SELECT ${keys} ${told.join(', ')} FROM (
      SELECT ${keys} ${found.join(', ')} FROM (
        SELECT * REPLACE (${split.join(', ')}) FROM (${sourceOf(measure, months, { context, table: sample ?? `main.${measure.fact}` })}))
      ${filterOf(asked)} ${by.length === 0 ? '' : `GROUP BY ${by.join(', ')}`})`);
  return {
    byKey: new Map(rows.map((row) => [keyOf(row, by), row])),
    isSampled: sample !== null,
  };
}

/** Its months are those of the source. */
function filterOf({ where }: Question): string {
  const values = Object.entries(where).filter(([name]) => name !== 'month');
  return values.length === 0
    ? ''
    : `WHERE ${values.map(([name, value]) => `${name} = ${quoted(value)}`).join(' AND ')}`;
}

/** The relation with its month, of the months that are asked for: by their ends, not by the month of each row. */
function sourceOf(
  measure: Measure,
  months: readonly string[],
  { context, table }: { context: Context; table: string },
): string {
  const [first = ''] = months;
  const last = months.at(-1) ?? first;
  const { fact, at } = measure;
  return `WITH ${fact} AS (FROM ${table}
      WHERE ${inMonths(at ?? '', first, last).join(' AND ')})
    SELECT *, month_of(day_of(${at})) AS month FROM (${relationOf(measure, context)})`;
}
