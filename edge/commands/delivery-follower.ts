/**
 * Fetches that are being delivered: their progress, why they wait, and that they end as their delivery
 * does. A fetch and its delivery have one id.
 */
import type { DeliveryProgress, DeliveryRow } from '../deliver/delivery-queue.ts';
import { endFetch } from './end-fetch.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';
import { TELL_EVERY_MS } from './progress-meter.ts';

export class DeliveryFollower {
  readonly #parts: FetchParts;
  /** When each was last told, and how far it was when its delivery began to move. */
  readonly #told = new Map<string, { at: number; begunAt: number }>();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  /** Tells what has changed: at most twice a second each, their end at once. */
  look(): void {
    for (const row of this.#parts.store.delivering()) this.#follow(row);
  }

  #follow(row: FetchRow): void {
    const { deliveries, now, pace } = this.#parts;
    const { fetchId } = row;
    const delivery = deliveries.find(fetchId);
    if (delivery === undefined) throw new Error('a fetch is delivering without a delivery');
    const told = this.#told.get(fetchId) ?? { at: Number.NEGATIVE_INFINITY, begunAt: now() };
    if (delivery.endedAt === null) {
      if (now() - told.at < TELL_EVERY_MS) return;
      this.#told.set(fetchId, { ...told, at: now() });
      this.#tell(row, delivery, deliveries.progress(fetchId));
      return;
    }
    this.#told.delete(fetchId);
    const progress = deliveries.progress(fetchId);
    if (delivery.state === 'delivered')
      pace.measured('delivering', { bytes: progress.bytesSent, ms: now() - told.begunAt });
    this.#end(row, delivery, progress);
  }

  #tell(row: FetchRow, delivery: DeliveryRow, { sent, bytes, bytesSent }: DeliveryProgress): void {
    const { store, pace } = this.#parts;
    const { fetchId } = row;
    if (sent !== row.instancesDone || bytesSent !== row.bytesDone) {
      const etaSeconds = pace.secondsToDeliver(bytes - bytesSent);
      store.setProgress(fetchId, { instances: sent, bytes: bytesSent, etaSeconds });
    }
    store.setReason(fetchId, reasonOf(delivery));
  }

  #end(row: FetchRow, delivery: DeliveryRow, progress: DeliveryProgress): void {
    const { store } = this.#parts;
    const done = { instances: progress.sent, bytes: progress.bytesSent };
    const lost = store.counts(row.fetchId, 'failed').instances;
    const { state } = delivery;
    if (state === 'waiting' || state === 'verifying') return;
    if (state === 'delivered' && lost === 0) {
      endFetch(this.#parts, row, { state: 'available', reason: reasonOf(delivery), done });
    } else if (state === 'delivered' || (state === 'partial' && lost > 0)) {
      const detail = `${done.instances} of ${row.instancesExpected} objects delivered; the others are named`;
      endFetch(this.#parts, row, { state: 'partial', reason: { code: 'PARTIAL', detail }, done });
    } else endFetch(this.#parts, row, { state, reason: reasonOf(delivery), done });
  }
}

function reasonOf({ reasonCode, reasonDetail }: DeliveryRow): FetchReason | null {
  return reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '' };
}
