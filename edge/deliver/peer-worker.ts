/**
 * The worker of one destination: whose turn it is, one try at a delivery after the other, and what a try that
 * went wrong means for the destination.
 *
 *   turns.ts ─► delivery ─► deliverPass ─┬─ done
 *                                        ├─ put off: this delivery waits, the others go on
 *                                        └─ trouble ─► breaker.ts: everything for it waits, and says why
 */
import { type BackoffOptions, backoffMs, sleep } from '../../shared/backoff.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Turns } from '../../shared/turns.ts';
import type { Peer } from '../config.ts';
import { Breaker } from './breaker.ts';
import { deliverPass, type PassOutcome, type PassParts } from './deliver-pass.ts';
import { DEIDENTIFIED, type DeliveryRow, type Reason } from './delivery-queue.ts';
import type { PeerStates } from './peer-states.ts';
import { Rate } from './rate.ts';
import { Suspects } from './suspects.ts';

const PEER_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
/** How long an idle worker sleeps; it is woken when there is something. */
const IDLE_MS = 30_000;
/** After a failure of the database. */
const FAILURE_MS = 1_000;
/** An object that takes longer when the edge stops is broken off; it is sent again at the next start. */
const STOP_MS = 5_000;

export interface WorkerOptions extends PassParts {
  readonly states: PeerStates;
  readonly log: Log;
  /** A first wait after a failure; tests shorten it. */
  readonly backoff?: Omit<BackoffOptions, 'random'>;
}

export class PeerWorker {
  readonly #options: WorkerOptions;
  readonly #peer: Peer;
  readonly #tell: (deliveryId: string) => void;
  readonly #breaker: Breaker;
  readonly #turns = new Turns();
  readonly #rate: Rate;
  readonly #suspects = new Suspects();
  /** It is written down that it works. */
  #isShown = false;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #underWay: DeliveryRow | undefined;
  #waiting = new AbortController();
  readonly #ending = new AbortController();

  constructor(options: WorkerOptions, peer: Peer, tell: (deliveryId: string) => void) {
    const { states, random, backoff = PEER_BACKOFF } = options;
    this.#options = options;
    this.#peer = peer;
    this.#tell = tell;
    this.#breaker = new Breaker({ ...backoff, random }, states.find(peer.name)?.failures ?? 0);
    // Time that does not step: a clock set back must not hold up a destination.
    this.#rate = new Rate(peer.ratePerSecond, () => performance.now());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    const timer = setTimeout(() => this.#ending.abort(), STOP_MS);
    await this.#running;
    clearTimeout(timer);
  }

  wake(): void {
    this.#waiting.abort();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#isStopping) {
      this.#waiting = new AbortController();
      try {
        await this.#next();
      } catch (error) {
        // The database does not take it now, or there is a bug: neither may stop the worker.
        log.error('delivery.look-failed', { error });
        await sleep(FAILURE_MS, this.#waiting.signal);
      }
    }
  }

  /** The delivery whose turn it is, or waits for one. */
  async #next(): Promise<void> {
    const { queue, states, now, log } = this.#options;
    const { name } = this.#peer;
    if (states.isHeld(name)) {
      await sleep(IDLE_MS, this.#waiting.signal);
      return;
    }
    const waiting = queue.duePriorities(name, now());
    const delivery =
      waiting.length === 0 ? undefined : queue.nextDue(name, this.#turns.next(waiting), now());
    if (delivery === undefined) {
      const dueAt = queue.nextDueAt(name) ?? Infinity;
      const wait = Math.min(IDLE_MS, Math.max(1, dueAt - now()));
      await sleep(wait, this.#waiting.signal);
      return;
    }
    try {
      await this.#deliver(delivery);
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_')) throw error;
      log.error('program.bug', { where: 'deliver', error });
      this.#putOff(delivery, { code: 'INTERNAL', detail: 'an unexpected failure; see the log' });
    }
  }

  /** The delivery of which an object may be under way now. */
  get underWay(): DeliveryRow | undefined {
    return this.#underWay;
  }

  async #deliver(delivery: DeliveryRow): Promise<void> {
    this.#underWay = delivery;
    try {
      await this.#pass(delivery);
    } finally {
      this.#underWay = undefined;
    }
  }

  async #pass(delivery: DeliveryRow): Promise<void> {
    const { queue } = this.#options;
    const { deliveryId, priority } = delivery;
    this.#logBegin(delivery);
    const outcome = await deliverPass(this.#options, {
      ...{ delivery, peer: this.#peer, rate: this.#rate, suspects: this.#suspects },
      isProbing: this.#breaker.isProbing,
      shouldYield: () => this.#isStopping || this.#isPassed(deliveryId, priority),
      onAnswer: ({ bytes, isWorking }) => {
        this.#turns.count(priority, bytes);
        if (isWorking) this.#works();
        this.#tell(deliveryId);
      },
      signal: this.#ending.signal,
    });
    this.#take(delivery, outcome);
    if (queue.find(deliveryId)?.endedAt !== null) logEnd(this.#options, deliveryId);
    this.#tell(deliveryId);
  }

  /** Before its first object goes; what is tried again has begun already. */
  #logBegin({ deliveryId, peer, state, tries, ...study }: DeliveryRow): void {
    const { queue, log } = this.#options;
    const { sent, failed } = queue.progress(deliveryId);
    if (state === 'waiting' && tries + sent + failed === 0)
      log.info('delivery.begun', { deliveryId, peer, ...saidStudy(study) });
  }

