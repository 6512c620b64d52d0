/**
 * The finest cells of a measure: counts and amounts by trust, month and its dimensions. What changed is added and
 * taken away: rows that came count once, rows that went are taken back, so a day costs what is new in it.
 *
 *   changed_… of the fact ─► gone_…, come_… ─► plus and minus by cell ─► cells of the months that it touches ─► units (units.ts)
 */
import { amountColumn, cellTable, emptyCellsSql, numbersOf } from './cell-names.ts';
import { stagesOf } from './facts/stages.ts';
import { type FactName, type Measure, mainCount } from './measure.ts';
import { openTable } from './open-rows.ts';
import { type ReportTarget, targetHoursSql } from './report-targets.ts';
import { quoted, type Store, timestamp } from './store.ts';
import { forgetMonthsSql, joinUnits } from './units.ts';

export interface Context {
  /** ODS codes of the network. */
  readonly trusts: readonly string[];
  readonly reportTargets?: readonly ReportTarget[];
  readonly now: number;
}

interface Moment {
  /** Of a snapshot: SQL of when, and of which month that is. */
  readonly at?: string;
  readonly month?: string;
}

/** The relation with its moments and lists filled in. */
export function relationOf(
  measure: Measure,
  { trusts, reportTargets = [], now }: Context,
  { at, month }: Moment = {},
): string {
  const list = trusts.length === 0 ? "''" : trusts.map(quoted).join(', ');
  return measure.relation
    .replaceAll('$trusts', list)
    .replaceAll('$targetHours', targetHoursSql(reportTargets))
    .replaceAll('$now', timestamp(now))
    .replaceAll('$at', at ?? timestamp(now))
    .replaceAll('$month', month ?? 'NULL');
}

/** When the cells were counted last; null: all is counted anew. */
export type Before = number | null;

/** Of a measure whose fact has no rows, all is counted anew. */
export async function emptyCells(store: Store, measure: Measure): Promise<void> {
  await store.run(`${emptyCellsSql(measure)}; ${forgetMonthsSql(measure)}`);
}

/** Within the build's transaction. */
export async function buildCells(
  store: Store,
  measure: Measure,
  { context, before }: { context: Context; before: Before },
): Promise<void> {
  const table = cellTable(measure);
  const parts: string[] = [];
  if (before === null) {
    await store.run(emptyCellsSql(measure));
    parts.push(countedSql(measure, { source: `main.${measure.fact}`, context, before }));
  } else {
    const { fact } = measure;
    const waiting = await waitingRows(store, measure, before);
    const gone = { source: `(FROM gone_${fact} ${waiting})`, context: { ...context, now: before } };
    const come = { source: `(FROM come_${fact} ${waiting})`, context };
    parts.push(takenBack(measure, countedSql(measure, { ...gone, before })));
    parts.push(countedSql(measure, { ...come, before }));
  }
  const counted = parts.map((one) => `FROM (${one})`).join(' UNION ALL ');
  await store.run(
    `CREATE OR REPLACE TEMP TABLE delta AS ${summed(measure, counted, isNotNothing(measure))}`,
  );
  await store.run(
    `CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT trust, month FROM delta`,
  );
  if (before !== null && measure.kind === 'snapshot')
    await currentMonths(store, measure, { context, before });
  if (before === null || (await anyTouched(store))) {
    await store.run(nextSql(measure, before));
    await joinUnits(store, measure, { table, isWhole: before === null });
  }
  await store.run('DROP TABLE delta; DROP TABLE touched');
}

async function anyTouched(store: Store): Promise<boolean> {
  const [row] = await store.rows('SELECT count(*) AS months FROM touched');
  return Number(row?.['months']) > 0;
}

/** Takes the months that are touched out of the table of the measure, as `next`, with what came and what went. */
function nextSql(measure: Measure, before: Before): string {
  if (before === null) return 'CREATE OR REPLACE TEMP TABLE next AS FROM delta';
  const table = cellTable(measure);
  const kept = `
    SELECT ${columnsOf(measure).join(', ')} FROM ${table} SEMI JOIN touched USING (trust, month)
    ${measure.kind === 'snapshot' ? `WHERE month < ${quoted(monthText(before))}` : ''}
    UNION ALL FROM delta`;
  return `
    CREATE OR REPLACE TEMP TABLE next AS ${summed(measure, kept, `${mainCount(measure)} <> 0`)};
    DELETE FROM ${table} t USING touched d WHERE t.trust = d.trust AND t.month = d.month`;
}

/** Makes `gone_…` and `come_…` of a fact. @returns how many rows they have */
export async function changedRows(store: Store, fact: FactName): Promise<number> {
  const changed = (isNew: boolean): string =>
    stagesOf(fact)
      .map(({ name }) => `SELECT * EXCLUDE (is_new) FROM changed_${name} WHERE is_new = ${isNew}`)
      .join(' UNION ALL ');
  // What one stage made and the next made anew was never there.
  await store.run(`
    CREATE OR REPLACE TEMP TABLE gone_${fact} AS (${changed(false)}) EXCEPT ALL (${changed(true)});
    CREATE OR REPLACE TEMP TABLE come_${fact} AS (${changed(true)}) EXCEPT ALL (${changed(false)})`);
  const [row] = await store.rows(
    `SELECT (SELECT count(*) FROM gone_${fact}) + (SELECT count(*) FROM come_${fact}) AS rows`,
  );
  return Number(row?.['rows']);
}

