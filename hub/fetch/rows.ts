/** Fetch orders and their receipts as rows of the projection; the view is both, joined. */
import {
  FETCH_STATES,
  type FetchStateName,
  FINAL_FETCH_STATES,
  type ReceiptEvent,
  ReceiptEventSchema,
} from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Change } from '../projection/change.ts';
import type { HubDecision } from '../projection/projection.ts';
import { DecisionSchema, type FetchOrder } from './decisions.ts';

export interface FetchRecord {
  readonly order: FetchOrder;
  /** Stream sequence of its newest decision. */
  readonly streamSeq: number;
  /** Undefined: its edge has not reported yet. */
  readonly receipt: ReceiptEvent | undefined;
}

/** Applies one decision. @throws ZodError for one that is not of this version */
export function applyFetchDecision(db: Sqlite, { body, streamSeq }: HubDecision): Change[] {
  const { order } = DecisionSchema.parse(body);
  db.prepare(
    `INSERT INTO fetches (fetch_id, stream_seq, study_uid, home, to_trust, source_trust,
       requested_at, is_cancelled, body)
     VALUES (@fetchId, @streamSeq, @study, @home, @to, @source, @at, @cancelled, @body)
     ON CONFLICT DO UPDATE SET stream_seq = excluded.stream_seq, source_trust = excluded.source_trust,
       is_cancelled = excluded.is_cancelled, body = excluded.body
     WHERE excluded.stream_seq > fetches.stream_seq`,
  ).run({
    fetchId: order.fetchId,
    streamSeq,
    study: order.studyInstanceUID,
    home: order.home,
    to: order.to.trust,
    source: order.source,
    at: order.requestedAt,
    cancelled: Number(order.cancelled !== null),
    body: JSON.stringify(order),
  });
  return [{ kind: 'fetch', fetchId: order.fetchId }];
}

interface JoinedRow {
  readonly order: string;
  readonly streamSeq: number;
  readonly receipt: string | null;
}

/** The state before the first receipt: an order that nobody has begun is over as soon as it is cancelled. */
const STATE = `coalesce(r.state, CASE f.is_cancelled WHEN 1 THEN 'cancelled' ELSE 'authorised' END)`;
const JOINED = `SELECT f.body AS "order", f.stream_seq AS streamSeq, r.body AS receipt
  FROM fetches f LEFT JOIN fetch_receipts r USING (fetch_id)`;
const FINAL = FINAL_FETCH_STATES.map((state) => `'${state}'`).join(', ');
const OPEN_STATES = FETCH_STATES.filter((state) => !FINAL_FETCH_STATES.includes(state))
  .map((state) => `'${state}'`)
  .join(', ');
const OPEN = `${STATE} NOT IN (${FINAL})`;

export interface FetchFilter {
  readonly state?: FetchStateName;
  /** The receiving or the source trust. */
  readonly trust?: string;
  readonly studyInstanceUID?: string;
  /** The receiving trust, or the home. */
  readonly concerns?: string;
}

export class FetchRows {
  readonly #db: Sqlite;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  find(fetchId: string): FetchRecord | undefined {
    const row = this.#db.prepare(`${JOINED} WHERE f.fetch_id = ?`).get(fetchId);
    return row === undefined ? undefined : record(row as JoinedRow);
  }

  /**
   * Those of which the edge may still have to be told something, oldest first: that it has not
   * reported, that wait for a patient, or that were cancelled and are not over.
   *
   * @param since RFC 3339; older ones that it never reported are left alone
   */
  unsettled(since: string): FetchRecord[] {
    // Two questions, each with an index: hundreds of thousands of fetches are over.
    const unreported = `${JOINED} WHERE f.requested_at >= ? AND r.fetch_id IS NULL`;
    const open = `${JOINED} WHERE f.fetch_id IN
        (SELECT fetch_id FROM fetch_receipts WHERE state IN (${OPEN_STATES}))
      AND (f.is_cancelled = 1 OR r.state = 'held')`;
    const rows = [
      ...this.#db.prepare<[string], JoinedRow>(unreported).all(since),
      ...this.#db.prepare<[], JoinedRow>(open).all(),
    ].map(record);
    return rows.sort((a, b) => (a.order.requestedAt < b.order.requestedAt ? -1 : 1));
  }

  /** Those that are not over, of one study to one trust. */
  openOf(studyInstanceUID: string, home: string, to: string): FetchRecord[] {
    const rows = this.#db
      .prepare(`${JOINED} WHERE f.study_uid = ? AND f.home = ? AND f.to_trust = ? AND ${OPEN}`)
      .all(studyInstanceUID, home, to) as JoinedRow[];
    return rows.map(record);
  }

  /** The newest first. */
  list(
    { state, trust, studyInstanceUID, concerns }: FetchFilter,
    { limit, offset }: { limit: number; offset: number },
  ): { records: FetchRecord[]; total: number } {
    const given = { state, trust, studyInstanceUID, concerns, limit, offset };
    const where = [
      state === undefined ? [] : [inState(state)],
      trust === undefined ? [] : ['(f.to_trust = @trust OR f.source_trust = @trust)'],
      concerns === undefined ? [] : ['(f.to_trust = @concerns OR f.home = @concerns)'],
      studyInstanceUID === undefined ? [] : ['f.study_uid = @studyInstanceUID'],
    ].flat();
    const from = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const count = `SELECT count(*) FROM fetches f ${from}`;
    const rows = this.#db
      .prepare(
        `${JOINED} ${from} ORDER BY f.requested_at DESC, f.fetch_id LIMIT @limit OFFSET @offset`,
      )
      .all(given) as JoinedRow[];
    return {
      records: rows.map(record),
      total: this.#db.prepare(count).pluck().get(given) as number,
    };
  }
}

/** Each part with an index: of all that ever were, most are over. */
function inState(state: FetchStateName): string {
  const reported = 'f.fetch_id IN (SELECT fetch_id FROM fetch_receipts WHERE state = @state)';
  const unreported = (isCancelled: 0 | 1): string =>
    `f.is_cancelled = ${isCancelled} AND NOT EXISTS
      (SELECT 1 FROM fetch_receipts n WHERE n.fetch_id = f.fetch_id)`;
  if (state === 'authorised') return unreported(0);
  return state === 'cancelled' ? `(${reported} OR (${unreported(1)}))` : reported;
}

function record({ order, streamSeq, receipt }: JoinedRow): FetchRecord {
  return {
    order: JSON.parse(order) as FetchOrder,
    streamSeq,
    receipt: receipt === null ? undefined : ReceiptEventSchema.safeParse(JSON.parse(receipt)).data,
  };
}

/** As STATE above. */
export function stateOf({ order, receipt }: FetchRecord): FetchStateName {
  return receipt?.state ?? (order.cancelled === null ? 'authorised' : 'cancelled');
}

export const isOver = (record: FetchRecord): boolean =>
  FINAL_FETCH_STATES.includes(stateOf(record));
