/**
 * The measures of the network, kept up to date: takes what was told, builds, answers. What is told
 * restates the figures some seconds later; building is a twentieth of the time where that keeps nobody waiting.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Gauge, type Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { zoneOf } from '../../shared/time-zone.ts';
import type { HubConfig } from '../config.ts';
import { MEASURES, measureOf } from './all-measures.ts';
import { AnalystSql, type SqlQuestion, type SqlTable } from './analyst-sql.ts';
import {
  type FigureRow,
  type Figures,
  figuresOf,
  KEPT_ROWS,
  type KeptQuantiles,
  type Question,
} from './answer.ts';
import { kindOfFile, loadIncoming, type Seen } from './backload.ts';
import { build, builtSo, type Settings } from './build.ts';
import type { Context } from './cells.ts';
import { type DidsDay, didsOfDay } from './dids/daily.ts';
import { readDidsReference } from './dids/reference.ts';
import { type ExportColumn, parquetOf } from './export.ts';
import { type Forecast, forecastOf } from './forecast.ts';
import { comparedBy, publishedRow, type Quality, qualitiesOf } from './gate.ts';
import { Marts } from './marts.ts';
import type { Measure } from './measure.ts';
import { MeasureError } from './measure-error.ts';
import { isNightlyDue } from './nightly.ts';
import { keepOverview, keptOverview, OVERVIEW } from './overview.ts';
import { openPseudonyms, type Pseudonyms } from './pseudonyms.ts';
import { levelsInForce, type ReferenceLevel } from './reference-levels.ts';
import { type ListedRow, type RowQuestion, rowsBehind } from './row-list.ts';
import { Store } from './store.ts';
import { takeViews, takeWhatWasTold } from './take.ts';
import { asVersion, rowOfVersion } from './versions.ts';
import type { ViewSource } from './views-told.ts';

/** Building takes about this share of the time. */
const SHARE_OF_TIME = 0.05;
const LEAST_PAUSE_MS = 2_000;
/** After all was made anew for hours, what is told meanwhile waits no longer than this. */
const MOST_PAUSE_MS = 900_000;
/** What failed is rarely better at once. */
const FAILED_PAUSE_MS = 30_000;
/** Snapshots of now are made anew so often, also when nothing was told. */
const REFRESH_MS = 3_600_000;

/** Clocks on the walls of the network's sites. BI-02. */
const LONDON = zoneOf('Europe/London');

/** As they are defined now. */
const CURRENT = MEASURES.map((one) => asVersion(one));

/** Answers that are kept until the next build. */
const KEPT_ANSWERS = 1_000;

export interface MeasuresOptions {
  readonly dataDirectory: string;
  readonly config: HubConfig['measures'];
  readonly trusts: HubConfig['trusts'];
  readonly db: Sqlite;
  /** Of the hub; absent: no openings are heard of. */
  readonly audit?: ViewSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

export interface TrustCoverage {
  readonly trust: string;
  readonly name: string;
  /** Newest thing that it told; null: nothing yet. */
  readonly lastToldAt: string | null;
  readonly exams: number;
  /** Share of examinations whose code is mapped, and with a report; null without any. */
  readonly shareMapped: number | null;
  readonly shareWithReport: number | null;
  /** In the months of an answer: whether its figures are held against others'. */
  readonly quality?: Quality;
}

export interface MeasureAnswer extends Figures {
  readonly measure: Measure;
  /** RFC 3339: what was told until then is counted. */
  readonly asOf: string;
  readonly coverage: readonly TrustCoverage[];
  /** Only of a measure that has some. */
  readonly levels?: readonly ReferenceLevel[];
}

export class Measures {
  readonly #options: MeasuresOptions;
  readonly #ending = new AbortController();
  readonly #keys: Pseudonyms;
  /** Undefined: it can't be opened now. What is told waits, and the rest of the hub goes on. */
  #opened: Store | undefined;
  readonly #analystSql: AnalystSql;
  /** Answers since the last build, by their question. */
  readonly #kept = new Map<string, MeasureAnswer>();
  #keptQuantiles: KeptQuantiles = new Map();
  #keptCoverage: Promise<TrustCoverage[]> | undefined;
  /** As it was before a build, until it was asked anew. */
  #overview: readonly MeasureAnswer[] | undefined;
  readonly #incoming: Seen = new Map();
  #generation = 0;
  #marts: Marts | undefined;
  #builtAt: number | null = null;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: MeasuresOptions, keys: Pseudonyms) {
    this.#options = options;
    this.#keys = keys;
    this.#analystSql = new AnalystSql(options.config, options.clock);
    const builtAt = (): number => (this.#builtAt ?? 0) / 1_000;
    new Gauge({
      name: 'cdip_measures_built_timestamp_seconds',
      help: 'When the measures were last built; 0: not yet',
      registers: [options.metrics],
      collect() {
        this.set(builtAt());
      },
    });
  }

