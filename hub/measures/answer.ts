/**
 * A measure's figures for a question: by which dimensions, for which months, of whom. Only sums of whole
 * units (suppress.ts) are given, from the cells; medians only where the counts are, from the facts.
 */
import { amountColumn, cellTable, monthTable, numbersOf } from './cell-names.ts';
import type { Context } from './cells.ts';
import { type Measure, mainCount } from './measure.ts';
import { MeasureError } from './measure-error.ts';
import { keyOf, quantilesOf } from './quantiles.ts';
import { quoted, type Row, type Store } from './store.ts';
import { ALONE, NEVER, SMALLEST } from './suppress.ts';
import { figureNames } from './versions.ts';

export interface Question {
  readonly by: readonly string[];
  /** Months, `2026-03`; null: the first or the last there is. */
  readonly from: string | null;
  readonly to: string | null;
  /** Values of dimensions. */
  readonly where: Readonly<Record<string, string>>;
  /** The trust whose own figures are told whole: that of who asks. */
  readonly own: string | null;
}

/** Rows that an answer may have to be kept until the next build. */
export const KEPT_ROWS = 500;

export type Figure = string | number | boolean | null;
export type FigureRow = Readonly<Record<string, Figure | Readonly<Record<string, number>>>>;

export const dimensionsOf = (measure: Measure): string[] => [
  'trust',
  'month',
  ...measure.dimensions,
];

/** @throws MeasureError `MEASURE_DIMENSION` */
export function checkQuestion(measure: Measure, { by, where }: Question): void {
  const known = dimensionsOf(measure);
  const other = [...by, ...Object.keys(where)].find((name) => !known.includes(name));
  if (other !== undefined)
    throw new MeasureError(
      'MEASURE_DIMENSION',
      `${measure.id} is not split by "${other}"; it is by ${known.join(', ')}`,
    );
}

export interface Figures {
  readonly rows: readonly FigureRow[];
  /** The months that were counted; null: there are none. */
  readonly from: string | null;
  readonly to: string | null;
  /** True: medians come from a sample of the rows, since they are many. */
  readonly isSampled: boolean;
}

/** Medians of a build that were asked for, by their question: they are the same for whoever asks. */
export type KeptQuantiles = Map<string, ReturnType<typeof quantilesOf>>;

export async function figuresOf(
  store: Store,
  measure: Measure,
  { asked, context, kept }: { asked: Question; context: Context; kept: KeptQuantiles },
): Promise<Figures> {
  checkQuestion(measure, asked);
  const { by } = asked;
  const months = await monthsOf(store, measure, asked);
  const counted = await store.ask(countsSql(measure, asked, months));
  const rowCount = counted.reduce((sum, row) => sum + Number(row['asked']), 0);
  const key = JSON.stringify([measure.id, by, asked.where, months[0], months.at(-1)]);
  const asking =
    kept.get(key) ??
    quantilesOf(store, measure, {
      ...{ asked, months, context, rowCount },
    });
  // What is large is not kept, nor what could not be answered.
  if (counted.length <= KEPT_ROWS) kept.set(key, asking);
  const { byKey, isSampled } = await asking.catch((error: unknown) => {
    kept.delete(key);
    throw error;
  });
  const rows = counted.map((row) => {
    const amounts = byKey.get(keyOf(row, by));
    const trust = by.includes('trust') ? row['trust'] : asked.where['trust'];
    const isOwn = asked.own !== null && trust === asked.own;
    return figureRow(measure, by, row, { amounts, least: isOwn ? 1 : SMALLEST });
  });
  return { rows, from: months[0] ?? null, to: months.at(-1) ?? null, isSampled };
}

/** Of a snapshot that is not split by month, only the last: who waits in March also waited in February. */
async function monthsOf(store: Store, measure: Measure, asked: Question): Promise<string[]> {
  const { from, to, by, where } = asked;
  const limits = [
    from === null ? [] : [`month >= ${quoted(from)}`],
    to === null ? [] : [`month <= ${quoted(to)}`],
    where['month'] === undefined ? [] : [`month = ${quoted(where['month'])}`],
  ].flat();
  const within = limits.length === 0 ? '' : `WHERE ${limits.join(' AND ')}`;
  const rows = await store.ask(
    `SELECT DISTINCT month FROM ${monthTable(measure)} ${within} ORDER BY month`,
  );
  const months = rows.map(({ month }) => String(month));
  return measure.kind === 'snapshot' && !by.includes('month') ? months.slice(-1) : months;
}

/** Months are all that there are from the first to the last; a list of hundreds would be compared with each row. */
function filterOf({ where }: Pick<Question, 'where'>, months: readonly string[]): string {
  const [first = '', last = ''] = [months[0], months.at(-1)];
  const values = Object.entries(where).map(([name, value]) => `c.${name} = ${quoted(value)}`);
  return [`c.month BETWEEN ${quoted(first)} AND ${quoted(last)}`, ...values].join(' AND ');
}

/**
 * Sums of whole units, and whether that is all of it: for the total, and for the details. Cells of the
 * asker's own trust stand alone: they are known to it anyway.
 */
