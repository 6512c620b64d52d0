/**
 * How fast a PACS is asked: so many queries a minute, fewer in its busy hours, none when they are 0. A few may
 * come at once after a pause.
 */
import { sleep } from '../../shared/backoff.ts';
import type { Clock } from '../../shared/clock.ts';
import type { EdgeConfig } from '../config.ts';

/** Queries that may come at once. */
const BURST = 60;
const MINUTE_MS = 60_000;
/** How often it is looked whether a time of rest is over. */
const LOOK_MS = 5_000;

type CrawlConfig = EdgeConfig['crawl'];

/** Of the trust's wall clock. */
const HOUR = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: 'numeric',
  hour12: false,
});

export function queriesPerMinute({ queriesPerMinute: calm, busyHours }: CrawlConfig, now: number) {
  const hour = Number(HOUR.format(now)) % 24;
  const isBusy = hour >= busyHours.from && hour < busyHours.to;
  return isBusy ? busyHours.queriesPerMinute : calm;
}

export class Throttle {
  readonly #config: CrawlConfig;
  readonly #clock: Clock;
  #left = BURST;
  #filledAt: number;

  constructor(config: CrawlConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#filledAt = clock.monotonicMs();
  }

  /** True in hours in which nothing is asked. */
  get isResting(): boolean {
    return queriesPerMinute(this.#config, this.#clock.now()) === 0;
  }

  /** Resolves when the next query may go out, or `signal` aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const rate = queriesPerMinute(this.#config, this.#clock.now());
      const now = this.#clock.monotonicMs();
      this.#left = Math.min(BURST, this.#left + ((now - this.#filledAt) / MINUTE_MS) * rate);
      this.#filledAt = now;
      if (rate > 0 && this.#left >= 1) {
        this.#left -= 1;
        return;
      }
      const waitMs = rate === 0 ? LOOK_MS : ((1 - this.#left) / rate) * MINUTE_MS;
      await sleep(Math.min(LOOK_MS, Math.max(1, waitMs)), signal);
    }
  }
}
