/**
 * Slots that were given back are offered to those who wait. SC-30 to SC-33.
 *
 *   booking cancelled ─► refill ─► slots kept ─► offers by the table ─► message │ call list
 *   accepted: booked, the others are told so     declined, expired: the next       no time left: ended
 *
 * Every hub looks at every refill; what it decides has the refill's, or the diary's, last sequence as its
 * condition. Who declines or does not answer loses nothing.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { diarySubject, refillSubject } from './decision-writer.ts';
import type { RefillDecision } from './decisions.ts';
import { addressOf, type MessagePort, offerText } from './messages.ts';
import { phoneTurnOf } from './phone-turn.ts';
import {
  type CandidateParts,
  channelFor,
  decideCandidates,
  type RefillQuestion,
} from './refill-candidates.ts';
import {
  bookingOfOffer,
  findRefill,
  hasAsEarly,
  releasedBookings,
  runningRefills,
} from './refill-rows.ts';
import { findBooking, findDiary, findRequest, findResource, slotsOfDiary } from './rows.ts';
import { type Decision, nextToOffer } from './rules/decide.ts';
import { DAY_MS } from './rules/facts.ts';
import {
  holdUntil,
  isQuiet,
  MAX_CHAIN,
  type OfferChannel,
  phoneTurnUntil,
  type RefillRow,
  refillRow,
  STAFF_ROW,
} from './rules/refill.ts';
import type { Booking, ImagingRequest, Offer, Refill, Resource } from './types.ts';

/** A refill that nobody can be asked for now is looked at again after this. */
const IDLE_MS = 15_000;
/** A message that may not have gone out is sent anew after this, with another link. */
const UNSENT_MS = 60_000;
const WENT_OTHERWISE = 'The slot went otherwise';

export interface RefillsOptions {
  readonly parts: SchedulingParts;
  readonly candidates: CandidateParts;
  readonly ports: readonly MessagePort[];
  /** Where patients reach this hub, without a slash at its end. */
  readonly publicUrl: () => string;
}

export class Refills {
  readonly #options: RefillsOptions;
  /** By refill: nobody could be asked, and it is looked at again from then on, by the monotonic clock. */
  readonly #idleUntil = new Map<string, number>();

  constructor(options: RefillsOptions) {
    this.#options = options;
    // Somebody new waits, or something new is known of who does.
    options.parts.onChange(({ kind }) => {
      if (kind === 'request') this.#idleUntil.clear();
    });
  }

