/**
 * Bookings: a request takes slots of a diary, once. SC-01 to SC-03, SC-31.
 *
 *   request + slot ─► gates ─► diary decision ─► booked                       (diary of this network)
 *                                    └─► held ─► command to the RIS ─► booked │ refused │ 60 s: expired
 *   replaces another ─► that one is freed, once the new one is booked
 */
import { createHash, randomUUID } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import { type Principal, trustRefusal } from '../access/rules.ts';
import { within } from '../fetch/in-time.ts';
import { isActive, isTakenUp, mayFollow, SECOND_BOOKING } from './apply.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { bookingVersion } from './browse.ts';
import { checkedAt, requireUnblocked } from './checks.ts';
import { type Deciding, diarySubject } from './decision-writer.ts';
import type { DiaryDecision } from './decisions.ts';
import { type Asked, demandOf, minutesAt, minutesOf, slotsInARow } from './demand.ts';
import { noticeOf, noticeOfRis, RIS_ANSWER_MS, RIS_MS } from './notices.ts';
import {
  activeBookingsOf,
  bookingOfKey,
  type Diary,
  findBooking,
  findDiary,
  findRequest,
  findResource,
  findSlot,
  slotsOfDiary,
} from './rows.ts';
import { SchedulingError } from './scheduling-error.ts';
import type {
  Booking,
  BookingNotice,
  BookingState,
  ImagingRequest,
  Resource,
  Slot,
} from './types.ts';

/** A hold of somebody who is choosing. SC-03. */
const HOLD_MS = 10 * 60_000;

export interface BookingWish {
  readonly slotId: string;
  readonly requestId: string;
  /** True: only held, until it is confirmed or its time is over. */
  readonly hold?: boolean;
  readonly idempotencyKey?: string;
  /** Of the refill whose offer is accepted: its slots may be taken. */
  readonly offer?: { readonly offerId: string; readonly refillId: string };
}

/** What a booking is decided on. */
interface Wanted {
  readonly wish: BookingWish;
  readonly request: ImagingRequest;
  readonly resource: Resource;
  readonly by: Principal;
}

interface Ending {
  readonly state: BookingState;
  readonly reason: string;
  readonly by: string;
  readonly onlyFrom?: BookingState;
  readonly endedBy?: 'ris';
  /** The RIS changed something that the patient need not know: the time and the place are the same. */
  readonly isUnnoticed?: boolean;
  readonly freedFor?: string;
  readonly risAsOf?: string;
  readonly version?: number;
}

export class Bookings {
  readonly #parts: SchedulingParts;

  constructor(parts: SchedulingParts) {
    this.#parts = parts;
  }

