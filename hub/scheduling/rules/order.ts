/**
 * Who of the eligible comes first for a slot: band, days to breach, wait so far, fit, and a tie-break
 * from a seed that is stored. SC-20. Software never changes a band (SC-15).
 */
import { createHash } from 'node:crypto';
import { BANDS, type Band, DAY_MS, type Demand } from './facts.ts';

/** What decides, as numbers that are stored and can be compared again. */
export interface Score {
  readonly band: Band;
  /** Whole days to the breach date; negative when it is past. */
  readonly daysToBreach: number;
  /** Whole days since the wait began. */
  readonly waitDays: number;
  /** Null: nobody can say; comes behind every known one. */
  readonly travelMinutes: number | null;
  /** 0 to 1. */
  readonly tie: number;
}

export function scoreOf(
  demand: Demand,
  { now, travelMinutes, seed }: { now: number; travelMinutes: number | null; seed: string },
): Score {
  return {
    band: demand.band,
    daysToBreach: Math.floor((Date.parse(demand.breachAt) - now) / DAY_MS),
    waitDays: Math.floor((now - Date.parse(demand.since)) / DAY_MS),
    travelMinutes,
    tie: tieBreak(seed, demand.id),
  };
}

/** Negative: `a` comes first. */
export function compareScores(a: Score, b: Score): number {
  return (
    BANDS.indexOf(a.band) - BANDS.indexOf(b.band) ||
    a.daysToBreach - b.daysToBreach ||
    b.waitDays - a.waitDays ||
    (a.travelMinutes ?? Number.MAX_VALUE) - (b.travelMinutes ?? Number.MAX_VALUE) ||
    a.tie - b.tie
  );
}

/** The same for the same seed and request, and unlike for all others. */
export function tieBreak(seed: string, id: string): number {
  return createHash('sha256').update(`${seed} ${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
