/** The rhythm of a device, learnt from when its objects came; the clock is the test's. */
import t, { type Test } from 'tap';
import { type Rhythm, Rhythms } from '../../../../hub/fleet/rhythm.ts';
import { fleetSchema } from '../../../../hub/fleet/schema.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { zoneOf } from '../../../../shared/time-zone.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday, 01:00 by the clock on the wall. */
const BEGIN = Date.UTC(2026, 5, 1);

interface Device {
  lastAt: number;
  of(now: number): Rhythm;
}

/** Learns from `begin` to `end`, with gaps of the minutes that the hour of the wall's clock has. */
function device(
  t: Test,
  minutesAt: (hour: number, weekday: number) => number | null,
  end: number,
): Device {
  const db = openSqlite(':memory:', fleetSchema);
  t.teardown(() => db.close());
  const rhythms = new Rhythms({ db, zone: zoneOf('Europe/London'), bankHolidays: new Set() });
  let state = 3;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let lastAt = BEGIN;
  let due = 0;
  // Minute by minute, so that an hour that begins has its own pace at once.
  for (let at = BEGIN; at < end; at += MINUTE) {
    const local = new Date(at + HOUR);
    const mean = minutesAt(local.getUTCHours(), local.getUTCDay());
    if (mean === null) continue;
    due -= 1 / mean;
    if (due > 0) continue;
    due += 0.4 + 1.2 * random();
    lastAt = at;
    rhythms.learn('RRK', 'CT1', at);
  }
  return { lastAt, of: (now) => rhythms.of('RRK', now)[0] as Rhythm };
}

const isTold = ({ silentSeconds, limits }: Rhythm): boolean =>
  limits !== null && silentSeconds > Math.max(3_600, limits.promptSeconds);

t.test(
  'a scanner that never closes is missed within the hour by day, and later by night',
  async (t) => {
    const pace = (hour: number): number => (hour >= 8 && hour < 22 ? 10 : 45);
    const noon = device(t, pace, BEGIN + 29 * DAY + 11 * HOUR);
    t.notOk(isTold(noon.of(noon.lastAt + 40 * MINUTE)));
    t.ok(isTold(noon.of(noon.lastAt + 61 * MINUTE)), 'by day');
    const night = device(t, pace, BEGIN + 29 * DAY + 1 * HOUR);
    t.ok(night.of(night.lastAt).isWorkingNow, 'it works at night');
    t.notOk(isTold(night.of(night.lastAt + 100 * MINUTE)), 'so long is nothing at night');
    t.ok(isTold(night.of(night.lastAt + 7 * HOUR)), 'but all night long is');
  },
);

t.test('nights and Sundays of a scanner that is closed then are no silence', async (t) => {
  const office = (hour: number, day: number): number | null =>
    day >= 1 && day <= 5 && hour >= 8 && hour < 18 ? 10 : null;
  const friday = device(t, office, BEGIN + 25 * DAY + 23 * HOUR);
  const monday = BEGIN + 28 * DAY + 7 * HOUR;
  t.notOk(isTold(friday.of(monday + 20 * MINUTE)), 'Monday, 08:20');
  t.notOk(friday.of(monday - HOUR).isWorkingNow);
  t.ok(isTold(friday.of(monday + 61 * MINUTE)), 'an hour of the Monday is missed');
});

t.test('a Tuesday-only clinic is silent on no other day', async (t) => {
  const tuesdays = (hour: number, day: number): number | null =>
    day === 2 && hour >= 9 && hour < 17 ? 8 : null;
  const clinic = device(t, tuesdays, BEGIN + 31 * DAY);
  t.notOk(isTold(clinic.of(BEGIN + 35 * DAY + 12 * HOUR)), 'on the Monday after');
  t.ok(isTold(clinic.of(BEGIN + 36 * DAY + 12 * HOUR)), 'on the next Tuesday');
});

t.test('nothing is said of a device that is known for less than a week', async (t) => {
  const few = device(t, () => 10, BEGIN + 5 * DAY);
  const rhythm = few.of(few.lastAt + DAY);
  t.equal(rhythm.state, 'learning');
  t.equal(rhythm.limits, null);
});
