/** Time as an argument: what depends on it takes a `Clock`, so that a test can set it. */

export interface Clock {
  /** Wall clock, milliseconds since the epoch, UTC. */
  now(): number;
  /** A clock that never steps, in milliseconds; only differences mean something. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Clocks of one site differ by less. What was written further in the future was written before a clock was set back. */
export const CLOCKS_DIFFER_MS = 60_000;

/** RFC 3339 in UTC with milliseconds, the form of every time in the API, the log and the events. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
