/**
 * Answers to offers: by staff, or by the patient through the link of a message, which works once and asks
 * for the birth date. The first valid acceptance has the slot; whoever declines loses nothing. SC-31 to SC-33.
 */
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import { type Principal, trustRefusal } from '../access/rules.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import { flagsOf } from './demand.ts';
import { bookingOfOffer, findOffer, findRefill, hasAsEarly, offerOfLink } from './refill-rows.ts';
import { linkHashOf, type Refills } from './refills.ts';
import type { Requests } from './requests.ts';
import { findRequest } from './rows.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { Booking, ImagingRequest, Offer, OfferState, Refill } from './types.ts';

/** Wrong birth dates that a link bears. */
const MAX_WRONG = 3;

export interface OfferParts {
  readonly parts: SchedulingParts;
  readonly bookings: Bookings;
  readonly requests: Requests;
  readonly refills: Refills;
}

export interface ShownOffer {
  readonly offer: Offer;
  readonly refill: Refill;
  readonly request: ImagingRequest;
}

export class Offers {
  readonly #parts: OfferParts;

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  /** @throws SchedulingError `OFFER_UNKNOWN`; for people of another trust too */
  find(offerId: string, by: Principal): ShownOffer {
    const shown = this.#shown(findOffer(this.#parts.parts.db, offerId));
    const trusts = [shown.refill.trust, shown.request.trust];
    if (trusts.every((trust) => trustRefusal(by, trust) !== null)) throw unknownOffer();
    return shown;
  }

  /**
   * By staff, with the patient on the phone.
   *
   * @param key under which the same acceptance again is answered the same; absent: the offer's own
   * @throws SchedulingError `OFFER_ENDED`, `GATE_BLOCKED`; LogError
   */
  accept(offerId: string, by: Principal, key?: string): Promise<Booking> {
    return this.#accept(this.find(offerId, by), by, key);
  }

  async decline(offerId: string, by: Principal, { stop }: { stop: boolean }): Promise<Offer> {
    return this.#decline(this.find(offerId, by), by, stop);
  }

  /**
   * What a link is for, shown to who knows the birth date. Nothing is told before.
   *
   * @param birthDate YYYY-MM-DD
   * @throws SchedulingError `OFFER_UNKNOWN`, `OFFER_ENDED`, `BIRTH_DATE_WRONG`
   */
  async open(secret: string, birthDate: string): Promise<ShownOffer> {
    const { db } = this.#parts.parts;
    const shown = this.#shown(offerOfLink(db, linkHashOf(secret)));
    const { offer, request } = shown;
    const known = await this.#answer(offer, request.patient.birthDate === birthDate);
    if (known === 'ended') throw unknownOffer();
    if (known === 'wrong')
      throw new SchedulingError('BIRTH_DATE_WRONG', 'This is not the date of birth that we have.');
    this.#requireOpen(shown);
    const { deceased, restricted } = flagsOf(db, request);
    if (deceased || restricted) throw unknownOffer();
    return shown;
  }

  async acceptByLink(secret: string, birthDate: string): Promise<Booking> {
    const shown = await this.open(secret, birthDate);
    return this.#accept(shown, patientOf(shown.request));
  }

  async declineByLink(
    secret: string,
    birthDate: string,
    { stop }: { stop: boolean },
  ): Promise<Offer> {
    const shown = await this.open(secret, birthDate);
    return this.#decline(shown, patientOf(shown.request), stop);
  }

