/** When figures are due by e-mail: from an hour of Mondays or of first days of months on, by the clock on the wall. Pure. */
import { zoneOf } from '../../../shared/time-zone.ts';

export const EVERY = ['week', 'month'] as const;
export type Every = (typeof EVERY)[number];

const LONDON = zoneOf('Europe/London');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The period that runs: the date of its Monday, or its month. One e-mail for each, however late it can be sent. */
export function periodOf(now: number, every: Every, hour: number): string {
  const local = now + LONDON.offsetMinutes(now) * 60_000 - hour * HOUR_MS;
  if (every === 'month') return new Date(local).toISOString().slice(0, 7);
  // 1 January 1970 was a Thursday.
  const sinceMonday = (Math.floor(local / DAY_MS) + 3) % 7;
  return new Date(local - sinceMonday * DAY_MS).toISOString().slice(0, 10);
}
