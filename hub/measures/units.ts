/** Puts cells into the store with the units that they stand together in (suppress.ts, wide.ts). */
import { monthTable, numbersOf } from './cell-names.ts';
import { guardedOf, type Measure, mainCount } from './measure.ts';
import { quoted, type Row, type Store } from './store.ts';
import { ALONE, type Cell, unitsOfMonth } from './suppress.ts';
import { type Month, wideUnits } from './wide.ts';

/** Cells that are held in memory at once. */
const BATCH = 20_000;

/** Moves `next`, the cells of whole months, into the table of the measure. */
export async function joinUnits(
  store: Store,
  measure: Measure,
  { table, isWhole }: { table: string; isWhole: boolean },
): Promise<void> {
  const names = ['trust', 'month', ...measure.dimensions];
  await store.run(`
    CREATE OR REPLACE TEMP TABLE placed AS
      SELECT row_number() OVER (ORDER BY ${names.join(', ')}) AS place, * FROM next ORDER BY place;
    CREATE OR REPLACE TEMP TABLE placed_unit (place BIGINT, unit INTEGER, unit_cells INTEGER,
      detail_unit INTEGER, detail_cells INTEGER);
    CREATE OR REPLACE TEMP TABLE placed_month (trust VARCHAR, month VARCHAR, parts VARCHAR)`);
  const months = await store.rows(
    'SELECT trust, month, min(place) AS first, count(*) AS cells FROM placed GROUP BY ALL ORDER BY first',
  );
  for (const batch of batches(months)) await joinBatch(store, measure, batch);
  const from = `
    FROM placed p LEFT JOIN placed_unit u USING (place)`;
  const columns = `p.* EXCLUDE (place), coalesce(u.unit, ${ALONE}) AS unit, coalesce(u.unit_cells, 1) AS unit_cells,
    coalesce(u.detail_unit, ${ALONE}) AS detail_unit, coalesce(u.detail_cells, 1) AS detail_cells`;
  await store.run(`INSERT INTO ${table} SELECT ${columns} ${from} ORDER BY place`);
  await joinMonths(store, measure, isWhole);
  await putTogether(store, measure, { table, isWhole });
  await store.run(
    'DROP TABLE next; DROP TABLE placed; DROP TABLE placed_unit; DROP TABLE placed_month',
  );
}

/** What is put together by months anew: those that changed, and those that stood or stand together with others. */
async function putTogether(
  store: Store,
  measure: Measure,
  { table, isWhole }: { table: string; isWhole: boolean },
): Promise<void> {
  const months = monthTable(measure);
  await store.run(
    isWhole
      ? `INSERT INTO ${months} ${monthsSql(measure, table)}`
      : `INSERT INTO affected SELECT trust, month FROM wide_unit WHERE measure = ${quoted(measure.id)};
         DELETE FROM ${months} t USING affected d WHERE t.trust = d.trust AND t.month = d.month;
         INSERT INTO ${months} ${monthsSql(measure, `(FROM ${table} SEMI JOIN affected USING (trust, month))`)};
         DROP TABLE affected`,
  );
}

/**
 * The cells by trust, month and what of them stands together with other months; the rest of a month is one row,
 * since a question that splits by nothing else asks for all of it or nothing. A page of ten years then reads
 * a few thousand rows, whatever the measure is split by.
 */
export function monthsSql(measure: Measure, cells: string): string {
  const numbers = numbersOf(measure).map((name) => `sum(c.${name})::BIGINT AS ${name}`);
  const parts = (['total', 'details'] as const).map((kind) => {
    const unit = kind === 'total' ? 'unit' : 'detail_unit';
    return `
      SELECT ${quoted(kind)} AS kind, c.trust, c.month,
        CASE WHEN w.unit IS NULL THEN ${ALONE} ELSE c.${unit} END AS unit, count(*) AS cells,
        ${numbers.join(', ')}
      FROM ${cells} c LEFT JOIN wide_unit w ON w.measure = ${quoted(measure.id)} AND w.kind = ${quoted(kind)}
        AND w.trust = c.trust AND w.month = c.month AND w.unit = c.${unit}
      GROUP BY ALL`;
  });
  return parts.join(' UNION ALL ');
}

