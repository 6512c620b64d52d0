/**
 * Decisions of scheduling become rows. Every hub reads the same decisions in the same order, so all come
 * to the same rows, without asking each other:
 *
 * - a booking that would be a second one for its request counts for nothing, and says so
 * - a booking that has ended stays ended, whatever comes late
 * - a booking that is freed for another stays when that one has ended by then
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Change } from '../projection/change.ts';
import type { HubDecision } from '../projection/projection.ts';
import {
  type DiaryDecision,
  DiaryDecisionSchema,
  type RefillDecision,
  RefillDecisionSchema,
  type RequestDecision,
  RequestDecisionSchema,
  type ResourceDecision,
  ResourceDecisionSchema,
  type SlotTime,
} from './decisions.ts';
import type { Booking, BookingState } from './types.ts';

/** Within the transaction that moves the cursor; so below. @throws ZodError for what is not of this version */
export function applyResource(db: Sqlite, { body, streamSeq }: HubDecision): Change[] {
  ResourceDecisionSchema.parse(body);
  const { resource } = body as ResourceDecision;
  const { id, trust, modality } = resource;
  statement(db, 'INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)').run(
    ...[id, trust, modality, streamSeq, JSON.stringify(resource)],
  );
  return [{ kind: 'resource', resource: id }];
}

export function applyRequest(db: Sqlite, { body, streamSeq }: HubDecision): Change[] {
  RequestDecisionSchema.parse(body);
  const { request } = body as RequestDecision;
  const { examination, patient } = request;
  statement(
    db,
    `INSERT OR REPLACE INTO requests VALUES (@requestId, @trust, @patientId, @issuer, @nhsNumber,
       @modality, @group, @band, @since, @orderId, @isCancelled, @streamSeq, @body)`,
  ).run({
    ...{ requestId: request.requestId, trust: request.trust, patientId: patient.patientId },
    ...{ issuer: patient.issuer, nhsNumber: patient.nhsNumber, modality: examination.modality },
    ...{ group: examination.group, band: request.band, since: request.since },
    ...{ orderId: request.orderId, isCancelled: Number(request.cancelled !== null) },
    ...{ streamSeq, body: JSON.stringify(request) },
  });
  return [{ kind: 'request', requestId: request.requestId, trust: request.trust }];
}

