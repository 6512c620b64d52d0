/** When a review is due: five working days after the access was opened (SE-04), by the calendar of England. */
import { isBankHoliday } from '../../shared/bank-holidays.ts';

const DAY_MS = 86_400_000;
export const REVIEW_DAYS = 5;

const isWorkingDay = (ms: number, further: ReadonlySet<string>): boolean => {
  const day = new Date(ms);
  const weekday = day.getUTCDay();
  return weekday !== 0 && weekday !== 6 && !isBankHoliday(day.toISOString().slice(0, 10), further);
};

/** @returns milliseconds since the epoch */
export function reviewDue(openedAt: string, further: ReadonlySet<string>): number {
  let at = Date.parse(openedAt);
  for (let days = 0; days < REVIEW_DAYS; ) {
    at += DAY_MS;
    if (isWorkingDay(at, further)) days += 1;
  }
  return at;
}

/** Whole ones that have gone by. */
export function workingDaysSince(
  openedAt: string,
  now: number,
  further: ReadonlySet<string>,
): number {
  let days = 0;
  for (let at = Date.parse(openedAt) + DAY_MS; at <= now; at += DAY_MS)
    if (isWorkingDay(at, further)) days += 1;
  return days;
}
