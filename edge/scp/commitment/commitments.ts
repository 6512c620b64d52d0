/**
 * Requests for storage commitment on disk. PS3.4 Annex J.
 *
 *   N-ACTION ─► add() ─► due() ─► reporter.ts ─► told() │ later() │ giveUp()
 */
import { commitDurably, type Sqlite } from '../../../shared/sqlite/open.ts';

/** SOP class and instance. */
export type CommittedInstance = readonly [sopClassUID: string, sopInstanceUID: string];

export interface Commitment {
  readonly transactionUID: string;
  readonly callingAETitle: string;
  readonly instances: readonly CommittedInstance[];
  readonly requestedAt: number;
  readonly tries: number;
}

export interface CommitmentLine {
  readonly transactionUID: string;
  readonly callingAETitle: string;
  readonly instances: number;
  readonly requestedAt: number;
  readonly outcome: string | null;
  readonly failed: number | null;
  readonly reasonCode: string | null;
}

interface Row {
  readonly transactionUID: string;
  readonly callingAETitle: string;
  readonly instancesJson: string;
  readonly requestedAt: number;
  readonly tries: number;
}

const KEPT_MS = 30 * 86_400_000;

export class Commitments {
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#statements = prepareStatements(db);
  }

  /**
   * Durable when it returns. The same request again is told its result again.
   *
   * @param dueAt when its result is told
   * @returns false for a transaction UID that stands for other instances already
   */
  add(
    request: Pick<Commitment, 'transactionUID' | 'callingAETitle' | 'instances'>,
    { now, dueAt }: { now: number; dueAt: number },
  ): boolean {
    const { transactionUID, callingAETitle, instances } = request;
    return commitDurably(this.#db, () => {
      this.#statements.forget.run(now - KEPT_MS);
      const json = JSON.stringify(instances);
      const before = this.#statements.find.get(transactionUID, callingAETitle);
      if (before !== undefined && before.instancesJson !== json) return false;
      this.#statements.upsert.run({ transactionUID, callingAETitle, json, now, dueAt });
      return true;
    });
  }

  due(now: number): Commitment[] {
    return this.#statements.due.all(now).map(({ instancesJson, ...row }) => ({
      ...row,
      instances: JSON.parse(instancesJson) as CommittedInstance[],
    }));
  }

  told({ transactionUID, callingAETitle }: Commitment, failed: number, now: number): void {
    this.#statements.end.run('told', failed, null, now, transactionUID, callingAETitle);
  }

  later({ transactionUID, callingAETitle }: Commitment, dueAt: number, code: string): void {
    this.#statements.later.run(dueAt, code, transactionUID, callingAETitle);
  }

  giveUp({ transactionUID, callingAETitle }: Commitment, code: string, now: number): void {
    this.#statements.end.run('given-up', null, code, now, transactionUID, callingAETitle);
  }

  /** Those that are not told yet, and the newest that are. */
  list(limit: number): CommitmentLine[] {
    return this.#statements.list.all(limit);
  }

  waiting(): number {
    return this.#statements.waiting.pluck().get() as number;
  }
}

const COLUMNS = `transaction_uid AS transactionUID, calling_ae_title AS callingAETitle,
  requested_at AS requestedAt`;

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string, string], { instancesJson: string }>(
      `SELECT instances AS instancesJson FROM commitments
       WHERE transaction_uid = ? AND calling_ae_title = ?`,
    ),
    upsert: db.prepare(
      `INSERT INTO commitments (transaction_uid, calling_ae_title, instances, requested_at, due_at)
       VALUES (@transactionUID, @callingAETitle, @json, @now, @dueAt)
       ON CONFLICT DO UPDATE SET due_at = @dueAt, tries = 0, outcome = NULL, ended_at = NULL,
         failed = NULL, reason_code = NULL`,
    ),
    due: db.prepare<[number], Row>(
      `SELECT ${COLUMNS}, instances AS instancesJson, tries FROM commitments
       WHERE ended_at IS NULL AND due_at <= ? ORDER BY due_at LIMIT 20`,
    ),
    later: db.prepare<[number, string, string, string]>(
      `UPDATE commitments SET due_at = ?, tries = tries + 1, reason_code = ?
       WHERE transaction_uid = ? AND calling_ae_title = ?`,
    ),
    end: db.prepare<[string, number | null, string | null, number, string, string]>(
      `UPDATE commitments SET outcome = ?, failed = ?, reason_code = ?, ended_at = ?
       WHERE transaction_uid = ? AND calling_ae_title = ?`,
    ),
    forget: db.prepare<[number]>('DELETE FROM commitments WHERE ended_at < ?'),
    list: db.prepare<[number], CommitmentLine>(
      `SELECT ${COLUMNS}, json_array_length(instances) AS instances, outcome, failed,
         reason_code AS reasonCode
       FROM commitments ORDER BY ended_at IS NOT NULL, requested_at DESC LIMIT ?`,
    ),
    waiting: db.prepare('SELECT count(*) FROM commitments WHERE ended_at IS NULL'),
  };
}
