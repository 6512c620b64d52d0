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
  if (row['withheld'] === 'data-quality') return 'not published';
  return row['suppressed'] === true ? 'withheld' : '–';
}

/** What was withheld, and why, one sentence a reason. */
export function withheldTexts(rows: readonly FigureRow[]): string[] {
  const has = (reason: string): boolean => rows.some(({ withheld }) => withheld === reason);
  return [
    ...(has('small-numbers')
      ? ['Withheld: a count of 1 to 4 could be told from it, alone or with other figures.']
      : []),
    ...(has('data-quality')
      ? [
          'Not published: too few of the records behind it are free of faults (BI-29). The trust itself is told.',
        ]
      : []),
  ];
}
