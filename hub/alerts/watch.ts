/**
 * Looks at every edge again and again, and opens, raises and closes alerts.
 *
 *   EdgeView ─► readings ─► limits ─► held long enough? ─► AlertLog (one of several hubs wins)
 *
 * Of a silent edge only its silence changes. Time in which this hub did not look or hear is nobody's silence.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import {
  type AlertsConfig,
  type Level,
  limitsOf,
  SIGNALS,
  type SignalId,
} from '../config-alerts.ts';
import type { AlertLog } from './alert-log.ts';
import { type Alert, alertId } from './decisions.ts';
import { NETWORK } from './edge-views.ts';
import { type EdgeView, isHeard, type Reading, readingsOf } from './readings.ts';
import { REVIEW_SIGNALS } from './review-readings.ts';
import type { AlertRecord, AlertRows } from './rows.ts';

/** It has to be well for so long before an alert is closed, or made less. */
const CALM_MS = 60_000;
/** A hub that did not look for so long has not listened either. */
const ASLEEP_MS = 30_000;

export interface WatchOptions {
  readonly config: AlertsConfig;
  readonly trusts: readonly string[];
  readonly rows: AlertRows;
  readonly alertLog: Pick<AlertLog, 'put'>;
  readonly views: (trusts: readonly string[], at: { now: number; since: number }) => EdgeView[];
  readonly network: () => readonly Reading[];
  /** What each trust has to review, whether its edge is heard or not. */
  readonly reviews: () => ReadonlyMap<string, readonly Reading[]>;
  readonly clock: Clock;
}

/** What is being waited for before something is decided of a trouble. */
interface Pending {
  /** Since when it is at least that bad. */
  warn?: number | undefined;
  page?: number | undefined;
  /** Since when it is better than the alert says. */
  calm?: number | undefined;
}

const RANK: Readonly<Record<Level, number>> = { warn: 1, page: 2 };
const rankOf = (level: Level | null): number => (level === null ? 0 : RANK[level]);
const keyOf = (one: { trust: string; signal: string; subject: string }): string =>
  `${one.trust} ${one.signal} ${one.subject}`;

export class AlertWatch {
  readonly #options: WatchOptions;
  readonly #pending = new Map<string, Pending>();
  #since: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** The hub hears nobody: what it will say then counts from when it hears again. */
  deaf(): void {
    this.#since = undefined;
  }

