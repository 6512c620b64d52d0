/**
 * Which days of a PACS are asked for when, as data, and how far each run has come: kill -9 costs the slice
 * under way, nothing more.
 *
 *   recent: today and yesterday, every few minutes … month: the daily reconciliation … history: everything
 *   glance: daily, of everything the names alone, so that what came into the past is found
 *   runs over everything: today ─► … ─► before the earliest year ─► without a date
 */
import { UNDATED } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { ALL_DAYS, addDays, daysBetween, isAllDays, type Slice } from './slice.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface SweepKind {
  readonly name: SweepName;
  /** How many days back from today; null: all. */
  readonly days: number | null;
  readonly everyMs: number;
}
export type SweepName = 'recent' | 'week' | 'month' | 'history' | 'glance';

/** The most urgent first. */
export const SWEEPS: readonly SweepKind[] = [
  { name: 'recent', days: 2, everyMs: 5 * MINUTE_MS },
  { name: 'week', days: 8, everyMs: HOUR_MS },
  { name: 'month', days: 31, everyMs: DAY_MS },
  { name: 'history', days: null, everyMs: 30 * DAY_MS },
  // Begins when the history is known.
  { name: 'glance', days: null, everyMs: DAY_MS },
];
/** Days that are asked for in one query: as many as bring an answer of middling size. */
const FIRST_SPAN = 7;
const MAX_SPAN = 400;
const FEW_ANSWERS = 100;
const MANY_ANSWERS = 300;

export interface SweepRow {
  readonly peer: string;
  readonly name: SweepName;
  readonly nextDay: string | null;
  readonly spanDays: number;
  readonly dueAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly days: number;
  readonly studies: number;
  readonly added: number;
  /** JSON of a {@link SweepResult}. */
  readonly lastResult: string | null;
}

export interface SweepResult {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly days: number;
  readonly studies: number;
  readonly added: number;
}

/** What a slice of a run came to. */
export interface SliceOutcome {
  readonly studies: number;
  readonly added: number;
  readonly isCut: boolean;
}

export interface SweepSlice {
  readonly sweep: SweepRow;
  readonly slice: Slice;
  /** It is the run's last. */
  readonly isLast: boolean;
}

export class Sweeps {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #earliest: string;

  constructor(db: Sqlite, { earliest }: { earliest: string }) {
    this.#statements = prepareStatements(db);
    this.#earliest = earliest;
  }

  /** The slice that is next; undefined: nothing is due. @param today YYYYMMDD */
  next(peer: string, { now, today }: { now: number; today: string }): SweepSlice | undefined {
    for (const { name } of SWEEPS) {
      this.#statements.create.run(peer, name, FIRST_SPAN);
      const sweep = this.#statements.find.get(peer, name) as SweepRow;
      if (sweep.nextDay === null && sweep.dueAt > now) continue;
      // A run that stood still until its days were over begins again.
      const isOver = sweep.nextDay !== null && sweep.nextDay < this.#oldest(name, today);
      if (sweep.nextDay === null || (isOver && !isOfAllDays(name)))
        this.#statements.begin.run(today, now, peer, name);
      const begun = this.#statements.find.get(peer, name) as SweepRow;
      return this.#sliceOf(begun, today);
    }
    return undefined;
  }

  /** When something is due next, milliseconds since the epoch. */
  nextDueAt(peer: string): number {
    const rows = this.#statements.list.all(peer);
    if (rows.some(({ nextDay }) => nextDay !== null) || rows.length < SWEEPS.length) return 0;
    return Math.min(...rows.map(({ dueAt }) => dueAt));
  }

