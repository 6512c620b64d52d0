/** Reads every decision as soon as it is written, and looks for what may never be. */
import { activeBookingsOf } from '../../../hub/scheduling/rows.ts';
import type { Booking } from '../../../hub/scheduling/types.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import { statement } from '../../../shared/sqlite/statement.ts';
import type { SchedulingHub } from '../../support/scheduling-hubs.ts';

/** Words of those who end a booking because somebody asked for it. */
const ASKED_FOR = 'asked for';

export class BookingWatch {
  readonly #hub: SchedulingHub;
  readonly #withBooking = new Set<string>();
  readonly #wasBooked = new Set<string>();
  doubleBookings = 0;
  patientsLeftWithNone = 0;

  constructor(hub: SchedulingHub) {
    this.#hub = hub;
  }

  read(): void {
    const { db } = this.#hub;
    this.#hub.read();
    const changed = statement<string>(db, 'SELECT body FROM bookings WHERE stream_seq = ?')
      .pluck()
      .all(this.#hub.cursor)
      .map((body) => JSON.parse(body) as Booking);
    for (const booking of changed) this.#look(booking);
  }

  wasBooked(bookingId: string): boolean {
    return this.#wasBooked.has(bookingId);
  }

  /** The same bookings, and the same slots for the same owners. */
  isSameAs(db: Sqlite): boolean {
    return contentOf(db) === contentOf(this.#hub.db);
  }

  close(): void {
    this.#hub.close();
  }

  #look({ bookingId, requestId, slotIds, state, reason }: Booking): void {
    const { db } = this.#hub;
    if (state === 'booked') this.#wasBooked.add(bookingId);
    for (const slotId of slotIds) if (bookersOf(db, slotId) > 1) this.doubleBookings += 1;
    if (requestId === null) return;
    const hasOne = activeBookingsOf(db, requestId).some((one) => one.state === 'booked');
    const gaveUp = state === 'cancelled' && reason === ASKED_FOR;
    if (hasOne) this.#withBooking.add(requestId);
    else if (gaveUp) this.#withBooking.delete(requestId);
    else if (this.#withBooking.delete(requestId)) this.patientsLeftWithNone += 1;
  }
}

const bookersOf = (db: Sqlite, slotId: string): number =>
  statement<number>(
    db,
    `SELECT count(*) FROM bookings b, json_each(b.body, '$.slotIds') s
       WHERE s.value = ? AND b.state IN ('held', 'booked')`,
  )
    .pluck()
    .get(slotId) ?? 0;

const contentOf = (db: Sqlite): string =>
  JSON.stringify([
    statement(db, 'SELECT id, status, owner FROM slots ORDER BY id').all(),
    statement(db, 'SELECT booking_id, state FROM bookings ORDER BY booking_id').all(),
  ]);