  /** Also with a store that can't be opened: that is logged, and tried again with each {@link refresh}. */
  static async open(options: MeasuresOptions): Promise<Measures> {
    const directory = directoryOf(options);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const measures = new Measures(options, openPseudonyms(directory));
    await measures.#open().catch((error: unknown) => measures.#notBuilt(error));
    return measures;
  }

  async #open(): Promise<void> {
    if (this.#opened !== undefined) return;
    const { memoryMegabytes, threads } = this.#options.config;
    const directory = directoryOf(this.#options);
    const store = await Store.open({ directory, memoryMegabytes, threads });
    this.#builtAt = await builtSo(store, this.#settings);
    this.#opened = store;
    if (this.#builtAt === null) return;
    const [kept, coverage] = [await keptOverview(store), await this.#coverage()];
    this.#overview = kept?.flatMap(({ id, ...figures }) => {
      const measure = measureOf(id);
      return measure === undefined ? [] : [{ ...figures, measure: asVersion(measure), coverage }];
    });
  }

  /** @throws MeasureError `MEASURES_NOT_BUILT` */
  get #store(): Store {
    if (this.#opened === undefined)
      throw new MeasureError('MEASURES_NOT_BUILT', 'the store of the measures can not be opened');
    return this.#opened;
  }

  #notBuilt(error: unknown): void {
    this.#options.log.error('measures.not-built', { code: codeOf(error), error });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#opened?.end();
    await this.#running;
    this.#opened?.close();
  }

  get definitions(): readonly Measure[] {
    return CURRENT;
  }

