/**
 * The durable list of deliveries. What is written here survives kill -9: after a start each delivery
 * goes on with the objects that its destination has not acknowledged.
 *
 *   add ─► waiting ─► verifying ─► delivered │ partial │ failed │ cancelled
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';

/** What stands for the home of a de-identified object in a delivery: no ODS code. */
export const DEIDENTIFIED = 'deidentified';
const REMEMBER_MS = 60 * 86_400_000;

export type DeliveryState =
  | 'waiting'
  | 'verifying'
  | 'delivered'
  | 'partial'
  | 'failed'
  | 'cancelled';

export interface Reason {
  readonly code: string;
  readonly detail: string;
}

export interface NewDelivery {
  readonly deliveryId: string;
  /** Name of the peer in the configuration. */
  readonly peer: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  /** 0 is the most urgent. */
  readonly priority: number;
  readonly deadlineAt: number;
  readonly instances: readonly { readonly sopInstanceUID: string; readonly dataSetBytes: number }[];
}

export interface DeliveryRow {
  readonly deliveryId: string;
  readonly peer: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly priority: number;
  readonly state: DeliveryState;
  readonly tries: number;
  readonly verifyTries: number;
  readonly dueAt: number;
  readonly deadlineAt: number;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
}

export interface DeliveryProgress {
  readonly instances: number;
  readonly sent: number;
  readonly failed: number;
  readonly bytes: number;
  readonly bytesSent: number;
}

export interface DeliveryFailure extends Reason {
  readonly sopInstanceUID: string;
}

export interface WantedInstance {
  readonly sopInstanceUID: string;
  readonly tries: number;
}

export class DeliveryQueue {
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#statements = prepareStatements(db);
  }

  /** Within the caller's transaction when there is one. A known id is left as it is. */
  add(delivery: NewDelivery, now: number): void {
    const { instances, ...row } = delivery;
    this.#db.transaction(() => {
      if (this.#statements.insert.run({ ...row, now }).changes === 0) return;
      for (const { sopInstanceUID, dataSetBytes } of instances)
        this.#statements.insertInstance.run(delivery.deliveryId, sopInstanceUID, dataSetBytes);
    })();
  }

  find(deliveryId: string): DeliveryRow | undefined {
    return this.#statements.find.get(deliveryId);
  }

  progress(deliveryId: string): DeliveryProgress {
    return this.#statements.progress.get(deliveryId) as DeliveryProgress;
  }

  failures(deliveryId: string): DeliveryFailure[] {
    return this.#statements.failures.all(deliveryId);
  }

  wanted(deliveryId: string): WantedInstance[] {
    return this.#statements.wanted.all(deliveryId);
  }

  sent(deliveryId: string): string[] {
    return this.#statements.sent.pluck().all(deliveryId) as string[];
  }

  /** The first of a priority that may be tried now. */
  nextDue(peer: string, priority: number, now: number): DeliveryRow | undefined {
    return this.#statements.nextDue.get(peer, priority, now);
  }

  /** Priorities of which something may be tried now. */
  duePriorities(peer: string, now: number): number[] {
    return this.#statements.duePriorities.pluck().all(peer, now) as number[];
  }

  /** Those for a peer that are not over. */
  openFor(peer: string): DeliveryRow[] {
    return this.#statements.openFor.all(peer);
  }

  /** Those of a study that are not over. */
  openOf({ studyInstanceUID, home }: { studyInstanceUID: string; home: string }): DeliveryRow[] {
    return this.#statements.openOf.all(studyInstanceUID, home);
  }

  /** What is still to be delivered of a study becomes as urgent as this; never less. */
  raise({ studyInstanceUID, home }: { studyInstanceUID: string; home: string }, to: number): void {
    this.#statements.raise.run(to, studyInstanceUID, home, to);
  }

  /** When the next one of a peer may be tried. */
  nextDueAt(peer: string): number | undefined {
    return (this.#statements.nextDueAt.pluck().get(peer) as number | null) ?? undefined;
  }

  /** Those that are not over, and the newest that are. */
  list(limit = 100): DeliveryRow[] {
    return this.#statements.list.all(limit);
  }

  pastDeadline(now: number): DeliveryRow[] {
    return this.#statements.pastDeadline.all(now);
  }

  openPeers(): string[] {
    return this.#statements.openPeers.pluck().all() as string[];
  }

  markSent(deliveryId: string, sopInstanceUID: string): void {
    this.#statements.markSent.run(deliveryId, sopInstanceUID);
  }

  markFailed(deliveryId: string, sopInstanceUID: string, { code, detail }: Reason): void {
    this.#statements.markFailed.run(code, detail, deliveryId, sopInstanceUID);
  }

  countTry(deliveryId: string, sopInstanceUID: string, { code, detail }: Reason): void {
    this.#statements.countTry.run(code, detail, deliveryId, sopInstanceUID);
  }

  /** The destination does not have it although it said so: it is wanted again. @returns how often so far */
  resend(deliveryId: string, sopInstanceUID: string): number {
    return this.#statements.resend.pluck().get(deliveryId, sopInstanceUID) as number;
  }

  setState(deliveryId: string, state: 'waiting' | 'verifying', now: number): void {
    this.#statements.setState.run(state, now, deliveryId);
  }

  /** Tried again at `dueAt`; the reason is shown. */
  postpone(deliveryId: string, dueAt: number, { code, detail }: Reason): void {
    this.#statements.postpone.run(dueAt, code, detail, deliveryId);
  }

  countVerify(deliveryId: string, dueAt: number, { code, detail }: Reason): void {
    this.#statements.countVerify.run(dueAt, code, detail, deliveryId);
  }

  /** All that waits for a destination may be tried now. */
  hurry(peer: string, now: number): void {
    this.#statements.hurry.run(now, peer, now);
  }

  /** Everything for a destination that can't be reached says so. */
  postponePeer(peer: string, dueAt: number, { code, detail }: Reason): void {
    this.#statements.postponePeer.run(dueAt, code, detail, peer);
  }

  end(
    deliveryId: string,
    state: DeliveryState,
    { reason, now }: { reason: Reason | null; now: number },
  ): void {
    this.#statements.end.run(state, reason?.code ?? null, reason?.detail ?? null, now, deliveryId);
  }

  /** Drops those that ended two months ago, but for those of copies that are here still. */
  forgetOld(now: number): void {
    this.#statements.forget.run(now - REMEMBER_MS);
  }

  /** One that is over, and that nothing shall tell of any more. */
  remove(deliveryId: string): void {
    this.#statements.remove.run(deliveryId);
  }

  inTransaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }
}

