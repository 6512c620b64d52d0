/** How the tables of a measure's cells are called, and what stands in them. */
import type { Measure } from './measure.ts';

export const cellTable = (measure: Measure): string =>
  `cell_${measure.id.replaceAll('-', '_').toLowerCase()}`;
/** Its cells put together by trust and month, as far as no question by these asks for less (units.ts). */
export const monthTable = (measure: Measure): string => `month_${cellTable(measure)}`;

/** Where an amount stands in a cell, in thousandths, so that it can be taken back to the last digit. */
export const amountColumn = (name: string): string => `amount_${name}`;

/** Its counts and amounts. */
export const numbersOf = ({ counts, sums }: Measure): string[] => [
  ...counts.map(({ name }) => name),
  ...(sums ?? []).map(({ name }) => amountColumn(name)),
];

/** Empty tables of a measure's cells, SQL. */
export function emptyCellsSql(measure: Measure): string {
  const [cells, months] = [cellTable(measure), monthTable(measure)];
  const texts = (names: readonly string[]): string[] => names.map((name) => `${name} VARCHAR`);
  const numbers = numbersOf(measure).map((name) => `${name} BIGINT`);
  const units = ['unit', 'unit_cells', 'detail_unit', 'detail_cells'].map(
    (name) => `${name} INTEGER`,
  );
  const cell = [...texts(['trust', 'month', ...measure.dimensions]), ...numbers, ...units];
  const month = [...texts(['kind', 'trust', 'month']), 'unit INTEGER', 'cells BIGINT', ...numbers];
  return `
    CREATE OR REPLACE TABLE ${cells} (${cell.join(', ')});
    CREATE OR REPLACE TABLE ${months} (${month.join(', ')})`;
}
