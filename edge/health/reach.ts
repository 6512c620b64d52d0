/**
 * Which other edges can be dialled from here: the echo matrix of the network. A trust that is not reached
 * directly is still served by the hub's relay, slower.
 *
 *   directory ─► GET /health/live of each, spread over the interval ─► ReachHealth
 */
import { sleep } from '../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { ReachHealth } from '../../shared/contract/health.ts';
import type { Directory } from '../../shared/contract/rpc.ts';
import { codeOf } from '../../shared/errors.ts';

const EVERY_MS = 300_000;
/** The first look comes when there is a directory. */
const NOTHING_YET_MS = 10_000;
const TIMEOUT_MS = 5_000;

export interface ReachOptions {
  readonly trust: string;
  readonly directory: () => Directory | undefined;
  readonly clock: Clock;
}

export class Reach {
  readonly #options: ReachOptions;
  readonly #found = new Map<string, ReachHealth>();
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  /** In the order of the directory; a trust without an edge is left out. */
  current(): ReachHealth[] {
    return this.#others().flatMap(({ ods }) => this.#found.get(ods) ?? []);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const others = this.#others();
      for (const { ods, httpUrl } of others) {
        if (signal.aborted) return;
        this.#found.set(ods, await this.#dial(ods, httpUrl));
        await sleep(Math.min(1_000, EVERY_MS / others.length), signal);
      }
      await sleep(others.length === 0 ? NOTHING_YET_MS : EVERY_MS, signal);
    }
  }

  #others(): { ods: string; httpUrl: string }[] {
    const { trust, directory } = this.#options;
    return (directory()?.trusts ?? []).flatMap(({ ods, httpUrl }) =>
      ods === trust || httpUrl === null ? [] : [{ ods, httpUrl }],
    );
  }

  async #dial(trust: string, httpUrl: string): Promise<ReachHealth> {
    const { clock } = this.#options;
    const begun = clock.monotonicMs();
    const ended = (ok: boolean, reason: string | null): ReachHealth => ({
      ...{ trust, ok, reason, at: rfc3339(clock.now()) },
      ms: ok ? Math.round(clock.monotonicMs() - begun) : null,
    });
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const answer = await fetch(new URL('/health/live', httpUrl), { signal, redirect: 'error' });
      await answer.body?.cancel();
      return ended(answer.ok, answer.ok ? null : `HTTP_${answer.status}`);
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') return ended(false, 'TIMEOUT');
      return ended(false, codeOf((error as Error).cause ?? error));
    }
  }
}
