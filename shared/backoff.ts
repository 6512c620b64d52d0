/** Waiting times between tries: exponential, capped, with full jitter so that peers do not return together. */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0 ≤ random() < 1. */
  readonly random: () => number;
}

/**
 * @param attempt 0 for the wait after the first failure
 * @returns whole milliseconds to wait, between half and all of the capped exponential
 */
export function backoffMs(attempt: number, { firstMs, maxMs, random }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. The timer does not keep the process alive. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    timer.unref();
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
