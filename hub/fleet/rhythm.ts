/**
 * When a device or feed usually works, learnt from when it did, and how long it is silent between: so that a
 * silent scanner is told from one that has closed for the night.
 *
 *   last object ─► hours of the week in which something came ─► working hours
 *               └► working seconds since the one before ─► gaps ─► limits of silence
 *
 * Only working time counts as silence. A bank holiday is a Sunday.
 */

import { isBankHoliday } from '../../shared/bank-holidays.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { ZonedClock } from '../../shared/time-zone.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_HOURS = 168;
const LEARNT_MS = 8 * 7 * DAY_MS;
/** Less is within one burst: the objects of one examination. */
const BURST_SECONDS = 300;
const KEPT_GAPS = 400;
/** From fewer, or within less than a week, nothing is said. */
const LEAST_GAPS = 20;
const LEAST_AGE_MS = 7 * DAY_MS;
/** Of the weeks, and one more: an emergency in the night makes no working hour of it. */
const WORKING_SHARE = 0.6;
const MAX_KNOWN_HOURS = 10_000;
/** Silence is counted no further than this. */
const MAX_SILENCE_MS = 21 * DAY_MS;

export interface Rhythm {
  readonly device: string;
  readonly lastAt: number;
  /** `learning`: too little came for a limit. */
  readonly state: 'learning' | 'learnt';
  /** Whether it usually works at this hour. */
  readonly isWorkingNow: boolean;
  /** Of working time since something came. */
  readonly silentSeconds: number;
  /** 99 % of its silences were shorter; and the longest. Null while learning. */
  readonly p99Seconds: number | null;
  readonly longestSeconds: number | null;
}

export interface RhythmsOptions {
  readonly db: Sqlite;
  readonly zone: ZonedClock;
  /** Beside those of England. */
  readonly bankHolidays: ReadonlySet<string>;
}

interface DeviceRow {
  readonly device: string;
  readonly first_at: number;
  readonly last_at: number;
  readonly gaps: string;
}

export class Rhythms {
  readonly #options: RhythmsOptions;
  readonly #statements: ReturnType<typeof prepare>;
  /** By trust and device: its working hours as of a day. */
  readonly #hours = new Map<
    string,
    { readonly day: number; readonly working: ReadonlySet<number> }
  >();

  readonly #ofWeek = new Map<number, number>();

  constructor(options: RhythmsOptions) {
    this.#options = options;
    this.#statements = prepare(options.db);
  }

  /** To be called within a transaction. Times in milliseconds since the epoch. */
  learn(trust: string, device: string, lastAt: number): void {
    const row = this.#statements.find.get(trust, device);
    if (row === undefined) {
      this.#statements.put.run({ trust, device, firstAt: lastAt, lastAt, gaps: '[]' });
      this.#statements.putHour.run(trust, device, Math.floor(lastAt / HOUR_MS));
      return;
    }
    if (lastAt <= row.last_at) return;
    const gap = this.#workingSeconds(trust, row, { from: row.last_at, to: lastAt });
    this.#statements.putHour.run(trust, device, Math.floor(lastAt / HOUR_MS));
    const { gaps, first_at: firstAt } = row;
    const isYoung = lastAt - firstAt < LEAST_AGE_MS;
    const learnt = gap < BURST_SECONDS ? gaps : withGap(gaps, gap, isYoung);
    this.#statements.put.run({ trust, device, firstAt, lastAt, gaps: learnt });
  }

  of(trust: string, now: number): Rhythm[] {
    return this.#statements.list.all(trust).map((row) => this.#rhythm(trust, row, now));
  }

  /** Hours that count no longer. */
  forget(now: number): void {
    this.#statements.forgetHours.run(Math.floor((now - LEARNT_MS) / HOUR_MS));
  }

