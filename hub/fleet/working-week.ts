/**
 * How much of its busiest hour each hour of the week is worth to a device, learnt from when it worked: 1 in the day,
 * perhaps a quarter in the night of a scanner that never closes, 0 when it is closed.
 *
 *   hours, and in how many of their five minutes something came ─► pooled by kind of day ─► weights of 168 hours
 *
 * Pure. Hour 0 is Sunday, midnight to one, by the clock on the wall.
 */
export const WEEK_HOURS = 168;
/** Of the weeks, and one more: an emergency in the night makes no working hour of it. */
const WORKING_SHARE = 0.3;
/** Two weeks are no rhythm: until there are three, the hours are those of most departments. */
const LEAST_WEEKS = 3;
/** Where in the order of its hours the one stands that counts whole. */
const BUSY_RANK = 0.75;
/** An hour this busy is as good as the busiest: what is less may be chance. */
const FULL_SHARE = 0.6;

export interface HourOfWeek {
  /** Weeks of which this hour is known. */
  weeks: number;
  /** In so many of them something came, */
  came: number;
  /** in so many of their five minutes. */
  slots: number;
}

/** @returns 168 weights from 0 to 1 */
export function workingWeights(week: readonly HourOfWeek[]): number[] {
  const isMember = week.map(({ weeks, came }) => came >= 1 + weeks * WORKING_SHARE);
  const rates = week.map((_, hour) => (isMember[hour] ? pooledRate(week, isMember, hour) : 0));
  const members = rates.filter((rate) => rate > 0).sort((a, b) => a - b);
  const busy = members[Math.floor(members.length * BUSY_RANK)] ?? 0;
  return week.map(({ weeks }, hour) => {
    if (weeks < LEAST_WEEKS) return isOfficeHour(hour) ? 1 : 0;
    const share = busy === 0 ? 0 : (rates[hour] ?? 0) / busy;
    return share >= FULL_SHARE ? 1 : share;
  });
}

/** Monday to Friday are one kind of day: five times as much to tell from. */
function pooledRate(
  week: readonly HourOfWeek[],
  isMember: readonly boolean[],
  hour: number,
): number {
  const day = Math.floor(hour / 24);
  const days = day >= 1 && day <= 5 ? [1, 2, 3, 4, 5] : [day];
  let [slots, weeks] = [0, 0];
  for (const of of days) {
    const same = of * 24 + (hour % 24);
    const one = week[same];
    if (one === undefined || isMember[same] !== true) continue;
    slots += one.slots;
    weeks += one.weeks;
  }
  return weeks === 0 ? 0 : slots / weeks;
}

/** Monday to Friday, 8 to 18. */
function isOfficeHour(ofWeek: number): boolean {
  const day = Math.floor(ofWeek / 24);
  const hour = ofWeek % 24;
  return day >= 1 && day <= 5 && hour >= 8 && hour < 18;
}
