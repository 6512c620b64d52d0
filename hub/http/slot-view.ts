/** Slots and bookings as pages show them: to staff who compare, and to the patient who chooses. */
import type { FoundSlot } from '../scheduling/find-slots.ts';
import { movedByRis, notBookedOf } from '../scheduling/notices.ts';
import { activeBookingsOf, findResource } from '../scheduling/rows.ts';
import { DAY_MS } from '../scheduling/rules/facts.ts';
import type { Booking, BookingNotice } from '../scheduling/types.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';

type Parts = Pick<HttpParts, 'config' | 'projection' | 'clock'>;

/** How far ahead a page looks: slots are planned for about three months. */
const AHEAD_DAYS = 90;

export interface SlotView {
  readonly id: string;
  readonly start: string;
  readonly minutes: number;
  readonly trust: string;
  readonly place: string;
  readonly resource: string;
  readonly isOwnTrust: boolean;
  readonly travelMinutes: number | null;
  readonly travelWords: string | null;
  readonly leaveAt: string | null;
  /** Whole days before the appointment that the patient has; negative: later. Null: has none. */
  readonly daysSooner: number | null;
  /** What stands against booking it now, in words. */
  readonly holdsUp: readonly string[];
  /** What has to be asked before or on the day. */
  readonly asks: readonly string[];
}

export function slotView(parts: Parts, slot: FoundSlot, booked: Booking | undefined): SlotView {
  const { id, start, minutes, trust, resourceName, isOwnTrust, travel, open } = slot;
  const sooner = booked === undefined ? null : Date.parse(booked.start) - Date.parse(start);
  return {
    ...{ id, start, minutes, trust, isOwnTrust, resource: resourceName },
    place: trustName(parts, trust),
    travelMinutes: travel?.minutes ?? null,
    travelWords: travel?.words ?? null,
    leaveAt: travel?.leaveAt ?? null,
    daysSooner: sooner === null ? null : Math.trunc(sooner / DAY_MS),
    holdsUp: open.filter(({ blocks }) => blocks === 'confirm').map(({ reason }) => reason),
    asks: open.filter(({ blocks }) => blocks === 'attend').map(({ reason }) => reason),
  };
}

export interface BookingView extends Booking {
  readonly place: string;
  readonly resourceName: string;
}

/** The appointment that a request has, or is about to have; the newest of several. */
export function bookingOf(parts: Parts, requestId: string): BookingView | undefined {
  const booking = activeBookingsOf(parts.projection.db, requestId).at(-1);
  return booking === undefined ? undefined : bookingView(parts, booking);
}

export interface NotBookedView extends BookingView {
  /** Of who chose it or for whom it was chosen. */
  readonly told: BookingNotice['state'];
  /** It was booked, and the RIS took it. */
  readonly isTakenAway: boolean;
}

/** What was answered as being confirmed and is not booked, or the RIS took: until the request has something newer. */
export function notBookedView(parts: Parts, requestId: string): NotBookedView | undefined {
  return noticed(parts, notBookedOf(parts.projection.db, requestId));
}

/** The appointment as it was, of one that the RIS moved. */
export function movedView(parts: Parts, requestId: string): NotBookedView | undefined {
  return noticed(parts, movedByRis(parts.projection.db, requestId));
}

function noticed(parts: Parts, booking: Booking | undefined): NotBookedView | undefined {
  if (booking?.notice === undefined) return undefined;
  const isTakenAway = booking.state === 'cancelled';
  return { ...bookingView(parts, booking), told: booking.notice.state, isTakenAway };
}

export function bookingView(parts: Parts, booking: Booking): BookingView {
  const resource = findResource(parts.projection.db, booking.resource)?.value;
  return {
    ...booking,
    place: trustName(parts, booking.trust),
    resourceName:
      booking.slotIds.length === 0 ? 'another room' : (resource?.name ?? booking.resource),
  };
}

/** From now to the end of what is planned. */
export function searchedDays({ clock }: Pick<HttpParts, 'clock'>): { from: string; to: string } {
  const now = clock.now();
  return {
    from: new Date(now).toISOString(),
    to: new Date(now + AHEAD_DAYS * DAY_MS).toISOString(),
  };
}
