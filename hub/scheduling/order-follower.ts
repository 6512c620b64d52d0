/**
 * Requests follow the orders of the trusts: a new order is a request that waits, a change changes it, a
 * cancellation ends it and gives its booking back, an examination that was made ends its wait.
 *
 *   order requested ─► request      scheduled by the RIS alone ─► ends here, or is it booked twice
 *   order cancelled ─► request cancelled, booking freed      in progress, completed ─► attended
 */
import { rfc3339 } from '../../shared/clock.ts';
import { type OrderEvent, OrderEventSchema } from '../../shared/contract/events.ts';
import { codeOf } from '../../shared/errors.ts';
import { findIdentity } from '../identity/identities.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import { findOrder, type OrderKey, type OrderPlace, ordersAfter } from './order-rows.ts';
import { changedByOrder, requestIdOfOrder, requestOfOrder } from './request-of-order.ts';
import type { Requests } from './requests.ts';
import { activeBookingsOf, findRequest, requestOfOrder as requestKnownBy } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import type { ImagingRequest } from './types.ts';

/** Orders that were told longer ago, and not since, are looked at no more after a start. */
const LOOKED_BACK_MS = 30 * DAY_MS;
/** At a look, so that bookings get their turn. */
const AT_ONCE = 500;

export class OrderFollower {
  readonly #parts: SchedulingParts;
  readonly #bookings: Bookings;
  readonly #requests: Requests;
  readonly #due = new Map<string, OrderKey>();
  /** How far what was told before the start is looked at; undefined: all of it was. */
  #from: OrderPlace | undefined;

  constructor(
    parts: SchedulingParts,
    { bookings, requests }: { bookings: Bookings; requests: Requests },
  ) {
    this.#parts = parts;
    this.#bookings = bookings;
    this.#requests = requests;
    const happensAt = rfc3339(parts.clock.now() - LOOKED_BACK_MS);
    this.#from = { happensAt, trust: '', orderId: '' };
    parts.onChange((change) => {
      if (change.kind === 'record' && change.orderId !== undefined)
        this.#isDue({ trust: change.trust, orderId: change.orderId });
    });
  }

  /** Orders that were told since the last look, and some of those before the start. */
  async look(): Promise<void> {
    const { db, log } = this.#parts;
    if (this.#from !== undefined) {
      const found = ordersAfter(db, this.#from, AT_ONCE);
      for (const one of found) this.#isDue(one);
      this.#from = found.length < AT_ONCE ? undefined : found.at(-1);
    }
    for (const [key, one] of [...this.#due].slice(0, AT_ONCE)) {
      this.#due.delete(key);
      try {
        const body = findOrder(db, one);
        const event = OrderEventSchema.safeParse(body).data;
        if (event !== undefined) await this.#follow(event);
      } catch (error) {
        this.#isDue(one);
        log.warn('scheduling.failed', { where: 'order', code: codeOf(error) });
        return;
      }
    }
  }

  #isDue(one: OrderKey): void {
    this.#due.set(`${one.trust} ${one.orderId}`, one);
  }

  async #follow(event: OrderEvent): Promise<void> {
    const known = this.#known(event);
    if (known?.order !== undefined && known.order.asOf >= event.asOf) return;
    if (known === undefined) return this.#begin(event);
    const booked = activeBookingsOf(this.#parts.db, known.requestId);
    const reason = endedBecause(event, booked.length > 0);
    const by = risOf(event.trust);
    // What staff cancelled stays so; what the RIS did, it may ask for again.
    const before = known.cancelled?.by === by ? null : known.cancelled;
    const at = rfc3339(this.#parts.clock.now());
    const cancelled = reason === null ? before : (known.cancelled ?? { by, at, reason });
    const request = { ...changedByOrder(known, event), cancelled };
    await this.#requests.follow(known.requestId, event.asOf, request);
    if (reason !== null) await this.#endBookings(event, known, reason);
  }

  /** By the order's own number, or under the number that a system gave it with the request. */
  #known(event: OrderEvent): ImagingRequest | undefined {
    const { db } = this.#parts;
    const own = findRequest(db, requestIdOfOrder(event))?.value;
    if (own !== undefined) return own;
    const numbers = [event.orderId, event.placerNumber, event.fillerNumber];
    return numbers
      .map((one) => (one === null ? undefined : requestKnownBy(db, event.trust, one)?.value))
      .find((one) => one !== undefined);
  }

  /** Only what waits still. What the RIS has booked, it books. */
  async #begin(event: OrderEvent): Promise<void> {
    if (event.status !== 'requested' && event.status !== 'held') return;
    const { db, clock } = this.#parts;
    const { patientId, issuer } = event.patient;
    const told = findIdentity(db, { trust: event.trust, patientId, issuer });
    const postcode = told?.postcode ?? null;
    const request = requestOfOrder(event, { postcode, now: clock.now() });
    if (request !== null) await this.#requests.follow(request.requestId, event.asOf, request);
  }

  async #endBookings(event: OrderEvent, { requestId }: ImagingRequest, reason: string) {
    const { db, clock } = this.#parts;
    const isMade = event.status === 'in-progress' || event.status === 'completed';
    for (const booking of activeBookingsOf(db, requestId)) {
      const isThen = isMade && booking.state === 'booked' && isNear(booking.start, clock.now());
      const state = isThen ? 'attended' : 'cancelled';
      await this.#bookings.end(booking, { state, reason, by: risOf(event.trust) });
    }
  }
}

const risOf = (trust: string): string => `RIS of ${trust}`;

/** The examination may be made some hours before or after its time. */
const isNear = (start: string, now: number): boolean => Date.parse(start) - now < DAY_MS / 2;

/** Null: it waits, or is booked here. */
function endedBecause({ status, trust }: OrderEvent, isBooked: boolean): string | null {
  if (status === 'cancelled') return `Cancelled in the RIS of ${trust}`;
  if (status === 'in-progress' || status === 'completed') return 'The examination was made';
  if (status === 'scheduled' && !isBooked) return `Booked in the RIS of ${trust}`;
  return null;
}
