/**
 * Cross-site scheduling, put together.
 *
 *   capacity ─► diaries        requests ─► slots ─► bookings ─► settling: holds end, old bookings are freed
 */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { type Principal, trustRefusal } from '../access/rules.ts';
import type { TrustConfig } from '../config.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import { applyDiary, applyRefill, applyRequest, applyResource } from './apply.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { askedBy, Bookings, type BookingWish } from './bookings.ts';
import { type CallList, callList, toCall, withoutOthersRemoved } from './call-list.ts';
import { Capacity } from './capacity.ts';
import { DecisionWriter } from './decision-writer.ts';
import type { TravelTime } from './find-slots.ts';
import type { MessagePort } from './messages.ts';
import { Notices } from './notices.ts';
import { Offers } from './offers.ts';
import { PatientLinks } from './patient-links.ts';
import { decisionsOfRefill, findRefill } from './refill-rows.ts';
import { Refills } from './refills.ts';
import { Requests } from './requests.ts';
import { findRequest, findSlot, requestOfOrder } from './rows.ts';
import type { Decision } from './rules/decide.ts';
import { type OfferChannel, REFILL_TABLE } from './rules/refill.ts';
import { SchedulingError } from './scheduling-error.ts';
import {
  type SearchAnswer,
  type SlotSearch,
  searchSlots,
  type TravelTimes,
  travelOf,
} from './search.ts';
import { Settling } from './settling.ts';
import { type BringPriors, Transfers } from './transfers.ts';
import type { Booking, ImagingRequest, Offer, Refill, Resource, Slot } from './types.ts';

export interface SchedulingOptions {
  readonly trusts: readonly TrustConfig[];
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'onChange'
  >;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  /** Null: nobody can say how long people travel. */
  readonly travel: TravelTimes | null;
  readonly messages: {
    readonly ports: readonly MessagePort[];
    /** Where patients reach this hub, without a slash at its end. */
    readonly publicUrl: () => string;
  };
  readonly bringPriors: BringPriors;
  readonly clock: Clock;
  readonly log: Log;
}

/** Without any port staff pass offers on, whatever the patient would be reached by. */
const channelsOf = (ports: readonly MessagePort[]): ReadonlySet<OfferChannel> =>
  new Set(ports.length === 0 ? OFFER_CHANNELS : ['phone', ...ports.flatMap((one) => one.channels)]);

const OFFER_CHANNELS = REFILL_TABLE.flatMap(({ channels }) => channels);

export class Scheduling {
  readonly capacity: Capacity;
  readonly requests: Requests;
  readonly bookings: Bookings;
  readonly links: PatientLinks;
  readonly offers: Offers;
  readonly transfers: Transfers;
  readonly #settling: Settling;
  readonly #options: SchedulingOptions;

