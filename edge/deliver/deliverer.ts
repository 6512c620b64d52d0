/**
 * Carries out deliveries: one worker a destination, so that a dead or slow one holds up no other.
 *
 *   queue ─► worker of the peer ─► deliverPass ─► queue ─► onChange
 *
 * What a kill -9 interrupts is in the queue, and goes on at the next start.
 */
import type { Peer } from '../config.ts';
import type { DeliveryRow, NewDelivery, Reason } from './delivery-queue.ts';
import { logEnd, PeerWorker, type WorkerOptions } from './peer-worker.ts';
import { outcomeOf } from './verify-delivery.ts';

const DEADLINE_CHECK_MS = 5_000;

export interface DelivererOptions extends WorkerOptions {
  readonly peers: readonly Peer[];
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

  /** A person holds all that is for a destination: the object under way is finished, then nothing is sent. */
  hold(peer: string): void {
    this.#options.states.hold(peer, this.#options.now());
  }

  release(peer: string): void {
    this.#options.states.release(peer, this.#options.now());
    this.wake(peer);
  }

  /** What waits for a destination is tried at once. */
  retry(peer: string): void {
    this.#options.queue.hurry(peer, this.#options.now());
    this.wake(peer);
  }

  /** What the destination has stays there. */
  cancel(deliveryId: string): void {
    const reason = { code: 'CANCELLED', detail: 'cancelled; what was delivered stays' };
    this.#options.queue.end(deliveryId, 'cancelled', { reason, now: this.#options.now() });
    this.#tell(deliveryId);
  }

  /** True while an object of the study may be under way: also of a delivery that was cancelled a moment ago. */
  isSending({ studyInstanceUID, home }: { studyInstanceUID: string; home: string }): boolean {
    return [...this.#workers.values()].some(
      ({ underWay }) => underWay?.studyInstanceUID === studyInstanceUID && underWay.home === home,
    );
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
      for (const delivery of queue.openFor(peer)) this.#giveUp(delivery, unknown);
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
