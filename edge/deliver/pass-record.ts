/**
 * What becomes of each object in one try at a delivery, at once in the queue.
 *
 *   status, or the error instead of one ─► sent │ failed, by name │ tried again later
 *
 * Nothing done, or not known whether: the object goes again, which is safe, since a destination knows it by
 * its SOP Instance UID. Refused: it fails, and says why.
 */
import { codeOf, type GatewayError } from '../../shared/errors.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { DeliveryQueue, DeliveryRow, Reason, WantedInstance } from './delivery-queue.ts';
import { DestinationError } from './destination.ts';
import { verdictOf } from './store-status.ts';
import type { Suspects } from './suspects.ts';

/** An object at which the association broke so often, over minutes, is given up, when the destination takes others. */
const MAX_BREAKS = 8;
/** An object that the destination put off so often, while it took others, is given up. */
const MAX_PUT_OFF = 60;
/** So many objects put off in a row: the destination is full, the rest waits too. */
const PUT_OFF_IN_A_ROW = 3;

export const reasonOf = (error: GatewayError): Reason => ({
  code: codeOf(error),
  detail: error.message,
});

export interface RecordParts {
  readonly queue: DeliveryQueue;
  readonly counters: DeliveryCounters;
  readonly suspects: Suspects;
}

export class PassRecord {
  stored = 0;
  /** The last association that ended in the middle of an object. */
  broken: Reason | undefined;
  /** It takes nothing at all, and says that itself. */
  isDown = false;
  /** Why some objects have to wait. */
  putOff: Reason | undefined;
  readonly #parts: RecordParts;
  readonly #delivery: DeliveryRow;
  readonly #tries: ReadonlyMap<string, number>;
  #putOffInARow = 0;

  constructor(parts: RecordParts, delivery: DeliveryRow, wanted: readonly WantedInstance[]) {
    this.#parts = parts;
    this.#delivery = delivery;
    this.#tries = new Map(wanted.map(({ sopInstanceUID, tries }) => [sopInstanceUID, tries]));
  }

  /** An association broke at it, or it was put off, before. */
  isSuspect(sopInstanceUID: string): boolean {
    return this.#triesOf(sopInstanceUID) > 0;
  }

  /** The destination takes nothing at all now. */
  get isFull(): boolean {
    return this.#putOffInARow >= PUT_OFF_IN_A_ROW;
  }

  /** @returns false when it takes nothing now */
  take(
    { sopInstanceUID, bytes }: { sopInstanceUID: string; bytes: number },
    status: number,
  ): boolean {
    const { queue, counters } = this.#parts;
    const { deliveryId, peer } = this.#delivery;
    const verdict = verdictOf(status);
    if (verdict.kind === 'stored') {
      queue.markSent(deliveryId, sopInstanceUID);
      counters.count(peer, 'sent', bytes);
      this.#parts.suspects.took(sopInstanceUID);
      this.stored += 1;
      this.#putOffInARow = 0;
      return true;
    }
    const { code } = verdict;
    if (verdict.kind === 'refused') {
      this.#putOffInARow = 0;
      this.fail(sopInstanceUID, { code, detail: `${peer} refused the object` });
      return true;
    }
    this.putOff = { code, detail: `${peer} is out of resources` };
    this.#putOffInARow += 1;
    counters.count(peer, 'put-off');
    // A destination that takes nothing at all is full: no object is to blame.
    this.#countTry(sopInstanceUID, this.putOff, this.stored > 0 ? MAX_PUT_OFF : Infinity);
    return false;
  }

  /**
   * No answer came.
   *
   * @param where `form`: it could not be made ready here, for which no destination is to blame; `alone`: nothing else was
   *   under way on the association, and this object may be at fault; `among`: others were
   */
  break(sopInstanceUID: string, error: GatewayError, where: 'form' | 'alone' | 'among'): void {
    const reason = reasonOf(error);
    const isOfDestination = error instanceof DestinationError;
    this.broken = reason;
    this.isDown ||= isOfDestination && error.isDown;
    this.#parts.counters.count(this.#delivery.peer, 'broken');
    const isSuspected = where === 'alone' && !isOfDestination;
    const isToBlame =
      where === 'form' || (isSuspected && this.#parts.suspects.broke(sopInstanceUID));
    this.#countTry(sopInstanceUID, reason, isToBlame ? MAX_BREAKS : Infinity);
  }

  fail(sopInstanceUID: string, reason: Reason): void {
    const { deliveryId, peer } = this.#delivery;
    this.#parts.queue.markFailed(deliveryId, sopInstanceUID, reason);
    this.#parts.suspects.forget(sopInstanceUID);
    this.#parts.counters.count(peer, 'failed');
  }

  #countTry(sopInstanceUID: string, reason: Reason, maxTries: number): void {
    this.#parts.queue.countTry(this.#delivery.deliveryId, sopInstanceUID, reason);
    if (this.#triesOf(sopInstanceUID) + 1 >= maxTries) this.fail(sopInstanceUID, reason);
  }

  #triesOf(sopInstanceUID: string): number {
    return this.#tries.get(sopInstanceUID) ?? 0;
  }
}
