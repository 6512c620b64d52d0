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