  /** Within the transaction that records the slice's days. */
  done(
    { sweep, slice, isLast }: SweepSlice,
    outcome: SliceOutcome,
    { now, today }: { now: number; today: string },
  ): void {
    const { peer, name, spanDays } = sweep;
    const newest = slice.to === '' ? today : slice.to;
    const isDated = !isAllDays(slice);
    const days = slice.from === '' ? Number(isDated) : daysBetween(slice.from, newest);
    this.#statements.progress.run({
      ...{ peer, name, days, added: outcome.added },
      studies: outcome.studies,
      nextDay: isLast ? null : slice.from === '' ? UNDATED : addDays(slice.from, -1),
      span: isDated ? nextSpan(spanDays, outcome) : spanDays,
    });
    if (isLast) this.#finish(peer, name, now);
  }

  list(peer: string): SweepRow[] {
    return this.#statements.list.all(peer);
  }

  #finish(peer: string, name: SweepName, now: number): void {
    const row = this.#statements.find.get(peer, name) as SweepRow;
    const { days, studies, added } = row;
    const result: SweepResult = { at: now, days, studies, added };
    const everyMs = SWEEPS.find((kind) => kind.name === name)?.everyMs ?? DAY_MS;
    this.#statements.finish.run(now + everyMs, now, JSON.stringify(result), peer, name);
  }

  #sliceOf(sweep: SweepRow, today: string): SweepSlice {
    const oldest = this.#oldest(sweep.name, today);
    const isOfAll = isOfAllDays(sweep.name);
    if (sweep.nextDay === UNDATED) return { sweep, slice: ALL_DAYS, isLast: true };
    const nextDay = sweep.nextDay ?? today;
    // What is dated in the future goes with today.
    const to = nextDay >= today ? '' : nextDay;
    if (isOfAll && nextDay < oldest)
      return { sweep, slice: { from: '', to: addDays(oldest, -1) }, isLast: false };
    const from = later(addDays(nextDay >= today ? today : nextDay, 1 - sweep.spanDays), oldest);
    return { sweep, slice: { from, to }, isLast: !isOfAll && from <= oldest };
  }

  #oldest(name: SweepName, today: string): string {
    const days = daysOf(name);
    return days === null ? this.#earliest : addDays(today, 1 - days);
  }
}

const daysOf = (name: SweepName): number | null =>
  SWEEPS.find((kind) => kind.name === name)?.days ?? null;
const isOfAllDays = (name: SweepName): boolean => daysOf(name) === null;

const later = (a: string, b: string): string => (a > b ? a : b);

function nextSpan(span: number, { studies, isCut }: SliceOutcome): number {
  if (isCut) return 1;
  if (studies === 0) return Math.min(MAX_SPAN, span * 4);
  if (studies < FEW_ANSWERS) return Math.min(MAX_SPAN, span * 2);
  return studies > MANY_ANSWERS ? Math.max(1, Math.floor(span / 2)) : span;
}

const COLUMNS = `peer, name, next_day AS nextDay, span_days AS spanDays, due_at AS dueAt,
  started_at AS startedAt, finished_at AS finishedAt, days, studies, added,
  last_result AS lastResult`;

function prepareStatements(db: Sqlite) {
  return {
    create: db.prepare<[string, string, number]>(
      'INSERT OR IGNORE INTO crawl_sweeps (peer, name, span_days, due_at) VALUES (?, ?, ?, 0)',
    ),
    find: db.prepare<[string, string], SweepRow>(
      `SELECT ${COLUMNS} FROM crawl_sweeps WHERE peer = ? AND name = ?`,
    ),
    list: db.prepare<[string], SweepRow>(`SELECT ${COLUMNS} FROM crawl_sweeps WHERE peer = ?`),
    begin: db.prepare<[string, number, string, string]>(
      `UPDATE crawl_sweeps SET next_day = ?, started_at = ?, days = 0, studies = 0, added = 0
       WHERE peer = ? AND name = ?`,
    ),
    progress: db.prepare(
      `UPDATE crawl_sweeps SET next_day = @nextDay, span_days = @span, days = days + @days,
         studies = studies + @studies, added = added + @added WHERE peer = @peer AND name = @name`,
    ),
    finish: db.prepare<[number, number, string, string, string]>(
      `UPDATE crawl_sweeps SET next_day = NULL, due_at = ?, finished_at = ?, last_result = ?
       WHERE peer = ? AND name = ?`,
    ),
  };
}
