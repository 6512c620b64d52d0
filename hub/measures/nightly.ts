/** Where figures are built once a night: whether it is time. Pure. */
import { utcOfLocal, type ZonedClock } from '../../shared/time-zone.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * @param hour by the clock on the wall, from which on it is built
 * @param builtAt milliseconds since the epoch, as `now`
 * @returns true: that hour came since it was built
 */
export function isNightlyDue(
  hour: number,
  { builtAt, now }: { builtAt: number; now: number },
  zone: ZonedClock,
): boolean {
  const wall = now + zone.offsetMinutes(now) * 60_000;
  const today = Math.floor(wall / DAY_MS) * DAY_MS + hour * HOUR_MS;
  return builtAt < utcOfLocal(today <= wall ? today : today - DAY_MS, zone);
}
