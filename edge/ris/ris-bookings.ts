/**
 * Bookings of the hub, told to the trust's RIS one after the other, and its word told to the hub. SC-01.
 *
 *   command ─► row, durable ─► SIU^S12 │ S15 ─► AA, AE, AR ─► row + event to the hub, one transaction
 *
 * A booking is tried until the hub gives it up; a cancellation for days, since the RIS may hold the booking.
 */
import type { Clock } from '../../shared/clock.ts';
import type { BookingCommand } from '../../shared/contract/commands.ts';
import type { BookingEvent, EventBody } from '../../shared/contract/events.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import { sendMessage } from './mllp-client.ts';
import { siuMessage } from './siu-message.ts';

const RETRY_MS = 2_000;
const CANCEL_MS = 3 * 86_400_000;

export interface RisBookingsOptions {
  readonly trust: string;
  /** Undefined: the trust's RIS takes no bookings from here. */
  readonly ris: EdgeConfig['ris'];
  readonly db: Sqlite;
  /** In the transaction that is open. */
  readonly tell: (body: EventBody<BookingEvent>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class RisBookings {
  readonly #options: RisBookingsOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;

  constructor(options: RisBookingsOptions) {
    this.#options = options;
    this.#statements = prepareStatements(options.db);
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), RETRY_MS);
    this.#timer.unref();
    this.wake();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
  }

  /** Within the transaction that makes the command durable. */
  insert(command: BookingCommand): void {
    const { id, bookingId, action } = command;
    const now = this.#options.clock.now();
    this.#statements.insert.run(id, bookingId, action, JSON.stringify(command), now);
    if (action === 'cancel') this.#giveUp(bookingId);
    if (this.#options.ris === undefined)
      this.#end(command, 'refused', 'This trust has no RIS configured that takes bookings');
  }

  /** Something may have to be sent now. */
  wake(): void {
    if (this.#isSending || this.#options.ris === undefined) return;
    this.#isSending = true;
    this.#sending = this.#sendAll()
      .catch((error: unknown) =>
        this.#options.log.error('program.bug', { where: 'ris/bookings', error }),
      )
      .finally(() => {
        this.#isSending = false;
      });
  }

  /** In order: a RIS that does not answer keeps all waiting. */
  async #sendAll(): Promise<void> {
    for (;;) {
      const row = this.#statements.next.get();
      if (row === undefined) return;
      const command = JSON.parse(row.command) as BookingCommand;
      if (this.#isOver(command, row.receivedAt)) {
        this.#giveUpSilent(command);
        continue;
      }
      if (!(await this.#send(command))) return;
    }
  }

  #isOver({ action, until }: BookingCommand, receivedAt: number): boolean {
    const now = this.#options.clock.now();
    return action === 'book' ? Date.parse(until) <= now : receivedAt + CANCEL_MS <= now;
  }

  /**
   * A RIS that was silent may have booked: that is no refusal. The hub ends the hold by its own clock, and what it
   * then cancels is told to the RIS; an answer from here would keep it from that.
   */
  #giveUpSilent(command: BookingCommand): void {
    const reason = 'The RIS did not answer in time';
    if (command.action === 'cancel') this.#finish(command, 'refused', reason);
    else this.#statements.end.run('silent', reason, this.#options.clock.now(), command.id);
  }

  /** @returns false when it has to be tried again */
  async #send(command: BookingCommand): Promise<boolean> {
    const { ris, trust, clock, log } = this.#options;
    if (ris === undefined) return false;
    const { bookingId, action } = command;
    const receiver = { application: ris.application, facility: ris.facility };
    const message = siuMessage({ command, trust, now: clock.now(), receiver });
    try {
      const answer = await sendMessage(ris, message);
      const reason = answer.kind === 'refused' ? answer.reason : null;
      this.#finish(command, answer.kind, reason);
      log.info('ris.told', { bookingId, action, outcome: answer.kind });
      return true;
    } catch (error) {
      log.warn('ris.waiting', { bookingId, action, code: codeOf(error) });
      return false;
    }
  }

  #finish(command: BookingCommand, outcome: 'accepted' | 'refused', reason: string | null): void {
    this.#options.db.transaction(() => this.#end(command, outcome, reason)).immediate();
  }

  #end(
    { id, bookingId, action }: BookingCommand,
    outcome: 'accepted' | 'refused',
    reason: string | null,
  ): void {
    const { tell, clock } = this.#options;
    this.#statements.end.run(outcome, reason, clock.now(), id);
    tell({ kind: 'booking', bookingId, action, outcome, reason });
  }

  /** A booking that is cancelled before the RIS was told of it is not told any more. */
  #giveUp(bookingId: string): void {
    for (const { command } of this.#statements.waiting.all(bookingId))
      this.#end(JSON.parse(command) as BookingCommand, 'refused', 'Cancelled before it was sent');
  }
}

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare<[string, string, string, string, number]>(
      `INSERT INTO ris_bookings (command_id, booking_id, action, command, state, received_at)
       VALUES (?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO NOTHING`,
    ),
    next: db.prepare<[], { command: string; receivedAt: number }>(
      `SELECT command, received_at AS receivedAt FROM ris_bookings WHERE state = 'waiting'
       ORDER BY received_at, rowid LIMIT 1`,
    ),
    waiting: db.prepare<[string], { command: string }>(
      `SELECT command FROM ris_bookings
       WHERE state = 'waiting' AND action = 'book' AND booking_id = ?`,
    ),
    end: db.prepare<[string, string | null, number, string]>(
      'UPDATE ris_bookings SET state = ?, reason = ?, ended_at = ? WHERE command_id = ?',
    ),
  };
}
