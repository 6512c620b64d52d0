/**
 * Whose turn it is at a destination, or on the line: the more urgent first, and a share for everybody, so that
 * a long queue of urgent studies never stops what is scheduled for tonight.
 *
 *   what waits, by priority ─► next() ─► a turn of some megabytes ─► count() ─► next()
 *
 * Each priority has a weight; the one that had least by its weight is next. What comes and is more urgent
 * than all that is there goes at once.
 */

/** Immediate, urgent, scheduled, bulk: shared/contract/commands.ts. */
const WEIGHTS = [64, 16, 4, 1] as const;
/** Sent before another priority has its turn, unless a more urgent one comes: changing costs an association. */
const TURN_BYTES = 33_554_432;

export class Turns {
  /** Bytes sent for each priority, over its weight. */
  readonly #served = WEIGHTS.map(() => 0);
  #waiting: readonly number[] = [];
  #left = 0;

  /**
   * Begins a turn.
   *
   * @param waiting priorities of which something may be sent now, at least one
   */
  next(waiting: readonly number[]): number {
    this.#admit(waiting);
    const [first = 0, ...rest] = [...waiting].sort((a, b) => a - b);
    this.#left = TURN_BYTES;
    return rest.reduce((best, one) => (this.#of(one) < this.#of(best) ? one : best), first);
  }

  /** Sent in the turn of this priority. */
  count(priority: number, bytes: number): void {
    this.#served[priority] = this.#of(priority) + bytes / weightOf(priority);
    this.#left -= bytes;
  }

  /** @returns true when the turn of this priority is over @param waiting as for {@link next}, now */
  isOver(priority: number, waiting: readonly number[]): boolean {
    const isOvertaken = waiting.some((one) => one < priority && !this.#waiting.includes(one));
    return isOvertaken || (this.#left <= 0 && waiting.some((one) => one !== priority));
  }

  /** Who has not waited before is owed nothing for the past; the less urgent wait for a turn of the others first. */
  #admit(waiting: readonly number[]): void {
    const there = this.#waiting.filter((priority) => waiting.includes(priority));
    const least = Math.min(...there.map((priority) => this.#of(priority)));
    for (const priority of waiting) {
      if (there.includes(priority) || there.length === 0) continue;
      const isMostUrgent = there.every((one) => priority < one);
      const begin = least + (isMostUrgent ? 0 : TURN_BYTES / weightOf(priority));
      this.#served[priority] = isMostUrgent ? begin : Math.max(this.#of(priority), begin);
    }
    this.#waiting = waiting;
  }

  #of(priority: number): number {
    return this.#served[priority] ?? 0;
  }
}

const weightOf = (priority: number): number => WEIGHTS[priority] ?? 1;