  /** One look at all that was given back. */
  async look(): Promise<void> {
    const { db, clock } = this.#options.parts;
    const now = clock.now();
    const times = { now: rfc3339(now), since: rfc3339(now - DAY_MS) };
    for (const booking of releasedBookings(db, times))
      await this.#tried(() => this.#begin(booking));
    const running = runningRefills(db);
    const newest = newestBySlot(running);
    for (const refill of running) {
      const isOver = refill.slotIds.some((id) => newest.get(id) !== refill);
      await this.#tried(() =>
        isOver ? this.end(refill.refillId, WENT_OTHERWISE) : this.#step(refill.refillId),
      );
    }
  }

  /** One that fails does not keep the others waiting. */
  async #tried(step: () => Promise<void>): Promise<void> {
    await step().catch((error: unknown) =>
      this.#options.parts.log.warn('scheduling.failed', { where: 'refill', code: codeOf(error) }),
    );
  }

  async #begin(booking: Booking): Promise<void> {
    const { parts, candidates } = this.#options;
    const { db, clock } = parts;
    const chain = this.#chainOf(booking);
    const isSpent = chain > MAX_CHAIN;
    const { bookingId, trust, resource, date, slotIds, start, minutes } = booking;
    const modality = findResource(db, resource)?.value.modality;
    const refill: Refill = {
      ...{ refillId: bookingId, trust, resource, date, slotIds, start, minutes, chain },
      state: isSpent ? 'ended' : 'running',
      reason: isSpent ? `Freed by a refill for the ${chain}th time: free for everybody` : null,
      ...{ offers: [], startedAt: rfc3339(clock.now()) },
      ...(isSpent || modality === undefined
        ? {}
        : { phoneOnly: phoneTurnOf(candidates, modality, clock.now()) }),
    };
    await this.write(bookingId, () =>
      findRefill(db, bookingId) === undefined ? { refill } : null,
    );
  }

  /** How many refills led to this one: the booking was left for a slot that was itself offered. */
  #chainOf({ bookingId }: Booking): number {
    const { db } = this.#options.parts;
    const successor = statement<string>(db, 'SELECT body FROM bookings WHERE replaces = ? LIMIT 1')
      .pluck()
      .get(bookingId);
    if (successor === undefined) return 0;
    const { offerId } = JSON.parse(successor) as Booking;
    if (offerId === null) return 0;
    const parent = statement<string>(db, 'SELECT refill_id FROM offers WHERE offer_id = ?')
      .pluck()
      .get(offerId);
    return (findRefill(db, parent ?? '')?.value.chain ?? 0) + 1;
  }

  async #step(refillId: string): Promise<void> {
    const { db, clock } = this.#options.parts;
    const now = clock.now();
    const refill = findRefill(db, refillId)?.value;
    if (refill === undefined || refill.state !== 'running') return;
    if (await this.#isWithRis(refill, now)) return;
    const over = this.#overBecause(refill, now);
    if (over !== null) return this.end(refillId, over);
    if (refill.offers.some((offer) => isExpired(offer, now))) await this.#expire(refillId, now);
    await this.#endOutrun(refill, now);
    await this.#sendUnsent(refillId, now);
    const idleUntil = this.#idleUntil.get(refillId) ?? 0;
    if (idleUntil <= clock.monotonicMs()) await this.#offer(refillId, now);
  }

  /** Somebody took it, and the RIS has still to say yes. One that it did not book is offered on. */
  async #isWithRis({ refillId, offers }: Refill, now: number): Promise<boolean> {
    const { db } = this.#options.parts;
    let isWaiting = false;
    for (const offer of offers.filter(({ state }) => state === 'accepted')) {
      const state = bookingOfOffer(db, offer)?.state;
      if (state === 'held') isWaiting = true;
      if (state === 'refused' || state === 'expired') await this.#refuse(refillId, offer, now);
    }
    return isWaiting;
  }

  async #refuse(refillId: string, { offerId }: Offer, now: number): Promise<void> {
    this.#idleUntil.delete(refillId);
    await this.write(refillId, (refill) => ({
      refill: {
        ...refill,
        offers: refill.offers.map((one) =>
          one.offerId === offerId && one.state === 'accepted'
            ? { ...one, state: 'refused', endedAt: rfc3339(now) }
            : one,
        ),
      },
    }));
  }

  /** Why there is nothing to be done any more; null: there is. */
  #overBecause({ refillId, resource, date, slotIds, start }: Refill, now: number): string | null {
    if (Date.parse(start) <= now) return 'The time of the slot has come';
    const { db } = this.#options.parts;
    const slots = slotsOfDiary(db, resource, date).filter(({ id }) => slotIds.includes(id));
    const isThere = slots.length === slotIds.length;
    const isOurs = slots.every(({ status, owner }) => status === 'free' || owner === refillId);
    if (isThere && isOurs) return null;
    const taken = slots.find(({ owner }) => owner !== null && owner !== refillId);
    const booking = findBooking(db, taken?.owner ?? '');
    return booking?.offerId === null || booking === undefined ? WENT_OTHERWISE : 'Filled';
  }

  async #expire(refillId: string, now: number): Promise<void> {
    this.#idleUntil.delete(refillId);
    await this.write(refillId, (refill) => ({
      refill: {
        ...refill,
        offers: refill.offers.map((offer) =>
          isExpired(offer, now) ? { ...offer, state: 'expired', endedAt: rfc3339(now) } : offer,
        ),
      },
    }));
  }

  /** Who has found an earlier time since is not waited for. */
  async #endOutrun({ refillId, offers, start }: Refill, now: number): Promise<void> {
    const { db } = this.#options.parts;
    const isOutrun = (offer: Offer): boolean =>
      offer.state === 'open' && hasAsEarly(db, offer, start);
    if (!offers.some(isOutrun)) return;
    this.#idleUntil.delete(refillId);
    await this.write(refillId, (refill) => ({
      refill: {
        ...refill,
        offers: refill.offers.map((offer) =>
          isOutrun(offer) ? { ...offer, state: 'superseded', endedAt: rfc3339(now) } : offer,
        ),
      },
    }));
  }

  /** Makes as many offers as the table wants open at a time; first by telephone when that is due. */
  async #offer(refillId: string, now: number): Promise<void> {
    const { parts } = this.#options;
    const refill = findRefill(parts.db, refillId)?.value;
    const resource = findResource(parts.db, refill?.resource ?? '')?.value;
    if (refill === undefined || resource === undefined) return;
    const asTheTableSays = { refill, resource, row: refillRow(refill.start, now) };
    const isTurn = isPhoneTurnNow(refill, now);
    if (
      isTurn &&
      (await this.#offerTo({ ...asTheTableSays, row: STAFF_ROW, isPhoneTurn: true }, now))
    )
      return;
    if (await this.#offerTo({ ...asTheTableSays, isPhoneTurn: false }, now)) return;
    this.#idleUntil.set(refillId, parts.clock.monotonicMs() + IDLE_MS);
    if (!refill.offers.some(({ state }) => state === 'open')) await this.#keep(refill, null);
  }

  /** @returns false when there is nobody to be asked */
  async #offerTo(question: RefillQuestion, now: number): Promise<boolean> {
    const { refill, row } = question;
    const open = refill.offers.filter(({ state }) => state === 'open').length;
    if (open >= row.atOnce) return true;
    const { decision, requests } = decideCandidates(this.#options.candidates, question, now);
    const before = new Set(refill.offers.map(({ requestId }) => requestId));
    const chosen = nextToOffer(decision, { atOnce: row.atOnce - open, alreadyOffered: before });
    if (chosen.length === 0) return false;
    await this.#makeOffers({ ...question, decision, now }, chosen, requests);
    return true;
  }

  async #makeOffers(
    made: { refill: Refill; resource: Resource; row: RefillRow; decision: Decision; now: number },
    chosen: readonly string[],
    requests: ReadonlyMap<string, ImagingRequest>,
  ): Promise<void> {
    const { refill, row, decision, now } = made;
    const expiresAt = rfc3339(holdUntil(row, refill.start, now));
    if (!(await this.#keep(refill, expiresAt))) return;
    const secrets = new Map<string, string>();
    const offers = chosen.flatMap((requestId): Offer[] => {
      const request = requests.get(requestId);
      const channel = request && channelFor(request, row, this.#options.candidates.channels);
      if (channel === undefined) return [];
      const offerId = randomUUID();
      const secret =
        this.#portOf(channel) === undefined ? null : randomBytes(24).toString('base64url');
      if (secret !== null) secrets.set(offerId, secret);
      return [
        {
          ...{ offerId, refillId: refill.refillId, requestId, mode: row.mode, channel, expiresAt },
          ...{
            state: 'open',
            offeredAt: rfc3339(now),
            endedAt: null,
            sentAt: null,
            wrongAnswers: 0,
          },
          linkHash: secret === null ? null : linkHashOf(secret),
        },
      ];
    });
    const open = refill.offers.length;
    const isWritten = await this.write(refill.refillId, (current) =>
      current.offers.length !== open
        ? null
        : { refill: { ...current, offers: [...current.offers, ...offers] }, decision },
    );
    if (isWritten)
      await Promise.all(offers.map((offer) => this.#send(offer, secrets.get(offer.offerId))));
  }

  /** Keeps the slots for those who are asked, or gives them free. @returns false when somebody has them */
  async #keep(refill: Refill, until: string | null): Promise<boolean> {
    const { db, writer } = this.#options.parts;
    const { refillId, resource, date, trust, slotIds } = refill;
    const head = (): number => findDiary(db, resource, date)?.streamSeq ?? 0;
    return writer.decide<boolean>(diarySubject(resource, date), head, () => {
      const slots = slotsOfDiary(db, resource, date).filter(({ id }) => slotIds.includes(id));
      const mine = slots.filter(({ owner }) => owner === refillId);
      const isFree = slots.every(({ status, owner }) => status === 'free' || owner === refillId);
      if (until === null && mine.length === 0) return { body: null, result: true };
      if (until !== null && !(isFree && slots.length === slotIds.length))
        return { body: null, result: false };
      const body = { v: 1, kind: 'offered', resource, date, trust, refillId, slotIds, until };
      return { body, result: true };
    });
  }

  /** What was made by a hub that was killed before it could send it. */
  async #sendUnsent(refillId: string, now: number): Promise<void> {
    const refill = findRefill(this.#options.parts.db, refillId)?.value;
    const unsent = (refill?.offers ?? []).filter(
      ({ state, sentAt, linkHash, offeredAt }) =>
        state === 'open' &&
        sentAt === null &&
        linkHash !== null &&
        Date.parse(offeredAt) + UNSENT_MS <= now,
    );
    for (const offer of unsent) {
      const secret = randomBytes(24).toString('base64url');
      const anew = { ...offer, linkHash: linkHashOf(secret), offeredAt: rfc3339(now) };
      if (await this.#change(anew, offer.offeredAt)) await this.#send(anew, secret);
    }
  }

  async #send(offer: Offer, secret: string | undefined): Promise<void> {
    if (secret === undefined) return;
    const { parts, publicUrl } = this.#options;
    const { offerId, channel, expiresAt } = offer;
    const request = findRequest(parts.db, offer.requestId)?.value;
    const port = this.#portOf(channel);
    const to = request === undefined ? null : addressOf(request, channel);
    if (port === undefined || to === null) return;
    const link = `${publicUrl()}/offer/${secret}`;
    try {
      const text = offerText({ link, expiresAt });
      const common = { id: offerId, kind: 'offer', channel, to } as const;
      await port.send({ ...common, offerId, link, expiresAt, ...text });
      await this.#change({ ...offer, sentAt: rfc3339(parts.clock.now()) }, offer.offeredAt);
      parts.log.info('offer.sent', { offerId, channel });
    } catch (error) {
      parts.log.warn('offer.not-sent', { offerId, channel, code: codeOf(error) });
    }
  }

  #portOf(channel: OfferChannel): MessagePort | undefined {
    return this.#options.ports.find(({ channels }) => channels.includes(channel));
  }

  /** @param offeredAt the offer as it was then @returns false when it is not so any more */
  #change(offer: Offer, offeredAt: string): Promise<boolean> {
    return this.write(offer.refillId, (refill) => {
      const before = refill.offers.find(({ offerId }) => offerId === offer.offerId);
      if (before === undefined || before.state !== 'open' || before.offeredAt !== offeredAt)
        return null;
      const { linkHash, sentAt, offeredAt: at } = offer;
      const offers = refill.offers.map((one) =>
        one === before ? { ...before, linkHash, sentAt, offeredAt: at } : one,
      );
      return { refill: { ...refill, offers } };
    });
  }

  /** Slots that are left are free for everybody; who was asked is told that it is over. */
  async end(refillId: string, reason: string): Promise<void> {
    const now = rfc3339(this.#options.parts.clock.now());
    const refill = findRefill(this.#options.parts.db, refillId)?.value;
    if (refill !== undefined) await this.#keep(refill, null);
    await this.write(refillId, (current) => {
      if (current.state !== 'running') return null;
      const state = reason === 'Filled' ? 'filled' : 'ended';
      const offers = current.offers.map((offer) =>
        offer.state === 'open' ? { ...offer, state: 'superseded' as const, endedAt: now } : offer,
      );
      return { refill: { ...current, state, reason, offers } };
    });
  }

  /**
   * @param change of the refill as it is now; null: nothing has to be changed
   * @returns whether it was
   */
  write(
    refillId: string,
    change: (refill: Refill) => Omit<RefillDecision, 'v'> | null,
  ): Promise<boolean> {
    const { db, writer } = this.#options.parts;
    const head = (): number => findRefill(db, refillId)?.streamSeq ?? 0;
    return writer.decide<boolean>(refillSubject(refillId), head, () => {
      const before = findRefill(db, refillId)?.value;
      const changed = change(before ?? ({ offers: [] } as unknown as Refill));
      if (changed === null) return { body: null, result: false };
      return { body: { v: 1, ...changed }, result: true };
    });
  }
}

/** A slot that was given back twice is offered once: by what was given back last. */
function newestBySlot(running: readonly Refill[]): ReadonlyMap<string, Refill> {
  const newest = new Map<string, Refill>();
  const ordered = running.toSorted(
    (a, b) => a.startedAt.localeCompare(b.startedAt) || (a.refillId < b.refillId ? -1 : 1),
  );
  for (const refill of ordered) for (const id of refill.slotIds) newest.set(id, refill);
  return newest;
}

/** Nobody is phoned at night for a slot that a message could wait for. */
const isPhoneTurnNow = ({ phoneOnly, startedAt, start }: Refill, now: number): boolean =>
  phoneOnly?.isTurn === true && !isQuiet(now) && now < phoneTurnUntil(Date.parse(startedAt), start);

const isExpired = ({ state, expiresAt }: Offer, now: number): boolean =>
  state === 'open' && Date.parse(expiresAt) <= now;

export const linkHashOf = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');
