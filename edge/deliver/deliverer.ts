/**
 * Carries out deliveries: one worker a destination, so that a dead or slow one holds up no other.
 *
 *   queue ─► worker of the peer ─► deliverPass ─► queue ─► onChange
 *
 * What a kill -9 interrupts is in the queue, and goes on at the next start.
 */
import { type BackoffOptions, backoffMs, sleep } from '../../shared/backoff.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Peer } from '../config.ts';
import { deliverPass, type PassParts } from './deliver-pass.ts';
import type { DeliveryRow, NewDelivery, Reason } from './delivery-queue.ts';
import { outcomeOf } from './verify-delivery.ts';

const PEER_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
/** How long an idle worker sleeps; it is woken when there is something. */
const IDLE_MS = 30_000;
const DEADLINE_CHECK_MS = 5_000;
/** After a failure of the database. */
const FAILURE_MS = 1_000;
/** An object that takes longer when the edge stops is broken off; it is sent again at the next start. */
const STOP_MS = 5_000;

export interface DelivererOptions extends PassParts {
  readonly peers: readonly Peer[];
  readonly log: Log;
  /** A first wait after a failure; tests shorten it. */
  readonly backoff?: Omit<BackoffOptions, 'random'>;
}

export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #workers = new Map<string, PeerWorker>();
  readonly #listeners = new Set<(deliveryId: string) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DelivererOptions) {
    this.#options = options;
    for (const peer of options.peers) {
      const tell = (deliveryId: string): void => this.#tell(deliveryId);
      this.#workers.set(peer.name, new PeerWorker(options, peer, tell));
    }
  }

  start(): void {
    const { queue, now } = this.#options;
    queue.forgetOld(now());
    for (const worker of this.#workers.values()) worker.start();
    this.#endHopeless();
    this.#timer = setInterval(() => this.#endHopelessOrReport(), DEADLINE_CHECK_MS);
    this.#timer.unref();
  }

  /** Ends the object that is under way, and resolves when nothing is sent any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  /** Durable when this returns, or when the caller's transaction commits; then call {@link wake}. */
  add(delivery: NewDelivery): void {
    this.#options.queue.add(delivery, this.#options.now());
  }

  wake(peer: string): void {
    this.#workers.get(peer)?.wake();
  }

  /** What the destination has stays there. */
  cancel(deliveryId: string): void {
    const reason = { code: 'CANCELLED', detail: 'cancelled; what was delivered stays' };
    this.#options.queue.end(deliveryId, 'cancelled', { reason, now: this.#options.now() });
    this.#tell(deliveryId);
  }

  /** Called after each object, and when a delivery ends or has to wait. */
  onChange(listener: (deliveryId: string) => void): void {
    this.#listeners.add(listener);
  }

  #tell(deliveryId: string): void {
    for (const listener of this.#listeners) listener(deliveryId);
  }

  /** A database that takes nothing now does so later. */
  #endHopelessOrReport(): void {
    try {
      this.#endHopeless();
    } catch (error) {
      this.#options.log.error('delivery.look-failed', { error });
    }
  }

  /** Ends what is past its deadline, and what is for a peer that the configuration no longer names. */
  #endHopeless(): void {
    const { queue, now } = this.#options;
    for (const delivery of queue.pastDeadline(now())) this.#giveUp(delivery, deadlineOf(delivery));
    for (const peer of queue.openPeers()) {
      if (this.#workers.has(peer)) continue;
      const unknown = { code: 'PEER_UNKNOWN', detail: `no peer is named ${peer} any more` };
      for (let next = queue.nextDue(peer, Infinity); next; next = queue.nextDue(peer, Infinity))
        this.#giveUp(next, unknown);
    }
  }

  #giveUp(delivery: DeliveryRow, reason: Reason): void {
    const { queue, now } = this.#options;
    const { deliveryId, state } = delivery;
    queue.inTransaction(() => {
      for (const { sopInstanceUID } of queue.wanted(deliveryId))
        queue.markFailed(deliveryId, sopInstanceUID, reason);
      const outcome = outcomeOf(queue.progress(deliveryId));
      const unverified = state === 'verifying' && outcome.state === 'delivered';
      queue.end(deliveryId, unverified ? 'partial' : outcome.state, { reason, now: now() });
    });
    logEnd(this.#options, deliveryId);
    this.#tell(deliveryId);
  }
}

