/**
 * When a device or feed usually works, learnt from when it did, and how long it is silent between: so that a
 * silent scanner is told from one that has closed for the night.
 *
 *   last object ─► how busy each hour of the week is (working-week.ts)
 *               └► working seconds since the one before ─► gaps ─► limits of silence (silence-limits.ts)
 *
 * Only working time counts as silence, that of a quiet hour in part. A bank holiday is a Sunday.
 */

import { isBankHoliday } from '../../shared/bank-holidays.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { ZonedClock } from '../../shared/time-zone.ts';
import { type SilenceLimits, silenceLimits } from './silence-limits.ts';
import { type HourOfWeek, WEEK_HOURS, workingWeights } from './working-week.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LEARNT_MS = 8 * 7 * DAY_MS;
/** Less is within one burst: the objects of one examination. */
const BURST_SECONDS = 300;
const SLOT_MS = 300_000;
/** Four weeks of a busy scanner. */
const KEPT_GAPS = 1_000;
/** From fewer, or within less than a week, nothing is said. */
const LEAST_GAPS = 20;
const LEAST_AGE_MS = 7 * DAY_MS;
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
  /** Of its busy hours, since something came. */
  readonly silentSeconds: number;
  /** 99 % of its silences were shorter; and the longest. Null while learning. */
  readonly p99Seconds: number | null;
  readonly longestSeconds: number | null;
  /** From which silence on it is more than chance. Null while learning. */
  readonly limits: SilenceLimits | null;
}

export interface RhythmsOptions {
  readonly db: Sqlite;
  readonly zone: ZonedClock;
  /** Beside those of England. */
  readonly bankHolidays: ReadonlySet<string>;
}

interface Learnt {
  readonly day: number;
  readonly lastAt: number;
  readonly p99Seconds: number;
  readonly longestSeconds: number;
  readonly limits: SilenceLimits;
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
  readonly #hours = new Map<string, { readonly day: number; readonly weights: number[] }>();
  /** By trust and device: what follows from its gaps, until there is another, or another day. */
  readonly #learnt = new Map<string, Learnt>();

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
    if (Math.floor(lastAt / SLOT_MS) > Math.floor(row.last_at / SLOT_MS))
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
    const learnt = this.#learntOf(trust, row, now);
    const isLearnt = learnt !== null && now - row.first_at >= LEAST_AGE_MS;
    return {
      device: row.device,
      lastAt: row.last_at,
      state: isLearnt ? 'learnt' : 'learning',
      isWorkingNow: this.#weightAt(this.#weights(trust, row, now), now) > 0,
      silentSeconds: this.#workingSeconds(trust, row, { from: row.last_at, to: now }),
      p99Seconds: isLearnt ? learnt.p99Seconds : null,
      longestSeconds: isLearnt ? learnt.longestSeconds : null,
      limits: isLearnt ? learnt.limits : null,
    };
  }

  #learntOf(trust: string, row: DeviceRow, now: number): Learnt | null {
    const key = `${trust} ${row.device}`;
    const day = Math.floor(now / DAY_MS);
    const known = this.#learnt.get(key);
    if (known?.day === day && known.lastAt === row.last_at) return known;
    const gaps = (JSON.parse(row.gaps) as number[]).sort((a, b) => a - b);
    if (gaps.length < LEAST_GAPS) return null;
    const hours = this.#weights(trust, row, now).reduce((sum, weight) => sum + weight, 0);
    const learnt = {
      ...{ day, lastAt: row.last_at },
      p99Seconds: gaps[Math.floor(gaps.length * 0.99)] ?? 0,
      longestSeconds: gaps.at(-1) ?? 0,
      limits: silenceLimits(gaps, hours * 3_600),
    };
    this.#learnt.set(key, learnt);
    return learnt;
  }

  /** Seconds of [from, to), each as much as its hour is worth. */
  #workingSeconds(
    trust: string,
    row: DeviceRow,
    { from, to }: { from: number; to: number },
  ): number {
    const weights = this.#weights(trust, row, to);
    let ms = 0;
    for (let at = Math.max(from, to - MAX_SILENCE_MS); at < to; ) {
      const end = Math.min(to, (Math.floor(at / HOUR_MS) + 1) * HOUR_MS);
      ms += (end - at) * this.#weightAt(weights, at);
      at = end;
    }
    return Math.round(ms / 1000);
  }

  #weightAt(weights: readonly number[], at: number): number {
    return weights[this.#hourOfWeek(at)] ?? 0;
  }

  #weights(trust: string, { device, first_at }: DeviceRow, now: number): number[] {
    const key = `${trust} ${device}`;
    const day = Math.floor(now / DAY_MS);
    const known = this.#hours.get(key);
    if (known?.day === day) return known.weights;
    const from = Math.floor(Math.max(first_at, now - LEARNT_MS) / HOUR_MS);
    const week = Array.from({ length: WEEK_HOURS }, (): HourOfWeek => {
      return { weeks: 0, came: 0, slots: 0 };
    });
    const of = (hour: number) => week[this.#hourOfWeek(hour * HOUR_MS)] as HourOfWeek;
    for (let hour = from; hour < Math.floor(now / HOUR_MS); hour += 1) of(hour).weeks += 1;
    for (const { hour, slots } of this.#statements.hours.all(trust, device, from)) {
      const one = of(hour);
      one.came += 1;
      one.slots += slots;
    }
    const weights = workingWeights(week);
    this.#hours.set(key, { day, weights });
    return weights;
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
      `INSERT INTO device_hours (trust, device, hour) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET slots = slots + 1`,
    ),
    hours: db.prepare<[string, string, number], { hour: number; slots: number }>(
      'SELECT hour, slots FROM device_hours WHERE trust = ? AND device = ? AND hour >= ?',
    ),
    forgetHours: db.prepare<[number]>('DELETE FROM device_hours WHERE hour < ?'),
  };
}
