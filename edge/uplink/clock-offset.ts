/**
 * How far this clock is from the hub's, by what the hub says when it answers: half of the round trip is
 * taken for the way back, and the quickest of the newest answers counts. RFC 5905 §8.
 */
const KEPT = 8;

interface Measured {
  readonly tripMs: number;
  readonly offsetMs: number;
}

export class ClockOffset {
  #measured: readonly Measured[] = [];

  /** @param hubAt RFC 3339; absent from an older hub */
  take({
    asked,
    answered,
    hubAt,
  }: {
    asked: number;
    answered: number;
    hubAt?: string | undefined;
  }): void {
    if (hubAt === undefined || answered < asked) return;
    const offsetMs = (asked + answered) / 2 - Date.parse(hubAt);
    this.#measured = [...this.#measured, { tripMs: answered - asked, offsetMs }].slice(-KEPT);
  }

  /** Ours less the hub's; null: not measured yet. */
  ms(): number | null {
    const [quickest] = this.#measured.toSorted((a, b) => a.tripMs - b.tripMs);
    return quickest === undefined ? null : Math.round(quickest.offsetMs);
  }
}
