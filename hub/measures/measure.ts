/**
 * A measure as data: from one definition come its SQL, its page, its documentation and its tests.
 *
 * `relation` gives one row for each thing that is counted, with the trust that owns it, the measure's
 * dimensions, and (`events`) the moment it is counted at. Of a `snapshot` it gives what was so at
 * `$at`, the end of a month or now, as `$month`. A change of meaning is a new version; the old one stays computable:
 * figures of all versions are counted together, and each says of which it is (versions.ts).
 */

/** Of which versions a figure is: from the one to the other. Absent: from the first, to the newest. */
export interface OfVersions {
  readonly since?: number;
  readonly until?: number;
}

export interface Count extends OfVersions {
  readonly name: string;
  readonly title: string;
  /** True for the rows that count; absent: all. */
  readonly where?: string;
  /** Of a measure about records: this one is guarded as well, since another measure withholds the same. */
  readonly isGuarded?: true;
}

export interface Share extends OfVersions {
  readonly name: string;
  readonly title: string;
  /** A count, over the sum of counts. */
  readonly of: string;
  readonly per: readonly string[];
}

export interface Quantile extends OfVersions {
  readonly name: string;
  readonly title: string;
  readonly of: string;
  readonly p: number;
  readonly unit: 'hours' | 'days' | 'mGy' | 'mGy·cm' | 'Gy·cm²' | 'MBq' | 'seconds';
}

export interface Sum extends OfVersions {
  readonly name: string;
  readonly title: string;
  readonly of: string;
  readonly unit: 'minutes' | 'hours' | 'count';
}

/** One sum over another. */
export interface Ratio extends OfVersions {
  readonly name: string;
  readonly title: string;
  readonly of: string;
  readonly per: string;
  /** How many of the unit of `per` it is told for; absent: one. */
  readonly times?: number;
  readonly unit: 'share' | 'an hour';
}

/** What a version was, and what the next one counts otherwise. */
export interface Earlier {
  readonly version: number;
  readonly formula: string;
  readonly exclusions: readonly string[];
  readonly target: Target | null;
  readonly changed: string;
}

export interface Target {
  /** A share of the measure, 0 to 1. */
  readonly share: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly source: string;
}

export interface Measure {
  /** As the domain notes number it: `BI-14`. */
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly question: string;
  /** In words, for the page and the documentation. */
  readonly formula: string;
  readonly grain: string;
  readonly exclusions: readonly string[];
  readonly source: string;
  readonly target: Target | null;
  readonly kind: 'events' | 'snapshot';
  /** Of events: the moment (UTC) whose month they are counted in, a column of fact and relation alike. */
  readonly at?: string;
  /** Of events: the rows of its fact that count otherwise as time goes by, SQL; `$before`: when they were counted last. */
  readonly open?: string;
  /** Of a snapshot: from when until when a row of its fact can be in it, SQL; a null has no end. */
  readonly spans?: { readonly from: string; readonly until: string };
  /** The fact that the relation reads. */
  readonly fact: FactName;
  readonly relation: string;
  /** Beside `trust` and `month`; from the one that is split first. */
  readonly dimensions: readonly string[];
  readonly counts: readonly [Count, ...Count[]];
  readonly shares?: readonly Share[];
  readonly quantiles?: readonly Quantile[];
  readonly sums?: readonly Sum[];
  readonly ratios?: readonly Ratio[];
  /** Of a later version: those before it, the oldest first. */
  readonly earlier?: readonly Earlier[];
  /** True: what it counts are faults of records, not something about people: guarded are their total, and what says so. */
  readonly isAboutRecords?: true;
  /** True: the reference levels of dose stand beside its figures. */
  readonly hasLevels?: true;
  /** Columns of the relation that the owning trust's list of rows shows. */
  readonly row: readonly string[];
}

export const FACTS = [
  'exam',
  'prior',
  'appointment',
  'transfer',
  'dose',
  'session',
  'alert',
  'review',
] as const;
export type FactName = (typeof FACTS)[number];

/** What must not be small beside the total: each count, and what is left of a share. SQL over the counts' names. */
export function guardedOf({ counts, shares, isAboutRecords }: Measure): string[] {
  const guarded = counts.slice(1).filter((one) => !isAboutRecords || one.isGuarded === true);
  const names = guarded.map(({ name }) => name);
  const rests = (shares ?? [])
    .filter(({ of }) => !isAboutRecords || names.includes(of))
    .map(({ of, per }) => `${per.join(' + ')} - ${of}`);
  return [...names, ...rests];
}

/** The count of everything that is counted. */
export const mainCount = ({ counts }: Measure): string => counts[0].name;
