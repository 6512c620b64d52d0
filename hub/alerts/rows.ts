/** SQL of `alerts` and `maintenance`. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Alert, Maintenance } from './decisions.ts';

/** An alert, and where its newest decision stands in the log. */
export interface AlertRecord {
  readonly alert: Alert;
  readonly streamSeq: number;
}
export interface MaintenanceRecord {
  readonly maintenance: Maintenance;
  readonly streamSeq: number;
}

interface Row {
  readonly body: string;
  readonly streamSeq: number;
}

export interface AlertFilter {
  readonly state?: Alert['state'] | undefined;
  readonly trust?: string | undefined;
}

export class AlertRows {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Sqlite) {
    this.#statements = prepare(db);
  }

  find(id: string): AlertRecord | undefined {
    const row = this.#statements.find.get(id);
    return row && recordOf(row);
  }

  /** The newest episode. */
  newestOf({
    trust,
    signal,
    subject,
  }: Pick<Alert, 'trust' | 'signal' | 'subject'>): AlertRecord | undefined {
    const row = this.#statements.newestOf.get(trust, signal, subject);
    return row && recordOf(row);
  }

  /** Of the trust, those that page, or did, since then. @param since RFC 3339 */
  pagedSince(trust: string, since: string): Alert[] {
    return this.#statements.paged
      .all(trust)
      .map((row) => recordOf(row).alert)
      .filter(({ levelAt }) => levelAt >= since);
  }

  open(): AlertRecord[] {
    return this.#statements.open.all().map(recordOf);
  }

  /** Closed ones of which somebody has still to be told. */
  closedUntold(since: string): AlertRecord[] {
    return this.#statements.closedSince.all(since).map(recordOf);
  }

  /** Open ones first, then the newest. */
  list(
    { state, trust }: AlertFilter,
    { limit, offset }: { limit: number; offset: number },
  ): { records: AlertRecord[]; total: number } {
    const filter = { state: state ?? null, trust: trust ?? null };
    const rows = this.#statements.list.all({ ...filter, limit, offset });
    return { records: rows.map(recordOf), total: this.#statements.count.get(filter) ?? 0 };
  }

  findMaintenance(id: string): MaintenanceRecord | undefined {
    const row = this.#statements.findMaintenance.get(id);
    return row && maintenanceOf(row);
  }

  /** Those that are not over, the next first. @param now RFC 3339 */
  maintenance(now: string): MaintenanceRecord[] {
    return this.#statements.maintenance.all(now).map(maintenanceOf);
  }
}

const recordOf = ({ body, streamSeq }: Row): AlertRecord => ({
  alert: JSON.parse(body) as Alert,
  streamSeq,
});
const maintenanceOf = ({ body, streamSeq }: Row): MaintenanceRecord => ({
  maintenance: JSON.parse(body) as Maintenance,
  streamSeq,
});

const COLUMNS = 'body, stream_seq AS streamSeq';
const FILTER = `FROM alerts WHERE (@state IS NULL OR state = @state) AND (@trust IS NULL OR trust = @trust)`;

function prepare(db: Sqlite) {
  return {
    paged: db.prepare<[string], Row>(
      `SELECT ${COLUMNS} FROM alerts WHERE trust = ? AND level = 'page'`,
    ),
    find: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM alerts WHERE id = ?`),
    newestOf: db.prepare<[string, string, string], Row>(
      `SELECT ${COLUMNS} FROM alerts WHERE trust = ? AND signal = ? AND subject = ?
       ORDER BY episode DESC LIMIT 1`,
    ),
    open: db.prepare<[], Row>(`SELECT ${COLUMNS} FROM alerts WHERE state = 'open'`),
    closedSince: db.prepare<[string], Row>(
      `SELECT ${COLUMNS} FROM alerts
       WHERE state = 'closed' AND json_extract(body, '$.closedAt') > ?`,
    ),
    list: db.prepare<[object], Row>(
      `SELECT ${COLUMNS} ${FILTER}
       ORDER BY state = 'closed', iif(state = 'open' AND level = 'page', 0, 1), opened_at DESC
       LIMIT @limit OFFSET @offset`,
    ),
    count: db.prepare<[object], number>(`SELECT count(*) ${FILTER}`).pluck(),
    findMaintenance: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM maintenance WHERE id = ?`),
    maintenance: db.prepare<[string], Row>(
      `SELECT ${COLUMNS} FROM maintenance WHERE ends_at > ? ORDER BY begins_at`,
    ),
  };
}
