/**
 * `cdip bench measures`: ten years of a network of 15 trusts as they were told (test/support/measure-history.ts),
 * folded at once, then a day more, then every measure asked in the ways that people ask. `CDIP_BENCH_EXAMS` says
 * how many examinations, of more than a million each of a million told again of others; `CDIP_BENCH_FOLDER` where
 * the store lies, which then stays there.
 *
 * value: the 95th percentile of the answers, in milliseconds; `ratio`: the mean answer over the same counts and
 * medians by SQL over the facts, in the same run.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHubConfig } from '../../hub/config.ts';
import type { Question } from '../../hub/measures/answer.ts';
import type { Measure } from '../../hub/measures/measure.ts';
import { Measures } from '../../hub/measures/measures.ts';
import { Store } from '../../hub/measures/store.ts';
import { projectionSchema } from '../../hub/projection/schema.ts';
import type { Log } from '../../shared/log.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { openSqlite } from '../../shared/sqlite/open.ts';
import {
  type History,
  marksOf,
  tellCorrections,
  tellHistory,
  tellOfOthers,
  tellPeople,
} from '../support/measure-history.ts';
import { WORLD_TRUSTS } from '../support/measure-world.ts';
import { percentile, rounded, say, tell } from './result.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-07-10T01:00:00Z');
/** A working day is 0.38 % of a year. */
const NEXT = NOW + 1.39 * DAY;
const EXAMS = Number(process.env['CDIP_BENCH_EXAMS'] ?? 5_000_000);
const COPIES = Math.max(1, Math.round(EXAMS / 1_000_000));
const MEMORY_MEGABYTES = 1_024;