  /** One look. @throws LogError `LOG_UNAVAILABLE` */
  async look(): Promise<void> {
    const { clock, trusts, views, network, reviews, rows } = this.#options;
    const now = clock.now();
    if (Math.abs(now - this.#lookedAt) > ASLEEP_MS) this.#since = undefined;
    this.#since ??= now;
    this.#lookedAt = now;
    const open = new Map(rows.open().map((record) => [keyOf(record.alert), record]));
    for (const view of views(trusts, { now, since: this.#since })) {
      const readings = readingsOf(view);
      await this.#take(view.trust, readings, open);
      if (isHeard(view)) await this.#settle(view.trust, readings, open);
    }
    const owed = reviews();
    for (const trust of trusts) {
      const readings = owed.get(trust) ?? [];
      await this.#take(trust, readings, open);
      await this.#settle(trust, readings, open, isReview);
    }
    await this.#take(NETWORK, network(), open);
    for (const record of open.values()) {
      const { trust } = record.alert;
      if (trust !== NETWORK && !trusts.includes(trust)) await this.#close(record);
    }
  }

  async #take(
    trust: string,
    readings: readonly Reading[],
    open: ReadonlyMap<string, AlertRecord>,
  ): Promise<void> {
    for (const reading of readings) {
      const key = keyOf({ trust, ...reading });
      const level = levelOf(reading, this.#options.config);
      const record = open.get(key);
      if (record === undefined) await this.#consider(trust, reading, level);
      else await this.#change(record, reading, level);
    }
  }

  /** What is not read any more, such as a queue that is empty, is well. */
  async #settle(
    trust: string,
    readings: readonly Reading[],
    open: ReadonlyMap<string, AlertRecord>,
    isOfThem: (alert: Alert) => boolean = (alert) => !isReview(alert),
  ): Promise<void> {
    const read = new Set(readings.map((reading) => keyOf({ trust, ...reading })));
    for (const [key, record] of open)
      if (record.alert.trust === trust && isOfThem(record.alert) && !read.has(key))
        await this.#calm(record, null);
  }

  async #consider(trust: string, reading: Reading, level: Level | null): Promise<void> {
    const pending = this.#note(keyOf({ trust, ...reading }), level);
    const held = this.#held(pending, reading.signal);
    if (level === null || held === null) return;
    const { alertLog, rows, clock } = this.#options;
    const { signal, subject, value, detail } = reading;
    const of = { trust, signal, subject };
    const episode = (rows.newestOf(of)?.alert.episode ?? 0) + 1;
    const at = rfc3339(clock.now());
    const alert: Alert = {
      ...{ id: alertId(of, episode), ...of, episode, state: 'open', level: held },
      ...{ value: rounded(value), detail, openedAt: at, levelAt: at, closedAt: null },
      ...{ acknowledged: null, snoozed: null, telling: null, told: {} },
    };
    await alertLog.put(alert, 0);
  }

  async #change(record: AlertRecord, reading: Reading, level: Level | null): Promise<void> {
    const { alert } = record;
    const pending = this.#note(keyOf(alert), level);
    const held = this.#held(pending, reading.signal);
    if (rankOf(held) > rankOf(alert.level)) {
      pending.calm = undefined;
      await this.#put(record, {
        ...{ level: 'page', value: rounded(reading.value), detail: reading.detail },
        // Somebody knew of less than this.
        ...{ acknowledged: null, levelAt: rfc3339(this.#options.clock.now()) },
      });
    } else if (rankOf(level) < rankOf(alert.level)) await this.#calm(record, reading, level);
    else pending.calm = undefined;
  }

  async #calm(
    record: AlertRecord,
    reading: Reading | null,
    level: Level | null = null,
  ): Promise<void> {
    const key = keyOf(record.alert);
    const pending = this.#pending.get(key) ?? {};
    this.#pending.set(key, pending);
    const now = this.#options.clock.now();
    pending.calm ??= now;
    if (now - pending.calm < CALM_MS) return;
    if (level === null || reading === null) await this.#close(record);
    else {
      const { value, detail } = reading;
      await this.#put(record, { level, value: rounded(value), detail, levelAt: rfc3339(now) });
    }
    pending.calm = undefined;
  }

  async #close(record: AlertRecord): Promise<void> {
    this.#pending.delete(keyOf(record.alert));
    const closedAt = rfc3339(this.#options.clock.now());
    await this.#put(record, { state: 'closed', closedAt });
  }

  async #put({ alert, streamSeq }: AlertRecord, changed: Partial<Alert>): Promise<void> {
    await this.#options.alertLog.put({ ...alert, ...changed }, streamSeq);
  }

  #note(key: string, level: Level | null): Pending {
    const now = this.#options.clock.now();
    const before = this.#pending.get(key) ?? {};
    const pending: Pending = {
      warn: level === null ? undefined : (before.warn ?? now),
      page: level === 'page' ? (before.page ?? now) : undefined,
      calm: before.calm,
    };
    const isNothing = level === null && pending.calm === undefined;
    if (isNothing) this.#pending.delete(key);
    else this.#pending.set(key, pending);
    return pending;
  }

  /** The level that has held for long enough. */
  #held({ warn, page }: Pending, signal: SignalId): Level | null {
    const now = this.#options.clock.now();
    const holdMs = SIGNALS[signal].holdSeconds * 1000;
    if (page !== undefined && now - page >= holdMs) return 'page';
    return warn !== undefined && now - warn >= holdMs ? 'warn' : null;
  }
}

const isReview = ({ signal }: Alert): boolean => REVIEW_SIGNALS.includes(signal);

/** The limits of the configuration are the least that learnt ones can be. */
function levelOf({ signal, value, limits }: Reading, config: AlertsConfig): Level | null {
  const { warn, page, trouble } = limitsOf(config, signal);
  const isOver = (limit: number | null, learnt: number | null | undefined): boolean => {
    if (limit === null || learnt === null) return false;
    const least = learnt === undefined ? limit : Math.max(limit, learnt);
    return trouble === 'above' ? value > least : value < least;
  };
  if (isOver(page, limits?.page)) return 'page';
  return isOver(warn, limits?.warn) ? 'warn' : null;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
