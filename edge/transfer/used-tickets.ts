/**
 * Each ticket opens once, over kill -9 and restarts. shared/contract/ticket.ts.
 *
 *   first request ─► row, synced ─► open while something is read, and a moment after ─► ended, for good
 *
 * Lanes, and what goes on after a cut, are the same use: each request has its own proof, which counts once. A
 * reader that comes later than that asks the hub for a fresh ticket.
 */
import type { Clock } from '../../shared/clock.ts';
import { CLOCK_TOLERANCE_SECONDS, type Ticket } from '../../shared/contract/ticket.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { TicketError } from './ticket.ts';

/** A use in which nothing is read for so long is over: longer than a cut line takes to be dialled again. */
export const REST_MS = 120_000;

interface Row {
  readonly lastAt: number;
  readonly ended: number;
}

export class UsedTickets {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #statements: ReturnType<typeof prepare>;
  /** Streams that run, by ticket. */
  readonly #running = new Map<string, number>();

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#statements = prepare(db);
  }

  /**
   * Counts one request. Durable when it returns.
   *
   * @param proof the id of the request's proof; null: the ticket is for one request
   * @throws TicketError `TICKET_USED`
   */
  use({ jti, sub, exp }: Ticket, proof: string | null): void {
    const { find, insert, touch, insertProof, forget } = this.#statements;
    const now = this.#clock.now();
    const forgetAt = (exp + CLOCK_TOLERANCE_SECONDS) * 1000;
    const count = (): void => {
      forget.run(now);
      const row = find.get(jti);
      if (row === undefined) insert.run(jti, sub, now, forgetAt);
      else if (proof === null || !this.#isOpen(jti, row, now)) refuse('the ticket has been used');
      else touch.run(now, jti);
      if (proof !== null && insertProof.run(jti, proof).changes === 0)
        refuse('the proof has been used');
    };
    // One request of the hub has a ticket of seconds: kill -9 keeps it, and a machine takes longer to start.
    if (proof === null) this.#db.transaction(count).immediate();
    else commitDurably(this.#db, count);
  }

  /** Something is being read with it. @returns to be called when that ended */
  hold(jti: string): () => void {
    this.#running.set(jti, (this.#running.get(jti) ?? 0) + 1);
    return () => {
      const left = (this.#running.get(jti) ?? 1) - 1;
      if (left > 0) this.#running.set(jti, left);
      else this.#running.delete(jti);
      // The database is closed when the edge stops, and what is cut then was open a moment ago.
      if (this.#db.open) this.#statements.touch.run(this.#clock.now(), jti);
    };
  }

  /** Its reader has all that it wants: it opens nothing any more. */
  end(jti: string): void {
    commitDurably(this.#db, () => this.#statements.end.run(jti));
  }

  #isOpen(jti: string, { lastAt, ended }: Row, now: number): boolean {
    return ended === 0 && (this.#running.has(jti) || now - lastAt <= REST_MS);
  }
}

function refuse(message: string): never {
  throw new TicketError('TICKET_USED', message);
}

function prepare(db: Sqlite) {
  return {
    find: db.prepare<[string], Row>(
      'SELECT last_at AS lastAt, ended FROM used_tickets WHERE jti = ?',
    ),
    insert: db.prepare<[string, string, number, number]>(
      'INSERT INTO used_tickets (jti, reader, last_at, forget_at) VALUES (?, ?, ?, ?)',
    ),
    touch: db.prepare<[number, string]>('UPDATE used_tickets SET last_at = ? WHERE jti = ?'),
    end: db.prepare<[string]>('UPDATE used_tickets SET ended = 1 WHERE jti = ?'),
    insertProof: db.prepare<[string, string]>(
      'INSERT INTO used_proofs VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    forget: db.prepare<[number]>('DELETE FROM used_tickets WHERE forget_at < ?'),
  };
}
