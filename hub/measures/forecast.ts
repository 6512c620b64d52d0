/**
 * The waiting list as it will be, if the coming weeks are like the last eight: who is asked for and who leaves the list
 * (made, cancelled) by week, and so how long it will be, and when how many pass six weeks if the longest waits go first.
 *
 * A trust's own people see their own list whole. Everybody else sees the network as one, rounded down to fives, so that
 * no difference with BI-10 tells a small number.
 */
import { type Context, relationOf } from './cells.ts';
import { waitingList } from './definitions/waiting-list.ts';
import { openTable } from './open-rows.ts';
import { quoted, type Row, type Store, timestamp } from './store.ts';
import { SMALLEST } from './suppress.ts';

const WEEKS_BACK = 8;
export const WEEKS_AHEAD = 12;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const BREACH_WEEKS = 6;
/** Of a normal distribution: four times in five within. */
const BAND = 1.28;

export interface ForecastWeek {
  /** Its last day, `2026-07-17`. */
  readonly ends: string;
  readonly expected: number | null;
  /** Four times in five it lies between, if weeks are as irregular as they were. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of those who wait now: have waited six weeks by then. */
  readonly dueBySixWeeks: number | null;
  /** Of these, more than can be seen until then. */
  readonly breaches: number | null;
}

export interface Forecast {
  readonly test: string;
  readonly waiting: number | null;
  readonly sixWeeks: number | null;
  readonly addedAWeek: number | null;
  readonly leftAWeek: number | null;
  /** When the first who waits now passes six weeks though the longest waits go first; null: nobody within the weeks. */
  readonly firstBreach: string | null;
  readonly weeks: readonly ForecastWeek[];
}

/** @param trust whose list, whole; null: the network's, rounded */
export async function forecastOf(
  store: Store,
  context: Context,
  trust: string | null,
): Promise<Forecast[]> {
  const of = trust === null ? 'true' : `trust = ${quoted(trust)}`;
  const rows = await store.ask(forecastSql(context, of));
  return rows.map((row) => {
    const exact = forecast(row, context.now);
    return trust === null ? rounded(exact) : exact;
  });
}

/** By test: waiting by weeks waited, and what came and went in each of the last weeks. */
function forecastSql(context: Context, of: string): string {
  const now = timestamp(context.now);
  const since = timestamp(context.now - WEEKS_BACK * WEEK_MS);
  const week = (at: string): string => `(epoch_ms(${now} - ${at}) // ${WEEK_MS})::INTEGER`;
  const listed = `in_ris AND test IS NOT NULL AND band NOT IN ('P1', 'P5') AND setting NOT IN ('inpatient', 'emergency')`;
  const left = 'least(coalesce(ended_at, verified_at), cancelled_at)';
  return `
    WITH waiting AS (
      WITH exam AS (FROM ${openTable('exam')})
      SELECT test, least(days_waited // 7, 99)::INTEGER AS week, count(*) AS n
      FROM (${relationOf(waitingList, context)}) WHERE ${of} GROUP BY ALL),
    -- One column each, so that rows of years ago are not even read.
    lately AS (
      FROM exam WHERE ended_at >= ${since}
      UNION ALL FROM exam WHERE verified_at >= ${since} AND ended_at IS NULL
      UNION ALL FROM exam WHERE cancelled_at >= ${since} AND verified_at IS NULL AND ended_at IS NULL),
    moves AS (
      SELECT test, ${week('requested_at')} AS week, 1 AS added, 0 AS gone FROM exam
      WHERE ${of} AND ${listed} AND requested_at >= ${since} AND requested_at < ${now}
      UNION ALL
      SELECT test, ${week(left)}, 0, 1 FROM lately
      WHERE ${of} AND ${listed} AND ${left} >= ${since} AND ${left} < ${now}),
    by_week AS (SELECT test, week, sum(added)::INTEGER AS added, sum(gone)::INTEGER AS gone FROM moves GROUP BY ALL)
    SELECT test,
      (SELECT list({week: w.week, n: w.n}) FROM waiting w WHERE w.test = t.test) AS waiting,
      (SELECT list({week: m.week, added: m.added, gone: m.gone}) FROM by_week m WHERE m.test = t.test) AS moves
    FROM (SELECT test FROM waiting UNION SELECT test FROM by_week) t ORDER BY test`;
}

interface Waiting {
  readonly week: number;
  readonly n: number;
}
interface Moves {
  readonly week: number;
  readonly added: number;
  readonly gone: number;
}

const listOf = <T extends object>(value: unknown): T[] =>
  ((value ?? []) as T[]).map(
    (one) =>
      Object.fromEntries(Object.entries(one).map(([name, number]) => [name, Number(number)])) as T,
  );

function forecast(row: Row, now: number): Forecast {
  const waiting = listOf<Waiting>(row['waiting']);
  const moves = listOf<Moves>(row['moves']);
  const weeksBack = Array.from({ length: WEEKS_BACK }, (_, week) => {
    const found = moves.find((one) => one.week === week);
    return { added: found?.added ?? 0, gone: found?.gone ?? 0 };
  });
  const added = mean(weeksBack.map((one) => one.added));
  const left = mean(weeksBack.map((one) => one.gone));
  const irregular = deviation(weeksBack.map((one) => one.added - one.gone));
  const count = (least: number): number =>
    waiting.reduce((sum, { week, n }) => sum + (week >= least ? n : 0), 0);
  const weeks = Array.from({ length: WEEKS_AHEAD }, (_, at): ForecastWeek => {
    const ahead = at + 1;
    const expected = Math.max(0, count(0) + (added - left) * ahead);
    const reach = BAND * irregular * Math.sqrt(ahead);
    const due = count(Math.max(0, BREACH_WEEKS - ahead));
    return {
      ends: dayOf(now + ahead * WEEK_MS),
      expected: Math.round(expected),
      low: Math.round(Math.max(0, expected - reach)),
      high: Math.round(expected + reach),
      dueBySixWeeks: ahead > BREACH_WEEKS ? count(0) : due,
      breaches: Math.round(Math.max(0, due - left * ahead)),
    };
  });
  return {
    test: String(row['test']),
    ...{ waiting: count(0), sixWeeks: count(BREACH_WEEKS) },
    addedAWeek: Math.round(added * 10) / 10,
    leftAWeek: Math.round(left * 10) / 10,
    firstBreach: weeks.find(({ breaches }) => (breaches ?? 0) > 0)?.ends ?? null,
    weeks,
  };
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1));
}

/** Fives, downwards; less than five is not told. */
const inFives = (value: number | null): number | null =>
  value === null || value < SMALLEST ? null : Math.floor(value / SMALLEST) * SMALLEST;

function rounded(exact: Forecast): Forecast {
  const told = exact.weeks.map((week) => ({
    ends: week.ends,
    ...{ expected: inFives(week.expected), low: inFives(week.low), high: inFives(week.high) },
    ...{ dueBySixWeeks: inFives(week.dueBySixWeeks), breaches: inFives(week.breaches) },
  }));
  return {
    test: exact.test,
    ...{ waiting: inFives(exact.waiting), sixWeeks: inFives(exact.sixWeeks) },
    ...{ addedAWeek: inFives(exact.addedAWeek), leftAWeek: inFives(exact.leftAWeek) },
    firstBreach: told.find(({ breaches }) => breaches !== null)?.ends ?? null,
    weeks: told,
  };
}
