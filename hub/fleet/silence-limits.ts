/**
 * How long a silence has to be before it is told: from the silences that were, so long that one as long comes by
 * chance less often than is agreed.
 *
 *   gaps ─► the longest tenth ─► an exponential tail, the more cautious the fewer it rests on ─► limit
 *
 * Pure. Times in seconds of working time.
 */

/** How many of its silences are longer than its limit although all is well, a device and week. */
export const CHANCE = {
  /** So that a busy scanner is known silent within the hour, at the cost of one false alert in half a year. */
  prompt: 0.04,
  rare: 0.005,
} as const;

/** Of the gaps; what is longer is the tail. */
const TAIL = 0.1;
/** What came three times in a thousand is a habit, such as a weekly check: no tail that the others make. */
const HABIT = 0.003;
const BEYOND_HABIT = 1.1;

export interface SilenceLimits {
  readonly promptSeconds: number;
  readonly rareSeconds: number;
}

/** @param gaps ascending, not empty @param weekSeconds the working time of a week */
export function silenceLimits(gaps: readonly number[], weekSeconds: number): SilenceLimits {
  const tail = gaps.slice(gaps.length - Math.max(1, Math.round(gaps.length * TAIL)));
  const from = gaps.at(-tail.length - 1) ?? 0;
  const excess = tail.reduce((sum, gap) => sum + gap - from, 0) / tail.length;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const tailsAWeek = (weekSeconds / mean) * (tail.length / gaps.length);
  const habit = gaps[gaps.length - 1 - Math.floor(gaps.length * HABIT)] ?? 0;
  // What may follow `count` draws of an exponential distribution of unknown mean has a Lomax tail, not a thinner one.
  const limit = (chance: number): number => {
    const count = tail.length;
    const beyond = count * (Math.max(1, tailsAWeek / chance) ** (1 / count) - 1) * excess;
    return Math.round(Math.max(from + beyond, BEYOND_HABIT * habit));
  };
  return { promptSeconds: limit(CHANCE.prompt), rareSeconds: limit(CHANCE.rare) };
}
