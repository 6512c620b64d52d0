/**
 * Fetches that no hub ordered, at either end: written down before anything is read, told to a hub when one answers.
 *
 *   begun here │ opened here ─► row, synced ─► rpc `unaided`, until a hub has recorded it
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { UnaidedReport } from '../../shared/contract/unaided.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { TicketError } from './ticket.ts';
import type { OpenedUnaided } from './unaided-ticket.ts';

/** An edge in wrong hands gets no further before somebody looks. */
export const MAX_AN_HOUR = 30;
const HOUR_MS = 3_600_000;
const TOLD_TOGETHER = 50;

interface Row extends Omit<UnaidedReport, 'at'> {
  readonly at: number;
}

export class UnaidedLog {
  readonly #db: Sqlite;
  readonly #now: () => number;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Sqlite, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#statements = prepare(db);
  }

  /** Another trust reads a study of ours. Durable when it returns. @throws TicketError `TICKET_UNAIDED` */
  opened({ sub: other, fetch: fetchId, study, home, by, reason }: OpenedUnaided): void {
    const { find, countSince } = this.#statements;
    // It goes on, with a fresh ticket.
    if (find.get('source', other, fetchId, study) !== undefined) return;
    const { count } = countSince.get(other, this.#now() - HOUR_MS) ?? { count: 0 };
    if (count >= MAX_AN_HOUR)
      throw new TicketError('TICKET_UNAIDED', `${other} has read ${count} studies within an hour`);
    this.#record({
      ...{ side: 'source', other, fetchId, studyInstanceUID: study },
      ...{ home, by, reason },
    });
  }

  /** This trust fetches one of another's. Durable when it returns. */
  begun(fetched: Omit<UnaidedReport, 'at'>): void {
    this.#record(fetched);
  }

  /** What was begun here under this id. */
  find(fetchId: string): Omit<UnaidedReport, 'at'> | undefined {
    return this.#statements.findBegun.get(fetchId);
  }

  /** The oldest that no hub has recorded yet. */
  untold(): UnaidedReport[] {
    const rows = this.#statements.untold.all(TOLD_TOGETHER);
    return rows.map(({ at, ...row }) => ({ ...row, at: rfc3339(at) }));
  }

  told({ side, other, fetchId, studyInstanceUID }: UnaidedReport): void {
    this.#statements.told.run(this.#now(), side, other, fetchId, studyInstanceUID);
  }

  #record(row: Omit<Row, 'at'>): void {
    const { side, other, fetchId, studyInstanceUID, home, by, reason } = row;
    commitDurably(this.#db, () =>
      this.#statements.insert.run(
        ...([side, other, fetchId, studyInstanceUID, home, by, reason] as const),
        this.#now(),
      ),
    );
  }
}

const ROW =
  'side, other, fetch_id AS fetchId, study_uid AS studyInstanceUID, home, who AS "by", reason';

function prepare(db: Sqlite) {
  return {
    insert: db.prepare<[string, string, string, string, string, string, string, number]>(
      `INSERT INTO unaided_fetches VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    ),
    find: db.prepare<[string, string, string, string], Row>(
      `SELECT ${ROW}, at FROM unaided_fetches
       WHERE side = ? AND other = ? AND fetch_id = ? AND study_uid = ?`,
    ),
    findBegun: db.prepare<[string], Omit<Row, 'at'>>(
      `SELECT ${ROW} FROM unaided_fetches WHERE side = 'reader' AND fetch_id = ?`,
    ),
    countSince: db.prepare<[string, number], { count: number }>(
      `SELECT count(*) AS count FROM unaided_fetches WHERE side = 'source' AND other = ? AND at > ?`,
    ),
    untold: db.prepare<[number], Row>(
      `SELECT ${ROW}, at FROM unaided_fetches WHERE told_at IS NULL ORDER BY at LIMIT ?`,
    ),
    told: db.prepare<[number, string, string, string, string]>(
      `UPDATE unaided_fetches SET told_at = ?
       WHERE side = ? AND other = ? AND fetch_id = ? AND study_uid = ?`,
    ),
  };
}
