/** What an appointment that the RIS made by itself does to a diary. Pure but for what the rows say. */
import { rfc3339 } from '../../shared/clock.ts';
import type { AppointmentEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { isActive } from './apply.ts';
import type { SlotTime } from './decisions.ts';
import { noticeOf } from './notices.ts';
import { activeBookingsOf, findBooking, requestOfOrder } from './rows.ts';
import type { Authority, Booking, Resource, Slot } from './types.ts';

const DEFAULT_MINUTES = 15;

type Named = Pick<AppointmentEvent, 'resource' | 'location' | 'resources'>;

/** Every name that the RIS gave for where it is. */
export const namesOf = ({ resource, location, resources = [] }: Named): string[] => [
  ...new Set([resource, location, ...resources].filter((name) => name !== null)),
];

/** The resource that AIG-3 or AIL-3 names, by any of its names. */
export function resourceNamed(resources: readonly Resource[], event: Named): Resource | undefined {
  const told = namesOf(event).map((name) => name.toLowerCase());
  return resources.find(({ id, name, risName }) =>
    [risName, id, name].some((one) => one !== null && told.includes(one.toLowerCase())),
  );
}

export interface RisAppointment {
  readonly event: AppointmentEvent;
  readonly resource: Resource;
  readonly date: string;
  readonly slots: readonly Slot[];
  /** False: it is at a place that is not known here, and takes no slot; `resource` is where it was. */
  readonly isPlaced: boolean;
  /** What it was here before, when it moved. */
  readonly known: Booking | undefined;
  readonly authority: Authority;
}

export interface DecidedRisBooking {
  readonly booking: Booking;
  /** With those that make way for it. */
  readonly bookings: readonly Booking[];
  /** A time that the diary had no slot for. */
  readonly added: readonly SlotTime[];
}

/** Null: it is here already. */
export function decideRisBooking(
  db: Sqlite,
  appointment: RisAppointment,
  now: number,
): DecidedRisBooking | null {
  const { event, resource, isPlaced, known, authority } = appointment;
  const slots = isPlaced ? appointment.slots : [];
  const bookingId = idOf(db, appointment);
  if (bookingId === null) return null;
  const start = event.startsAt ?? '';
  const overlapped = slots.filter((slot) => overlaps(slot, event));
  const others = othersIn(db, overlapped, known);
  const isFirst = authority === 'ris' && others.every(({ state }) => state === 'held');
  const isTaken = others.length > 0 && !isFirst;
  // Longer than the time between it and the next: it keeps what it has.
  if (isTaken && known !== undefined && isWhere(known, event, resource)) return null;
  const needsSlot = overlapped.length === 0 && !isTaken && isPlaced;
  const added = needsSlot ? [slotFor(event, resource)] : [];
  const at = rfc3339(now);
  const booking: Booking = {
    ...{ bookingId, requestId: requestIdOf(db, appointment), trust: resource.trust },
    ...{ resource: resource.id, date: appointment.date, start },
    slotIds: isTaken ? [] : [...overlapped, ...added].map(({ id }) => id),
    minutes: event.minutes ?? overlapped[0]?.minutes ?? DEFAULT_MINUTES,
    ...{ state: isTaken ? 'refused' : 'booked', heldUntil: null, awaits: null },
    reason: isTaken ? 'The RIS booked it while somebody else had it' : bookedWhere(appointment),
    replaces: replacedBy(known),
    ...{ offerId: null, risAppointmentId: event.appointmentId, idempotency: null, by: 'ris', at },
    risAsOf: event.asOf,
  };
  const gone = isTaken ? [] : others.map((one) => madeWay(one, now));
  return { booking, bookings: [...gone, booking], added };
}

const replacedBy = (known: Booking | undefined): string | null =>
  known !== undefined && isActive(known.state) ? known.bookingId : null;

const slotFor = ({ startsAt, minutes }: AppointmentEvent, { id }: Resource): SlotTime => ({
  ...{ id: `${id} ${startsAt}`, start: startsAt ?? '', minutes: minutes ?? DEFAULT_MINUTES },
});

/** Those who have or hold any of the slots, but for what is known of the same appointment. */
const othersIn = (db: Sqlite, slots: readonly Slot[], known: Booking | undefined): Booking[] =>
  [...new Set(slots.map(({ owner }) => owner))]
    .map((owner) => (owner === null ? undefined : findBooking(db, owner)))
    .filter((one) => one !== undefined)
    .filter(({ bookingId, state }) => isActive(state) && bookingId !== known?.bookingId);

const madeWay = (hold: Booking, now: number): Booking => ({
  ...{ ...hold, state: 'refused', reason: 'The RIS gave the slot to somebody else' },
  ...{ heldUntil: null, at: rfc3339(now), ...noticeOf(hold, now) },
});

const bookedWhere = ({ event, isPlaced }: RisAppointment): string =>
  isPlaced
    ? 'Booked in the RIS'
    : `Booked in the RIS at ${namesOf(event).join(', ')}, which has no diary here`;

/** One for each time that an appointment had, so that hubs that see it at once make one booking of it. */
function idOf(db: Sqlite, { event, resource, isPlaced, known }: RisAppointment): string | null {
  const digits = (event.startsAt ?? '').replace(/\D/g, '').slice(0, 12);
  const place = isPlaced ? resource.id : `not-${resource.id}`;
  const base = `ris-${resource.trust}-${event.appointmentId}-${place}-${digits}`;
  for (let times = 1; ; times += 1) {
    const id = times === 1 ? base : `${base}-${times}`;
    const before = findBooking(db, id);
    if (before === undefined) return id;
    // What ended is begun again when the RIS says so later, and what it makes longer; a clash stays one.
    const isKnown = before.state === 'cancelled' || before.bookingId === known?.bookingId;
    const isAgain = isKnown && event.asOf > (before.risAsOf ?? '');
    if (!isAgain) return null;
  }
}

/** It stands at this hour already; a name that no resource has says nothing against it. */
export const isWhere = (
  { resource, start, state, slotIds }: Booking,
  { startsAt }: AppointmentEvent,
  named: Resource | undefined,
): boolean =>
  isActive(state) &&
  start === startsAt &&
  (named === undefined || (named.id === resource && slotIds.length > 0));

/** It reaches into slots of the diary that it does not have. */
export const isLonger = (
  { slotIds }: Booking,
  event: AppointmentEvent,
  slots: readonly Slot[],
): boolean =>
  slotIds.length > 0 && slots.some((slot) => overlaps(slot, event) && !slotIds.includes(slot.id));

function overlaps(slot: Slot, { startsAt, minutes }: AppointmentEvent): boolean {
  const [from, begin] = [Date.parse(startsAt ?? ''), Date.parse(slot.start)];
  const to = from + (minutes ?? 1) * 60_000;
  return begin < to && begin + slot.minutes * 60_000 > from;
}

/** The request that it is for: that of the booking that moved, or of the order that it names. */
function requestIdOf(db: Sqlite, { event, resource, known }: RisAppointment): string | null {
  if (known !== undefined) return known.requestId;
  const numbers = [event.placerNumber, event.fillerNumber].filter((one) => one !== null);
  const request = numbers
    .map((number) => requestOfOrder(db, resource.trust, number)?.value)
    .find((one) => one !== undefined);
  if (request === undefined || activeBookingsOf(db, request.requestId).length > 0) return null;
  return request.requestId;
}