export function applyRefill(db: Sqlite, { body, streamSeq }: HubDecision): Change[] {
  RefillDecisionSchema.parse(body);
  const { refill, decision } = body as RefillDecision;
  const { refillId, trust, resource, date, start, state } = refill;
  statement(db, 'INSERT OR REPLACE INTO refills VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...[refillId, trust, resource, date, start, state, streamSeq, JSON.stringify(refill)],
  );
  const offer = statement(db, 'INSERT OR REPLACE INTO offers VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (const one of refill.offers)
    offer.run(
      ...[one.offerId, refillId, one.requestId, one.state, one.offeredAt, one.expiresAt],
      ...[one.linkHash, JSON.stringify(one)],
    );
  if (decision !== undefined)
    statement(db, 'INSERT OR REPLACE INTO refill_decisions VALUES (?, ?, ?)').run(
      ...[refillId, decision.at, JSON.stringify(decision)],
    );
  return [{ kind: 'refill', refillId, trust }];
}

export function applyDiary(db: Sqlite, { body, streamSeq }: HubDecision): Change[] {
  DiaryDecisionSchema.parse(body);
  const decision = body as DiaryDecision;
  const { resource, date, trust } = decision;
  const authority = decision.kind === 'planned' ? decision.authority : null;
  statement(
    db,
    `INSERT INTO diaries VALUES (@resource, @date, @trust, coalesce(@authority, 'ris'), @streamSeq)
     ON CONFLICT DO UPDATE SET trust = excluded.trust, stream_seq = excluded.stream_seq,
       authority = coalesce(@authority, authority)`,
  ).run({ resource, date, trust, authority, streamSeq });
  switch (decision.kind) {
    case 'planned':
      statement(db, `DELETE FROM slots WHERE resource = ? AND date = ? AND status = 'free'`).run(
        ...[resource, date],
      );
      addSlots(db, decision, decision.slots);
      break;
    case 'booked':
      addSlots(db, decision, decision.added ?? []);
      // What ends makes room for what begins.
      for (const one of decision.bookings.toSorted((a, b) => rank(a) - rank(b)))
        applyBooking(db, one, streamSeq);
      break;
    case 'offered':
      applyOffered(db, decision);
  }
  return [{ kind: 'diary', resource, date, trust }];
}

const rank = ({ state }: Booking): number => Number(isActive(state));

function addSlots(
  db: Sqlite,
  { resource, date }: { resource: string; date: string },
  slots: readonly SlotTime[],
): void {
  const insert = statement(
    db,
    `INSERT INTO slots VALUES (?, ?, ?, ?, ?, 'free', NULL, NULL) ON CONFLICT DO NOTHING`,
  );
  for (const { id, start, minutes } of slots) insert.run(resource, date, id, start, minutes);
}

export const isActive = (state: BookingState): boolean => state === 'held' || state === 'booked';

/** The patient has it, or had it: what it took the place of is not needed any more. */
export const isTakenUp = (state: BookingState): boolean =>
  state === 'booked' || state === 'attended' || state === 'missed';

/** From each state, those that may follow. */
const FOLLOWS: Readonly<Record<BookingState, readonly BookingState[]>> = {
  held: ['held', 'booked', 'cancelled', 'expired', 'refused'],
  booked: ['booked', 'cancelled', 'missed', 'attended'],
  // Known of late, and told the other way round.
  missed: ['missed', 'attended'],
  attended: ['attended', 'missed'],
  // As they are, with who was told of it.
  ...{ cancelled: ['cancelled'], expired: ['expired'], refused: ['refused'] },
};

export const mayFollow = (from: BookingState, to: BookingState): boolean =>
  FOLLOWS[from].includes(to);

function applyBooking(db: Sqlite, told: Booking, streamSeq: number): void {
  const before = stateOf(db, told.bookingId);
  if (before !== undefined && !mayFollow(before, told.state)) return;
  if (told.freedFor !== undefined && !isTakenUp(stateOf(db, told.freedFor) ?? 'cancelled')) return;
  const booking = before === undefined ? asItCounts(db, told) : told;
  statement(
    db,
    `INSERT OR REPLACE INTO bookings VALUES (@bookingId, @requestId, @trust, @resource, @date, @start,
       @state, @heldUntil, @replaces, @risAppointmentId, @key, @by, @at, @streamSeq, @body)`,
  ).run({
    ...booking,
    key: booking.idempotency?.key ?? null,
    streamSeq,
    ...{ slotIds: null, idempotency: null, body: JSON.stringify(booking) },
  });
  const { bookingId, resource, date, slotIds, state } = booking;
  statement(
    db,
    `UPDATE slots SET status = 'free', owner = NULL, until = NULL
     WHERE resource = ? AND date = ? AND owner = ?`,
  ).run(resource, date, bookingId);
  if (!isActive(state)) return;
  const take = statement(
    db,
    'UPDATE slots SET status = ?, owner = ?, until = ? WHERE resource = ? AND date = ? AND id = ?',
  );
  for (const id of slotIds) take.run(state, bookingId, booking.heldUntil, resource, date, id);
}

const stateOf = (db: Sqlite, bookingId: string): BookingState | undefined =>
  statement<BookingState>(db, 'SELECT state FROM bookings WHERE booking_id = ?')
    .pluck()
    .get(bookingId);

/** One booking a request, but for the one that this takes the place of. */
function asItCounts(db: Sqlite, told: Booking): Booking {
  if (told.requestId === null || !isActive(told.state)) return told;
  const other = statement(
    db,
    `SELECT 1 FROM bookings WHERE request_id = ? AND state IN ('held', 'booked')
         AND booking_id NOT IN (?, coalesce(?, ''))`,
  ).get(told.requestId, told.bookingId, told.replaces);
  if (other === undefined) return told;
  return { ...told, state: 'refused', reason: SECOND_BOOKING, heldUntil: null };
}

export const SECOND_BOOKING = 'The request has another booking already';

function applyOffered(db: Sqlite, decision: DiaryDecision & { kind: 'offered' }): void {
  const { resource, date, refillId, slotIds, until } = decision;
  statement(
    db,
    `UPDATE slots SET status = 'free', owner = NULL, until = NULL
     WHERE resource = ? AND date = ? AND owner = ?`,
  ).run(resource, date, refillId);
  if (until === null) return;
  const keep = statement(
    db,
    `UPDATE slots SET status = 'offered', owner = ?, until = ?
     WHERE resource = ? AND date = ? AND id = ? AND status = 'free'`,
  );
  for (const id of slotIds) keep.run(refillId, until, resource, date, id);
}
