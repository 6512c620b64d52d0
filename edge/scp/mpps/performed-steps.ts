/**
 * Performed procedure steps on disk: their state, what was told of them, and to whom it is passed on.
 *
 *   N-CREATE, N-SET ─► create(), set() ─► rows, forwards        stepsOf(study) ─► completeness
 */
import { commitDurably, type Sqlite } from '../../../shared/sqlite/open.ts';

export type StepStatus = 'IN PROGRESS' | 'COMPLETED' | 'DISCONTINUED';

export interface StepMessage {
  readonly sopInstanceUID: string;
  readonly kind: 'create' | 'set';
  readonly status: StepStatus;
  readonly studyInstanceUIDs: readonly string[];
  /** Instances that it lists; null: it lists none. */
  readonly instances: number | null;
  /** As the modality says, milliseconds since the epoch; null: it does not. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly callingAETitle: string;
  readonly transferSyntaxUID: string;
  readonly dataSet: Buffer;
}

export interface Step {
  readonly sopInstanceUID: string;
  readonly status: StepStatus;
  readonly instances: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly updatedAt: number;
}

export interface Forward {
  readonly messageKey: number;
  readonly peer: string;
  readonly sopInstanceUID: string;
  readonly kind: 'create' | 'set';
  readonly transferSyntaxUID: string;
  readonly dataSet: Buffer;
  readonly tries: number;
  readonly receivedAt: number;
}

export class PerformedSteps {
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof prepareStatements>;

  readonly #onChange: (studyInstanceUID: string, now: number) => void;

  /** @param onChange told of each study within the transaction */
  constructor(db: Sqlite, onChange: (studyInstanceUID: string, now: number) => void = () => {}) {
    this.#db = db;
    this.#onChange = onChange;
    this.#statements = prepareStatements(db);
  }

  find(sopInstanceUID: string): Step | undefined {
    return this.#statements.find.get(sopInstanceUID);
  }

  /** Durable when it returns. @param peers to whom it is passed on */
  record(message: StepMessage, { now, peers }: { now: number; peers: readonly string[] }): void {
    const { sopInstanceUID, kind, status, studyInstanceUIDs, instances, callingAETitle } = message;
    const { startedAt, endedAt } = message;
    commitDurably(this.#db, () => {
      if (kind === 'create')
        this.#statements.insert.run({
          ...{ sopInstanceUID, status, callingAETitle, instances, startedAt, endedAt, now },
          studies: JSON.stringify(studyInstanceUIDs),
        });
      else
        this.#statements.update.run({
          ...{ sopInstanceUID, status, instances, startedAt, endedAt, now },
        });
      for (const study of studyInstanceUIDs) this.#statements.addStudy.run(study, sopInstanceUID);
      for (const study of this.#statements.studiesOf.pluck().all(sopInstanceUID) as string[])
        this.#onChange(study, now);
      const { lastInsertRowid } = this.#statements.addMessage.run(
        ...([sopInstanceUID, kind, message.transferSyntaxUID, message.dataSet, now] as const),
      );
      for (const peer of peers) this.#statements.addForward.run(lastInsertRowid, peer, now);
    });
  }

  /** Of a study, those that are over and those that are not. */
  stepsOf(studyInstanceUID: string): Step[] {
    return this.#statements.ofStudy.all(studyInstanceUID);
  }

  /** The oldest message of each step and peer, where it may be sent now: never one before those before it. */
  dueForwards(now: number): Forward[] {
    return this.#statements.due.all(now);
  }

  forwarded({ messageKey, peer }: Forward, outcome: 'sent' | 'refused', code: string | null): void {
    this.#statements.endForward.run(outcome, code, messageKey, peer);
  }

  forwardLater({ messageKey, peer }: Forward, dueAt: number, code: string): void {
    this.#statements.laterForward.run(dueAt, code, messageKey, peer);
  }

  counts(): { inProgress: number; waiting: number } {
    return this.#statements.counts.get() as { inProgress: number; waiting: number };
  }
}

const STEP = `sop_uid AS sopInstanceUID, status, instances, started_at AS startedAt,
  ended_at AS endedAt, updated_at AS updatedAt`;

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], Step>(`SELECT ${STEP} FROM performed_steps WHERE sop_uid = ?`),
    ofStudy: db.prepare<[string], Step>(
      `SELECT ${STEP} FROM performed_steps WHERE sop_uid IN
         (SELECT sop_uid FROM performed_step_studies WHERE study_uid = ?)`,
    ),
    insert: db.prepare(
      `INSERT INTO performed_steps (sop_uid, status, calling_ae_title, study_uids, instances,
         started_at, ended_at, created_at, updated_at)
       VALUES (@sopInstanceUID, @status, @callingAETitle, @studies, @instances, @startedAt, @endedAt,
         @now, @now)`,
    ),
    update: db.prepare(
      `UPDATE performed_steps SET status = @status, instances = coalesce(@instances, instances),
         started_at = coalesce(@startedAt, started_at), ended_at = coalesce(@endedAt, ended_at),
         updated_at = @now WHERE sop_uid = @sopInstanceUID`,
    ),
    addStudy: db.prepare<[string, string]>(
      'INSERT OR IGNORE INTO performed_step_studies VALUES (?, ?)',
    ),
    studiesOf: db.prepare<[string]>(
      'SELECT study_uid FROM performed_step_studies WHERE sop_uid = ?',
    ),
    addMessage: db.prepare<[string, string, string, Buffer, number]>(
      `INSERT INTO step_messages (sop_uid, kind, transfer_syntax_uid, data_set, received_at)
       VALUES (?, ?, ?, ?, ?)`,
    ),
    addForward: db.prepare<[number | bigint, string, number]>(
      'INSERT INTO step_forwards (message_key, peer, due_at) VALUES (?, ?, ?)',
    ),
    due: db.prepare<[number], Forward>(
      `SELECT f.message_key AS messageKey, f.peer AS peer, m.sop_uid AS sopInstanceUID, m.kind AS kind,
         m.transfer_syntax_uid AS transferSyntaxUID, m.data_set AS dataSet, f.tries AS tries,
         m.received_at AS receivedAt
       FROM step_forwards f JOIN step_messages m USING (message_key)
       WHERE f.outcome IS NULL AND f.due_at <= ?
         AND NOT EXISTS (SELECT 1 FROM step_forwards g JOIN step_messages n USING (message_key)
           WHERE g.outcome IS NULL AND g.peer = f.peer AND n.sop_uid = m.sop_uid
             AND g.message_key < f.message_key)
       ORDER BY f.message_key LIMIT 20`,
    ),
    endForward: db.prepare<[string, string | null, number, string]>(
      'UPDATE step_forwards SET outcome = ?, reason_code = ? WHERE message_key = ? AND peer = ?',
    ),
    laterForward: db.prepare<[number, string, number, string]>(
      `UPDATE step_forwards SET due_at = ?, tries = tries + 1, reason_code = ?
       WHERE message_key = ? AND peer = ?`,
    ),
    counts: db.prepare<[], { inProgress: number; waiting: number }>(
      `SELECT (SELECT count(*) FROM performed_steps WHERE status = 'IN PROGRESS') AS inProgress,
         (SELECT count(*) FROM step_forwards WHERE outcome IS NULL) AS waiting`,
    ),
  };
}
