/**
 * Who was told that a booking is being confirmed is told when it is not booked after all; and whose booking the RIS
 * takes or moves by itself is told that. SC-01, SC-31, SC-33.
 *
 *   hold ends: refused │ silent ────────┐
 *   RIS cancels │ moves: a moment later ┴─► notice due ─► message │ staff phone ─► stands with the booking
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
import {
  addressOf,
  cancelledText,
  type MessagePort,
  movedText,
  notBookedText,
  type PatientMessage,
} from './messages.ts';
import { activeBookingsOf, findRequest } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { isNumberGood, isQuiet, type OfferChannel } from './rules/refill.ts';
import type { Booking, BookingNotice, ImagingRequest } from './types.ts';

/** A notice that a killed hub may not have sent goes out again after this. */
const UNSENT_MS = 60_000;
/** A RIS that moves an appointment may cancel it first, and book it anew: so long what it does then is waited for. */
export const MOVED_WITHIN_MS = 60_000;
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

/** What is owed to the patient whose booking the RIS ends, or moves elsewhere. */
export const noticeOfRis = (
  { requestId }: Pick<Booking, 'requestId'>,
  now: number,
): { notice?: BookingNotice } =>
  requestId === null ? {} : { notice: { state: 'due', at: rfc3339(now), channel: null } };

/** The newest try of a request, when it failed after it had been answered, or the RIS took it; nothing was begun since. */
export function notBookedOf(db: Sqlite, requestId: string): Booking | undefined {
  const [newest] = newestOf(db, requestId);
  const isMoved = newest?.state === 'cancelled' && standsByRis(db, requestId) !== undefined;
  return newest?.notice === undefined || isMoved ? undefined : newest;
}

/** The appointment as it was, when the RIS changed it to the one that the request has now. */
export function movedByRis(db: Sqlite, requestId: string): Booking | undefined {
  const now = standsByRis(db, requestId);
  if (now === undefined) return undefined;
  const before = newestOf(db, requestId).find(
    ({ state, notice }) => state === 'cancelled' && notice !== undefined,
  );
  // Of one that it took long before, and that the patient was told of, this one is no change.
  const isChange = (before?.notice?.at ?? '') >= now.at || before?.bookingId === now.replaces;
  return isChange ? before : undefined;
}

const standsByRis = (db: Sqlite, requestId: string): Booking | undefined =>
  activeBookingsOf(db, requestId).findLast(({ by }) => by === 'ris');

const newestOf = (db: Sqlite, requestId: string): Booking[] =>
  statement<string>(
    db,
    'SELECT body FROM bookings WHERE request_id = ? ORDER BY at DESC, stream_seq DESC LIMIT 10',
  )
    .pluck()
    .all(requestId)
    .map((body) => JSON.parse(body) as Booking);

/** @param since RFC 3339 */
const owed = (db: Sqlite, since: string): Booking[] =>
  statement<string>(
    db,
    `SELECT body FROM bookings WHERE state IN ('refused', 'expired', 'cancelled') AND at >= ?
       AND body -> 'notice' ->> 'state' IN ('due', 'sending') LIMIT 100`,
  )
    .pluck()
    .all(since)
    .map((body) => JSON.parse(body) as Booking);

type News = Pick<PatientMessage, 'kind' | 'subject' | 'text'>;

interface Way {
  readonly port: MessagePort;
  readonly channel: OfferChannel;
  readonly to: string;
}

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
    const { db, clock } = parts;
    if (isTooSoon(booking, clock.now())) return;
    const request = findRequest(db, booking.requestId ?? '')?.value;
    const news = request === undefined ? null : this.#newsFor(booking, request);
    const way = request && this.#wayTo(request);
    if (news === null || way === undefined)
      await note(booking, noticeNow(clock, news === null ? 'none' : 'staff', null));
    else if (!isQuiet(clock.now())) await this.#send(booking, news, way);
  }

  async #send(booking: Booking, news: News, { port, channel, to }: Way): Promise<void> {
    const { parts, note } = this.#options;
    const { clock, log } = parts;
    const claimed = noticeNow(clock, 'sending', channel);
    if (!(await note(booking, claimed))) return;
    const { bookingId: id } = booking;
    try {
      await port.send({ id, channel, to, ...news });
      await note({ ...booking, notice: claimed }, noticeNow(clock, 'sent', channel));
      log.info('notice.sent', { bookingId: id, channel });
    } catch (error) {
      log.warn('notice.not-sent', { bookingId: id, channel, code: codeOf(error) });
    }
  }

  /** Null: there is nobody, or nothing, to be told. */
  #newsFor(booking: Booking, request: ImagingRequest): News | null {
    if (flagsOf(this.#options.parts.db, request).deceased) return null;
    return booking.state === 'cancelled'
      ? this.#newsOfRis(booking, request)
      : this.#notBooked(request);
  }

  #notBooked({ requestId }: ImagingRequest): News {
    const active = activeBookingsOf(this.#options.parts.db, requestId);
    return { kind: 'not-booked', ...notBookedText(active.some(({ state }) => state === 'booked')) };
  }

  /** As it stands by now; null: the patient has chosen anew since, or the whole request is over. */
  #newsOfRis({ start }: Booking, { requestId, cancelled }: ImagingRequest): News | null {
    const now = activeBookingsOf(this.#options.parts.db, requestId).at(-1);
    if (cancelled !== null || (now !== undefined && now.by !== 'ris')) return null;
    return now === undefined
      ? { kind: 'cancelled', ...cancelledText(start) }
      : { kind: 'moved', ...movedText(start, now.start) };
  }

  /** Undefined: only the voice of staff reaches them. */
  #wayTo(request: ImagingRequest): Way | undefined {
    const { db, clock } = this.#options.parts;
    if (flagsOf(db, request).restricted || !isNumberGood(request.patient.verifiedOn, clock.now()))
      return undefined;
    for (const channel of request.channels) {
      const port = this.#options.ports.find(({ channels }) => channels.includes(channel));
      const to = addressOf(request, channel);
      if (port !== undefined && to !== null) return { port, channel, to };
    }
    return undefined;
  }
}

/** Another hub is at it, or the RIS may not be done. */
function isTooSoon({ state, notice }: Booking, now: number): boolean {
  const sinceMs = now - Date.parse(notice?.at ?? '');
  if (notice?.state === 'sending') return sinceMs < UNSENT_MS;
  return state === 'cancelled' && sinceMs < MOVED_WITHIN_MS;
}

const noticeNow = (
  clock: Clock,
  state: BookingNotice['state'],
  channel: OfferChannel | null,
): BookingNotice => ({ state, at: rfc3339(clock.now()), channel });
