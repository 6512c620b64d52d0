/**
 * What has to happen when nobody asks: holds whose time is over end, bookings that were replaced are freed,
 * also when the hub that began it was killed. Every hub looks; a decision that is made twice is one.
 */
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import { overdueHolds, supersededBookings } from './rows.ts';

const LOOK_MS = 1_000;

export class Settling {
  readonly #parts: SchedulingParts;
  readonly #bookings: Bookings;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #isLooking = false;

  constructor(parts: SchedulingParts, bookings: Bookings) {
    this.#parts = parts;
    this.#bookings = bookings;
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
  }

  #begin(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#look = this.look()
      .catch((error: unknown) =>
        this.#parts.log.error('scheduling.failed', { where: 'settling', code: codeOf(error) }),
      )
      .finally(() => {
        this.#isLooking = false;
      });
  }

  /** One look at all that is due. */
  async look(): Promise<void> {
    const { db, clock } = this.#parts;
    for (const hold of overdueHolds(db, rfc3339(clock.now()))) await this.#expire(hold.bookingId);
    for (const { old, by } of supersededBookings(db))
      await this.#bookings.freeReplaced(old.bookingId, by);
  }

  async #expire(bookingId: string): Promise<void> {
    const booking = this.#bookings.find(bookingId);
    const reason = 'Not confirmed in time';
    await this.#bookings.end(booking, {
      ...{ state: 'expired', reason, by: 'cdip', onlyFrom: 'held' },
    });
    this.#parts.log.info('booking.expired', { bookingId, trust: booking.trust });
  }
}
