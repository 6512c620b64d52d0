/** The clock on the wall of a site. */

export interface ZonedClock {
  /** Minutes that local time is ahead of UTC at that moment. */
  offsetMinutes(utcMs: number): number;
}

/** @param timeZone IANA name, such as Europe/London */
export function zoneOf(timeZone: string): ZonedClock {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric' },
  } as Intl.DateTimeFormatOptions);
  const known = new Map<number, number>();
  return {
    offsetMinutes(utcMs) {
      // Offsets change on the quarter of an hour; asking Intl is slow.
      const quarter = Math.floor(utcMs / 900_000);
      const found = known.get(quarter);
      if (found !== undefined) return found;
      const part = (parts: Intl.DateTimeFormatPart[], type: string): number =>
        Number(parts.find((one) => one.type === type)?.value);
      const parts = format.formatToParts(quarter * 900_000);
      const local = Date.UTC(
        ...([part(parts, 'year'), part(parts, 'month') - 1, part(parts, 'day')] as const),
        ...([part(parts, 'hour'), part(parts, 'minute')] as const),
      );
      const minutes = (local - quarter * 900_000) / 60_000;
      if (known.size > 10_000) known.clear();
      known.set(quarter, minutes);
      return minutes;
    },
  };
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * When the clock on the wall shows a time: of the hour that comes twice the first, of the one that is left out as if
 * the clock went on.
 *
 * @param localMs what the wall shows, as milliseconds of UTC
 */
export function utcOfLocal(localMs: number, zone: ZonedClock): number {
  const before = zone.offsetMinutes(localMs - DAY_MS);
  const after = zone.offsetMinutes(localMs + DAY_MS);
  const [early, late] = [localMs - before * MINUTE_MS, localMs - after * MINUTE_MS];
  const isLate = zone.offsetMinutes(early) !== before && zone.offsetMinutes(late) === after;
  return before !== after && isLate ? late : early;
}

/** Date and time as DICOM writes them, YYYYMMDD and HHMMSS, by the clock on the wall. @param utc RFC 3339 */
export function localDateTime(utc: string, zone: ZonedClock): { date: string; time: string } {
  const ms = Date.parse(utc);
  const digits = new Date(ms + zone.offsetMinutes(ms) * 60_000).toISOString().replace(/[-:T]/g, '');
  return { date: digits.slice(0, 8), time: digits.slice(8, 14) };
}