const deadlineOf = ({ reasonCode, reasonDetail }: DeliveryRow): Reason => ({
  code: reasonCode ?? 'DEADLINE',
  detail: `not delivered in time; last: ${reasonDetail ?? 'not begun'}`,
});

function logEnd({ queue, log }: DelivererOptions, deliveryId: string): void {
  const row = queue.find(deliveryId);
  if (row?.endedAt == null) return;
  const { sent, failed } = queue.progress(deliveryId);
  const { peer, state: outcome } = row;
  log.info('delivery.ended', { deliveryId, peer, outcome, delivered: sent, failed });
}

class PeerWorker {
  readonly #options: DelivererOptions;
  readonly #peer: Peer;
  readonly #tell: (deliveryId: string) => void;
  #troubles = 0;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #waiting = new AbortController();
  readonly #ending = new AbortController();

  constructor(options: DelivererOptions, peer: Peer, tell: (deliveryId: string) => void) {
    this.#options = options;
    this.#peer = peer;
    this.#tell = tell;
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

  /** The most urgent delivery, or waits for one. */
  async #next(): Promise<void> {
    const { queue, now, log } = this.#options;
    const { name } = this.#peer;
    const delivery = queue.nextDue(name, now());
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

  async #deliver(delivery: DeliveryRow): Promise<void> {
    const { queue, now, backoff = PEER_BACKOFF } = this.#options;
    const { deliveryId, priority } = delivery;
    const outcome = await deliverPass(this.#options, {
      delivery,
      peer: this.#peer,
      shouldYield: () => this.#isStopping || this.#isPassed(deliveryId, priority),
      onProgress: () => this.#tell(deliveryId),
      signal: this.#ending.signal,
    });
    if (outcome.kind === 'done') this.#troubles = 0;
    else if (outcome.kind === 'put-off') this.#putOff(delivery, outcome.reason);
    else if (outcome.progress) {
      this.#troubles = 0;
      queue.postpone(deliveryId, now() + backoff.firstMs, outcome.reason);
    } else this.#wait(deliveryId, outcome.reason);
    if (queue.find(deliveryId)?.endedAt !== null) logEnd(this.#options, deliveryId);
    this.#tell(deliveryId);
  }

  /** True when the delivery is over (cancelled), or a more urgent one came. */
  #isPassed(deliveryId: string, priority: number): boolean {
    const { queue, now } = this.#options;
    if (queue.find(deliveryId)?.endedAt !== null) return true;
    const first = queue.nextDue(this.#peer.name, now());
    return first !== undefined && first.priority < priority;
  }

  /** Some objects of this delivery wait; others for the same destination go on. */
  #putOff({ deliveryId, tries }: DeliveryRow, reason: Reason): void {
    const { queue, now, random, backoff = PEER_BACKOFF } = this.#options;
    this.#troubles = 0;
    queue.postpone(deliveryId, now() + backoffMs(tries, { ...backoff, random }), reason);
  }

  /** The destination does not work: nothing is tried there for a while, and everything for it says why. */
  #wait(deliveryId: string, reason: Reason): void {
    const { queue, now, log, random, backoff = PEER_BACKOFF } = this.#options;
    const waitMs = backoffMs(this.#troubles, { ...backoff, random });
    this.#troubles += 1;
    queue.postpone(deliveryId, now() + waitMs, reason);
    queue.postponePeer(this.#peer.name, now() + waitMs, reason);
    log.warn('delivery.peer-failed', {
      peer: this.#peer.name,
      code: reason.code,
      waitSeconds: Math.round(waitMs / 1000),
    });
  }
}
