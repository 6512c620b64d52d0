/** The time of day in the UK, which quiet hours, wishes and notice are told in. */

const HOUR_MS = 3_600_000;
/** British summer time begins and ends on the last Sunday of March and October, 01:00 UTC. */
const CHANGE_MONTHS = [2, 9] as const;

/** Milliseconds that the UK's clocks are before UTC at a moment. */
export function ukOffsetMs(at: number): number {
  const year = new Date(at).getUTCFullYear();
  const [summer = 0, winter = 0] = CHANGE_MONTHS.map((month) => lastSundayOf(year, month));
  return at >= summer && at < winter ? HOUR_MS : 0;
}

function lastSundayOf(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month + 1, 0, 1));
  return last.getTime() - last.getUTCDay() * 24 * HOUR_MS;
}

/** Hours since midnight in the UK, with parts. */
export function ukHour(at: number): number {
  return ((at + ukOffsetMs(at)) / HOUR_MS) % 24;
}

/** YYYY-MM-DD in the UK. */
export const ukDay = (at: number): string =>
  new Date(at + ukOffsetMs(at)).toISOString().slice(0, 10);

/** 1 Monday to 7 Sunday. */
export const ukWeekday = (at: number): number => new Date(at + ukOffsetMs(at)).getUTCDay() || 7;

/** A moment told as a day and hours since midnight, both in the UK. */
export function ukMoment(day: string, hours: number): number {
  const asUtc = Date.parse(`${day}T00:00:00Z`) + hours * HOUR_MS;
  return asUtc - ukOffsetMs(asUtc - ukOffsetMs(asUtc));
}
