/** Refills and their offers as the rows have them. SQL. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Page } from './lists.ts';
import { activeBookingsOf, bookingsOfDiary, type Headed } from './rows.ts';
import type { Decision } from './rules/decide.ts';
import type { Booking, ImagingRequest, Offer, OfferState, Refill } from './types.ts';

export function findRefill(db: Sqlite, refillId: string): Headed<Refill> | undefined {
  const row = statement<{ body: string; streamSeq: number }>(
    db,
    'SELECT body, stream_seq AS streamSeq FROM refills WHERE refill_id = ?',
  ).get(refillId);
  return row && { value: JSON.parse(row.body) as Refill, streamSeq: row.streamSeq };
}

export const runningRefills = (db: Sqlite): Refill[] =>
  statement<string>(
    db,
    `SELECT body FROM refills WHERE state = 'running' ORDER BY start LIMIT 1000`,
  )
    .pluck()
    .all()
    .map((body) => JSON.parse(body) as Refill);

/** Bookings that gave slots back which nobody has yet and nobody was asked for. @param now RFC 3339 */
export const releasedBookings = (
  db: Sqlite,
  { now, since }: { now: string; since: string },
): Booking[] =>
  statement<string>(
    db,
    `SELECT b.body FROM bookings b
       WHERE b.state = 'cancelled' AND b.at >= ? AND b.start > ? AND b.body ->> 'awaits' IS NOT 'person'
         AND json_array_length(b.body, '$.slotIds') > 0
         AND NOT EXISTS (SELECT 1 FROM refills r WHERE r.refill_id = b.booking_id)
       ORDER BY b.start LIMIT 200`,
  )
    .pluck()
    .all(since, now)
    .map((body) => JSON.parse(body) as Booking);

export function findOffer(db: Sqlite, offerId: string): Offer | undefined {
  const body = statement<string>(db, 'SELECT body FROM offers WHERE offer_id = ?')
    .pluck()
    .get(offerId);
  return body === undefined ? undefined : (JSON.parse(body) as Offer);
}

/** The patient has this time, or an earlier one, by another way than the offer. @param start RFC 3339, of the slot */
export const hasAsEarly = (
  db: Sqlite,
  { offerId, requestId }: Pick<Offer, 'offerId' | 'requestId'>,
  start: string,
): boolean =>
  activeBookingsOf(db, requestId).some(
    (one) =>
      one.state === 'booked' &&
      one.offerId !== offerId &&
      Date.parse(one.start) <= Date.parse(start),
  );

export function offerOfLink(db: Sqlite, linkHash: string): Offer | undefined {
  const body = statement<string>(db, 'SELECT body FROM offers WHERE link_hash = ?')
    .pluck()
    .get(linkHash);
  return body === undefined ? undefined : (JSON.parse(body) as Offer);
}

/** What became of an offer that was accepted. */
export function bookingOfOffer(db: Sqlite, { offerId, refillId }: Offer): Booking | undefined {
  const refill = findRefill(db, refillId)?.value;
  if (refill === undefined) return undefined;
  return bookingsOfDiary(db, refill.resource, refill.date).find((one) => one.offerId === offerId);
}

export interface OfferFilter {
  readonly state?: OfferState;
  /** Of the trust whose slot it is, or whose patient. */
  readonly trust?: string;
  readonly requestId?: string;
  readonly refillId?: string;
}

/** The newest first. */
export function listOffers(
  db: Sqlite,
  filter: OfferFilter,
  page: Page,
): { offers: { offer: Offer; refill: Refill }[]; total: number } {
  const conditions: Readonly<Record<keyof OfferFilter, string>> = {
    state: 'o.state = @state',
    trust: `(f.trust = @trust OR EXISTS (SELECT 1 FROM requests r
      WHERE r.request_id = o.request_id AND r.trust = @trust))`,
    requestId: 'o.request_id = @requestId',
    refillId: 'o.refill_id = @refillId',
  };
  const names = Object.keys(filter) as (keyof OfferFilter)[];
  const where = names.map((name) => conditions[name]).join(' AND ') || 'true';
  const from = `FROM offers o JOIN refills f USING (refill_id) WHERE ${where}`;
  const given = { ...filter, ...page };
  const rows = statement<{ offer: string; refill: string }>(
    db,
    `SELECT o.body AS offer, f.body AS refill ${from}
       ORDER BY o.offered_at DESC, o.offer_id LIMIT @limit OFFSET @offset`,
  ).all(given);
  return {
    offers: rows.map(({ offer, refill }) => ({
      offer: JSON.parse(offer) as Offer,
      refill: JSON.parse(refill) as Refill,
    })),
    total: statement<number>(db, `SELECT count(*) ${from}`).pluck().get(given) ?? 0,
  };
}

/** Offers that a patient had since a moment: over all requests of that number. */
export const offersSince = (
  db: Sqlite,
  { trust, patient }: Pick<ImagingRequest, 'trust' | 'patient'>,
  since: string,
): number =>
  statement<number>(
    db,
    `SELECT count(*) FROM offers o JOIN requests r USING (request_id)
       WHERE r.trust = ? AND r.patient_id = ? AND r.issuer = ? AND o.offered_at >= ?`,
  )
    .pluck()
    .get(trust, patient.patientId, patient.issuer, since) ?? 0;

