/** Counts over millions of rows, read again and again: never more than a fiftieth of the time goes into it. */
import type { Clock } from './clock.ts';

const SHARE = 50;

/** @returns `read`, or what it gave last while it is too soon to read again */
export function paced<T>(read: () => T, clock: Pick<Clock, 'monotonicMs'>): () => T {
  let last: { readonly value: T; readonly until: number } | undefined;
  return () => {
    const begun = clock.monotonicMs();
    if (last !== undefined && begun < last.until) return last.value;
    const value = read();
    const ended = clock.monotonicMs();
    last = { value, until: ended + (ended - begun) * SHARE };
    return value;
  };
}