  /** @throws SchedulingError `BOOKING_UNKNOWN` */
  find(bookingId: string): Booking {
    const booking = findBooking(this.#parts.db, bookingId);
    if (booking === undefined)
      throw new SchedulingError('BOOKING_UNKNOWN', 'There is no booking with this id.');
    return booking;
  }

  /** For the patient's trust and the trust where it is. @throws SchedulingError `BOOKING_UNKNOWN`, `TRUST_FORBIDDEN` */
  findFor(bookingId: string, by: Principal): Booking {
    const booking = this.find(bookingId);
    requireConcern(this.#parts, booking, by);
    return booking;
  }

  /** Whether the same wish came before under its key: it is answered as it was then. */
  isKnown({ idempotencyKey }: BookingWish, by: Principal): boolean {
    return (
      idempotencyKey !== undefined &&
      bookingOfKey(this.#parts.db, by.name, idempotencyKey) !== undefined
    );
  }

  /** Those of a request that take up slots. */
  activeOf(requestId: string): Booking[] {
    return activeBookingsOf(this.#parts.db, requestId);
  }

  /**
   * Books, or holds where it has to be confirmed. A request that has a booking gets the new one first;
   * then its old one is freed.
   *
   * @throws SchedulingError `SLOT_TAKEN`, `GATE_BLOCKED`, `REQUEST_BOOKED`, …; LogError
   */
  async book(wish: BookingWish, by: Principal): Promise<Booking> {
    const known = this.#bookedBefore(wish, by);
    if (known !== null) return known;
    const { db } = this.#parts;
    const slot = findSlot(db, wish.slotId);
    if (slot === undefined) throw new SchedulingError('SLOT_UNKNOWN', 'There is no such slot.');
    const request = openRequest(this.#parts, wish.requestId, by);
    const resource = findResource(db, slot.resource)?.value;
    if (resource === undefined)
      throw new SchedulingError('RESOURCE_UNKNOWN', 'The resource of this slot is not known.');
    const { resource: id, date } = slot;
    const booking = await this.#write(id, date, (diary) =>
      this.#decideBooking(diary, slot.id, { wish, request, resource, by }),
    );
    return this.#confirmed(booking.bookingId);
  }

  /** A held booking of this network's diary becomes a booked one. @throws SchedulingError, LogError */
  async confirm(bookingId: string, by: Principal): Promise<Booking> {
    const { db, clock } = this.#parts;
    const { requestId, resource: resourceId, date } = this.find(bookingId);
    const request = openRequest(this.#parts, requestId ?? '', by);
    const resource = findResource(db, resourceId)?.value;
    await this.#write(resourceId, date, (diary, slots) => {
      const booking = this.find(bookingId);
      if (booking.state === 'booked' || booking.awaits === 'ris')
        return { body: null, result: booking };
      if (booking.state !== 'held' || isOver(booking, clock.now()))
        throw new SchedulingError('BOOKING_ENDED', `The booking is ${booking.state}.`);
      const [slot] = slots.filter(({ id }) => id === booking.slotIds[0]);
      if (slot === undefined || resource === undefined)
        throw new SchedulingError('SLOT_UNKNOWN', 'The slot is not in the diary any more.');
      const at = { resource, slot, minutes: booking.minutes };
      const asked = askedBy(request);
      requireUnblocked(checkedAt(asked, at, { state: 'confirm', now: clock.now() }));
      return this.#bookings(diary, [this.#begun(diary, { ...booking, hold: false })]);
    });
    return this.#confirmed(bookingId);
  }

  /**
   * Frees the slots. What was cancelled before is answered as it is.
   *
   * @param version the booking has to be as it was read
   * @throws SchedulingError `BOOKING_UNKNOWN`, `BOOKING_ENDED`; LogError
   */
  async cancel(
    bookingId: string,
    by: Principal,
    reason: string,
    version?: number,
  ): Promise<Booking> {
    const booking = this.findFor(bookingId, by);
    const only = version === undefined ? {} : { version };
    return this.end(booking, { state: 'cancelled', reason, by: by.name, ...only });
  }

  /** @throws SchedulingError `BOOKING_ENDED` */
  async end(
    { bookingId, resource, date }: Pick<Booking, 'bookingId' | 'resource' | 'date'>,
    to: Ending,
  ): Promise<Booking> {
    const { clock } = this.#parts;
    await this.#write(resource, date, (diary) => {
      const booking = this.find(bookingId);
      if (to.version !== undefined && to.version !== bookingVersion(this.#parts.db, bookingId))
        throw new SchedulingError('VERSION_CHANGED', 'It has changed since it was read.');
      if (booking.state === to.state || !this.#isMeant(booking, to))
        return { body: null, result: booking };
      if (!mayFollow(booking.state, to.state))
        throw new SchedulingError('BOOKING_ENDED', `The booking is ${booking.state} already.`);
      return this.#bookings(diary, [endedAs(booking, to, clock.now())]);
    });
    return this.find(bookingId);
  }

  #isMeant(
    { state }: Booking,
    { onlyFrom, freedFor }: { onlyFrom?: BookingState; freedFor?: string },
  ): boolean {
    const isFor = freedFor === undefined || isTakenUp(this.find(freedFor).state);
    return isFor && (onlyFrom === undefined || state === onlyFrom);
  }

  /** What the RIS was asked for, or made by itself, stands there too. @param number its own; null: not told */
  async confirmedByRis(
    { bookingId, resource, date }: Booking,
    number: string | null,
  ): Promise<void> {
    await this.#write(resource, date, (diary) => {
      const booking = this.find(bookingId);
      const risAppointmentId = number ?? booking.risAppointmentId;
      const isKnown = booking.state === 'booked' && risAppointmentId === booking.risAppointmentId;
      const isWaiting = booking.state === 'held' && booking.awaits === 'ris';
      if (isKnown || !(isWaiting || booking.state === 'booked'))
        return { body: null, result: booking };
      const booked = { ...booking, state: 'booked' as const, heldUntil: null, risAppointmentId };
      return this.#bookings(diary, [booked]);
    });
    await this.settled(bookingId);
  }

  /**
   * What became of telling that it is not booked.
   *
   * @param before as the notice stood when it was decided on
   * @returns false: another hub changed it in between
   */
  async note(before: Booking, notice: BookingNotice): Promise<boolean> {
    const { bookingId, resource, date } = before;
    let isNoted = false;
    await this.#write(resource, date, (diary) => {
      const booking = this.find(bookingId);
      const { state, at } = booking.notice ?? {};
      isNoted = state === before.notice?.state && at === before.notice?.at;
      if (!isNoted) return { body: null, result: booking };
      return this.#bookings(diary, [{ ...booking, notice }]);
    });
    return isNoted;
  }

  /**
   * Staff told the patient what no message could.
   *
   * @throws SchedulingError `BOOKING_UNKNOWN`, `TRUST_FORBIDDEN`; LogError
   */
  async toldByStaff(bookingId: string, by: Principal): Promise<void> {
    const booking = this.findFor(bookingId, by);
    if (booking.notice?.state !== 'staff') return;
    const at = rfc3339(this.#parts.clock.now());
    await this.note(booking, { state: 'sent', at, channel: 'phone' });
  }

  /** Every booking of a request that takes up slots. */
  async endAllOf(requestId: string, to: { reason: string; by: string }): Promise<void> {
    for (const booking of activeBookingsOf(this.#parts.db, requestId))
      await this.end(booking, { state: 'cancelled', ...to });
  }

  /** Where a RIS has to say yes, it has a moment for that before the asker is told that it waits. */
  async #confirmed(bookingId: string): Promise<Booking> {
    const booking = await this.settled(bookingId);
    if (booking.state !== 'held' || booking.awaits !== 'ris') return booking;
    const stop = new AbortController();
    const decided = new Promise<void>((resolve) => {
      const unlisten = this.#parts.onChange(({ kind }) => {
        if (kind === 'diary' && this.find(bookingId).state !== 'held') resolve();
      });
      stop.signal.addEventListener('abort', unlisten);
    });
    await within(RIS_ANSWER_MS, decided);
    stop.abort();
    return this.settled(bookingId);
  }

  /** A booking as it counts; of a new one that is booked, with its predecessor freed. */
  async settled(bookingId: string): Promise<Booking> {
    const booking = this.find(bookingId);
    requireTaken(booking);
    if (booking.state === 'booked' && booking.replaces !== null)
      await this.freeReplaced(booking.replaces, booking);
    return booking;
  }

  /**
   * SC-31: only now is the old one let go; not when the new one was cancelled in between, or nothing would be left.
   * What a RIS moved stands at the new time alone, whatever becomes of it.
   */
  async freeReplaced(bookingId: string, by: Booking): Promise<void> {
    const old = findBooking(this.#parts.db, bookingId);
    if (old === undefined || !isActive(old.state)) return;
    const reason = `Rebooked as ${by.bookingId}`;
    const isUnnoticed = old.start === by.start && this.#placeOf(old) === this.#placeOf(by);
    // The RIS that moved it is not told to cancel it: it would take what stands under the same number now.
    const how =
      by.by === 'ris' ? { endedBy: 'ris' as const, isUnnoticed } : { freedFor: by.bookingId };
    await this.end(old, { state: 'cancelled', reason, by: by.by, ...how });
  }

  #placeOf({ trust, resource }: Booking): string {
    return `${trust} ${findResource(this.#parts.db, resource)?.value.postcode ?? ''}`;
  }

  /** The outcome of the same wish under the same key. */
  #bookedBefore(wish: BookingWish, by: Principal): Booking | null {
    const { idempotencyKey } = wish;
    if (idempotencyKey === undefined) return null;
    const before = bookingOfKey(this.#parts.db, by.name, idempotencyKey);
    if (before === undefined) return null;
    if (before.idempotency?.request !== wishHash(wish))
      throw new SchedulingError(
        'IDEMPOTENCY_KEY_REUSED',
        'This Idempotency-Key came with another request before: use a new one.',
      );
    requireTaken(before);
    return before;
  }

  #decideBooking(diary: Diary, slotId: string, wanted: Wanted): Deciding<Booking> {
    const { db, clock } = this.#parts;
    const { wish, request, resource, by } = wanted;
    const known = this.#bookedBefore(wish, by);
    if (known !== null) return { body: null, result: known };
    const now = clock.now();
    const slots = slotsOfDiary(db, diary.resource, diary.date);
    const first = slots.find(({ id }) => id === slotId);
    if (first === undefined) throw new SchedulingError('SLOT_UNKNOWN', 'There is no such slot.');
    const asked = askedBy(request);
    const row = slotsInARow(slots, first, minutesAt(asked, resource, first.start) ?? first.minutes);
    requireFree(row, wish);
    const minutes = minutesOf(row);
    const state = wish.hold === true ? 'offer' : 'confirm';
    requireUnblocked(checkedAt(asked, { resource, slot: first, minutes }, { state, now }));
    const booking: Booking = {
      ...{ bookingId: randomUUID(), requestId: request.requestId, trust: resource.trust },
      ...{ resource: diary.resource, date: diary.date, slotIds: row.map(({ id }) => id) },
      ...{ start: first.start, minutes, reason: null, heldUntil: null, awaits: null },
      ...{ state: 'held', risAppointmentId: null, offerId: wish.offer?.offerId ?? null },
      replaces: this.#replacedBy(request),
      idempotency:
        wish.idempotencyKey === undefined
          ? null
          : { key: wish.idempotencyKey, request: wishHash(wish) },
      ...{ by: by.name, at: rfc3339(now) },
    };
    return this.#bookings(diary, [this.#begun(diary, { ...booking, hold: wish.hold === true })]);
  }

  /** @throws SchedulingError `REQUEST_BOOKED` while a rebooking is under way */
  #replacedBy({ requestId }: ImagingRequest): string | null {
    const active = activeBookingsOf(this.#parts.db, requestId);
    if (active.length > 1 || active.some(({ state }) => state === 'held'))
      throw new SchedulingError(
        'REQUEST_BOOKED',
        'A booking of this request waits to be confirmed: confirm it, or cancel it first.',
        { bookingIds: active.map(({ bookingId }) => bookingId) },
      );
    return active[0]?.bookingId ?? null;
  }

  /** As it begins: held where somebody has to confirm it, else booked. */
  #begun({ authority }: Diary, { hold, ...booking }: Booking & { hold: boolean }): Booking {
    const now = this.#parts.clock.now();
    const at = rfc3339(now);
    const held = { ...booking, state: 'held' as const, at };
    if (hold) return { ...held, awaits: 'person', heldUntil: rfc3339(now + HOLD_MS) };
    if (authority === 'ris') return { ...held, awaits: 'ris', heldUntil: rfc3339(now + RIS_MS) };
    return { ...booking, state: 'booked', awaits: null, heldUntil: null, at };
  }

  #bookings({ resource, date, trust }: Diary, bookings: readonly [Booking]): Deciding<Booking> {
    const body: DiaryDecision = { v: 1, kind: 'booked', resource, date, trust, bookings };
    return { body, result: bookings[0] };
  }

  #write(
    resource: string,
    date: string,
    decide: (diary: Diary, slots: readonly Slot[]) => Deciding<Booking>,
  ): Promise<Booking> {
    const { db, writer } = this.#parts;
    const head = (): number => findDiary(db, resource, date)?.streamSeq ?? 0;
    return writer.decide(diarySubject(resource, date), head, () => {
      const diary = findDiary(db, resource, date);
      if (diary === undefined)
        throw new SchedulingError('DIARY_UNKNOWN', 'There is no such diary.');
      return decide(diary, slotsOfDiary(db, resource, date));
    });
  }
}