/** Those who wait, and those who have a later slot than this one; the most urgent first. */
export const candidateRequests = (
  db: Sqlite,
  { modality, after }: { modality: string; after: string },
  limit: number,
): ImagingRequest[] =>
  statement<string>(
    db,
    `SELECT r.body FROM requests r WHERE r.modality = ? AND r.is_cancelled = 0
         AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.request_id = r.request_id
           AND (b.state IN ('held', 'attended') OR (b.state = 'booked' AND b.start <= ?)))
       ORDER BY r.band, r.since LIMIT ?`,
  )
    .pluck()
    .all(modality, after, limit)
    .map((body) => JSON.parse(body) as ImagingRequest);

type Channels = ImagingRequest['channels'];

/** By what each of those who wait for this modality, without a booking, can be reached. */
export const waitingChannels = (db: Sqlite, modality: string): Channels[] =>
  statement<string>(
    db,
    `SELECT r.body -> 'channels' FROM requests r WHERE r.modality = ? AND r.is_cancelled = 0
         AND NOT EXISTS (SELECT 1 FROM bookings b
           WHERE b.request_id = r.request_id AND b.state IN ('held', 'booked', 'attended'))`,
  )
    .pluck()
    .all(modality)
    .map((channels) => JSON.parse(channels) as Channels);

/** Slots that were filled again by an offer: what was due to those who can only be phoned, and who has it. */
export const filledAgain = (
  db: Sqlite,
  { modality, since }: { modality: string; since: string },
): { share: number; channels: Channels }[] =>
  statement<{ share: number; channels: string }>(
    db,
    `SELECT f.body -> 'phoneOnly' ->> 'share' AS share, q.body -> 'channels' AS channels
       FROM refills f JOIN resources r ON r.id = f.resource
       JOIN offers o ON o.refill_id = f.refill_id AND o.state = 'accepted'
       JOIN requests q ON q.request_id = o.request_id
       WHERE f.start >= @since AND r.modality = @modality
         AND f.body -> 'phoneOnly' IS NOT NULL`,
  )
    .all({ modality, since })
    .map(({ share, channels }) => ({ share, channels: JSON.parse(channels) as Channels }));

export const decisionsOfRefill = (db: Sqlite, refillId: string): Decision[] =>
  statement<string>(db, 'SELECT body FROM refill_decisions WHERE refill_id = ? ORDER BY at')
    .pluck()
    .all(refillId)
    .map((body) => JSON.parse(body) as Decision);

/** Slots of a trust and modality over a time: how many there are, are free, went to patients of others (SC-21). */
export const trustCount = (
  db: Sqlite,
  { trust, modality, from, to }: { trust: string; modality: string; from: string; to: string },
): { slots: number; free: number; offeredOut: number } =>
  statement<{ slots: number; free: number; offeredOut: number }>(
    db,
    `SELECT count(*) AS slots, coalesce(sum(s.status = 'free'), 0) AS free,
         coalesce(sum(q.trust <> @trust), 0) AS offeredOut
       FROM resources r JOIN slots s ON s.resource = r.id
       LEFT JOIN bookings b ON b.booking_id = s.owner
       LEFT JOIN requests q ON q.request_id = b.request_id
       WHERE r.trust = @trust AND r.modality = @modality AND s.start >= @from AND s.start < @to`,
  ).get({ trust, modality, from, to }) ?? { slots: 0, free: 0, offeredOut: 0 };

/**
 * Days that those wait who wait for this modality, by trust, the shortest first. Surveillance waits from its due date on.
 *
 * @param now RFC 3339
 */
export function waitsByTrust(
  db: Sqlite,
  modality: string,
  now: string,
): ReadonlyMap<string, readonly number[]> {
  const rows = statement<{ trust: string; days: number }>(
    db,
    `SELECT r.trust AS trust, julianday(?) - julianday(
         CASE r.band WHEN 'P5' THEN coalesce(r.body ->> 'dueAt', r.since) ELSE r.since END) AS days
       FROM requests r WHERE r.modality = ? AND r.is_cancelled = 0 AND days >= 0
         AND NOT EXISTS (SELECT 1 FROM bookings b
           WHERE b.request_id = r.request_id AND b.state IN ('held', 'booked', 'attended'))
       ORDER BY days`,
  ).all(now, modality);
  const waits = new Map<string, number[]>();
  for (const { trust, days } of rows) {
    const known = waits.get(trust);
    if (known === undefined) waits.set(trust, [days]);
    else known.push(days);
  }
  return waits;
}

export const ownP2Waiting = (db: Sqlite, trust: string, modality: string): number =>
  statement<number>(
    db,
    `SELECT count(*) FROM requests r WHERE r.trust = ? AND r.modality = ? AND r.band = 'P2'
         AND r.is_cancelled = 0 AND NOT EXISTS (SELECT 1 FROM bookings b
           WHERE b.request_id = r.request_id AND b.state IN ('held', 'booked', 'attended'))`,
  )
    .pluck()
    .get(trust, modality) ?? 0;
