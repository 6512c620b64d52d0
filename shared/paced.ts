/** What costs to be read, read again and again. Counts over millions of rows take never more than a fiftieth of the time. */
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

/** @returns `read`, or what it gave last while that is younger than `ms` */
export function keptFor<T>(ms: number, read: () => T, clock: Pick<Clock, 'monotonicMs'>): () => T {
  let last: { readonly value: T; readonly at: number } | undefined;
  return () => {
    const now = clock.monotonicMs();
    if (last === undefined || now - last.at >= ms) last = { value: read(), at: now };
    return last.value;
  };
}
