/**
 * What can be booked: resources, and their diaries day by day. SC-10.
 *
 * A diary that is planned anew keeps every slot that somebody has: nobody loses a booking by it.
 */
import { type Principal, trustRefusal } from '../access/rules.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { diarySubject, resourceSubject } from './decision-writer.ts';
import type { DiaryDecision, ResourceDecision, SlotTime } from './decisions.ts';
import {
  bookingsOfDiary,
  findDiary,
  findRequest,
  findResource,
  findSlot,
  slotsOfDiary,
} from './rows.ts';
import { ukDay } from './rules/uk-time.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { Authority, Booking, Resource, Slot } from './types.ts';

export interface DiaryView {
  readonly resource: string;
  readonly date: string;
  readonly trust: string;
  readonly authority: Authority;
  readonly slots: readonly Slot[];
  readonly bookings: readonly Booking[];
}

export class Capacity {
  readonly #parts: SchedulingParts;

  constructor(parts: SchedulingParts) {
    this.#parts = parts;
  }

  /** @throws SchedulingError `TRUST_UNKNOWN`, `TRUST_FORBIDDEN`; LogError */
  async putResource(resource: Resource, by: Principal): Promise<Resource> {
    const { db, trusts, writer } = this.#parts;
    if (!trusts.some(({ ods }) => ods === resource.trust))
      throw new SchedulingError('TRUST_UNKNOWN', `${resource.trust} is no trust of this network.`);
    requireOwn(by, resource.trust);
    const head = (): number => findResource(db, resource.id)?.streamSeq ?? 0;
    return writer.decide(resourceSubject(resource.id), head, () => {
      const before = findResource(db, resource.id)?.value;
      if (before !== undefined && before.trust !== resource.trust)
        throw new SchedulingError('TRUST_FORBIDDEN', `The resource is of ${before.trust}.`);
      const body: ResourceDecision = { v: 1, resource };
      return { body, result: resource };
    });
  }

  /** @throws SchedulingError `RESOURCE_UNKNOWN` */
  resource(id: string): Resource {
    const found = findResource(this.#parts.db, id);
    if (found === undefined)
      throw new SchedulingError('RESOURCE_UNKNOWN', 'There is no resource with this id.');
    return found.value;
  }

  /**
   * @param authority absent: as it is, this network's for a new diary
   * @throws SchedulingError `RESOURCE_UNKNOWN`, `DIARY_CONFLICT`, `SLOT_ID_TAKEN`; LogError
   */
  async putDiary(
    { resource: id, date, slots, authority }: PlannedDiary,
    by: Principal,
  ): Promise<DiaryView> {
    const { db, writer } = this.#parts;
    const { trust } = this.resource(id);
    requireOwn(by, trust);
    const head = (): number => findDiary(db, id, date)?.streamSeq ?? 0;
    await writer.decide(diarySubject(id, date), head, () => {
      const before = findDiary(db, id, date);
      requirePlannable(slots, date, slotsOfDiary(db, id, date));
      for (const slot of slots) {
        const other = findSlot(db, slot.id);
        if (other !== undefined && (other.resource !== id || other.date !== date))
          throw new SchedulingError(
            'SLOT_ID_TAKEN',
            `${slot.id} names a slot of ${other.resource} on ${other.date}: an id names one slot of the network.`,
          );
      }
      const body: DiaryDecision = {
        ...{ v: 1, kind: 'planned', resource: id, date, trust, slots },
        authority: authority ?? before?.authority ?? 'cdip',
      };
      return { body, result: null };
    });
    return this.diary(id, date);
  }

  /** @throws SchedulingError `DIARY_UNKNOWN` */
  diary(resource: string, date: string): DiaryView {
    const { db } = this.#parts;
    const diary = findDiary(db, resource, date);
    if (diary === undefined)
      throw new SchedulingError('DIARY_UNKNOWN', 'There is no diary of this resource on this day.');
    const { streamSeq: _, ...rest } = diary;
    return {
      ...rest,
      slots: slotsOfDiary(db, resource, date),
      bookings: bookingsOfDiary(db, resource, date),
    };
  }

  /**
   * For its own trust all of it; for another what is free, and its own patients: who else comes is nothing to it.
   *
   * @throws SchedulingError `DIARY_UNKNOWN`
   */
  diaryFor(resource: string, date: string, by: Principal): DiaryView {
    const whole = this.diary(resource, date);
    if (trustRefusal(by, whole.trust) === null) return whole;
    const trustOf = (requestId: string | null): string | undefined =>
      requestId === null ? undefined : findRequest(this.#parts.db, requestId)?.value.trust;
    const bookings = whole.bookings.filter(({ requestId }) => trustOf(requestId) === by.trust);
    const own = new Set(bookings.map(({ bookingId }) => bookingId));
    const slots = whole.slots.map((slot) =>
      slot.owner === null || own.has(slot.owner) ? slot : { ...slot, owner: null },
    );
    return { ...whole, slots, bookings };
  }
}

export interface PlannedDiary {
  readonly resource: string;
  readonly date: string;
  readonly slots: readonly SlotTime[];
  readonly authority: Authority | undefined;
}

function requireOwn(by: Principal, trust: string): void {
  const refusal = trustRefusal(by, trust);
  if (refusal !== null) throw new SchedulingError('TRUST_FORBIDDEN', refusal);
}

const endOf = ({ start, minutes }: SlotTime): number => Date.parse(start) + minutes * 60_000;

/** Slots of one day that don't overlap, neither each other nor those that somebody has (SC-02). */
function requirePlannable(planned: readonly SlotTime[], date: string, held: readonly Slot[]): void {
  const conflict = (message: string): never => {
    throw new SchedulingError('DIARY_CONFLICT', message);
  };
  const taken = held.filter(({ status }) => status !== 'free');
  for (const slot of planned) {
    // The last one may end at midnight.
    if (ukDay(Date.parse(slot.start)) !== date || ukDay(endOf(slot) - 1) !== date)
      conflict(`${slot.id} is not within ${date}, by the clock of Europe/London.`);
    const same = taken.find(({ id }) => id === slot.id);
    if (same && (same.start !== slot.start || same.minutes !== slot.minutes))
      conflict(`${slot.id} is ${same.status}: its time can not be changed.`);
  }
  const ids = new Set(planned.map(({ id }) => id));
  if (ids.size !== planned.length) conflict('An id is listed twice.');
  const all = [...planned, ...taken.filter(({ id }) => !ids.has(id))];
  all.sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const [at, slot] of all.entries()) {
    const next = all[at + 1];
    if (next !== undefined && endOf(slot) > Date.parse(next.start))
      conflict(`${slot.id} and ${next.id} overlap.`);
  }
}
