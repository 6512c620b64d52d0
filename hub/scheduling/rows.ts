/** Resources, diaries, slots, requests, bookings as the rows have them. SQL. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Authority, Booking, ImagingRequest, Resource, Slot } from './types.ts';

/** With the head of its subject, on which the next decision is made; 0: nothing was decided yet. */
export interface Headed<T> {
  readonly value: T;
  readonly streamSeq: number;
}

interface BodyRow {
  readonly body: string;
  readonly streamSeq: number;
}

const headed = <T>(row: BodyRow | undefined): Headed<T> | undefined =>
  row && { value: JSON.parse(row.body) as T, streamSeq: row.streamSeq };

export interface Diary {
  readonly resource: string;
  readonly date: string;
  readonly trust: string;
  readonly authority: Authority;
  readonly streamSeq: number;
}

export const findResource = (db: Sqlite, id: string): Headed<Resource> | undefined =>
  headed(
    statement<BodyRow>(db, 'SELECT body, stream_seq AS streamSeq FROM resources WHERE id = ?').get(
      id,
    ),
  );

export function listResources(
  db: Sqlite,
  { trust = null, modality = null }: { trust?: string | null; modality?: string | null },
): Resource[] {
  return statement<string>(
    db,
    `SELECT body FROM resources WHERE (@trust IS NULL OR trust = @trust)
         AND (@modality IS NULL OR modality = @modality) ORDER BY id`,
  )
    .pluck()
    .all({ trust, modality })
    .map((body) => JSON.parse(body) as Resource);
}

export const findDiary = (db: Sqlite, resource: string, date: string): Diary | undefined =>
  statement<Diary>(
    db,
    `SELECT resource, date, trust, authority, stream_seq AS streamSeq FROM diaries
       WHERE resource = ? AND date = ?`,
  ).get(resource, date);

const SLOT = 'SELECT id, resource, date, start, minutes, status, owner, until FROM slots';

export const slotsOfDiary = (db: Sqlite, resource: string, date: string): Slot[] =>
  statement<Slot>(db, `${SLOT} WHERE resource = ? AND date = ? ORDER BY start, id`).all(
    resource,
    date,
  );

export const findSlot = (db: Sqlite, id: string): Slot | undefined =>
  statement<Slot>(db, `${SLOT} WHERE id = ?`).get(id);

/** Those of a resource that are free, in order of time; read one after the other. */
export const freeSlots = (
  db: Sqlite,
  { resource, from, to }: { resource: string; from: string; to: string },
): IterableIterator<Slot> =>
  // Not kept: several are read at once.
  db
    .prepare<[string, string, string], Slot>(
      `${SLOT} WHERE resource = ? AND status = 'free' AND start >= ? AND start < ? ORDER BY start`,
    )
    .iterate(resource, from, to);

export const findRequest = (db: Sqlite, requestId: string): Headed<ImagingRequest> | undefined =>
  headed(
    statement<BodyRow>(
      db,
      'SELECT body, stream_seq AS streamSeq FROM requests WHERE request_id = ?',
    ).get(requestId),
  );

export const requestOfOrder = (
  db: Sqlite,
  trust: string,
  orderId: string,
): Headed<ImagingRequest> | undefined =>
  headed(
    statement<BodyRow>(
      db,
      'SELECT body, stream_seq AS streamSeq FROM requests WHERE trust = ? AND order_id = ?',
    ).get(trust, orderId),
  );

export const findBooking = (db: Sqlite, bookingId: string): Booking | undefined =>
  bookingOf(
    statement<string>(db, 'SELECT body FROM bookings WHERE booking_id = ?').pluck().get(bookingId),
  );

const bookingOf = (body: string | undefined): Booking | undefined =>
  body === undefined ? undefined : (JSON.parse(body) as Booking);

export const bookingsOfDiary = (db: Sqlite, resource: string, date: string): Booking[] =>
  statement<string>(
    db,
    'SELECT body FROM bookings WHERE resource = ? AND date = ? ORDER BY start, at',
  )
    .pluck()
    .all(resource, date)
    .map((body) => JSON.parse(body) as Booking);

/** Those that take up slots, the oldest first. */
export const activeBookingsOf = (db: Sqlite, requestId: string): Booking[] =>
  statement<string>(
    db,
    `SELECT body FROM bookings WHERE request_id = ? AND state IN ('held', 'booked') ORDER BY at`,
  )
    .pluck()
    .all(requestId)
    .map((body) => JSON.parse(body) as Booking);

export const bookingOfKey = (db: Sqlite, by: string, key: string): Booking | undefined =>
  bookingOf(
    statement<string>(db, 'SELECT body FROM bookings WHERE by = ? AND idempotency_key = ?')
      .pluck()
      .get(by, key),
  );

export const bookingOfAppointment = (
  db: Sqlite,
  trust: string,
  risAppointmentId: string,
): Booking | undefined =>
  bookingOf(
    statement<string>(
      db,
      `SELECT body FROM bookings WHERE trust = ? AND ris_appointment_id = ?
         ORDER BY state IN ('held', 'booked') DESC, at DESC LIMIT 1`,
    )
      .pluck()
      .get(trust, risAppointmentId),
  );

/** Holds whose time is over. @param now RFC 3339 */
export const overdueHolds = (db: Sqlite, now: string): Booking[] =>
  statement<string>(
    db,
    `SELECT body FROM bookings WHERE state = 'held' AND held_until <= ? LIMIT 500`,
  )
    .pluck()
    .all(now)
    .map((body) => JSON.parse(body) as Booking);

/** Bookings whose successor is booked, and that were not freed: who did it was interrupted. */
export const supersededBookings = (db: Sqlite): { old: Booking; by: Booking }[] =>
  statement<{ old: string; by: string }>(
    db,
    `SELECT o.body AS old, b.body AS by FROM bookings b JOIN bookings o ON o.booking_id = b.replaces
       WHERE b.replaces IS NOT NULL AND b.state = 'booked' AND o.state IN ('held', 'booked') LIMIT 500`,
  )
    .all()
    .map(({ old, by }) => ({ old: JSON.parse(old) as Booking, by: JSON.parse(by) as Booking }));
