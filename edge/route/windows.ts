/** Hours of the day and days of the week, as people at the trust count them. */
import type { RouteWindow } from '../config-routes.ts';

const DAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const LOCAL = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  ...{ weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
});

/** @param ms since the epoch; `days` are those on which the window opens, also when it closes on the next */
export function isWithin({ from, to, days }: RouteWindow, ms: number): boolean {
  const parts = new Map(LOCAL.formatToParts(ms).map(({ type, value }) => [type, value]));
  const time = `${parts.get('hour')}:${parts.get('minute')}`;
  const today = DAYS.indexOf(parts.get('weekday')?.toLowerCase() ?? '');
  const opens = (day: number): boolean => days.some((name) => name === DAYS[(day + 7) % 7]);
  if (from < to) return opens(today) && time >= from && time < to;
  return (opens(today) && time >= from) || (opens(today - 1) && time < to);
}

export const windowText = ({ from, to, days }: RouteWindow): string =>
  days.length === DAYS.length ? `${from} to ${to}` : `${from} to ${to}, ${days.join(' ')}`;
