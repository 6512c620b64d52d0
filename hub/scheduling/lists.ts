/** Requests and bookings as lists, a page at a time. SQL. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Booking, BookingState, ImagingRequest } from './types.ts';

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export type RequestState = 'waiting' | 'held' | 'booked' | 'cancelled';

const ACTIVE = `(SELECT b.state FROM bookings b WHERE b.request_id = r.request_id
  AND b.state IN ('held', 'booked') ORDER BY b.state LIMIT 1)`;
const STATE = `CASE r.is_cancelled WHEN 1 THEN 'cancelled' ELSE coalesce(${ACTIVE}, 'waiting') END`;

export const stateOfRequest = (db: Sqlite, requestId: string): RequestState =>
  statement<RequestState>(db, `SELECT ${STATE} FROM requests r WHERE r.request_id = ?`)
    .pluck()
    .get(requestId) ?? 'waiting';

export interface RequestFilter {
  readonly trust?: string | null;
  readonly state?: RequestState | null;
  readonly modality?: string | null;
  /** Only patients of whom no message told what a RIS made of their booking: staff phone them. */
  readonly isToPhone?: boolean;
}

/** Nothing was begun since but by the RIS. */
const TO_PHONE = `EXISTS (SELECT 1 FROM bookings n WHERE n.request_id = r.request_id
  AND n.body -> 'notice' ->> 'state' = 'staff' AND NOT EXISTS (SELECT 1 FROM bookings o
    WHERE o.request_id = r.request_id AND o.at > n.at AND o.by <> 'ris'))`;

/** Those who wait longest first. */
export function listRequests(
  db: Sqlite,
  { trust = null, state = null, modality = null, isToPhone = false }: RequestFilter,
  page: Page,
): { requests: { request: ImagingRequest; state: RequestState }[]; total: number } {
  const where = `FROM requests r WHERE (@trust IS NULL OR r.trust = @trust)
    AND (@modality IS NULL OR r.modality = @modality) AND (@state IS NULL OR ${STATE} = @state)
    ${isToPhone ? `AND ${TO_PHONE}` : ''}`;
  const given = { trust, state, modality, ...page };
  const rows = statement<{ body: string; state: RequestState }>(
    db,
    `SELECT r.body AS body, ${STATE} AS state ${where}
       ORDER BY r.band, r.since, r.request_id LIMIT @limit OFFSET @offset`,
  ).all(given);
  return {
    requests: rows.map(({ body, state: is }) => ({
      request: JSON.parse(body) as ImagingRequest,
      state: is,
    })),
    total: statement<number>(db, `SELECT count(*) ${where}`).pluck().get(given) ?? 0,
  };
}

export interface BookingFilter {
  readonly requestId?: string;
  /** Where it is, or where the patient was referred. */
  readonly concerns?: string;
  readonly trust?: string;
  readonly resource?: string;
  readonly state?: BookingState;
  readonly from?: string;
  readonly to?: string;
}

/** In order of time. */
export function listBookings(
  db: Sqlite,
  filter: BookingFilter,
  page: Page,
): { bookings: Booking[]; total: number } {
  const conditions: Readonly<Record<keyof BookingFilter, string>> = {
    requestId: 'request_id = @requestId',
    concerns: `(trust = @concerns OR request_id IN
      (SELECT r.request_id FROM requests r WHERE r.trust = @concerns))`,
    trust: 'trust = @trust',
    resource: 'resource = @resource',
    state: 'state = @state',
    from: 'start >= @from',
    to: 'start < @to',
  };
  const names = Object.keys(filter) as (keyof BookingFilter)[];
  const where = names.map((name) => conditions[name]).join(' AND ') || 'true';
  const given = { ...filter, ...page };
  const rows = statement<string>(
    db,
    `SELECT body FROM bookings WHERE ${where} ORDER BY start, at, booking_id LIMIT @limit OFFSET @offset`,
  )
    .pluck()
    .all(given);
  const count = statement<number>(db, `SELECT count(*) FROM bookings WHERE ${where}`);
  return {
    bookings: rows.map((body) => JSON.parse(body) as Booking),
    total: count.pluck().get(given) ?? 0,
  };
}