const COLUMNS = `delivery_id AS deliveryId, peer, study_uid AS studyInstanceUID, home, priority, state,
  tries, verify_tries AS verifyTries, due_at AS dueAt, deadline_at AS deadlineAt,
  reason_code AS reasonCode, reason_detail AS reasonDetail, created_at AS createdAt,
  ended_at AS endedAt`;

function prepareStatements(db: Sqlite) {
  const row = <P extends unknown[]>(rest: string) =>
    db.prepare<P, DeliveryRow>(`SELECT ${COLUMNS} FROM deliveries ${rest}`);
  return {
    insert: db.prepare(
      `INSERT INTO deliveries (delivery_id, peer, study_uid, home, priority, state, due_at,
         deadline_at, created_at)
       VALUES (@deliveryId, @peer, @studyInstanceUID, @home, @priority, 'waiting', @now,
         @deadlineAt, @now) ON CONFLICT DO NOTHING`,
    ),
    insertInstance: db.prepare<[string, string, number]>(
      `INSERT INTO delivery_instances (delivery_id, sop_uid, state, bytes)
       VALUES (?, ?, 'wanted', ?) ON CONFLICT DO NOTHING`,
    ),
    find: row<[string]>('WHERE delivery_id = ?'),
    nextDue: row<[string, number, number]>(
      `WHERE ended_at IS NULL AND peer = ? AND priority = ? AND due_at <= ?
       ORDER BY created_at LIMIT 1`,
    ),
    duePriorities: db.prepare(
      `SELECT DISTINCT priority FROM deliveries
       WHERE ended_at IS NULL AND peer = ? AND due_at <= ?`,
    ),
    openOf: row<[string, string]>('WHERE ended_at IS NULL AND study_uid = ? AND home = ?'),
    openFor: row<[string]>('WHERE ended_at IS NULL AND peer = ?'),
    list: row<[number]>(
      'ORDER BY ended_at IS NOT NULL, coalesce(ended_at, -created_at) DESC LIMIT ?',
    ),
    pastDeadline: row<[number]>(
      `WHERE ended_at IS NULL AND deadline_at <= ?
         AND peer NOT IN (SELECT peer FROM delivery_holds)`,
    ),
    raise: db.prepare<[number, string, string, number]>(
      `UPDATE deliveries SET priority = ?
       WHERE study_uid = ? AND home = ? AND priority > ? AND ended_at IS NULL`,
    ),
    nextDueAt: db.prepare('SELECT min(due_at) FROM deliveries WHERE ended_at IS NULL AND peer = ?'),
    openPeers: db.prepare('SELECT DISTINCT peer FROM deliveries WHERE ended_at IS NULL'),
    progress: db.prepare<[string], DeliveryProgress>(
      `SELECT count(*) AS instances, coalesce(sum(state = 'sent'), 0) AS sent,
         coalesce(sum(state = 'failed'), 0) AS failed, coalesce(sum(bytes), 0) AS bytes,
         coalesce(sum(bytes) FILTER (WHERE state = 'sent'), 0) AS bytesSent
       FROM delivery_instances WHERE delivery_id = ?`,
    ),
    failures: db.prepare<[string], DeliveryFailure>(
      `SELECT sop_uid AS sopInstanceUID, code, coalesce(detail, '') AS detail
       FROM delivery_instances WHERE delivery_id = ? AND state = 'failed' ORDER BY sop_uid`,
    ),
    // Those that failed least come first: one bad object holds up no other.
    wanted: db.prepare<[string], WantedInstance>(
      `SELECT sop_uid AS sopInstanceUID, tries FROM delivery_instances
       WHERE delivery_id = ? AND state = 'wanted' ORDER BY tries`,
    ),
    sent: db.prepare(
      "SELECT sop_uid FROM delivery_instances WHERE delivery_id = ? AND state = 'sent'",
    ),
    markSent: db.prepare<[string, string]>(
      `UPDATE delivery_instances SET state = 'sent', code = NULL, detail = NULL
       WHERE delivery_id = ? AND sop_uid = ?`,
    ),
    markFailed: db.prepare<[string, string, string, string]>(
      `UPDATE delivery_instances SET state = 'failed', code = ?, detail = ?
       WHERE delivery_id = ? AND sop_uid = ?`,
    ),
    countTry: db.prepare<[string, string, string, string]>(
      `UPDATE delivery_instances SET tries = tries + 1, code = ?, detail = ?
       WHERE delivery_id = ? AND sop_uid = ?`,
    ),
    resend: db.prepare<[string, string]>(
      `UPDATE delivery_instances SET state = 'wanted', resends = resends + 1
       WHERE delivery_id = ? AND sop_uid = ? RETURNING resends`,
    ),
    setState: db.prepare<[string, number, string]>(
      'UPDATE deliveries SET state = ?, due_at = ?, verify_tries = 0 WHERE delivery_id = ? AND ended_at IS NULL',
    ),
    postpone: db.prepare<[number, string, string, string]>(
      `UPDATE deliveries SET due_at = ?, reason_code = ?, reason_detail = ?, tries = tries + 1
       WHERE delivery_id = ? AND ended_at IS NULL`,
    ),
    countVerify: db.prepare<[number, string, string, string]>(
      `UPDATE deliveries SET due_at = ?, reason_code = ?, reason_detail = ?,
         verify_tries = verify_tries + 1 WHERE delivery_id = ? AND ended_at IS NULL`,
    ),
    postponePeer: db.prepare<[number, string, string, string]>(
      `UPDATE deliveries SET due_at = max(due_at, ?), reason_code = ?, reason_detail = ?
       WHERE peer = ? AND ended_at IS NULL`,
    ),
    hurry: db.prepare<[number, string, number]>(
      'UPDATE deliveries SET due_at = ? WHERE peer = ? AND ended_at IS NULL AND due_at > ?',
    ),
    // To whom a copy was given is known as long as it is here.
    forget: db.prepare<[number]>(
      `DELETE FROM deliveries WHERE ended_at < ? AND NOT EXISTS (
         SELECT 1 FROM studies s JOIN imports i ON i.study_uid = s.study_uid AND i.home = s.home
         WHERE s.study_uid = deliveries.study_uid AND s.home = deliveries.home)`,
    ),
    remove: db.prepare<[string]>(
      'DELETE FROM deliveries WHERE delivery_id = ? AND ended_at IS NOT NULL',
    ),
    end: db.prepare<[string, string | null, string | null, number, string]>(
      `UPDATE deliveries SET state = ?, reason_code = ?, reason_detail = ?, ended_at = ?
       WHERE delivery_id = ? AND ended_at IS NULL`,
    ),
  };
}