  #take(delivery: DeliveryRow, outcome: PassOutcome): void {
    const { queue, now, backoff = PEER_BACKOFF } = this.#options;
    if (outcome.kind === 'put-off') this.#putOff(delivery, outcome.reason);
    else if (outcome.kind === 'trouble' && outcome.progress)
      queue.postpone(delivery.deliveryId, now() + backoff.firstMs, outcome.reason);
    else if (outcome.kind === 'trouble') this.#wait(delivery.deliveryId, outcome.reason);
  }

  /** True when the delivery is over (cancelled), a person holds it, or another one has its turn. */
  #isPassed(deliveryId: string, priority: number): boolean {
    const { queue, states, now } = this.#options;
    if (queue.find(deliveryId)?.endedAt !== null || states.isHeld(this.#peer.name)) return true;
    return this.#turns.isOver(priority, queue.duePriorities(this.#peer.name, now()));
  }

  /** Some objects of this delivery wait; others for the same destination go on. */
  #putOff({ deliveryId, tries }: DeliveryRow, reason: Reason): void {
    const { queue, now, random, backoff = PEER_BACKOFF } = this.#options;
    queue.postpone(deliveryId, now() + backoffMs(tries, { ...backoff, random }), reason);
  }

  /** The destination answers: whatever waited for it goes on. */
  #works(): void {
    const { states, now, log } = this.#options;
    const { name: peer } = this.#peer;
    const isBack = this.#breaker.succeed();
    if (this.#isShown && !isBack) return;
    states.works(peer, now());
    this.#isShown = true;
    if (isBack) log.info('delivery.peer-works', { peer });
  }

  /** The destination does not work: nothing is tried there for a while, and everything for it says why. */
  #wait(deliveryId: string, reason: Reason): void {
    const { queue, states, now, log } = this.#options;
    const { name: peer } = this.#peer;
    const waitMs = this.#breaker.fail();
    const until = now() + waitMs;
    queue.postpone(deliveryId, until, reason);
    queue.postponePeer(peer, until, reason);
    states.waits(peer, { now: now(), until, failures: this.#breaker.failures, reason });
    const waitSeconds = Math.round(waitMs / 1000);
    log.warn('delivery.peer-failed', { peer, code: reason.code, waitSeconds });
  }
}

export function logEnd({ queue, log }: WorkerOptions, deliveryId: string): void {
  const row = queue.find(deliveryId);
  if (row?.endedAt == null) return;
  const { sent, failed } = queue.progress(deliveryId);
  const { peer, state: outcome, ...study } = row;
  const ended = { deliveryId, peer, outcome, delivered: sent, failed };
  log.info('delivery.ended', { ...ended, ...saidStudy(study) });
}

/** The new UID of a study whose patient was taken out leads back to the patient when it stands beside anything. */
function saidStudy({ studyInstanceUID, home }: Pick<DeliveryRow, 'studyInstanceUID' | 'home'>) {
  return home === DEIDENTIFIED ? { studyInstanceUID: '', home: '' } : { studyInstanceUID, home };
}
