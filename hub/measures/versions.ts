/**
 * A measure as it is, or as it was in an earlier version. Cells hold the figures of all versions together, so that
 * what one withholds can't be told from the difference to another. Pure.
 */
import type { Figure, FigureRow } from './answer.ts';
import type { Measure, OfVersions } from './measure.ts';
import { MeasureError } from './measure-error.ts';

/** @throws MeasureError `MEASURE_VERSION` */
export function asVersion(measure: Measure, version = measure.version): Measure {
  const then = measure.earlier?.find((one) => one.version === version);
  if (then === undefined && version !== measure.version)
    throw new MeasureError(
      'MEASURE_VERSION',
      `${measure.id} has the versions ${versionsOf(measure).join(', ')}`,
    );
  const of = <T extends OfVersions>(figures: readonly T[] = []): T[] =>
    figures.filter(({ since = 1, until = version }) => since <= version && version <= until);
  const [total] = measure.counts;
  return {
    ...measure,
    ...(then === undefined
      ? {}
      : { version, formula: then.formula, exclusions: then.exclusions, target: then.target }),
    counts: [total, ...of(measure.counts.slice(1))],
    shares: of(measure.shares),
    quantiles: of(measure.quantiles),
    sums: of(measure.sums),
    ratios: of(measure.ratios),
  };
}

/** The oldest first. */
export const versionsOf = ({ earlier = [], version }: Measure): number[] => [
  ...earlier.map((one) => one.version),
  version,
];

/** Every figure that a row of the measure has. */
export const figureNames = (measure: Measure): string[] =>
  [
    measure.counts,
    measure.shares ?? [],
    measure.quantiles ?? [],
    measure.sums ?? [],
    measure.ratios ?? [],
  ].flatMap((figures) => figures.map(({ name }) => name));

/** A row without figures that are of other versions. @param whole as it was counted @param seen one of its versions */
export function rowOfVersion(row: FigureRow, whole: Measure, seen: Measure): FigureRow {
  const kept = new Set(figureNames(seen));
  const other = new Set(figureNames(whole).filter((name) => !kept.has(name)));
  if (other.size === 0) return row;
  const without = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !other.has(name)));
  const { atLeast, ...figures } = row;
  return {
    ...without(figures as Readonly<Record<string, Figure>>),
    ...(atLeast === undefined
      ? {}
      : { atLeast: without(atLeast as Readonly<Record<string, number>>) }),
  };
}
