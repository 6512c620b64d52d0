/**
 * Routing at work: decides what is in the queue, hands to the deliveries what may go now, and ends what
 * they have ended.
 *
 *   queue ─ study quiet, or waited long ─► decide ─► job ─ window, rate ─► delivery ─► ended
 *
 * Everything is in the database: what a kill -9 interrupts goes on at the next start.
 */
import type { Log } from '../../shared/log.ts';
import type { Model } from '../config-routes.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import { DEIDENTIFIED, type DeliveryQueue, type Reason } from '../deliver/delivery-queue.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { RuleSet } from './decide.ts';
import type { FactsReader } from './facts.ts';
import type { Gate } from './gate.ts';
import type { Outages } from './outages.ts';
import type { Outgoing } from './outgoing.ts';
import type { RouteCounters } from './route-metrics.ts';
import type { JobRow, JobState, QueuedStudy } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';
import { MODEL_OFF, type Switches } from './switches.ts';
import { isWithin, windowText } from './windows.ts';

const LOOK_MS = 500;
/** A study of which objects keep coming is decided in portions. */
const LONGEST_WAIT_MS = 60_000;
/** How soon a job that may not go now is looked at again. */
const AGAIN_MS = 30_000;
/** A model that is switched on again is to get its studies soon. */
const OFF_AGAIN_MS = 2_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface RouterParts {
  /** The edge's ODS code: only its own studies are routed. */
  readonly trust: string;
  readonly rules: RuleSet;
  readonly store: RouteStore;
  readonly facts: FactsReader;
  readonly deliveries: DeliveryQueue;
  readonly deliverer: Pick<Deliverer, 'wake' | 'cancel'>;
  readonly models: readonly Model[];
  readonly switches: Switches;
  readonly gate: Gate;
  readonly outgoing: Outgoing;
  readonly outages: Outages;
  readonly index: EdgeIndex;
  /** A study of which nothing came for so long is decided. */
  readonly quietMs: number;
  readonly counters: Pick<RouteCounters, 'ended'>;
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
    const { outages, now, log } = this.#parts;
    if (outages.isWaiting('rules', now())) return;
    try {
      await this.#decideQuiet();
      this.#callBack();
      this.#sendDue();
      this.#follow();
      outages.worked('rules', { now: now(), log });
    } catch (error) {
      // A database that takes nothing now does so later.
      outages.failed('rules', error, { now: now(), log });
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
        store.postpone(job, now() + (reason.code === MODEL_OFF ? OFF_AGAIN_MS : AGAIN_MS), reason);
        continue;
      }
      if (job.project !== null && !this.#isDisclosed(job, job.project)) continue;
      const peer = this.#modelOf(job)?.peer ?? job.destination;
      store.send(job, { peer, deliveries, now: now() });
      deliverer.wake(peer);
    }
  }

  /** @returns true: it goes as it is, now */
  #isDisclosed(job: JobRow, project: string): boolean {
    const { store, gate, outgoing, index, now, log } = this.#parts;
    const { jobKey, studyInstanceUID, home, destination } = job;
    const patient = index.studyState(studyInstanceUID, home)?.patient;
    const reason =
      patient === undefined
        ? { code: 'STUDY_GONE', detail: 'the study is not here any more' }
        : gate.whyNot(project, patient, now());
    if (reason !== undefined) {
      store.hold(job, reason);
      log.warn('route.withheld', { jobKey, project, studyInstanceUID, code: reason.code });
      return false;
    }
    const isAnonymous = gate.project(project)?.profile !== 'identifiable';
    log.info('route.disclosed', {
      ...{ jobKey, project, destination, studyInstanceUID },
      ...{ objects: job.instances, isAnonymous },
    });
    if (!isAnonymous) return true;
    outgoing.forget(jobKey);
    store.prepare(job);
    return false;
  }

  #modelOf({ destination }: JobRow): Model | undefined {
    return this.#parts.models.find(({ name }) => name === destination);
  }

  /** What is on its way to a model that was switched off. */
  #callBack(): void {
    const { store, deliverer, switches } = this.#parts;
    for (const job of store.delivering()) {
      const { destination, deliveryId } = job;
      if (this.#modelOf(job) === undefined || switches.whyOff(destination) === undefined) continue;
      store.putBack(job);
      if (deliveryId !== null) deliverer.cancel(deliveryId);
    }
  }

  #whyNotNow({ rule: name, destination }: JobRow): Reason | undefined {
    const { rules, store, switches, now } = this.#parts;
    const off = switches.whyOff(destination);
    if (off !== undefined) return { code: MODEL_OFF, detail: off };
    const rule = rules.rules.find((candidate) => candidate.name === name);
    if (rule?.action !== 'deliver' && rule?.action !== 'disclose') return undefined;
    const { during, studiesPerHour } = rule;
    if (during !== undefined && !isWithin(during, now()))
      return { code: 'OUTSIDE_WINDOW', detail: `sent from ${windowText(during)}` };
    if (studiesPerHour !== undefined && store.sentSince(name, now() - HOUR_MS) >= studiesPerHour)
      return { code: 'RATE', detail: `the rule sends ${studiesPerHour} studies an hour` };
    return undefined;
  }

  #follow(): void {
    const { store, now } = this.#parts;
    for (const job of store.delivering()) this.#followDelivery(job);
    for (const job of store.overdue(now())) {
      const detail = 'the model has it and sent no result in time';
      this.#end(job, 'unanswered', { code: 'NO_RESULT', detail });
    }
  }

  #followDelivery(job: JobRow): void {
    const { deliveries, outgoing } = this.#parts;
    const delivery = deliveries.find(job.deliveryId ?? '');
    if (delivery === undefined || delivery.endedAt === null) return;
    const { state, reasonCode: code, reasonDetail } = delivery;
    if (state === 'waiting' || state === 'verifying') return;
    const reason = code === null ? null : { code, detail: reasonDetail ?? '' };
    const withheld = state === 'delivered' ? this.#withheldOf(job) : null;
    const outcome = withheld === null ? state : 'partial';
    this.#endOrAwait(job, outcome, withheld ?? reason);
    if (job.project !== null) outgoing.clear(job.jobKey);
    // Its new UIDs beside the job would lead back to the patient without any key.
    if (delivery.home === DEIDENTIFIED) deliveries.remove(delivery.deliveryId);
  }

  /** What got to a model, in part too, is not over before its result is here. */
  #endOrAwait(job: JobRow, state: JobState, reason: Reason | null): void {
    const { store, now } = this.#parts;
    const model = this.#modelOf(job);
    if (model === undefined || state === 'failed' || state === 'cancelled') {
      this.#end(job, state, reason);
      return;
    }
    const dueAt = now() + model.resultMinutes * MINUTE_MS;
    store.awaitResult(job, { reason, dueAt, now: now() });
  }

  /** What its project did not get of it. */
  #withheldOf({ project, jobKey }: JobRow): Reason | null {
    if (project === null) return null;
    const withheld = this.#parts.outgoing
      .withheld(jobKey)
      .map(({ code, objects }) => `${objects} withheld: ${code}`);
    return withheld.length === 0 ? null : { code: 'WITHHELD', detail: withheld.join(', ') };
  }

  #end(job: JobRow, state: JobState, reason: Reason | null): void {
    const { store, counters, now, log } = this.#parts;
    store.end(job, state, { reason, now: now() });
    counters.ended(job.destination, state);
    const { jobKey, rule, destination, studyInstanceUID } = job;
    log.info('route.ended', { jobKey, rule, destination, studyInstanceUID, outcome: state });
  }
}
