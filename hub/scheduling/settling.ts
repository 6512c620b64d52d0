/**
 * What has to happen when nobody asks: holds whose time is over end, bookings that were replaced are freed,
 * also when the hub that began it was killed. Every hub looks; a decision that is made twice is one.
 */
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Change } from '../projection/change.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import type { Notices } from './notices.ts';
import { OrderFollower } from './order-follower.ts';
import type { Refills } from './refills.ts';
import type { Requests } from './requests.ts';
import { RisCommands } from './ris-commands.ts';
import { RisFollower } from './ris-follower.ts';
import { overdueHolds, supersededBookings } from './rows.ts';
import type { Transfers } from './transfers.ts';

const LOOK_MS = 1_000;
/** Who rebooks frees the old slot itself: this is for what a killed hub left. */
const SUPERSEDED_MS = 30_000;
/** A diary that changed, or a word of a RIS, is looked at after so long. */
const SOON_MS = 20;

const SOON: ReadonlySet<Change['kind']> = new Set([
  ...(['diary', 'record', 'ris-answer', 'resource', 'refill', 'request'] as const),
]);

export class Settling {
  readonly #parts: SchedulingParts;
  readonly #bookings: Bookings;
  readonly #follower: RisFollower;
  readonly #orders: OrderFollower;
  readonly #commands: RisCommands;
  readonly #refills: Refills;
  readonly #transfers: Transfers;
  readonly #notices: Notices;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #unlisten: () => void = () => {};
  #look: Promise<void> = Promise.resolve();
  #isLooking = false;
  #supersededAt = 0;

  constructor(
    parts: SchedulingParts,
    {
      bookings,
      refills,
      transfers,
      notices,
      requests,
    }: {
      bookings: Bookings;
      refills: Refills;
      transfers: Transfers;
      notices: Notices;
      requests: Requests;
    },
  ) {
    this.#parts = parts;
    this.#bookings = bookings;
    this.#refills = refills;
    this.#transfers = transfers;
    this.#notices = notices;
    this.#follower = new RisFollower(parts, bookings);
    this.#orders = new OrderFollower(parts, { bookings, requests });
    this.#commands = new RisCommands(parts);
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), LOOK_MS);
    this.#timer.unref();
    this.#unlisten = this.#parts.onChange(({ kind }) => {
      if (SOON.has(kind)) this.#soon ??= setTimeout(() => this.#begin(), SOON_MS).unref();
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#unlisten();
    await this.#look;
  }

  #begin(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
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
    // Orders first: an appointment of the RIS is for the request of its order.
    await this.#orders.look();
    await this.#follower.look();
    for (const hold of overdueHolds(db, rfc3339(clock.now()))) await this.#expire(hold.bookingId);
    if (clock.monotonicMs() >= this.#supersededAt) {
      this.#supersededAt = clock.monotonicMs() + SUPERSEDED_MS;
      for (const { old, by } of supersededBookings(db))
        await this.#bookings.freeReplaced(old.bookingId, by);
    }
    await this.#commands.look();
    await this.#refills.look();
    await this.#transfers.look();
    await this.#notices.look();
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
