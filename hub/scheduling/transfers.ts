/**
 * A booking at another trust is a transfer of the referral, not a move in a calendar: the trust is asked, the
 * priors are brought there, and what it refuses goes back to who referred. SC-13.
 *
 *   booked elsewhere ─► asked ─► accepted │ refused: the booking ends, its slots are offered, the patient waits as before
 */
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { type Principal, trustRefusal } from '../access/rules.ts';
import type { SchedulingParts } from './booking-parts.ts';
import type { Bookings } from './bookings.ts';
import type { Requests } from './requests.ts';
import { findRequest } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { Booking, ImagingRequest, Transfer } from './types.ts';

/** Brings what is relevant of the patient's studies to the trust of the booking. */
export type BringPriors = (request: ImagingRequest, booking: Booking) => Promise<void>;

export interface TransferParts {
  readonly parts: SchedulingParts;
  readonly bookings: Bookings;
  readonly requests: Requests;
  readonly bringPriors: BringPriors;
}

export class Transfers {
  readonly #parts: TransferParts;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** Every booking elsewhere of which the other trust has not been asked yet. */
  async look(): Promise<void> {
    const { parts, requests, bringPriors } = this.#parts;
    const { db, clock, log } = parts;
    for (const booking of notAsked(db, rfc3339(clock.now() - DAY_MS))) {
      const request = findRequest(db, booking.requestId ?? '')?.value;
      if (request === undefined) continue;
      const { trust: to, bookingId } = booking;
      const before = request.transfer;
      // First this: who is interrupted asks again, and what is there already is not brought twice.
      await bringPriors(request, booking).catch((error: unknown) =>
        log.warn('scheduling.failed', { where: 'priors', code: codeOf(error) }),
      );
      const at = rfc3339(clock.now());
      // The trust's own RIS moved the appointment: what the trust said of the referral holds.
      const isMoved = booking.by === 'ris' && before?.to === to && before.state !== 'refused';
      const transfer: Transfer = isMoved
        ? { ...before, bookingId }
        : { to, bookingId, state: 'asked', at, reason: null };
      await requests.change(request.requestId, { transfer }, CDIP);
    }
  }

  /** By people of the trust that is asked. @throws SchedulingError `BOOKING_UNKNOWN`, `TRANSFER_ENDED`, `TRUST_FORBIDDEN` */
  async answer(
    bookingId: string,
    by: Principal,
    { isAccepted, reason }: { isAccepted: boolean; reason: string | null },
  ): Promise<ImagingRequest> {
    const { parts, bookings, requests } = this.#parts;
    const booking = bookings.find(bookingId);
    const refusal = trustRefusal(by, booking.trust);
    if (refusal !== null) throw new SchedulingError('TRUST_FORBIDDEN', refusal);
    const request = findRequest(parts.db, booking.requestId ?? '')?.value;
    const { transfer = null } = request ?? {};
    if (request === undefined || transfer?.bookingId !== bookingId || transfer.state !== 'asked')
      throw new SchedulingError(
        'TRANSFER_ENDED',
        'No referral waits for an answer with this booking.',
      );
    const state = isAccepted ? 'accepted' : 'refused';
    const answered: Transfer = { ...transfer, state, reason, at: rfc3339(parts.clock.now()) };
    // The booking first: who is interrupted between the two finds the referral still to be answered.
    if (!isAccepted) {
      const words = `${booking.trust} does not take the referral: ${reason ?? 'no reason given'}`;
      await bookings.end(booking, { state: 'cancelled', reason: words, by: by.name });
    }
    return requests.change(request.requestId, { transfer: answered }, CDIP);
  }
}

const CDIP: Principal = { name: 'cdip', role: 'admin', trust: null };

const notAsked = (db: Sqlite, since: string): Booking[] =>
  statement<string>(
    db,
    `SELECT b.body FROM bookings b JOIN requests r USING (request_id)
       WHERE b.state = 'booked' AND b.at >= ? AND b.trust <> r.trust AND r.is_cancelled = 0
         AND r.body ->> '$.transfer.bookingId' IS NOT b.booking_id
       LIMIT 100`,
  )
    .pluck()
    .all(since)
    .map((body) => JSON.parse(body) as Booking);
