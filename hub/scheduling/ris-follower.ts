/**
 * Diaries follow what the RIS says: its word on what is held, and what it books, moves and cancels by
 * itself. SC-01, SC-02, SC-35.
 *
 *   answer ─► held becomes booked │ refused        appointment ─► booked in the diary │ freed │ missed
 *
 * Who has a slot keeps it: an appointment of the RIS on top of it does not count, is shown, and the RIS
 * is told that it ended. Where the RIS owns the diary, a hold that it did not confirm makes way for it.
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { AppointmentEvent } from '../../shared/contract/events.ts';
import { codeOf } from '../../shared/errors.ts';
import { isActive } from './apply.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import { type Deciding, diarySubject } from './decision-writer.ts';
import type { DiaryDecision, SlotTime } from './decisions.ts';
import {
  decideRisBooking,
  isLonger,
  isWhere,
  namesOf,
  type RisAppointment,
  resourceNamed,
} from './ris-booking.ts';
import { appointmentIdsSince, awaitingRis, findAppointment, risAnswer } from './ris-rows.ts';
import {
  bookingOfAppointment,
  type Diary,
  findBooking,
  findDiary,
  findResource,
  listResources,
  slotsOfDiary,
} from './rows.ts';
import { ukDay } from './rules/uk-time.ts';
import type { Booking, BookingState, Resource } from './types.ts';

/** An appointment that is longer past changes nothing any more. */
const PAST_MS = 86_400_000;

export class RisFollower {
  readonly #parts: SchedulingParts;
  readonly #bookings: Bookings;
  /** Appointments to look at, by trust and number. */
  readonly #due = new Map<string, { trust: string; appointmentId: string }>();
  #isFirst = true;

  constructor(parts: SchedulingParts, bookings: Bookings) {
    this.#parts = parts;
    this.#bookings = bookings;
    parts.onChange((change) => {
      // A resource that was named now may be that of appointments told before.
      if (change.kind === 'resource') this.#isFirst = true;
      if (change.kind === 'record' && change.appointmentId !== undefined)
        this.#isDue({ trust: change.trust, appointmentId: change.appointmentId });
    });
  }

  /** All that was said since the last look. */
  async look(): Promise<void> {
    const { db, clock, log } = this.#parts;
    for (const hold of awaitingRis(db)) await this.#answered(hold);
    if (this.#isFirst) {
      this.#isFirst = false;
      for (const one of appointmentIdsSince(db, rfc3339(clock.now() - PAST_MS))) this.#isDue(one);
    }
    for (const [key, { trust, appointmentId }] of [...this.#due]) {
      this.#due.delete(key);
      const event = findAppointment(db, trust, appointmentId);
      if (event === undefined) continue;
      try {
        await this.#follow(event);
      } catch (error) {
        this.#isDue({ trust, appointmentId });
        log.warn('scheduling.failed', { where: 'ris', code: codeOf(error) });
      }
    }
  }

  #isDue(one: { trust: string; appointmentId: string }): void {
    this.#due.set(`${one.trust} ${one.appointmentId}`, one);
  }