function endedAs(
  booking: Booking,
  { state, reason, endedBy, freedFor, risAsOf, isUnnoticed = false }: Ending,
  now: number,
): Booking {
  const isTakenAway = endedBy === 'ris' && state === 'cancelled' && !isUnnoticed;
  return {
    ...{ ...booking, state, reason, heldUntil: null, at: rfc3339(now) },
    ...(state === 'refused' || state === 'expired' ? noticeOf(booking, now) : {}),
    ...(isTakenAway ? noticeOfRis(booking, now) : {}),
    ...(endedBy === undefined ? {} : { endedBy }),
    ...(freedFor === undefined ? {} : { freedFor }),
    ...(risAsOf === undefined ? {} : { risAsOf }),
  };
}

const isOver = ({ heldUntil }: Booking, now: number): boolean =>
  heldUntil !== null && Date.parse(heldUntil) <= now;

export const askedBy = (request: ImagingRequest): Asked => ({
  demand: demandOf(request),
  minutesTold: request.minutesTold,
});

/** @throws SchedulingError `REQUEST_BOOKED`, `RIS_REFUSED` */
function requireTaken({ state, reason }: Booking): void {
  if (state !== 'refused') return;
  const code = reason === SECOND_BOOKING ? 'REQUEST_BOOKED' : 'RIS_REFUSED';
  throw new SchedulingError(code, `${reason}.`);
}

