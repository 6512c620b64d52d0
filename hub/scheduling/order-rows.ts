/** Orders as the trusts told them, for the requests that follow them. SQL. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';

export interface OrderKey {
  readonly trust: string;
  readonly orderId: string;
}

export function findOrder(db: Sqlite, { trust, orderId }: OrderKey): unknown {
  const body = statement<string>(db, 'SELECT body FROM orders WHERE trust = ? AND order_id = ?')
    .pluck()
    .get(trust, orderId);
  return body === undefined ? undefined : JSON.parse(body);
}

/** An order by when it is to be done, or was. */
export interface OrderPlace extends OrderKey {
  readonly happensAt: string;
}

/** Those behind a place, in order. */
export const ordersAfter = (db: Sqlite, place: OrderPlace, limit: number): OrderPlace[] =>
  statement<OrderPlace>(
    db,
    `SELECT trust, order_id AS orderId, happens_at AS happensAt FROM orders
       WHERE (happens_at, trust, order_id) > (@happensAt, @trust, @orderId)
       ORDER BY happens_at, trust, order_id LIMIT @limit`,
  ).all({ ...place, limit });
