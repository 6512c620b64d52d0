/**
 * Who was told that a booking is being confirmed is told when it is not booked after all. SC-01, SC-31, SC-33.
 *
 *   hold ends: refused │ silent ─► notice due ─► message │ staff phone ─► stands with the booking
 *
 * One hub claims a notice before it sends it; one that was killed in between is sent again. The message names no
 * place and nothing clinical, and goes to nobody who has died or whose record is sensitive.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { flagsOf } from './demand.ts';
import { addressOf, type MessagePort, notBookedText } from './messages.ts';
import { activeBookingsOf, findRequest } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { isNumberGood, isQuiet, type OfferChannel } from './rules/refill.ts';
import type { Booking, BookingNotice, ImagingRequest } from './types.ts';

/** A notice that a killed hub may not have sent goes out again after this. */
const UNSENT_MS = 60_000;
/** Of what ended longer ago nobody waits for a message. */
const TOLD_FOR_MS = 3 * DAY_MS;
/** Whoever books waits so long for the word of a RIS: what it says by then is the answer itself. */
export const RIS_ANSWER_MS = 5_000;
/** A RIS that has not confirmed by then has not booked. SC-01. */
export const RIS_MS = 60_000;
/** Between a word of the RIS and the answer that carries it. */
const MARGIN_MS = 1_000;

/** What is owed to whoever holds this, when it ends now without having been booked. */
export function noticeOf(
  { state, awaits, heldUntil, requestId }: Booking,
  now: number,
): { notice?: BookingNotice } {
  if (state !== 'held' || awaits !== 'ris' || requestId === null) return {};
  const heldForMs = now - (Date.parse(heldUntil ?? '') - RIS_MS);
  if (heldForMs < RIS_ANSWER_MS - MARGIN_MS) return {};
  return { notice: { state: 'due', at: rfc3339(now), channel: null } };
}

/** The newest try of a request, when it failed after it had been answered; nothing was begun since. */
export function notBookedOf(db: Sqlite, requestId: string): Booking | undefined {
  const body = statement<string>(
    db,
    'SELECT body FROM bookings WHERE request_id = ? ORDER BY at DESC, stream_seq DESC LIMIT 1',
  )
    .pluck()
    .get(requestId);
  const newest = body === undefined ? undefined : (JSON.parse(body) as Booking);
  return newest?.notice === undefined ? undefined : newest;
}

/** @param since RFC 3339 */
const owed = (db: Sqlite, since: string): Booking[] =>
  statement<string>(
    db,
    `SELECT body FROM bookings WHERE state IN ('refused', 'expired') AND at >= ?
       AND body -> 'notice' ->> 'state' IN ('due', 'sending') LIMIT 100`,
  )
    .pluck()
    .all(since)
    .map((body) => JSON.parse(body) as Booking);

export interface NoticesOptions {
  readonly parts: SchedulingParts;
  readonly ports: readonly MessagePort[];
  /** Writes it to the booking, unless another hub changed what stood there. @returns whether it did */
  readonly note: (booking: Booking, notice: BookingNotice) => Promise<boolean>;
}

export class Notices {
  readonly #options: NoticesOptions;

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** All that is owed now. */
  async look(): Promise<void> {
    const { db, clock, log } = this.#options.parts;
    for (const booking of owed(db, rfc3339(clock.now() - TOLD_FOR_MS)))
      await this.#tell(booking).catch((error: unknown) =>
        log.warn('scheduling.failed', { where: 'notice', code: codeOf(error) }),
      );
  }

  async #tell(booking: Booking): Promise<void> {
    const { parts, note } = this.#options;
    const { db, clock, log } = parts;
    const request = findRequest(db, booking.requestId ?? '')?.value;
    const isUnderWay = booking.notice?.state === 'sending';
    if (isUnderWay && Date.parse(booking.notice?.at ?? '') + UNSENT_MS > clock.now()) return;
    const way = request && this.#wayTo(request);
    if (request === undefined || way === undefined) {
      await note(booking, noticeNow(clock, 'staff', null));
      return;
    }
    if (isQuiet(clock.now())) return;
    const { port, channel, to } = way;
    const claimed = noticeNow(clock, 'sending', channel);
    if (!(await note(booking, claimed))) return;
    const { bookingId: id } = booking;
    const keeps = activeBookingsOf(db, request.requestId).some(({ state }) => state === 'booked');
    try {
      await port.send({ id, kind: 'not-booked', channel, to, ...notBookedText(keeps) });
      await note({ ...booking, notice: claimed }, noticeNow(clock, 'sent', channel));
      log.info('notice.sent', { bookingId: id, channel });
    } catch (error) {
      log.warn('notice.not-sent', { bookingId: id, channel, code: codeOf(error) });
    }
  }

  /** Undefined: only the voice of staff reaches them. */
  #wayTo(
    request: ImagingRequest,
  ): { port: MessagePort; channel: OfferChannel; to: string } | undefined {
    const { db, clock } = this.#options.parts;
    const { deceased, restricted } = flagsOf(db, request);
    if (deceased || restricted || !isNumberGood(request.patient.verifiedOn, clock.now()))
      return undefined;
    for (const channel of request.channels) {
      const port = this.#options.ports.find(({ channels }) => channels.includes(channel));
      const to = addressOf(request, channel);
      if (port !== undefined && to !== null) return { port, channel, to };
    }
    return undefined;
  }
}

const noticeNow = (
  clock: Clock,
  state: BookingNotice['state'],
  channel: OfferChannel | null,
): BookingNotice => ({ state, at: rfc3339(clock.now()), channel });
