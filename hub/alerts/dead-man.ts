/**
 * The dead man's switch: somebody outside is called while this hub watches, and raises the alarm when the
 * calls stop. A hub that runs but does not look, or hears nobody, does not call.
 */
import { sleep } from '../../shared/backoff.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';

const TIMEOUT_MS = 10_000;

export interface DeadManOptions {
  readonly url: string;
  readonly everySeconds: number;
  /** True while edges are looked at. */
  readonly isWatching: () => boolean;
  readonly log: Log;
}

export class DeadMan {
  readonly #options: DeadManOptions;
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: DeadManOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everySeconds, isWatching } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      if (isWatching()) await this.#call();
      await sleep(everySeconds * 1000, signal);
    }
  }

  async #call(): Promise<void> {
    const { url, log } = this.#options;
    try {
      const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const answer = await fetch(url, { signal, redirect: 'error' });
      await answer.body?.cancel();
      if (!answer.ok) log.warn('alert.dead-man-failed', { code: `HTTP_${answer.status}` });
    } catch (error) {
      if (!this.#ending.signal.aborted)
        log.warn('alert.dead-man-failed', { code: codeOf((error as Error).cause ?? error) });
    }
  }
}