  /**
   * @param version of the measure; absent: the newest
   * @throws MeasureError `MEASURE_UNKNOWN`, `MEASURE_VERSION`, `MEASURE_DIMENSION`, `MEASURES_NOT_BUILT`
   */
  async answer(id: string, question: Question, version?: number): Promise<MeasureAnswer> {
    const measure = requireMeasure(id);
    const seen = asVersion(measure, version);
    const context = this.#context();
    const generation = this.#generation;
    const key = JSON.stringify([measure.id, seen.version, question]);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const figures = await figuresOf(this.#store, measure, {
      ...{ asked: question, context },
      kept: this.#keptQuantiles,
    });
    const published = await this.#published(measure, question, figures);
    const answer = {
      ...figures,
      ...published,
      rows: published.rows.map((row) => rowOfVersion(row, measure, seen)),
      measure: seen,
      asOf: rfc3339(context.now),
      ...(measure.hasLevels ? { levels: await levelsInForce(this.#store) } : {}),
    };
    // Figures are the same until the next build. One that was begun before it is not kept.
    if (generation === this.#generation && answer.rows.length <= KEPT_ROWS) {
      if (this.#kept.size >= KEPT_ANSWERS) this.#forget();
      this.#kept.set(key, answer);
    }
    return answer;
  }

  /** Without the figures of those whose records can't be trusted; and whose these are. */
  async #published(
    measure: Measure,
    asked: Question,
    { rows, from, to }: Figures,
  ): Promise<{ rows: readonly FigureRow[]; coverage: readonly TrustCoverage[] }> {
    const options = { gate: this.#options.config.gate, months: { from, to } };
    const ofTrusts = await qualitiesOf(this.#store, 'trust', options);
    const coverage = (await this.#coverage()).map((one) => ({
      ...one,
      quality: ofTrusts.get(one.trust) ?? { share: null, isPublished: true },
    }));
    const compared = comparedBy(measure, asked);
    if (compared === null) return { rows, coverage };
    const qualities =
      compared === 'trust' ? ofTrusts : await qualitiesOf(this.#store, 'site', options);
    const published = { compared, asked, qualities };
    return { rows: rows.map((row) => publishedRow(row, measure, published)), coverage };
  }

  /** Every measure for the whole network, as of one build. @throws MeasureError `MEASURES_NOT_BUILT` */
  async overview(): Promise<readonly MeasureAnswer[]> {
    this.#context();
    this.#overview ??= await this.#askOverview();
    return this.#overview;
  }

  /** What a trust's own figures are made of. @throws MeasureError */
  async rows(id: string, question: RowQuestion): Promise<ListedRow[]> {
    return rowsBehind(this.#store, requireMeasure(id), question, this.#context());
  }

  /** @param trust whose waiting list, whole; null: the network's, rounded. @throws MeasureError */
  async forecast(trust: string | null): Promise<{ asOf: string; tests: readonly Forecast[] }> {
    const context = this.#context();
    return {
      asOf: rfc3339(context.now),
      tests: await forecastOf(this.#store, context, trust),
    };
  }

  /** What a trust's DIDS file of a month would be rejected for. @throws MeasureError */
  dids(trust: string, month: string): Promise<DidsDay> {
    const submitted = rfc3339(this.#context().now).slice(0, 10);
    const reference = readDidsReference(join(directoryOf(this.#options), 'dids'));
    return didsOfDay(this.#store, trust, { month, submitted, reference });
  }

  /** SQL of an analyst's own. @throws MeasureError */
  sql(question: SqlQuestion): Promise<SqlTable> {
    this.#context();
    return this.#analystSql.ask(this.#martsOf(), question);
  }

  #martsOf(): Marts {
    this.#marts ??= new Marts(this.#store, this.#keys, this.#options.config.gate);
    return this.#marts;
  }

  parquet(columns: readonly ExportColumn[], rows: readonly FigureRow[]): Promise<Buffer> {
    return parquetOf(this.#store, columns, rows);
  }

  /** Takes what waits, and builds when there is something new, or once a night. @returns true when it was built */
  async refresh(): Promise<boolean> {
    const { db, audit, clock, log } = this.#options;
    await this.#open();
    const loaded = await loadIncoming(this.#store, this.#keys, this.#incoming);
    for (const { file, taken, refused } of loaded)
      log.info('measures.loaded', { kind: kindOfFile(file) ?? 'none', taken, refused });
    const told = await takeWhatWasTold(this.#store, db, this.#keys);
    const seen = audit === undefined ? 0 : await takeViews(this.#store, audit);
    const added = loaded.length + told + seen;
    const now = clock.now();
    if (!this.#isDue(added, now)) return false;
    const begun = clock.monotonicMs();
    const done = await build({ store: this.#store, ...this.#settings, now });
    this.#builtAt = now;
    this.#forget();
    this.#generation += 1;
    this.#martsOf().tidy(this.#analystSql.open);
    this.#overview = await this.#askOverview();
    await keepOverview(
      this.#store,
      this.#overview.map((one) => ({ ...one, id: one.measure.id })),
    );
    const ms = Math.round(clock.monotonicMs() - begun);
    log.info('measures.built', { ...done, ms });
    return true;
  }

  #isDue(added: number, now: number): boolean {
    const builtAt = this.#builtAt;
    const { buildHour } = this.#options.config;
    if (builtAt === null) return true;
    return buildHour === undefined
      ? added > 0 || now - builtAt >= REFRESH_MS
      : isNightlyDue(buildHour, { builtAt, now }, LONDON);
  }

  async #askOverview(): Promise<MeasureAnswer[]> {
    const answers: MeasureAnswer[] = [];
    for (const { id } of MEASURES) answers.push(await this.answer(id, OVERVIEW));
    return answers;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { clock } = this.#options;
    while (!signal.aborted) {
      const begun = clock.monotonicMs();
      let leastMs = LEAST_PAUSE_MS;
      try {
        await this.refresh();
      } catch (error) {
        if (!signal.aborted) this.#notBuilt(error);
        leastMs = FAILED_PAUSE_MS;
      }
      const took = clock.monotonicMs() - begun;
      await sleep(Math.max(leastMs, Math.min(took / SHARE_OF_TIME, MOST_PAUSE_MS)), signal);
    }
  }

  #context(): Context {
    if (this.#builtAt === null)
      throw new MeasureError(
        'MEASURES_NOT_BUILT',
        'the measures are being built for the first time',
      );
    return { ...this.#settings, now: this.#builtAt };
  }

  get #settings(): Settings {
    const { trusts, config } = this.#options;
    return { trusts: trusts.map(({ ods }) => ods), reportTargets: config.reportTargets };
  }

  /** A new build has other figures. What is being asked of the one before is thrown away with these maps. */
  #forget(): void {
    this.#kept.clear();
    this.#keptQuantiles = new Map();
    this.#keptCoverage = undefined;
  }

  #coverage(): Promise<TrustCoverage[]> {
    this.#keptCoverage ??= this.#askCoverage().catch((error: unknown) => {
      this.#keptCoverage = undefined;
      throw error;
    });
    return this.#keptCoverage;
  }

  async #askCoverage(): Promise<TrustCoverage[]> {
    const rows = await this.#store.ask(
      'SELECT trust, epoch_ms(last_told_at) AS told, exams, mapped, with_report FROM coverage',
    );
    const byTrust = new Map(rows.map((row) => [String(row['trust']), row]));
    return this.#options.trusts.map(({ ods, name }) => {
      const row = byTrust.get(ods);
      const exams = Number(row?.['exams'] ?? 0);
      const share = (column: string): number | null =>
        exams === 0 ? null : Number(row?.[column]) / exams;
      return {
        ...{ trust: ods, name, exams },
        lastToldAt: row?.['told'] == null ? null : rfc3339(Number(row['told'])),
        shareMapped: share('mapped'),
        shareWithReport: share('with_report'),
      };
    });
  }
}

const directoryOf = ({ dataDirectory }: MeasuresOptions): string => join(dataDirectory, 'measures');

function requireMeasure(id: string): Measure {
  const measure = measureOf(id);
  if (measure === undefined)
    throw new MeasureError(
      'MEASURE_UNKNOWN',
      `there is no measure "${id}"; GET /api/measures lists them`,
    );
  return measure;
}
