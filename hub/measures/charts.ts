/**
 * Which picture answers a question best, as data for a chart; the table beside it has the same figures. Pure.
 *
 * By month: a run chart with its mean and control limits. By trust, of a share: a funnel, since a small trust
 * may lie far off by chance alone. Else bars.
 */
import type { FigureRow } from './answer.ts';
import type { Measure } from './measure.ts';

export interface Picture {
  readonly kind: 'run' | 'funnel' | 'bars';
  /** The figure that is shown. */
  readonly title: string;
  readonly unit: string;
  /** In words what can be seen, for who can't see it. */
  readonly description: string;
  readonly points: readonly Point[];
  /** Across the whole picture: mean, limits, target, baseline. */
  readonly lines: readonly Line[];
  /** Of a funnel: limits by denominator. */
  readonly limits: readonly Limit[];
}

export interface Point {
  readonly label: string;
  readonly value: number;
  /** Denominator, of a share. */
  readonly n: number | null;
}
export interface Line {
  readonly label: string;
  readonly value: number;
}
export interface Limit {
  readonly n: number;
  readonly low95: number;
  readonly high95: number;
  readonly low998: number;
  readonly high998: number;
}

/** One hour at best and five days: how the process before took. */
const TRANSFER_BASELINE: readonly Line[] = [
  { label: 'before: 1 hour at best', value: 1 },
  { label: 'before: up to 5 days', value: 120 },
];

/** The figure of a measure that its picture shows: its share, else its first median, else its total. */
export function shownOf(measure: Measure): { name: string; title: string; unit: string } {
  if (measure.id === 'BI-20') return quantileOf(measure) ?? totalOf(measure);
  const share = measure.shares?.[0];
  if (share !== undefined) return { name: share.name, title: share.title, unit: 'share' };
  return quantileOf(measure) ?? totalOf(measure);
}

const quantileOf = ({ quantiles }: Measure): ReturnType<typeof shownOf> | undefined =>
  quantiles?.[0];
const totalOf = ({ counts }: Measure): ReturnType<typeof shownOf> => ({
  ...counts[0],
  unit: 'count',
});

/** Null: there is nothing to be shown. */
export function pictureOf(
  measure: Measure,
  by: readonly string[],
  rows: readonly FigureRow[],
): Picture | null {
  const { name, title, unit } = shownOf(measure);
  const share = measure.shares?.find((one) => one.name === name);
  const points = rows.flatMap((row): Point[] => {
    const value = row[name];
    if (typeof value !== 'number') return [];
    const n = share?.per.reduce((sum, one) => sum + Number(row[one] ?? 0), 0) ?? null;
    return [{ label: by.map((one) => String(row[one])).join(' · '), value, n }];
  });
  if (points.length === 0 || by.length === 0) return null;
  const isRun = by.length === 1 && by[0] === 'month' && points.length > 1;
  const isFunnel = !isRun && share !== undefined && by.includes('trust');
  const kind = isRun ? 'run' : isFunnel ? 'funnel' : 'bars';
  const lines = [
    ...(isRun ? controlLines(points) : []),
    ...targetLines(measure, name),
    ...(measure.id === 'BI-20' && unit === 'hours' ? TRANSFER_BASELINE : []),
  ];
  const limits = isFunnel ? funnelLimits(points) : [];
  return { kind, title, unit, points, lines, limits, description: inWords(title, points, unit) };
}

function targetLines({ target }: Measure, shown: string): Line[] {
  const value = target?.share === shown ? (target.atLeast ?? target.atMost) : undefined;
  return value === undefined ? [] : [{ label: 'target', value }];
}

/** Of single values: mean, and three deviations by the mean moving range (XmR, factor 2.66). */
export function controlLines(points: readonly Point[]): Line[] {
  const values = points.map(({ value }) => value);
  const mean = average(values);
  const ranges = values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? value)));
  const reach = 2.66 * average(ranges);
  return [
    { label: 'mean', value: mean },
    { label: 'upper limit', value: mean + reach },
    { label: 'lower limit', value: Math.max(0, mean - reach) },
  ];
}

/** Around the share of all together, normal approximation: 1.96 and 3.09 deviations. */
export function funnelLimits(points: readonly Point[]): Limit[] {
  const total = points.reduce((sum, { n }) => sum + (n ?? 0), 0);
  const part = points.reduce((sum, { n, value }) => sum + (n ?? 0) * value, 0);
  const largest = Math.max(...points.map(({ n }) => n ?? 0));
  if (total === 0) return [];
  const share = part / total;
  return Array.from({ length: 60 }, (_, at) => {
    const n = Math.max(1, (largest * 1.1 * (at + 1)) / 60);
    const deviation = Math.sqrt((share * (1 - share)) / n);
    const within = (value: number): number => Math.min(1, Math.max(0, value));
    return {
      n,
      low95: within(share - 1.96 * deviation),
      high95: within(share + 1.96 * deviation),
      low998: within(share - 3.09 * deviation),
      high998: within(share + 3.09 * deviation),
    };
  });
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

function inWords(title: string, points: readonly Point[], unit: string): string {
  const sorted = points.toSorted((a, b) => a.value - b.value);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return title;
  const print = ({ label, value }: Point): string =>
    `${unit === 'share' ? `${(value * 100).toFixed(1)} %` : Math.round(value * 10) / 10} (${label})`;
  return `${title}: from ${print(least)} to ${print(most)}. The table has every figure.`;
}