  async #answered(hold: Booking): Promise<void> {
    const answer = risAnswer(this.#parts.db, hold, 'book');
    if (answer === undefined) return;
    if (answer.outcome === 'accepted') await this.#bookings.confirmedByRis(hold, null);
    else
      await this.#end(hold, {
        state: 'refused',
        reason: `The RIS refused it: ${answer.reason ?? 'no reason given'}`,
      });
  }

  async #follow(event: AppointmentEvent): Promise<void> {
    const { status, asOf: risAsOf } = event;
    const known = this.#knownAs(event);
    if (status === 'booked') return this.#booked(event, known);
    if (known === undefined || !isActive(known.state)) {
      if (known !== undefined && (status === 'missed' || status === 'attended'))
        await this.#end(known, { state: status, reason: ENDED[status], risAsOf });
      return;
    }
    if (status === 'cancelled' || status === 'deleted') await this.#cancelled(event, known);
    else await this.#end(known, { state: status, reason: ENDED[status], risAsOf });
  }

  /** What it moved stands under a number of its own, while the RIS may go on naming the first one. */
  #knownAs({ trust, appointmentId, placerAppointmentId }: AppointmentEvent): Booking | undefined {
    const { db } = this.#parts;
    const named = [
      own(findBooking(db, placerAppointmentId ?? ''), trust),
      own(findBooking(db, appointmentId), trust),
      bookingOfAppointment(db, trust, appointmentId),
    ].filter((one) => one !== undefined);
    return named.find(({ state }) => isActive(state)) ?? named[0];
  }

  async #cancelled({ reason, asOf }: AppointmentEvent, known: Booking): Promise<void> {
    if (Date.parse(known.start) < this.#parts.clock.now() - PAST_MS) return;
    const why = reason ?? '';
    const words = why === '' ? ENDED.cancelled : `${ENDED.cancelled}: ${why}`;
    await this.#end(known, { state: 'cancelled', reason: words, risAsOf: asOf });
  }

  async #booked(event: AppointmentEvent, known: Booking | undefined): Promise<void> {
    const { db, clock } = this.#parts;
    const { trust, startsAt, appointmentId } = event;
    if (startsAt === null || Date.parse(startsAt) < clock.now() - PAST_MS) return;
    const resource = resourceNamed(listResources(db, { trust }), event);
    if (known !== undefined && isWhere(known, event, resource)) {
      const slots = slotsOfDiary(db, known.resource, known.date);
      const its = findResource(db, known.resource)?.value;
      const isMade =
        its !== undefined &&
        isLonger(known, event, slots) &&
        (await this.#place(event, { resource: its, known, isPlaced: true }));
      if (!isMade) await this.#bookings.confirmedByRis(known, appointmentId);
    } else if (resource !== undefined)
      await this.#place(event, { resource, known, isPlaced: true });
    else if (known !== undefined && isActive(known.state)) await this.#placeElsewhere(event, known);
  }

  /** Moved to where no diary is kept, or without a word on where: the patient's appointment is the new one all the same. */
  async #placeElsewhere(event: AppointmentEvent, known: Booking): Promise<void> {
    const resource = findResource(this.#parts.db, known.resource)?.value;
    const isPlaced = namesOf(event).length === 0;
    if (resource !== undefined) await this.#place(event, { resource, known, isPlaced });
  }

  /**
   * An appointment that is new here, moved, or longer: the new place first, then the old one is free.
   *
   * @returns false when nothing had to be, or could be, changed
   */
  async #place(
    event: AppointmentEvent,
    { resource, known, isPlaced }: Pick<RisAppointment, 'resource' | 'known' | 'isPlaced'>,
  ): Promise<boolean> {
    const { writer, db, clock, log } = this.#parts;
    const date = ukDay(Date.parse(event.startsAt ?? ''));
    const head = (): number => findDiary(db, resource.id, date)?.streamSeq ?? 0;
    const placed = await writer.decide<Booking | null>(
      diarySubject(resource.id, date),
      head,
      (): Deciding<Booking | null> => {
        const diary = findDiary(db, resource.id, date);
        const slots = slotsOfDiary(db, resource.id, date);
        const authority = diary?.authority ?? 'ris';
        const decided = decideRisBooking(
          db,
          { event, resource, date, slots, isPlaced, known, authority },
          clock.now(),
        );
        if (decided === null) return { body: null, result: null };
        const { bookings, added, booking } = decided;
        return { body: bodyOf({ resource, date }, bookings, added), result: booking };
      },
    );
    if (placed === null) return false;
    const { bookingId } = placed;
    if (placed.state === 'refused')
      log.warn('booking.clash', { bookingId, trust: resource.trust, resource: resource.id });
    else if (placed.replaces !== null) await this.#bookings.freeReplaced(placed.replaces, placed);
    return true;
  }

  async #end(
    booking: Booking,
    to: { state: BookingState; reason: string; risAsOf?: string },
  ): Promise<void> {
    await this.#bookings.end(booking, { ...to, by: 'ris', endedBy: 'ris' });
  }
}

const ENDED = {
  cancelled: 'Cancelled in the RIS',
  missed: 'The patient did not come',
  attended: 'The patient came',
} as const;

/** A trust's RIS speaks of bookings at its own trust only. */
const own = (booking: Booking | undefined, trust: string): Booking | undefined =>
  booking?.trust === trust ? booking : undefined;

function bodyOf(
  { resource, date }: { resource: Resource; date: Diary['date'] },
  bookings: readonly Booking[],
  added: readonly SlotTime[],
): DiaryDecision {
  const { id, trust } = resource;
  return { v: 1, kind: 'booked', resource: id, date, trust, bookings, added };
}
