/** The bank holidays of England, by the rules: Banking and Financial Dealings Act 1971, with substitute days. */

const DAY_MS = 86_400_000;
const SUNDAY = 0;
const MONDAY = 1;
const SATURDAY = 6;

const dayOf = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day);
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const weekday = (ms: number): number => new Date(ms).getUTCDay();

/** Easter Sunday of the Gregorian calendar; Meeus, Astronomical Algorithms, ch. 8. */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const l = (32 + 2 * (b % 4) + 2 * i - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dayOf(year, Math.floor(n / 31), (n % 31) + 1);
}

const firstMonday = (from: number): number => from + ((MONDAY - weekday(from) + 7) % 7) * DAY_MS;
const lastMonday = (to: number): number => to - ((weekday(to) - MONDAY + 7) % 7) * DAY_MS;

/** The day itself, or the next working day that is not taken. */
function substituted(days: readonly number[]): number[] {
  const taken = new Set<number>();
  const isFree = (day: number): boolean =>
    ![SUNDAY, SATURDAY].includes(weekday(day)) && !taken.has(day);
  // Those that keep their day first: Boxing Day on a Monday stays when Christmas moves to Tuesday.
  for (const day of days) if (isFree(day)) taken.add(day);
  for (const given of days) {
    if (taken.has(given)) continue;
    let day = given;
    while (!isFree(day)) day += DAY_MS;
    taken.add(day);
  }
  return [...taken];
}

const known = new Map<number, ReadonlySet<string>>();

function holidaysOf(year: number): ReadonlySet<string> {
  const found = known.get(year);
  if (found !== undefined) return found;
  const sunday = easter(year);
  const days = new Set(
    [
      ...substituted([dayOf(year, 1, 1)]),
      sunday - 2 * DAY_MS,
      sunday + DAY_MS,
      firstMonday(dayOf(year, 5, 1)),
      lastMonday(dayOf(year, 5, 31)),
      lastMonday(dayOf(year, 8, 31)),
      ...substituted([dayOf(year, 12, 25), dayOf(year, 12, 26)]),
    ].map(iso),
  );
  known.set(year, days);
  return days;
}

/** @param date YYYY-MM-DD by the clock on the wall; `further`: days that were proclaimed, or are the site's own */
export function isBankHoliday(date: string, further: ReadonlySet<string>): boolean {
  return further.has(date) || holidaysOf(Number(date.slice(0, 4))).has(date);
}
