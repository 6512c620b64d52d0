/** Fetches as the hub decided them and the receiving edges report them, as rows of transfers. */
import { ReceiptEventSchema } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type Store, timestamp } from './store.ts';
import type { ToldRow } from './told.ts';

interface FetchRow {
  readonly order: string;
  readonly receipt: string | null;
  readonly modalities: string | null;
}

/** An edge's clock may be behind: so far back is looked again. */
const MARGIN_MS = 86_400_000;

/** Those that changed since the newest one that is kept. */
export async function transfersTold(store: Store, db: Sqlite): Promise<ToldRow[]> {
  const [last] = await store.rows('SELECT epoch_ms(max(as_of)) AS newest FROM told_transfer');
  const since = new Date(Math.max(0, Number(last?.['newest'] ?? 0) - MARGIN_MS)).toISOString();
  const known = await store.rows(
    `SELECT DISTINCT transfer_id AS id, state FROM told_transfer
     WHERE requested_at >= ${timestamp(Date.parse(since))} OR as_of >= ${timestamp(Date.parse(since))}`,
  );
  const held = new Set(known.map(({ id, state }) => `${String(id)}/${String(state)}`));
  return changedSince(db, since)
    .map(rowOf)
    .filter(({ transfer_id: id, state }) => !held.has(`${String(id)}/${String(state)}`));
}

function changedSince(db: Sqlite, since: string): FetchRow[] {
  return db
    .prepare<[string, string], FetchRow>(
      `SELECT f.body AS "order", r.body AS receipt, (SELECT max(s.modalities) FROM studies s
         WHERE s.study_uid = f.study_uid AND s.home = f.home) AS modalities
       FROM fetches f LEFT JOIN fetch_receipts r USING (fetch_id)
       WHERE f.requested_at >= ? OR r.at >= ?`,
    )
    .all(since, since);
}

interface Order {
  readonly fetchId: string;
  readonly home: string;
  readonly source: string;
  readonly to: { readonly trust: string };
  readonly studyInstanceUID: string;
  readonly priority: string;
  readonly requestedAt: string;
  readonly cancelled: { readonly at: string } | null;
  readonly neededBy?: string | null;
  readonly deliver?: boolean;
}

function rowOf({ order: body, receipt, modalities }: FetchRow): ToldRow {
  const order = JSON.parse(body) as Order;
  const told =
    receipt === null ? undefined : ReceiptEventSchema.safeParse(JSON.parse(receipt)).data;
  const cancelled = order.cancelled === null ? 'authorised' : 'cancelled';
  return {
    transfer_id: order.fetchId,
    as_of: told?.at ?? order.cancelled?.at ?? order.requestedAt,
    home: order.home,
    source: order.source,
    to_trust: order.to.trust,
    study_uid: order.studyInstanceUID,
    modality: modalities?.split('\\')[0],
    priority: order.priority,
    requested_at: order.requestedAt,
    available_at: told?.steps.find(({ state }) => state === 'available')?.at,
    state: told?.state ?? cancelled,
    needed_by: order.neededBy,
    delivered: order.deliver ?? true,
  };
}
