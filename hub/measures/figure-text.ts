/** Figures as people read them, on pages and in e-mails. */
import type { FigureRow } from './answer.ts';
import type { Measure } from './measure.ts';

const counts = new Intl.NumberFormat('en-GB');
const amounts = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

export const unitOf = (measure: Measure, name: string): string =>
  measure.shares?.some((one) => one.name === name)
    ? 'share'
    : (measure.quantiles?.find((one) => one.name === name)?.unit ??
      measure.sums?.find((one) => one.name === name)?.unit ??
      measure.ratios?.find((one) => one.name === name)?.unit ??
      'count');

export function figureText(value: number, unit: string): string {
  if (unit === 'share') return `${amounts.format(value * 100)} %`;
  return unit === 'count' ? counts.format(value) : `${amounts.format(value)} ${unit}`;
}

export function cellText(row: FigureRow, name: string, unit: string): string {
  const value = row[name];
  if (typeof value === 'number') return figureText(value, unit);
  return row['suppressed'] === true ? 'withheld' : '–';
}