export async function run(json: boolean): Promise<void> {
  const kept = process.env['CDIP_BENCH_FOLDER'];
  const directory = kept ?? mkdtempSync(join(tmpdir(), 'cdip-bench-measures-'));
  mkdirSync(join(directory, 'measures'), { recursive: true });
  const memory = new Peak();
  try {
    const history = {
      trusts: WORLD_TRUSTS,
      exams: Math.round(EXAMS / COPIES),
      first: NOW - 3_652 * DAY,
      end: NOW,
    };
    const toldSeconds = await told(directory, history, { from: 0, until: NOW });
    const whole = await built(directory, NOW, memory);
    await told(directory, history, { from: NOW, until: NEXT });
    const day = await built(directory, NEXT, memory);
    const answers = await asked(directory, memory);
    tell(
      {
        name: 'measures',
        value: rounded(percentile(answers.ms, 0.95), 0),
        unit: 'ms, p95 of an answer',
        ratio: rounded(answers.ratio, 3),
        against: 'the same counts and medians by SQL over the facts',
        runs: answers.ms.length,
        exams: EXAMS,
        answerMedianMs: rounded(percentile(answers.ms, 0.5), 0),
        answerSlowest: answers.slowest,
        pagesMs: answers.pages,
        dayBuildSeconds: day.seconds,
        dayProcessorSeconds: day.processorSeconds,
        dayTold: day.told,
        dayPeakMegabytes: day.megabytes,
        answersPeakMegabytes: answers.megabytes,
        wholeBuildSeconds: whole.seconds,
        wholeProcessorSeconds: whole.processorSeconds,
        wholeTold: whole.told,
        wholePeakMegabytes: whole.megabytes,
        generatedSeconds: toldSeconds,
        storeGigabytes: answers.gigabytes,
      },
      json,
    );
  } finally {
    memory.stop();
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** The highest memory of this process since it was asked last. */
class Peak {
  #most = 0;
  readonly #timer = setInterval(() => this.#look(), 100);

  #look(): void {
    this.#most = Math.max(this.#most, process.memoryUsage.rss());
  }

  take(): number {
    this.#look();
    const most = this.#most;
    this.#most = 0;
    return Math.round(most / 1_048_576);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const seconds = (since: number): number => rounded((performance.now() - since) / 1_000, 1);

/** @returns how long it took, in seconds; null: it lay there already */
async function told(
  directory: string,
  history: History,
  span: { from: number; until: number },
): Promise<number | null> {
  const begun = performance.now();
  const store = await Store.open({
    directory: join(directory, 'measures'),
    memoryMegabytes: MEMORY_MEGABYTES * 2,
    threads: 2,
  });
  try {
    const [before] = await store.rows(
      'SELECT max(as_of) > make_timestamp_ms(0) AS told FROM told_order',
    );
    if (span.from === 0 && before?.['told'] === true) return null;
    const marks = await marksOf(store);
    if (span.from === 0) await tellPeople(store, { ...history });
    await tellHistory(store, history.end < span.until ? later(history, span.until) : history, span);
    await tellOfOthers(store, COPIES - 1, marks);
    if (span.from > 0) await tellCorrections(store, span.until);
    await store.run('CHECKPOINT');
    say(`told in ${seconds(begun)} s`);
    return seconds(begun);
  } finally {
    store.close();
  }
}

/** The same examinations, and those of the days until then. */
function later(history: History, until: number): History {
  const { first, end, exams } = history;
  return { ...history, end: until, exams: Math.round(((until - first) / (end - first)) * exams) };
}

async function measuresOf(directory: string, now: number, log: Log): Promise<Measures> {
  const trusts = WORLD_TRUSTS.map((ods) => ({ ods, name: `Trust ${ods}` }));
  const config = parseHubConfig({
    ...{ dataDirectory: directory, trusts },
    measures: { memoryMegabytes: MEMORY_MEGABYTES },
  });
  return Measures.open({
    ...{ dataDirectory: directory, config: config.measures, trusts, log },
    db: openSqlite(':memory:', projectionSchema),
    clock: { now: () => now, monotonicMs: () => performance.now() },
    metrics: openMetrics({}),
  });
}

async function built(
  directory: string,
  now: number,
  memory: Peak,
): Promise<{ seconds: number; processorSeconds: number; told: number; megabytes: number }> {
  let told = 0;
  const log: Log = {
    ...silentLog,
    info: (event, ...[fields]) => {
      if (event === 'measures.built') told = toldIn(fields);
    },
  };
  const measures = await measuresOf(directory, now, log);
  memory.take();
  const begun = performance.now();
  const before = process.cpuUsage();
  try {
    await measures.refresh();
    const { user, system } = process.cpuUsage(before);
    const processorSeconds = rounded((user + system) / 1e6, 1);
    const found = { seconds: seconds(begun), processorSeconds, told, megabytes: memory.take() };
    say(`built: ${JSON.stringify(found)}`);
    return found;
  } finally {
    await measures.stop();
  }
}

const toldIn = (fields: object): number => ('told' in fields ? Number(fields.told) : 0);

/** The ways a measure is looked at: as a whole, by trust, by month, split further, narrowed, by who is of a trust. */
function questionsOf(measure: Measure): Question[] {
  const [first = 'trust', second] = measure.dimensions;
  const year = { from: '2025-07', to: '2026-06' };
  const all = { from: null, to: null };
  type Span = Pick<Question, 'from' | 'to'>;
  const ask = (by: string[], span: Span, where = {}, own: string | null = null): Question => ({
    ...{ by, where, own },
    ...span,
  });
  return [
    ask([], all),
    ask([], year),
    ask(['trust'], all),
    ask(['trust'], year, {}, 'RRK'),
    ask(['month'], all),
    ask(['month'], year, { trust: 'RJE' }),
    ask(['trust', 'month'], year),
    ask([first], all),
    ask([first], year, { trust: 'RXK' }, 'RXK'),
    ask(['trust', first], year),
    ...(second === undefined ? [] : [ask([first, second], all), ask(['trust', second], year)]),
  ];
}

async function asked(directory: string, memory: Peak) {
  const measures = await measuresOf(directory, NEXT, silentLog);
  try {
    memory.take();
    const ms: number[] = [];
    let slowest = { ms: 0, question: '' };
    for (const measure of measures.definitions)
      for (const question of questionsOf(measure)) {
        const begun = performance.now();
        await measures.answer(measure.id, question);
        const took = performance.now() - begun;
        ms.push(took);
        if (took > slowest.ms)
          slowest = { ms: Math.round(took), question: `${measure.id} ${JSON.stringify(question)}` };
      }
    const pages = await openedPages(measures);
    const megabytes = memory.take();
    say(
      `asked ${ms.length} questions: p50 ${Math.round(percentile(ms, 0.5))} ms, p95 ${Math.round(percentile(ms, 0.95))} ms,` +
        ` slowest ${JSON.stringify(slowest)}; pages ${JSON.stringify(pages)}; ${megabytes} MB at most`,
    );
    await measures.stop();
    const { plainMs, gigabytes } = await askedPlainly(directory);
    const mean = ms.reduce((sum, one) => sum + one, 0) / ms.length;
    return { ms, slowest, pages, megabytes, gigabytes, ratio: mean / plainMs };
  } finally {
    await measures.stop().catch(() => {});
  }
}

/** Pages beside those of one measure, each as after a restart: nothing of it is kept in memory. */
async function openedPages(measures: Measures): Promise<Record<string, number>> {
  const rows = { trust: 'RRK', from: '2026-06', to: '2026-06', limit: 100, offset: 0 };
  const pages = {
    overview: () => measures.overview(),
    forecast: () => measures.forecast(null),
    forecastOfTrust: () => measures.forecast('RRK'),
    rows: () => measures.rows('BI-14', rows),
    rowsWaiting: () => measures.rows('BI-10', rows),
    dids: () => measures.dids('RRK', '2026-06'),
  };
  const found: Record<string, number> = {};
  for (const [name, open] of Object.entries(pages)) {
    const begun = performance.now();
    await open();
    found[name] = Math.round(performance.now() - begun);
  }
  return found;
}

/** Report turnaround by trust, by month and by modality, as SQL over the facts has it. */
async function askedPlainly(directory: string): Promise<{ plainMs: number; gigabytes: number }> {
  const store = await Store.open({
    ...{
      directory: join(directory, 'measures'),
      memoryMegabytes: MEMORY_MEGABYTES * 4,
      threads: 2,
    },
  });
  try {
    const begun = performance.now();
    for (const by of ['trust', 'month_of(day_of(ended_at))', 'modality'])
      await store.ask(`
        SELECT ${by}, count(*), count(*) FILTER (verified_at IS NOT NULL),
          quantile_cont(hours_between(ended_at, verified_at), [0.5, 0.9, 0.95])
        FROM exam WHERE in_ris AND ended_at IS NOT NULL GROUP BY ALL`);
    const plainMs = (performance.now() - begun) / 3;
    const [size] = await store.rows(
      'SELECT sum(total_blocks * block_size)::DOUBLE AS bytes FROM pragma_database_size()',
    );
    return { plainMs, gigabytes: rounded(Number(size?.['bytes']) / 1e9, 1) };
  } finally {
    store.close();
  }
}