function batches(months: readonly Row[]): Row[][] {
  const found: Row[][] = [];
  let cells = Number.POSITIVE_INFINITY;
  for (const month of months) {
    if (cells + Number(month['cells']) > BATCH) {
      found.push([]);
      cells = 0;
    }
    found.at(-1)?.push(month);
    cells += Number(month['cells']);
  }
  return found;
}

async function joinBatch(store: Store, measure: Measure, months: readonly Row[]): Promise<void> {
  const guarded = guardedOf(measure).map((sql, index) => `${sql} AS g${index}`);
  const [first, last] = [months[0], months.at(-1)];
  const end = Number(last?.['first']) + Number(last?.['cells']);
  const rows = await store.rows(
    `SELECT ${[...measure.dimensions, `${mainCount(measure)} AS total`, ...guarded].join(', ')}
     FROM placed WHERE place >= ${Number(first?.['first'])} AND place < ${end} ORDER BY place`,
  );
  const units = await store.appender('temp.placed_unit');
  const parts = await store.appender('temp.placed_month');
  let at = 0;
  for (const { trust, month, first: place, cells: length } of months) {
    const cells = rows.slice(at, at + Number(length)).map(
      (row): Cell => ({
        path: measure.dimensions.map((name) => String(row[name])),
        total: Number(row['total']),
        details: guarded.map((_, index) => Number(row[`g${index}`])),
      }),
    );
    at += cells.length;
    const joined = unitsOfMonth(cells);
    const sizes = [sizesOf(joined.total), sizesOf(joined.details)] as const;
    cells.forEach((_, index) => {
      const [unit, detail] = [joined.total[index] ?? ALONE, joined.details[index] ?? ALONE];
      if (unit === ALONE && detail === ALONE) return;
      units.appendBigInt(BigInt(Number(place) + index));
      for (const value of [unit, sizes[0].get(unit) ?? 1, detail, sizes[1].get(detail) ?? 1])
        units.appendInteger(value);
      units.endRow();
    });
    for (const text of [trust, month, JSON.stringify(joined.parts)])
      parts.appendVarchar(String(text));
    parts.endRow();
  }
  units.closeSync();
  parts.closeSync();
}

function sizesOf(units: readonly number[]): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const unit of units) if (unit !== ALONE) sizes.set(unit, (sizes.get(unit) ?? 0) + 1);
  return sizes;
}

export const forgetMonthsSql = ({ id }: Measure): string => `
  DELETE FROM month_part WHERE measure = ${quoted(id)};
  DELETE FROM wide_unit WHERE measure = ${quoted(id)}`;

/** What months have to offer each other, and which of it stands together. */
async function joinMonths(store: Store, measure: Measure, isWhole: boolean): Promise<void> {
  const id = quoted(measure.id);
  await store.run(`
    DELETE FROM month_part WHERE measure = ${id} ${isWhole ? '' : 'AND (trust, month) IN (FROM touched)'};
    INSERT INTO month_part SELECT ${id}, trust, month, parts FROM placed_month;
    ${
      isWhole
        ? ''
        : `CREATE OR REPLACE TEMP TABLE affected AS
             FROM touched UNION SELECT trust, month FROM wide_unit WHERE measure = ${id};`
    }
    DELETE FROM wide_unit WHERE measure = ${id}`);
  const rows = await store.rows(
    `SELECT trust, month, parts FROM month_part WHERE measure = ${id} ORDER BY trust, month`,
  );
  const months = rows.map(
    ({ trust, month, parts }): Month => ({
      trust: String(trust),
      month: String(month),
      parts: JSON.parse(String(parts)) as Month['parts'],
    }),
  );
  const appender = await store.appender('wide_unit');
  for (const { kind, trust, month, unit, cells, wide } of wideUnits(months)) {
    for (const text of [measure.id, kind, trust, month]) appender.appendVarchar(text);
    for (const value of [unit, cells, wide]) appender.appendInteger(value);
    appender.endRow();
  }
  appender.closeSync();
}