  #shown(offer: Offer | undefined): ShownOffer {
    const { db } = this.#parts.parts;
    const refill = offer && findRefill(db, offer.refillId)?.value;
    const request = offer && findRequest(db, offer.requestId)?.value;
    if (offer === undefined || refill === undefined || request === undefined) throw unknownOffer();
    return { offer, refill, request };
  }

  /** What is offered is earlier than what the patient has: an older link would lead back to a later time. */
  #requireOpen({ offer, refill }: Pick<ShownOffer, 'offer' | 'refill'>): void {
    const { db, clock } = this.#parts.parts;
    const { state, expiresAt } = offer;
    const isLate = Date.parse(expiresAt) <= clock.now();
    const isOutrun =
      (state === 'open' || state === 'superseded') && hasAsEarly(db, offer, refill.start);
    if (state === 'open' && !isLate && !isOutrun) return;
    const isWaiting = state === 'accepted' && bookingOfOffer(db, offer)?.state === 'held';
    const words = isWaiting ? STILL_ASKED : ENDED[state === 'open' ? 'expired' : state];
    throw new SchedulingError('OFFER_ENDED', isOutrun ? AS_EARLY : words);
  }

  async #accept(
    { offer, refill, request }: ShownOffer,
    by: Principal,
    key = `offer ${offer.offerId}`,
  ): Promise<Booking> {
    this.#requireOpen({ offer, refill });
    const { bookings, refills } = this.#parts;
    const { offerId, refillId } = offer;
    const wish = {
      ...{ slotId: refill.slotIds[0] ?? '', requestId: request.requestId },
      ...{ offer: { offerId, refillId }, idempotencyKey: key },
    };
    let booking: Booking;
    try {
      booking = await bookings.book(wish, { ...by, trust: request.trust });
    } catch (error) {
      if (codeOf(error) === 'RIS_REFUSED') await this.#end(offer, 'refused');
      if (codeOf(error) !== 'SLOT_TAKEN') throw error;
      throw new SchedulingError('OFFER_ENDED', ENDED.superseded);
    }
    await this.#end(offer, 'accepted');
    // What the RIS has still to confirm may come back: the refill goes on, or ends, when it is known.
    if (booking.state === 'booked') await refills.end(refillId, 'Filled');
    return booking;
  }

  async #decline(
    { offer, refill, request }: ShownOffer,
    by: Principal,
    stop: boolean,
  ): Promise<Offer> {
    this.#requireOpen({ offer, refill });
    await this.#end(offer, 'declined');
    if (stop)
      await this.#parts.requests.change(
        request.requestId,
        { optedOut: true },
        { ...by, trust: request.trust },
      );
    return findOffer(this.#parts.parts.db, offer.offerId) ?? offer;
  }

  #end(offer: Offer, state: OfferState): Promise<boolean> {
    const endedAt = rfc3339(this.#parts.parts.clock.now());
    return this.#change(offer, (one) => ({ ...one, state, endedAt }));
  }

  /** One answer after the other, so that none is taken before those that came earlier are counted. */
  async #answer(
    { offerId, refillId }: Offer,
    isRight: boolean,
  ): Promise<'right' | 'wrong' | 'ended'> {
    let outcome: 'right' | 'wrong' | 'ended' = 'ended';
    await this.#parts.refills.write(refillId, (refill) => {
      const offer = refill.offers.find((one) => one.offerId === offerId);
      const isEnded = offer === undefined || offer.wrongAnswers >= MAX_WRONG;
      outcome = isEnded ? 'ended' : isRight ? 'right' : 'wrong';
      if (outcome !== 'wrong') return null;
      const offers = refill.offers.map((one) =>
        one === offer ? { ...one, wrongAnswers: one.wrongAnswers + 1 } : one,
      );
      return { refill: { ...refill, offers } };
    });
    return outcome;
  }

  #change({ offerId, refillId }: Offer, change: (offer: Offer) => Offer): Promise<boolean> {
    return this.#parts.refills.write(refillId, (refill) => ({
      refill: {
        ...refill,
        offers: refill.offers.map((one) => (one.offerId === offerId ? change(one) : one)),
      },
    }));
  }
}

/** Words for the patient. */
const ENDED: Readonly<Record<OfferState, string>> = {
  open: '',
  accepted: 'This offer was accepted already.',
  declined: 'This offer was declined already.',
  expired: 'The time to answer this offer is over. Nothing has changed for you.',
  refused:
    'The hospital could not book this time for you. Nothing has changed: you keep what you have, or wait as before.',
  superseded: 'Somebody else was quicker. Nothing has changed for you.',
};

const AS_EARLY = 'You have an earlier time by now, and keep it.';
const STILL_ASKED =
  'You took this time, and the hospital has still to confirm it. Until then you keep what you have. Open this link again in a few minutes.';

const unknownOffer = (): SchedulingError =>
  new SchedulingError('OFFER_UNKNOWN', 'There is no such offer.');

const patientOf = ({ trust }: ImagingRequest): Principal => ({
  ...{ name: 'patient', role: 'patient', trust },
});
