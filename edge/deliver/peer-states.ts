/**
 * How each destination stands, durable, so that it is told while the edge is down, too: whether it works, and
 * if it does not, since when, why, and when it is tried again; and whether a person holds what is for it.
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Reason } from './delivery-queue.ts';

export interface PeerState {
  readonly peer: string;
  readonly state: 'works' | 'waits';
  /** Milliseconds since the epoch, as all times here. */
  readonly since: number;
  /** When it is tried again; null while it works. */
  readonly until: number | null;
  /** In a row. */
  readonly failures: number;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

/** A destination, and what it has still to be given. */
export interface PeerQueue extends Omit<PeerState, 'state' | 'since'> {
  /** Null: it was not tried yet. */
  readonly state: PeerState['state'] | null;
  readonly since: number | null;
  readonly deliveries: number;
  readonly objects: number;
  /** When the oldest delivery was asked for. */
  readonly oldest: number | null;
  /** Since when a person holds what is for it; null: nobody does. */
  readonly heldSince: number | null;
}

/** In words: whether it works, since when, and when it is tried again. */
export function stateOf({ state, since, until, failures, heldSince }: PeerQueue): string {
  if (heldSince !== null) return `held by a person since ${rfc3339(heldSince)}`;
  if (state === null || since === null) return 'not tried yet';
  if (state === 'works') return `works since ${rfc3339(since)}`;
  const next = until === null ? '' : `, tried again at ${rfc3339(until)}`;
  return `takes nothing since ${rfc3339(since)}, ${failures} tries${next}`;
}

export const whyOf = ({ reasonCode, reasonDetail }: PeerQueue): string =>
  reasonCode === null ? '' : `${reasonCode}: ${reasonDetail}`;

export class PeerStates {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #release;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
    this.#release = db.transaction((peer: string, now: number): void => {
      this.#statements.extend.run({ peer, now });
      this.#statements.release.run(peer);
    });
  }

  find(peer: string): PeerState | undefined {
    return this.#statements.find.get(peer);
  }

  /** Of those that were tried, or have something to be given. */
  list(): PeerQueue[] {
    return this.#statements.list.all();
  }

  isHeld(peer: string): boolean {
    return this.#statements.isHeld.get(peer) !== undefined;
  }

  /** Nothing is sent to it, nor given up, until it is released. */
  hold(peer: string, now: number): void {
    this.#statements.hold.run(peer, now);
  }

  /** What waits for it has as long as it would have had. */
  release(peer: string, now: number): void {
    this.#release.immediate(peer, now);
  }

  works(peer: string, now: number): void {
    this.#statements.works.run({ peer, now });
  }

  waits(
    peer: string,
    { reason, ...at }: { now: number; until: number; failures: number; reason: Reason },
  ): void {
    this.#statements.waits.run({ peer, ...at, ...reason });
  }
}

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], PeerState>(
      `SELECT peer, state, since_at AS since, until_at AS "until", failures,
         reason_code AS reasonCode, reason_detail AS reasonDetail
       FROM delivery_peers WHERE peer = ?`,
    ),
    list: db.prepare<[], PeerQueue>(
      `WITH waiting AS (
         SELECT peer, count(DISTINCT delivery_id) AS deliveries, count(sop_uid) AS objects,
           min(created_at) AS oldest
         FROM deliveries LEFT JOIN delivery_instances i USING (delivery_id)
         WHERE ended_at IS NULL AND (i.state IS NULL OR i.state = 'wanted') GROUP BY peer)
       SELECT peer, s.state, s.since_at AS since, until_at AS "until",
         coalesce(failures, 0) AS failures, reason_code AS reasonCode,
         reason_detail AS reasonDetail, coalesce(deliveries, 0) AS deliveries,
         coalesce(objects, 0) AS objects, oldest, h.since_at AS heldSince
       FROM (SELECT peer FROM delivery_peers UNION SELECT peer FROM waiting
           UNION SELECT peer FROM delivery_holds)
         LEFT JOIN delivery_peers s USING (peer) LEFT JOIN waiting USING (peer)
         LEFT JOIN delivery_holds h USING (peer) ORDER BY peer`,
    ),
    isHeld: db.prepare<[string], unknown>('SELECT 1 FROM delivery_holds WHERE peer = ?'),
    hold: db.prepare<[string, number]>('INSERT OR IGNORE INTO delivery_holds VALUES (?, ?)'),
    extend: db.prepare<[{ peer: string; now: number }]>(
      `UPDATE deliveries SET deadline_at = deadline_at + max(0, @now - max(created_at, since_at))
       FROM delivery_holds h WHERE h.peer = @peer AND deliveries.peer = h.peer AND ended_at IS NULL`,
    ),
    release: db.prepare<[string]>('DELETE FROM delivery_holds WHERE peer = ?'),
    works: db.prepare<[{ peer: string; now: number }]>(
      `INSERT INTO delivery_peers (peer, state, since_at, failures) VALUES (@peer, 'works', @now, 0)
       ON CONFLICT DO UPDATE SET state = 'works', since_at = @now, until_at = NULL, failures = 0,
         reason_code = NULL, reason_detail = NULL`,
    ),
    waits: db.prepare<
      [{ peer: string; now: number; until: number; failures: number; code: string; detail: string }]
    >(
      `INSERT INTO delivery_peers VALUES (@peer, 'waits', @now, @until, @failures, @code, @detail)
       ON CONFLICT DO UPDATE SET since_at = iif(state = 'waits', since_at, @now), state = 'waits',
         until_at = @until, failures = @failures, reason_code = @code, reason_detail = @detail`,
    ),
  };
}
