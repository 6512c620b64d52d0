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

/** The resource that AIG-3 or AIL-3 names, by any of its names. */
export function resourceNamed(
  resources: readonly Resource[],
  { resource, location }: Pick<AppointmentEvent, 'resource' | 'location'>,
): Resource | undefined {
  const told = [resource, location]
    .filter((name) => name !== null)
    .map((name) => name.toLowerCase());
  return resources.find(({ id, name, risName }) =>
    [risName, id, name].some((one) => one !== null && told.includes(one.toLowerCase())),
  );
}

export interface RisAppointment {
  readonly event: AppointmentEvent;
  readonly resource: Resource;
  readonly date: string;
  readonly slots: readonly Slot[];
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
  const { event, resource, slots, known, authority } = appointment;
  const bookingId = idOf(db, appointment);
  if (bookingId === null) return null;
  const start = event.startsAt ?? '';
  const overlapped = slots.filter((slot) => overlaps(slot, event));
  const others = [...new Set(overlapped.map(({ owner }) => owner))]
    .map((owner) => (owner === null ? undefined : findBooking(db, owner)))
    .filter((one) => one !== undefined)
    .filter(({ bookingId: id, state }) => isActive(state) && id !== known?.bookingId);
  const isFirst = authority === 'ris' && others.every(({ state }) => state === 'held');
  const isTaken = others.length > 0 && !isFirst;
  const added =
    overlapped.length > 0 || isTaken
      ? []
      : [{ id: `${resource.id} ${start}`, start, minutes: event.minutes ?? DEFAULT_MINUTES }];
  const at = rfc3339(now);
  const booking: Booking = {
    ...{ bookingId, requestId: requestIdOf(db, appointment), trust: resource.trust },
    ...{ resource: resource.id, date: appointment.date, start },
    slotIds: isTaken ? [] : [...overlapped, ...added].map(({ id }) => id),
    minutes: event.minutes ?? overlapped[0]?.minutes ?? DEFAULT_MINUTES,
    ...{ state: isTaken ? 'refused' : 'booked', heldUntil: null, awaits: null },
    reason: isTaken ? 'The RIS booked it while somebody else had it' : 'Booked in the RIS',
    replaces: known !== undefined && isActive(known.state) ? known.bookingId : null,
    ...{ offerId: null, risAppointmentId: event.appointmentId, idempotency: null, by: 'ris', at },
    risAsOf: event.asOf,
  };
  const reason = 'The RIS gave the slot to somebody else';
  const gone = isTaken
    ? []
    : others.map((one) => ({
        ...{ ...one, state: 'refused' as const, reason, heldUntil: null, at },
        ...noticeOf(one, now),
      }));
  return { booking, bookings: [...gone, booking], added };
}

/** One for each time that an appointment had, so that hubs that see it at once make one booking of it. */
function idOf(db: Sqlite, { event, resource }: RisAppointment): string | null {
  const digits = (event.startsAt ?? '').replace(/\D/g, '').slice(0, 12);
  const base = `ris-${resource.trust}-${event.appointmentId}-${resource.id}-${digits}`;
  for (let times = 1; ; times += 1) {
    const id = times === 1 ? base : `${base}-${times}`;
    const before = findBooking(db, id);
    if (before === undefined) return id;
    // What ended is begun again when the RIS says so later; a clash stays one.
    const isAgain = before.state === 'cancelled' && event.asOf > (before.risAsOf ?? '');
    if (!isAgain) return null;
  }
}

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
