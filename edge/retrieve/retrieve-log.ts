/** Retrieves on disk: which way worked last with which PACS, and what became of the last hundred. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { MethodName } from './method.ts';

const KEPT = 100;

export interface Reason {
  readonly code: string;
  readonly detail: string;
}

export interface RetrieveRow {
  readonly studyInstanceUID: string;
  readonly peer: string;
  readonly method: MethodName | null;
  readonly state: 'waiting' | 'running' | 'whole' | 'partial' | 'failed';
  readonly instances: number;
  readonly expected: number | null;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
  readonly askedAt: number;
  readonly endedAt: number | null;
}

export interface MethodRow {
  readonly method: MethodName;
  readonly workedAt: number | null;
  readonly failedAt: number | null;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

export class RetrieveLog {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** What ran when the edge ended does not go on: whoever asked for it asks again. */
  endInterrupted(now: number): void {
    this.#statements.interrupt.run(now);
  }

  begin(studyInstanceUID: string, peer: string, now: number): number {
    this.#statements.dropOld.run(KEPT);
    return Number(this.#statements.begin.run(studyInstanceUID, peer, now).lastInsertRowid);
  }

  runs(key: number, { method, expected }: { method: MethodName; expected: number | null }): void {
    this.#statements.runs.run(method, expected, key);
  }

  end(
    key: number,
    of: {
      state: 'whole' | 'partial' | 'failed';
      instances: number;
      reason: Reason | null;
      now: number;
    },
  ): void {
    const { state, instances, reason, now } = of;
    this.#statements.end.run(
      state,
      instances,
      reason?.code ?? null,
      reason?.detail ?? null,
      now,
      key,
    );
  }

  /** Newest first. */
  list(limit: number): RetrieveRow[] {
    return this.#statements.list.all(limit);
  }

  worked(peer: string, method: MethodName, now: number): void {
    this.#statements.worked.run(peer, method, now);
  }

  failed(peer: string, method: MethodName, { reason, now }: { reason: Reason; now: number }): void {
    this.#statements.failed.run(peer, method, now, reason.code, reason.detail);
  }

  /** The ways to try with a PACS: the one that worked last first, one that failed since last. */
  methodsOf(peer: string, allowed: readonly MethodName[]): MethodName[] {
    const known = new Map(this.#statements.methods.all(peer).map((row) => [row.method, row]));
    const rank = (method: MethodName): number => {
      const { workedAt = null, failedAt = null } = known.get(method) ?? {};
      if (workedAt !== null && workedAt >= (failedAt ?? 0)) return 0;
      return failedAt === null ? 1 : 2;
    };
    return [...allowed].sort((a, b) => rank(a) - rank(b));
  }

  methods(peer: string): MethodRow[] {
    return this.#statements.methods.all(peer);
  }
}

function prepareStatements(db: Sqlite) {
  return {
    interrupt: db.prepare<[number]>(
      `UPDATE retrieves SET state = 'failed', reason_code = 'INTERRUPTED',
         reason_detail = 'the edge ended; it is asked again', ended_at = ? WHERE ended_at IS NULL`,
    ),
    dropOld: db.prepare<[number]>(
      `DELETE FROM retrieves WHERE ended_at IS NOT NULL AND retrieve_key <=
         (SELECT max(retrieve_key) FROM retrieves) - ?`,
    ),
    begin: db.prepare<[string, string, number]>(
      `INSERT INTO retrieves (study_uid, peer, state, asked_at) VALUES (?, ?, 'waiting', ?)`,
    ),
    runs: db.prepare<[string, number | null, number]>(
      `UPDATE retrieves SET state = 'running', method = ?, expected = ? WHERE retrieve_key = ?`,
    ),
    end: db.prepare<[string, number, string | null, string | null, number, number]>(
      `UPDATE retrieves SET state = ?, instances = ?, reason_code = ?, reason_detail = ?, ended_at = ?
       WHERE retrieve_key = ?`,
    ),
    list: db.prepare<[number], RetrieveRow>(
      `SELECT study_uid AS studyInstanceUID, peer, method, state, instances, expected,
         reason_code AS reasonCode, reason_detail AS reasonDetail, asked_at AS askedAt,
         ended_at AS endedAt
       FROM retrieves ORDER BY retrieve_key DESC LIMIT ?`,
    ),
    worked: db.prepare<[string, string, number]>(
      `INSERT INTO retrieve_methods (peer, method, worked_at) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET worked_at = excluded.worked_at`,
    ),
    failed: db.prepare<[string, string, number, string, string]>(
      `INSERT INTO retrieve_methods (peer, method, failed_at, reason_code, reason_detail)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET failed_at = excluded.failed_at, reason_code = excluded.reason_code,
         reason_detail = excluded.reason_detail`,
    ),
    methods: db.prepare<[string], MethodRow>(
      `SELECT method, worked_at AS workedAt, failed_at AS failedAt, reason_code AS reasonCode,
         reason_detail AS reasonDetail FROM retrieve_methods WHERE peer = ?`,
    ),
  };
}
