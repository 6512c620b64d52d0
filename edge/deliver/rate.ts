/** No more objects a second than a destination is to be given. */
import { sleep } from '../../shared/backoff.ts';

export class Rate {
  readonly #everyMs: number;
  readonly #now: () => number;
  #nextAt = Number.NEGATIVE_INFINITY;

  /** @param perSecond undefined: as fast as it goes @param now milliseconds */
  constructor(perSecond: number | undefined, now: () => number) {
    this.#everyMs = perSecond === undefined ? 0 : 1_000 / perSecond;
    this.#now = now;
  }

  /** Resolves when the next object may go; in the order in which it was asked. */
  async slot(signal: AbortSignal): Promise<void> {
    if (this.#everyMs === 0) return;
    const now = this.#now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#everyMs;
    if (at > now) await sleep(at - now, signal);
  }
}