function countsSql(measure: Measure, asked: Question, months: readonly string[]): string {
  const { by, where } = asked;
  const group = by.length === 0 ? '' : `GROUP BY ${by.join(', ')}`;
  const sums = numbersOf(measure);
  const total = mainCount(measure);
  const judged = (kind: 'total' | 'details'): string => `
    SELECT ${by.map((name) => `${name},`).join(' ')} bool_and(is_whole) AS is_whole,
      sum(${total})::BIGINT AS asked,
      ${sums.map((name) => `coalesce(sum(${name}) FILTER (is_whole), 0)::BIGINT AS ${name}`).join(', ')}
    FROM (SELECT * REPLACE (is_alone OR (unit <> ${NEVER} AND found = size) AS is_whole)
      FROM (${unitsSql(measure, asked, { kind, sums, within: filterOf({ where }, months) })}))
    ${group}`;
  return `
    WITH totals AS (${judged('total')}), details AS (${judged('details')})
    SELECT d.*, t.is_whole AS is_total_whole, t.${total} AS total
    FROM details d ${by.length === 0 ? 'CROSS JOIN totals t' : `JOIN totals t USING (${by.join(', ')})`}
    WHERE d.is_whole IS NOT NULL
    ${by.length === 0 ? '' : `ORDER BY ${by.join(', ')}`}`;
}

/** True: it asks for all of a trust's month or nothing of it. */
const isByMonths = ({ by, where }: Question): boolean =>
  [...by, ...Object.keys(where)].every((name) => name === 'trust' || name === 'month');

/** Cells of a measure, each with its unit and how many cells that has; or the same put together by months. */
function cellsSql(measure: Measure, asked: Question, kind: 'total' | 'details'): string {
  if (isByMonths(asked))
    return `(SELECT *, 0 AS unit_size FROM ${monthTable(measure)} WHERE kind = ${quoted(kind)})`;
  const [unit, size] = kind === 'total' ? ['unit', 'unit_cells'] : ['detail_unit', 'detail_cells'];
  const columns = ['trust', 'month', ...measure.dimensions, ...numbersOf(measure)];
  return `(SELECT ${columns.join(', ')}, ${unit} AS unit, ${size} AS unit_size, 1 AS cells FROM ${cellTable(measure)})`;
}

/** What was asked for of each unit: how many cells were found, and how many it has. */
function unitsSql(
  measure: Measure,
  asked: Question,
  { kind, sums, within }: { kind: 'total' | 'details'; sums: readonly string[]; within: string },
): string {
  const { by, own } = asked;
  const mine = own === null ? 'false' : `c.trust = ${quoted(own)}`;
  const others = own === null ? '' : `FILTER (trust <> ${quoted(own)})`;
  const alone = `${mine} OR c.unit = ${ALONE} OR (w.wide IS NULL AND c.unit_size = 1)`;
  const unless = (sql: string): string => `CASE WHEN NOT (${alone}) THEN ${sql} END`;
  return `
    SELECT ${by.map((name) => `c.${name},`).join(' ')} ${alone} AS is_alone, false AS is_whole,
      ${unless('coalesce(w.wide, c.unit)')} AS unit,
      ${unless('CASE WHEN w.wide IS NULL THEN c.trust END')} AS unit_trust,
      ${unless('CASE WHEN w.wide IS NULL THEN c.month END')} AS unit_month,
      any_value(coalesce(w.size, c.unit_size)) AS size, sum(c.cells) AS found,
      ${sums.map((name) => `sum(${name}) AS ${name}`).join(', ')}
    FROM ${cellsSql(measure, asked, kind)} c LEFT JOIN (
      SELECT trust, month, unit, wide, sum(cells) ${others} OVER (PARTITION BY wide) AS size
      FROM wide_unit WHERE measure = ${quoted(measure.id)} AND kind = ${quoted(kind)}) w
      ON w.trust = c.trust AND w.month = c.month AND w.unit = c.unit
    WHERE ${within} GROUP BY ALL`;
}

function figureRow(
  measure: Measure,
  by: readonly string[],
  row: Row,
  { amounts, least }: { amounts: Row | undefined; least: number },
): FigureRow {
  const keys = Object.fromEntries(by.map((name) => [name, String(row[name])]));
  const counts = measure.counts.map(({ name }) => [name, Number(row[name])] as const);
  if (row['is_whole'] !== true) return { ...keys, ...withheld(measure, row, counts) };
  const values = new Map(counts);
  const shares = (measure.shares ?? []).map(({ name, of, per }) => {
    const total = per.reduce((sum, one) => sum + (values.get(one) ?? 0), 0);
    return [name, total === 0 ? null : (values.get(of) ?? 0) / total] as const;
  });
  const quantiles = (measure.quantiles ?? []).map(({ name }) => {
    const n = Number(amounts?.[`n_${name}`] ?? 0);
    return [name, n >= least ? numberOf(amounts?.[name]) : null] as const;
  });
  const sums = (measure.sums ?? []).map(
    ({ name }) => [name, Number(row[amountColumn(name)]) / 1_000] as const,
  );
  const amountOf = new Map(sums);
  const ratios = (measure.ratios ?? []).map(({ name, of, per, times = 1 }) => {
    const total = amountOf.get(per) ?? 0;
    return [name, total === 0 ? null : ((amountOf.get(of) ?? 0) / total) * times] as const;
  });
  return {
    ...keys,
    ...Object.fromEntries([...counts, ...shares, ...quantiles, ...sums, ...ratios]),
    suppressed: false,
  };
}

/** Where the total is whole it is given; of the rest what is known of it at least. */
function withheld(
  measure: Measure,
  row: Row,
  counts: readonly (readonly [string, number])[],
): FigureRow {
  const none = figureNames(measure).map((name) => [name, null]);
  const total = measure.counts[0].name;
  const isTotalWhole = row['is_total_whole'] === true;
  const atLeast = Object.fromEntries(counts);
  return {
    ...Object.fromEntries(none),
    ...(isTotalWhole ? { [total]: Number(row['total']) } : {}),
    suppressed: true,
    withheld: 'small-numbers',
    atLeast: { ...atLeast, [total]: Number(row['total']) },
  };
}

function numberOf(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return Number(value);
}
