/**
 * When a destination that failed may be tried again, so that a dead one costs one attempt a minute and not
 * one an object.
 *
 *   works ─ failure ─► waits (longer each time) ─ time is up ─► one association tries ─┬─ success ─► works
 *                        ▲                                                            └─ failure ──┐
 *                        └─────────────────────────────────────────────────────────────────────────┘
 */
import { type BackoffOptions, backoffMs } from '../../shared/backoff.ts';

export class Breaker {
  readonly #backoff: BackoffOptions;
  #failures: number;

  /** @param failures in a row before the edge was started */
  constructor(backoff: BackoffOptions, failures: number) {
    this.#backoff = backoff;
    this.#failures = failures;
  }

  /** The destination failed when it was last tried: one association alone is to find out whether it works again. */
  get isProbing(): boolean {
    return this.#failures > 0;
  }

  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  /** @returns how long nothing is tried, in milliseconds */
  fail(): number {
    const waitMs = backoffMs(this.#failures, this.#backoff);
    this.#failures += 1;
    return waitMs;
  }

  /** @returns true when it had failed before */
  succeed(): boolean {
    const wasProbing = this.isProbing;
    this.#failures = 0;
    return wasProbing;
  }
}
