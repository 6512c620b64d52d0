/**
 * How many connections bring one study, by what is measured on the way to its source. One stream fills a
 * clean link; where packets are lost each connection has a rate of its own, and more bring more.
 *
 *   1 ─► 2 ─► 4 ─► 8, as long as each step brings a quarter more; remembered for the next study
 */
import type { ManifestInstance } from './protocol.ts';

const MAX_LANES = 8;
/** More lanes have to bring so much more. */
const WORTH = 1.25;
/** A lane is shared only while it has so much to bring: of data sets. */
const LEAST_BYTES = 8 * 1024 * 1024;

type Lane = Map<string, ManifestInstance>;

export class LaneChoice {
  #count = 1;
  #rateBefore = 0;
  #isSettled = false;
  /** The lanes that are measured now have run for a whole interval. */
  #isWarm = false;

  get count(): number {
    return this.#count;
  }

  /**
   * So much came in an interval.
   *
   * @param open lanes there were
   * @returns how many there shall be
   */
  measured(open: number, { bytes, ms }: { bytes: number; ms: number }): number {
    if (this.#isSettled || open < this.#count) return this.#count;
    if (!this.#isWarm) {
      this.#isWarm = true;
      return this.#count;
    }
    const rate = bytes / Math.max(1, ms);
    this.#isWarm = false;
    if (rate < this.#rateBefore * WORTH) {
      this.#isSettled = true;
      this.#count /= 2;
    } else if (this.#count < MAX_LANES) {
      this.#rateBefore = rate;
      this.#count *= 2;
    } else this.#isSettled = true;
    return this.#count;
  }
}

/** Shares what is missing out to at most `count` lanes, each with the next of the order in turn. */
export function lanesOf(missing: ReadonlyMap<string, ManifestInstance>, count: number): Lane[] {
  const bytes = [...missing.values()].reduce((sum, instance) => sum + instance.bytes, 0);
  const lanes = Math.max(1, Math.min(count, Math.floor(bytes / LEAST_BYTES)));
  const shared: Lane[] = Array.from({ length: lanes }, () => new Map());
  for (const [at, entry] of [...missing].entries()) shared[at % lanes]?.set(...entry);
  return shared;
}

/** Takes the later half of the fullest lane; undefined: none has enough to be worth it. */
export function splitLane(lanes: readonly Lane[]): Lane | undefined {
  const fullest = lanes.reduce((a, b) => (b.size > a.size ? b : a));
  const left = [...fullest];
  const bytes = left.reduce((sum, [, instance]) => sum + instance.bytes, 0);
  if (left.length < 2 || bytes < LEAST_BYTES) return undefined;
  const later = left.slice(left.length >> 1);
  for (const [uid] of later) fullest.delete(uid);
  return new Map(later);
}

/** After so long a way to a source is measured anew. */
const REMEMBER_MS = 3_600_000;

/** What was measured on the way to each source. */
export class LaneChoices {
  readonly #now: () => number;
  readonly #choices = new Map<string, { readonly choice: LaneChoice; readonly at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param source its base URL */
  of(source: string): LaneChoice {
    const known = this.#choices.get(source);
    if (known !== undefined && this.#now() - known.at < REMEMBER_MS) return known.choice;
    const choice = new LaneChoice();
    this.#choices.set(source, { choice, at: this.#now() });
    return choice;
  }
}