/** @throws SchedulingError `SLOT_TAKEN` */
function requireFree(row: readonly Slot[], { offer }: BookingWish): void {
  const taken = row.find(
    ({ status, owner }) =>
      status !== 'free' && !(status === 'offered' && owner === offer?.refillId),
  );
  if (taken === undefined) return;
  throw new SchedulingError('SLOT_TAKEN', 'Somebody else has this slot. Choose another one.', {
    slotId: taken.id,
  });
}

/** @throws SchedulingError `REQUEST_UNKNOWN`, `REQUEST_ENDED`, `TRUST_FORBIDDEN` */
export function openRequest(
  { db }: Pick<SchedulingParts, 'db'>,
  requestId: string,
  by: Principal,
): ImagingRequest {
  const request = findRequest(db, requestId)?.value;
  if (request === undefined)
    throw new SchedulingError('REQUEST_UNKNOWN', 'There is no request with this id.');
  if (request.cancelled !== null)
    throw new SchedulingError('REQUEST_ENDED', 'The request was cancelled.');
  const refusal = trustRefusal(by, request.trust);
  if (refusal !== null) throw new SchedulingError('TRUST_FORBIDDEN', refusal);
  return request;
}

/** Those of the patient's trust, and those of the trust where it is. */
function requireConcern({ db }: SchedulingParts, booking: Booking, by: Principal): void {
  const request =
    booking.requestId === null ? undefined : findRequest(db, booking.requestId)?.value;
  const trusts = [booking.trust, ...(request === undefined ? [] : [request.trust])];
  const refusals = trusts.map((trust) => trustRefusal(by, trust));
  if (refusals.includes(null)) return;
  throw new SchedulingError('TRUST_FORBIDDEN', refusals[0] ?? '');
}

const wishHash = ({ slotId, requestId, hold = false }: BookingWish): string =>
  createHash('sha256')
    .update(JSON.stringify([slotId, requestId, hold]))
    .digest('hex');