  /** Before the projection starts. */
  constructor(options: SchedulingOptions) {
    const { projection, trusts, networkLog, clock, log } = options;
    this.#options = options;
    projection.registerHubAggregate('resource', applyResource);
    projection.registerHubAggregate('diary', applyDiary);
    projection.registerHubAggregate('request', applyRequest);
    projection.registerHubAggregate('refill', applyRefill);
    const parts: SchedulingParts = {
      ...{ db: projection.db, trusts, networkLog, clock, log },
      writer: new DecisionWriter({ networkLog, projection, clock }),
      onChange: (listener) => projection.onChange(listener),
    };
    this.capacity = new Capacity(parts);
    this.requests = new Requests(parts);
    this.bookings = new Bookings(parts);
    this.links = new PatientLinks({ ...parts, requests: this.requests });
    const { travel, messages } = options;
    const channels = channelsOf(messages.ports);
    const refills = new Refills({
      ...{ parts, ...messages },
      candidates: { db: projection.db, trusts, travel, channels },
    });
    const { bookings, requests } = this;
    this.offers = new Offers({ parts, bookings, requests, refills });
    const { bringPriors } = options;
    this.transfers = new Transfers({ parts, bookings, requests, bringPriors });
    const note = bookings.note.bind(bookings);
    const notices = new Notices({ parts, ports: messages.ports, note });
    this.#settling = new Settling(parts, {
      bookings,
      refills,
      transfers: this.transfers,
      notices,
      requests,
    });
  }

  start(): void {
    this.#settling.start();
  }

  async stop(): Promise<void> {
    await this.#settling.stop();
  }

  /** @throws SchedulingError `EXAMINATION_UNKNOWN` */
  search(search: SlotSearch, by: Principal): SearchAnswer {
    return searchSlots({ ...this.#options, db: this.#options.projection.db }, search, by);
  }

  /**
   * Whom staff phone to fill a slot.
   *
   * @throws SchedulingError `SLOT_UNKNOWN`
   */
  callList(
    slotId: string,
    by: Principal,
  ): CallList & { resource: Resource; slot: Slot; openOffers: readonly Offer[] } {
    const { projection, clock } = this.#options;
    const slot = findSlot(projection.db, slotId);
    if (slot === undefined) throw new SchedulingError('SLOT_UNKNOWN', 'There is no such slot.');
    const resource = this.capacity.resource(slot.resource);
    const parts = { ...this.#options, db: projection.db };
    const travelTo = (request: ImagingRequest): TravelTime | null =>
      travelOf(parts, { request }, askedBy(request))?.(resource, slot.start) ?? null;
    const question = { resource, slot, trust: by.trust, now: clock.now(), travelTo };
    const offers = findRefill(projection.db, slot.owner ?? '')?.value.offers ?? [];
    const openOffers = offers.filter(({ state }) => state === 'open');
    return { ...callList(projection.db, question), resource, slot, openOffers };
  }

  /**
   * Books for staff, by API and page alike. A slot that is kept for this patient's offer is taken as the answer to it.
   * The site's staff may book a patient of another trust whom their call list shows, and nobody else.
   *
   * @throws SchedulingError `TRUST_FORBIDDEN`, and what booking throws; LogError
   */
  async book(wish: BookingWish, by: Principal): Promise<Booking> {
    const { trust } = this.requests.find(wish.requestId);
    const offerId = wish.hold === true ? undefined : this.#openOfferOf(wish);
    if (offerId !== undefined) return this.offers.accept(offerId, by, wish.idempotencyKey);
    if (trustRefusal(by, trust) === null || this.bookings.isKnown(wish, by))
      return this.bookings.book(wish, by);
    const { decision, resource } = this.callList(wish.slotId, by);
    const isShown = toCall(decision).some(({ requestId }) => requestId === wish.requestId);
    if (!isShown || resource.trust !== by.trust)
      throw new SchedulingError(
        'TRUST_FORBIDDEN',
        'This patient is of another trust, and not on the call list of this slot.',
      );
    return this.bookings.book(wish, { ...by, trust });
  }

  /**
   * What is done with slots that were given back, and what it was decided on: for the trust of the slots. Who of
   * another trust was not asked, and why, is nothing to it.
   *
   * @throws SchedulingError `OFFER_UNKNOWN`, `TRUST_FORBIDDEN`
   */
  refillFor(id: string, by: Principal): { refill: Refill; decisions: readonly Decision[] } {
    const { db } = this.#options.projection;
    const refill = findRefill(db, id)?.value;
    if (refill === undefined)
      throw new SchedulingError('OFFER_UNKNOWN', 'There is no such refill.');
    const refusal = trustRefusal(by, refill.trust);
    if (refusal !== null) throw new SchedulingError('TRUST_FORBIDDEN', refusal);
    const decisions = decisionsOfRefill(db, id);
    if (by.trust === null) return { refill, decisions };
    const trustOf = (requestId: string) => findRequest(db, requestId)?.value.trust;
    const shown = decisions.map((one) => withoutOthersRemoved(one, trustOf, refill.trust));
    return { refill, decisions: shown };
  }

  #openOfferOf({ slotId, requestId }: BookingWish): string | undefined {
    const { db } = this.#options.projection;
    const { owner = null } = findSlot(db, slotId) ?? {};
    const offers = findRefill(db, owner ?? '')?.value.offers ?? [];
    return offers.find((one) => one.state === 'open' && one.requestId === requestId)?.offerId;
  }

  /** All that is due now, at once: what happens by itself while the hub runs. */
  settle(): Promise<void> {
    return this.#settling.look();
  }

  /** @throws SchedulingError `SLOT_UNKNOWN` */
  slot(id: string): Slot {
    const slot = findSlot(this.#options.projection.db, id);
    if (slot === undefined) throw new SchedulingError('SLOT_UNKNOWN', 'There is no such slot.');
    return slot;
  }

  /** The request of an order. @throws SchedulingError `REQUEST_UNKNOWN`, `TRUST_FORBIDDEN` */
  async cancelOrder(
    { trust, orderId }: Pick<ImagingRequest, 'trust' | 'orderId'>,
    by: Principal,
    reason: string,
  ) {
    const found = requestOfOrder(this.#options.projection.db, trust, orderId ?? '')?.value;
    if (found === undefined)
      throw new SchedulingError('REQUEST_UNKNOWN', 'There is no request of this order.');
    return this.cancelRequest(found.requestId, by, reason);
  }

  /** A request that is cancelled gives its booking back. */
  async cancelRequest(requestId: string, by: Principal, reason: string) {
    const request = await this.requests.cancel(requestId, by, reason);
    await this.bookings.endAllOf(requestId, { reason, by: by.name });
    return request;
  }
}
