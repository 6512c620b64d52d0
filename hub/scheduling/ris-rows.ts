/** What the RIS of a trust said: of bookings that it was told, and of appointments of its own. SQL. */
import type { AppointmentEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Booking } from './types.ts';

export interface RisAnswer {
  readonly outcome: 'accepted' | 'refused';
  readonly reason: string | null;
}

/** Only the trust that the booking is at can speak of it. */
export const risAnswer = (
  db: Sqlite,
  { trust, bookingId }: Pick<Booking, 'trust' | 'bookingId'>,
  action: 'book' | 'cancel',
): RisAnswer | undefined =>
  statement<RisAnswer>(
    db,
    'SELECT outcome, reason FROM ris_answers WHERE trust = ? AND booking_id = ? AND action = ?',
  ).get(trust, bookingId, action);

export const findAppointment = (
  db: Sqlite,
  trust: string,
  appointmentId: string,
): AppointmentEvent | undefined => {
  const body = statement<string>(
    db,
    'SELECT body FROM appointments WHERE trust = ? AND appointment_id = ?',
  )
    .pluck()
    .get(trust, appointmentId);
  return body === undefined ? undefined : (JSON.parse(body) as AppointmentEvent);
};

/** Those of a time, one after the other. */
export const appointmentIdsSince = (
  db: Sqlite,
  since: string,
): { trust: string; appointmentId: string }[] =>
  statement<{ trust: string; appointmentId: string }>(
    db,
    `SELECT trust, appointment_id AS appointmentId FROM appointments WHERE happens_at >= ?`,
  ).all(since);

/** Holds that wait for a RIS. */
export const awaitingRis = (db: Sqlite): Booking[] =>
  bookings(
    db,
    `SELECT body FROM bookings WHERE state = 'held' AND body ->> 'awaits' = 'ris' ORDER BY at LIMIT 500`,
  );

/**
 * Bookings that ended here, of which the RIS was told, or may have been, and has not been told the end; and
 * those of the RIS that do not count.
 *
 * @param since RFC 3339
 */
export const endedUntold = (db: Sqlite, since: string): Booking[] =>
  bookings(
    db,
    `SELECT b.body FROM bookings b JOIN diaries d USING (resource, date)
     WHERE b.state IN ('cancelled', 'expired') AND b.at >= ? AND d.authority = 'ris'
       AND (b.request_id IS NOT NULL OR b.ris_appointment_id IS NOT NULL) AND b.body ->> 'awaits' IS NOT 'person'
       AND b.body ->> 'endedBy' IS NOT 'ris'
       AND NOT EXISTS (SELECT 1 FROM ris_answers a
         WHERE a.trust = b.trust AND a.booking_id = b.booking_id AND a.action = 'cancel')
     UNION ALL SELECT b.body FROM bookings b
     WHERE b.state = 'refused' AND b.by = 'ris' AND b.at >= ?
       AND NOT EXISTS (SELECT 1 FROM ris_answers a
         WHERE a.trust = b.trust AND a.booking_id = b.booking_id AND a.action = 'cancel')
     LIMIT 500`,
    since,
    since,
  );

const bookings = (db: Sqlite, sql: string, ...given: string[]): Booking[] =>
  statement<string>(db, sql)
    .pluck()
    .all(...given)
    .map((body) => JSON.parse(body) as Booking);

export interface Unplaced {
  /** As the RIS calls where they are; empty: it does not say. */
  readonly names: string;
  readonly appointments: number;
}

/** Appointments of a trust's RIS that are in no diary, by where the RIS says that they are. @param from RFC 3339 */
export const unplacedAppointments = (
  db: Sqlite,
  { trust, from }: { trust: string; from: string },
): Unplaced[] =>
  statement<Unplaced>(
    db,
    `SELECT coalesce((SELECT group_concat(value, ', ') FROM json_each(a.body, '$.resources')),
         concat_ws(', ', a.body ->> 'resource', a.body ->> 'location')) AS names,
       count(*) AS appointments
     FROM appointments a WHERE a.trust = ? AND a.happens_at >= ? AND a.status = 'booked'
       AND NOT EXISTS (SELECT 1 FROM bookings b
         WHERE b.trust = a.trust AND b.ris_appointment_id = a.appointment_id)
     GROUP BY names ORDER BY appointments DESC, names LIMIT 20`,
  ).all(trust, from);