/** Rows that did not change, and count otherwise because time went by: they go and come. */
async function waitingRows(store: Store, { fact, open }: Measure, before: number): Promise<string> {
  if (open === undefined) return '';
  const key = (stagesOf(fact)[0]?.key ?? []).join(', ');
  await store.run(`
    CREATE OR REPLACE TEMP TABLE waiting AS
      SELECT f.* FROM ${openTable(fact)} f ANTI JOIN come_${fact} USING (${key})
      WHERE ${open.replaceAll('$before', timestamp(before))}`);
  return 'UNION ALL FROM waiting';
}

const columnsOf = (measure: Measure): string[] => [
  ...['trust', 'month'],
  ...measure.dimensions,
  ...numbersOf(measure),
];
const isNotNothing = (measure: Measure): string =>
  numbersOf(measure)
    .map((name) => `${name} <> 0`)
    .join(' OR ');

function summed(measure: Measure, from: string, where: string): string {
  const keys = ['trust', 'month', ...measure.dimensions];
  const numbers = numbersOf(measure).map((name) => `sum(${name})::BIGINT AS ${name}`);
  return `FROM (SELECT ${[...keys, ...numbers].join(', ')} FROM (${from})
    GROUP BY ${keys.join(', ')}) WHERE ${where}`;
}

const takenBack = (measure: Measure, sql: string): string =>
  `SELECT * REPLACE (${numbersOf(measure)
    .map((name) => `-${name} AS ${name}`)
    .join(', ')}) FROM (${sql})`;

/** Counts by cell of rows that look like the fact's. */
function countedSql(
  measure: Measure,
  { source, context, before }: { source: string; context: Context; before: Before },
): string {
  const { fact, kind, at, spans } = measure;
  if (kind === 'events')
    return `WITH ${fact} AS (FROM ${source})
      SELECT ${selectOf(measure, `month_of(day_of(${at}))`)} FROM (${relationOf(measure, context)})
      WHERE ${at} IS NOT NULL GROUP BY ALL`;
  // Months that are over; in full also the one that runs, which else is counted apart.
  const last = monthNumber(before ?? context.now);
  const over = `WITH ends AS MATERIALIZED (
      SELECT n, month_name(n) AS snapshot_month, month_end(n) AS snapshot_at FROM range(${FIRST_MONTH}, ${last}) r(n)),
    ${fact} AS (
      SELECT s.*, snapshot_month, snapshot_at
      FROM (SELECT *, unnest(range(greatest(month_number(${spans?.from}), ${FIRST_MONTH}),
        least(coalesce(month_number(${spans?.until}), ${last}), ${last}))) AS n FROM ${source}) s JOIN ends USING (n))
    SELECT ${selectOf(measure, 'month')}
    FROM (${relationOf(measure, context, { at: 'snapshot_at', month: 'snapshot_month' })}) GROUP BY ALL`;
  return before === null
    ? `FROM (${over}) UNION ALL FROM (${snapshotSql(measure, context, { at: timestamp(context.now), month: quoted(monthText(context.now)) })})`
    : over;
}

/** 1990: what is older is a slip of the pen. */
const FIRST_MONTH = 1990 * 12;

function selectOf({ dimensions, counts, sums }: Measure, month: string): string {
  return [
    ...['trust', `${month} AS month`],
    ...dimensions.map((name) => `coalesce(${name}, 'not told') AS ${name}`),
    ...counts.map(({ name, where }) =>
      where === undefined ? `count(*) AS ${name}` : `count(*) FILTER (${where}) AS ${name}`,
    ),
    ...(sums ?? []).map(
      ({ name, of }) => `coalesce(sum(round(${of} * 1000)::BIGINT), 0) AS ${amountColumn(name)}`,
    ),
  ].join(', ');
}

/** What was so at a moment since the build before, or now. */
const snapshotSql = (measure: Measure, context: Context, moment: Required<Moment>): string =>
  `WITH ${measure.fact} AS (FROM main.${openTable(measure.fact)})
   SELECT ${selectOf(measure, 'month')} FROM (${relationOf(measure, context, moment)}) GROUP BY ALL`;

/** From the month that ran when it was counted last to the one that runs now: they are counted anew. */
async function currentMonths(
  store: Store,
  measure: Measure,
  { context, before }: { context: Context; before: number },
): Promise<void> {
  const months = await store.rows(`
    SELECT month_name(n) AS month, epoch_ms(month_end(n)) AS ends
    FROM range(${monthNumber(before)}, ${monthNumber(context.now) + 1}) r(n)`);
  for (const { month, ends } of months) {
    const at = timestamp(Math.min(Number(ends), context.now));
    const text = quoted(String(month));
    await store.run(`INSERT INTO delta ${snapshotSql(measure, context, { at, month: text })}`);
  }
  await store.run(`
    INSERT INTO touched SELECT DISTINCT trust, month FROM (
      SELECT trust, month FROM delta UNION SELECT trust, month FROM ${cellTable(measure)})
    WHERE month >= ${quoted(monthText(before))}`);
}

const LOCAL_MONTH = new Intl.DateTimeFormat('en-CA', {
  ...{ timeZone: 'Europe/London', year: 'numeric', month: '2-digit' },
});
/** The month that it is by the clock on the wall. */
const monthText = (ms: number): string => LOCAL_MONTH.format(ms).slice(0, 7);
/** Counted here: what SQL counts of a constant it counts while it plans, a step at a time, for each measure. */
function monthNumber(ms: number): number {
  const [year, month] = monthText(ms).split('-').map(Number) as [number, number];
  return year * 12 + month - 1;
}
