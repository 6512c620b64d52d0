/**
 * A measure's figures for a question: by which dimensions, for which months, of whom. Only sums of whole
 * units (suppress.ts) are given; medians and sums of amounts only where the counts are.
 */
import { type Context, cellTable, relationOf } from './cells.ts';
import type { Measure } from './measure.ts';
import { MeasureError } from './measure-error.ts';
import { quoted, type Row, type Store } from './store.ts';
import { ALONE, NEVER, SMALLEST } from './suppress.ts';

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
}

export async function figuresOf(
  store: Store,
  measure: Measure,
  asked: Question,
  context: Context,
): Promise<Figures> {
  checkQuestion(measure, asked);
  const { by } = asked;
  const months = await monthsOf(store, measure, asked);
  const counted = await store.ask(countsSql(measure, asked, months));
  const more = await amountsOf(store, measure, { asked, months, context });
  const rows = counted.map((row) => {
    const key = keyOf(row, by);
    const trust = by.includes('trust') ? row['trust'] : asked.where['trust'];
    const isOwn = asked.own !== null && trust === asked.own;
    return figureRow(measure, by, row, { amounts: more.get(key), least: isOwn ? 1 : SMALLEST });
  });
  return { rows, from: months[0] ?? null, to: months.at(-1) ?? null };
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
    `SELECT DISTINCT month FROM ${cellTable(measure)} ${within} ORDER BY month`,
  );
  const months = rows.map(({ month }) => String(month));
  return measure.kind === 'snapshot' && !by.includes('month') ? months.slice(-1) : months;
}

function filterOf({ where }: Question, months: readonly string[]): string {
  const values = Object.entries(where).map(([name, value]) => `${name} = ${quoted(value)}`);
  const inMonths = `month IN (${months.length === 0 ? "''" : months.map(quoted).join(', ')})`;
  return [inMonths, ...values].join(' AND ');
}

/**
 * Sums of whole units, and whether that is all of it: for the total, and for the details. Cells of the
 * asker's own trust stand alone: they are known to it anyway.
 */
function countsSql(measure: Measure, asked: Question, months: readonly string[]): string {
  const { by, own } = asked;
  const keys = by.map((name) => `${name},`).join(' ');
  const group = by.length === 0 ? '' : `GROUP BY ${by.join(', ')}`;
  const mine = own === null ? 'false' : `trust = ${quoted(own)}`;
  const names = measure.counts.map(({ name }) => name);
  const alone = (unit: string): string =>
    `CASE WHEN ${mine} THEN ${ALONE} ELSE ${unit} END AS ${unit}`;
  const judged = (unit: string): string => `
    SELECT ${keys} bool_and(is_whole) AS is_whole,
      ${names.map((name) => `coalesce(sum(${name}) FILTER (is_whole), 0)::BIGINT AS ${name}`).join(', ')}
    FROM (
      SELECT p.*, p.${unit} = ${ALONE} OR (p.${unit} <> ${NEVER} AND p.cells = s.cells) AS is_whole
      FROM (SELECT ${keys} ${unit}, count(*) AS cells,
          ${names.map((name) => `sum(${name}) AS ${name}`).join(', ')}
        FROM asked GROUP BY ${keys} ${unit}) p
      LEFT JOIN (SELECT ${unit}, count(*) AS cells FROM cell GROUP BY ${unit}) s USING (${unit}))
    ${group}`;
  const total = names[0] ?? '';
  return `
    WITH cell AS (SELECT * REPLACE (${alone('unit')}, ${alone('detail_unit')}) FROM ${cellTable(measure)}),
      asked AS (SELECT * FROM cell WHERE ${filterOf(asked, months)}),
      totals AS (${judged('unit')}),
      details AS (${judged('detail_unit')})
    SELECT d.*, t.is_whole AS is_total_whole, t.${total} AS total
    FROM details d ${by.length === 0 ? 'CROSS JOIN totals t' : `JOIN totals t USING (${by.join(', ')})`}
    WHERE d.is_whole IS NOT NULL
    ${by.length === 0 ? '' : `ORDER BY ${by.join(', ')}`}`;
}

/** Medians and sums, by the same key, from the facts themselves. */
async function amountsOf(
  store: Store,
  measure: Measure,
  { asked, months, context }: { asked: Question; months: readonly string[]; context: Context },
): Promise<Map<string, Row>> {
  const amounts = [
    ...(measure.quantiles ?? []).map(
      ({ name, of, p }) => `quantile_cont(${of}, ${p}) FILTER (${of} IS NOT NULL) AS ${name}`,
    ),
    ...(measure.quantiles ?? []).map(({ name, of }) => `count(${of}) AS n_${name}`),
    ...(measure.sums ?? []).map(({ name, of }) => `sum(${of}) AS ${name}`),
  ];
  if (amounts.length === 0 || months.length === 0) return new Map();
  const { by } = asked;
  const split = measure.dimensions.map((name) => `coalesce(${name}, 'not told') AS ${name}`);
  const rows = await store.ask(`
    SELECT ${[...by, ...amounts].join(', ')} FROM (
      SELECT * REPLACE (${split.join(', ')}) FROM (${sourceOf(measure, months, context)}))
    WHERE ${filterOf(asked, months)}
    ${by.length === 0 ? '' : `GROUP BY ${by.join(', ')}`}`);
  return new Map(rows.map((row) => [keyOf(row, by), row]));
}

/** The relation with its month, no wider than the months that are asked for. */
function sourceOf(measure: Measure, months: readonly string[], context: Context): string {
  const [first = ''] = months;
  const last = months.at(-1) ?? first;
  if (measure.kind === 'snapshot')
    return months
      .map(
        (month) =>
          `SELECT *, ${quoted(month)} AS month FROM (${relationOf(measure, context, endOf(month, context))})`,
      )
      .join(' UNION ALL ');
  return `SELECT *, month_of(day_of(${measure.at})) AS month FROM (${relationOf(measure, context)})
    WHERE ${measure.at} >= DATE '${first}-01'::TIMESTAMP - INTERVAL 1 HOUR
      AND ${measure.at} < (DATE '${last}-01' + INTERVAL 1 MONTH)::TIMESTAMP`;
}

/** The end of the month by the clock on the wall, or now. */
const endOf = (month: string, { now }: Context): string =>
  `least(utc_of_london((DATE '${month}-01' + INTERVAL 1 MONTH)::TIMESTAMP), make_timestamp(${now}000))`;

const keyOf = (row: Row, by: readonly string[]): string =>
  by.map((name) => String(row[name])).join('\n');

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
  const sums = (measure.sums ?? []).map(({ name }) => [name, numberOf(amounts?.[name])] as const);
  return {
    ...keys,
    ...Object.fromEntries([...counts, ...shares, ...quantiles, ...sums]),
    suppressed: false,
  };
}

/** Where the total is whole it is given; of the rest what is known of it at least. */
function withheld(
  measure: Measure,
  row: Row,
  counts: readonly (readonly [string, number])[],
): FigureRow {
  const { shares = [], quantiles = [], sums = [] } = measure;
  const none = [...measure.counts, ...shares, ...quantiles, ...sums].map(({ name }) => [
    name,
    null,
  ]);
  const total = measure.counts[0].name;
  const isTotalWhole = row['is_total_whole'] === true;
  const atLeast = Object.fromEntries(counts);
  return {
    ...Object.fromEntries(none),
    ...(isTotalWhole ? { [total]: Number(row['total']) } : {}),
    suppressed: true,
    atLeast: { ...atLeast, [total]: Number(row['total']) },
  };
}

function numberOf(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return Number(value);
}
