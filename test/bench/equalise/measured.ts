/** What a year came to: waits, their spread over sites (SC-22), wasted slots, travel, and for whom. */
import { DAY_MS } from '../../../hub/scheduling/rules/facts.ts';
import { median, percentile, rounded } from '../result.ts';
import { LATE_HOURS } from './behaviour.ts';
import { type Patient, type Site, type World, waitsOf, waitsSince } from './population.ts';
import type { SimSlot } from './simulation.ts';
import type { WaitingLists } from './waiting-lists.ts';

export interface Outcome {
  readonly policy: string;
  /** Longest less shortest of the sites' medians, and of their P90, of those who wait; mean of the weeks counted. */
  readonly spreadOfMedianDays: number;
  readonly spreadOfP90Days: number;
  /** From referral, of surveillance from its due date, to examination. */
  readonly medianWaitDays: number;
  readonly p90WaitDays: number;
  readonly examined: number;
  readonly pastBreachPercent: number;
  /** Sessions a week that staff took elsewhere in the course of the year. */
  readonly sessionsMoved: number;
  readonly lateReleased: number;
  readonly lateWasted: number;
  readonly otherUnused: number;
  readonly refilled: number;
  readonly phoneOnlyPercentOfRefills: number;
  readonly phoneOnlyPercentOfList: number;
  readonly elsewherePercent: number;
  readonly medianTravelMinutes: number;
  readonly p90TravelMinutes: number;
  /** By tenth of deprivation, 1 the most deprived: median wait, share examined elsewhere, median travel. */
  readonly byDecile: readonly {
    readonly decile: number;
    readonly medianWaitDays: number;
    readonly elsewherePercent: number;
    readonly medianTravelMinutes: number;
  }[];
}

interface Examined {
  readonly patient: Patient;
  readonly waitDays: number;
  readonly isElsewhere: boolean;
  readonly isPastBreach: boolean;
  readonly travelMinutes: number | null;
}

/** In the year's first half the policies part; the spread is that of the second. */
const COUNTED_SHARE = 0.5;

export class Measured {
  readonly #world: World;
  readonly #spreads: { median: number; p90: number }[] = [];
  readonly #phoneOnlyShares: number[] = [];
  readonly #examined: Examined[] = [];
  #lateReleased = 0;
  #lateWasted = 0;
  #otherUnused = 0;
  #refilled = 0;
  #refilledPhoneOnly = 0;

  constructor(world: World) {
    this.#world = world;
  }

  weekly(day: number, now: number, lists: WaitingLists, booked: readonly SimSlot[]): void {
    if (day < this.#world.days * COUNTED_SHARE) return;
    const waits = this.#world.sites.map(({ trust }) => {
      const theirs = booked.flatMap(({ takenBy }) =>
        takenBy?.demand.trust === trust ? [takenBy] : [],
      );
      return waitsOf([...lists.of(trust), ...theirs], now);
    });
    const spread = (values: number[]): number => Math.max(...values) - Math.min(...values);
    this.#spreads.push({
      median: spread(waits.map(median)),
      p90: spread(waits.map((days) => percentile(days, 0.9))),
    });
  }

  releasedLate(): void {
    this.#lateReleased += 1;
  }

  /** @param listShare of those who can only be phoned, as the list stood then */
  refilled(phoneOnly: boolean, listShare: number): void {
    this.#refilled += 1;
    this.#phoneOnlyShares.push(listShare);
    if (phoneOnly) this.#refilledPhoneOnly += 1;
  }

  unused(releasedHours: number | null): void {
    if (releasedHours !== null && releasedHours <= LATE_HOURS) this.#lateWasted += 1;
    else this.#otherUnused += 1;
  }

  examined(
    patient: Patient,
    { site, at, travelMinutes }: { site: Site; at: number; travelMinutes: number | null },
  ): void {
    const { demand } = patient;
    this.#examined.push({
      ...{ patient, travelMinutes, isElsewhere: demand.trust !== site.trust },
      waitDays: Math.max(0, at - waitsSince(patient)) / DAY_MS,
      isPastBreach: at > Date.parse(demand.breachAt),
    });
  }

  outcome(policy: string): Omit<Outcome, 'sessionsMoved'> {
    const waits = this.#examined.map(({ waitDays }) => waitDays);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    return {
      policy,
      spreadOfMedianDays: rounded(mean(this.#spreads.map((spread) => spread.median)), 1),
      spreadOfP90Days: rounded(mean(this.#spreads.map(({ p90 }) => p90)), 1),
      medianWaitDays: rounded(median(waits), 1),
      p90WaitDays: rounded(percentile(waits, 0.9), 1),
      examined: this.#examined.length,
      pastBreachPercent: percentOf(this.#examined, ({ isPastBreach }) => isPastBreach),
      lateReleased: this.#lateReleased,
      lateWasted: this.#lateWasted,
      otherUnused: this.#otherUnused,
      refilled: this.#refilled,
      phoneOnlyPercentOfRefills: rounded((100 * this.#refilledPhoneOnly) / this.#refilled, 1),
      phoneOnlyPercentOfList: rounded(100 * mean(this.#phoneOnlyShares), 1),
      elsewherePercent: percentOf(this.#examined, ({ isElsewhere }) => isElsewhere),
      ...travelOf(this.#examined),
      byDecile: Array.from({ length: 10 }, (_, at) => at + 1).map((decile) => {
        const theirs = this.#examined.filter(({ patient }) => patient.decile === decile);
        return {
          decile,
          medianWaitDays: rounded(median(theirs.map(({ waitDays }) => waitDays)), 1),
          elsewherePercent: percentOf(theirs, ({ isElsewhere }) => isElsewhere),
          medianTravelMinutes: travelOf(theirs).medianTravelMinutes,
        };
      }),
    };
  }
}

const percentOf = (all: readonly Examined[], is: (one: Examined) => boolean): number =>
  rounded((100 * all.filter(is).length) / all.length, 1);

function travelOf(all: readonly Examined[]) {
  const minutes = all.flatMap(({ travelMinutes }) => travelMinutes ?? []);
  return {
    medianTravelMinutes: rounded(median(minutes), 0),
    p90TravelMinutes: rounded(percentile(minutes, 0.9), 0),
  };
}
