/**
 * Routing at work: decides what is in the queue, hands to the deliveries what may go now, and ends what
 * they have ended.
 *
 *   queue ─ study quiet, or waited long ─► decide ─► job ─ window, rate ─► delivery ─► ended
 *
 * Everything is in the database: what a kill -9 interrupts goes on at the next start.
 */
import type { Log } from '../../shared/log.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue, Reason } from '../deliver/delivery-queue.ts';
import type { RuleSet } from './decide.ts';
import type { FactsReader } from './facts.ts';
import type { JobRow, QueuedStudy } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';
import { isWithin, windowText } from './windows.ts';

const LOOK_MS = 500;
/** A study of which objects keep coming is decided in portions. */
const LONGEST_WAIT_MS = 60_000;
/** How soon a job that may not go now is looked at again. */
const AGAIN_MS = 30_000;
const HOUR_MS = 3_600_000;

export interface RouterParts {
  /** The edge's ODS code: only its own studies are routed. */
  readonly trust: string;
  readonly rules: RuleSet;
  readonly store: RouteStore;
  readonly facts: FactsReader;
  readonly deliveries: DeliveryQueue;
  readonly deliverer: Pick<Deliverer, 'wake'>;
  /** A study of which nothing came for so long is decided. */
  readonly quietMs: number;
  readonly now: () => number;
  readonly log: Log;
}

export class Router {
  readonly #parts: RouterParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, rules, now } = this.#parts;
    store.keepVersion(rules, now());
    store.forgetOld(now());
    this.#timer = setInterval(() => this.wake(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  wake(): void {
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined;
    });
  }

  async #look(): Promise<void> {
    try {
      await this.#decideQuiet();
      this.#sendDue();
      this.#follow();
    } catch (error) {
      // A database that takes nothing now does so later.
      this.#parts.log.error('route.look-failed', { error });
    }
  }

  async #decideQuiet(): Promise<void> {
    for (const study of this.#parts.store.queuedStudies()) {
      if (this.#isStopping) return;
      if (this.#isReady(study)) await this.#decide(study);
    }
  }

  #isReady({ firstAt, lastAt }: QueuedStudy): boolean {
    const { now, quietMs } = this.#parts;
    // A clock that was set back must not make it wait.
    const since = (at: number): number => Math.abs(now() - at);
    return since(lastAt) >= quietMs || since(firstAt) >= LONGEST_WAIT_MS;
  }

  async #decide({ studyInstanceUID }: QueuedStudy): Promise<void> {
    const { store, facts, rules, trust: home, now } = this.#parts;
    const queued = store.queuedObjects(studyInstanceUID);
    const wanted = new Set(queued.map(({ sopInstanceUID }) => sopInstanceUID));
    // What is gone by now is not sent.
    const found = await facts.ofStudy({ studyInstanceUID, home }, (row) =>
      wanted.has(row.sopInstanceUID),
    );
    const decided = found.map((object) => ({ facts: object, way: rules.decide(object) }));
    const keys = queued.map(({ queueKey }) => queueKey);
    store.decide(keys, decided, { home, now: now() });
  }

  #sendDue(): void {
    const { store, deliveries, deliverer, now } = this.#parts;
    for (const job of store.due(now())) {
      const reason = this.#whyNotNow(job);
      if (reason !== undefined) {
        store.postpone(job, now() + AGAIN_MS, reason);
        continue;
      }
      store.send(job, deliveries, now());
      deliverer.wake(job.destination);
    }
  }

  #whyNotNow({ rule: name }: JobRow): Reason | undefined {
    const { rules, store, now } = this.#parts;
    const rule = rules.rules.find((candidate) => candidate.name === name);
    if (rule?.action !== 'deliver') return undefined;
    const { during, studiesPerHour } = rule;
    if (during !== undefined && !isWithin(during, now()))
      return { code: 'OUTSIDE_WINDOW', detail: `sent from ${windowText(during)}` };
    if (studiesPerHour !== undefined && store.sentSince(name, now() - HOUR_MS) >= studiesPerHour)
      return { code: 'RATE', detail: `the rule sends ${studiesPerHour} studies an hour` };
    return undefined;
  }

  #follow(): void {
    const { store, deliveries, now, log } = this.#parts;
    for (const job of store.delivering()) {
      const delivery = deliveries.find(job.deliveryId ?? '');
      if (delivery === undefined || delivery.endedAt === null) continue;
      const { state, reasonCode: code, reasonDetail } = delivery;
      if (state === 'waiting' || state === 'verifying') continue;
      const reason = code === null ? null : { code, detail: reasonDetail ?? '' };
      store.end(job, state, { reason, now: now() });
      const { jobKey, rule, destination, studyInstanceUID } = job;
      log.info('route.ended', { jobKey, rule, destination, studyInstanceUID, outcome: state });
    }
  }
}
