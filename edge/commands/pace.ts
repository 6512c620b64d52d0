/**
 * How fast this edge files and delivers, measured since it started: what an ETA adds for the steps that
 * are still to come. A step that was never measured adds nothing.
 */

/** A new measurement counts so much. */
const WEIGHT = 0.3;
/** Less says nothing about a rate. */
const LEAST_BYTES = 1_000_000;

export class Pace {
  #secondsPerByte = { filing: 0, delivering: 0 };

  measured(step: 'filing' | 'delivering', done: { bytes: number; ms: number }): void {
    if (done.bytes < LEAST_BYTES || done.ms <= 0) return;
    const found = done.ms / 1000 / done.bytes;
    const before = this.#secondsPerByte[step];
    this.#secondsPerByte[step] = before === 0 ? found : before + WEIGHT * (found - before);
  }

  secondsAfterTransfer(bytes: number): number {
    return bytes * (this.#secondsPerByte.filing + this.#secondsPerByte.delivering);
  }

  /** Null: not known. */
  secondsToDeliver(bytes: number): number | null {
    const { delivering } = this.#secondsPerByte;
    return delivering === 0 ? null : bytes * delivering;
  }
}