  #rhythm(trust: string, row: DeviceRow, now: number): Rhythm {
    const gaps = (JSON.parse(row.gaps) as number[]).sort((a, b) => a - b);
    const isLearnt = gaps.length >= LEAST_GAPS && now - row.first_at >= LEAST_AGE_MS;
    const p99 = gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * 0.99))] ?? null;
    const working = this.#workingHours(trust, row, now);
    return {
      device: row.device,
      lastAt: row.last_at,
      state: isLearnt ? 'learnt' : 'learning',
      isWorkingNow: working.has(this.#hourOfWeek(now)),
      silentSeconds: this.#workingSeconds(trust, row, { from: row.last_at, to: now }),
      p99Seconds: isLearnt ? p99 : null,
      longestSeconds: isLearnt ? (gaps.at(-1) ?? null) : null,
    };
  }

  /** Seconds of [from, to) that lie in working hours. */
  #workingSeconds(
    trust: string,
    row: DeviceRow,
    { from, to }: { from: number; to: number },
  ): number {
    const working = this.#workingHours(trust, row, to);
    let ms = 0;
    for (let at = Math.max(from, to - MAX_SILENCE_MS); at < to; ) {
      const end = Math.min(to, (Math.floor(at / HOUR_MS) + 1) * HOUR_MS);
      if (working.has(this.#hourOfWeek(at))) ms += end - at;
      at = end;
    }
    return Math.round(ms / 1000);
  }

  #workingHours(trust: string, { device, first_at }: DeviceRow, now: number): ReadonlySet<number> {
    const key = `${trust} ${device}`;
    const day = Math.floor(now / DAY_MS);
    const known = this.#hours.get(key);
    if (known?.day === day) return known.working;
    const from = Math.floor(Math.max(first_at, now - LEARNT_MS) / HOUR_MS);
    const seen = new Array<number>(WEEK_HOURS).fill(0);
    const came = new Array<number>(WEEK_HOURS).fill(0);
    for (let hour = from; hour < Math.floor(now / HOUR_MS); hour += 1) {
      const ofWeek = this.#hourOfWeek(hour * HOUR_MS);
      seen[ofWeek] = (seen[ofWeek] ?? 0) + 1;
    }
    for (const hour of this.#statements.hours.all(trust, device, from) as number[]) {
      const ofWeek = this.#hourOfWeek(hour * HOUR_MS);
      came[ofWeek] = (came[ofWeek] ?? 0) + 1;
    }
    const working = new Set<number>();
    for (let ofWeek = 0; ofWeek < WEEK_HOURS; ofWeek += 1) {
      const weeks = seen[ofWeek] ?? 0;
      // Two weeks are no rhythm: until there are three, the hours are those of most departments.
      const isWorking =
        weeks < 3 ? isOfficeHour(ofWeek) : (came[ofWeek] ?? 0) >= 1 + weeks * WORKING_SHARE;
      if (isWorking) working.add(ofWeek);
    }
    this.#hours.set(key, { day, working });
    return working;
  }

  /** 0: Sunday, midnight to one, by the clock on the wall. */
  #hourOfWeek(at: number): number {
    const hour = Math.floor(at / HOUR_MS);
    const found = this.#ofWeek.get(hour);
    if (found !== undefined) return found;
    if (this.#ofWeek.size > MAX_KNOWN_HOURS) this.#ofWeek.clear();
    const ofWeek = this.#findHourOfWeek(hour * HOUR_MS);
    this.#ofWeek.set(hour, ofWeek);
    return ofWeek;
  }

  #findHourOfWeek(at: number): number {
    const { zone, bankHolidays } = this.#options;
    const local = new Date(at + zone.offsetMinutes(at) * 60_000);
    const date = local.toISOString().slice(0, 10);
    const day = isBankHoliday(date, bankHolidays) ? 0 : local.getUTCDay();
    return day * 24 + local.getUTCHours();
  }
}

/** Monday to Friday, 8 to 18. */
function isOfficeHour(ofWeek: number): boolean {
  const day = Math.floor(ofWeek / 24);
  const hour = ofWeek % 24;
  return day >= 1 && day <= 5 && hour >= 8 && hour < 18;
}

/**
 * A silence that was far longer than any before was a failure, or something new: it raises the longest by half,
 * so that one outage does not make the next one normal, and a new habit is learnt in some days.
 */
function withGap(text: string, gap: number, isYoung: boolean): string {
  const gaps = JSON.parse(text) as number[];
  const longest = Math.max(...gaps);
  const isBeginning = isYoung || gaps.length < LEAST_GAPS;
  const kept = isBeginning ? gap : Math.min(gap, Math.round(longest * 1.5));
  return JSON.stringify([...gaps, kept].slice(-KEPT_GAPS));
}

function prepare(db: Sqlite) {
  return {
    find: db.prepare<[string, string], DeviceRow>(
      'SELECT device, first_at, last_at, gaps FROM devices WHERE trust = ? AND device = ?',
    ),
    list: db.prepare<[string], DeviceRow>(
      'SELECT device, first_at, last_at, gaps FROM devices WHERE trust = ? ORDER BY device',
    ),
    put: db.prepare<[object]>(
      `INSERT INTO devices VALUES (@trust, @device, @firstAt, @lastAt, @gaps)
       ON CONFLICT DO UPDATE SET last_at = excluded.last_at, gaps = excluded.gaps`,
    ),
    putHour: db.prepare<[string, string, number]>(
      'INSERT INTO device_hours VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    hours: db
      .prepare<[string, string, number]>(
        'SELECT hour FROM device_hours WHERE trust = ? AND device = ? AND hour >= ?',
      )
      .pluck(),
    forgetHours: db.prepare<[number]>('DELETE FROM device_hours WHERE hour < ?'),
  };
}
