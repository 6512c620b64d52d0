/** SQL of the audit trail. */
import type { Sqlite } from '../sqlite/open.ts';
import type { AuditRow } from './chain.ts';
import type { Head } from './head.ts';

/** What is asked for; what is left out does not matter. */
export interface AuditFilter {
  readonly patient?: string | undefined;
  readonly user?: string | undefined;
  readonly study?: string | undefined;
  /** Of the user, or of the data. */
  readonly trust?: string | undefined;
  /** Milliseconds since the epoch, from (inclusive) and to (exclusive). */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The table that has few rows for what is asked stands first: rows are found by it, not by a scan. */
const LOOKED_UP = [
  ['patient', 'audit_patients'],
  ['study', 'audit_studies'],
  ['trust', 'audit_trusts'],
] as const;

export function prepareTrail(db: Sqlite) {
  return {
    last: db.prepare<[], Head>('SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1'),
    insert: db.prepare('INSERT INTO audit VALUES (@seq, @at, @user, @entry, @digest)'),
    insertPatient: db.prepare('INSERT INTO audit_patients VALUES (?, ?)'),
    insertStudy: db.prepare('INSERT INTO audit_studies VALUES (?, ?)'),
    insertTrust: db.prepare('INSERT INTO audit_trusts VALUES (?, ?)'),
    find: (filter: AuditFilter, page: { limit: number; offset: number }) => find(db, filter, page),
  };
}

function find(db: Sqlite, filter: AuditFilter, page: { limit: number; offset: number }) {
  const joins = LOOKED_UP.filter(([key]) => filter[key] !== undefined).map(
    ([key, table]) => `JOIN ${table} ON ${table}.seq = a.seq AND ${table}.${key} = @${key}`,
  );
  const conditions = [
    ...(filter.user === undefined ? [] : ['a.user = @user']),
    ...(filter.from === undefined ? [] : ['a.at >= @from']),
    ...(filter.to === undefined ? [] : ['a.at < @to']),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const from = `FROM audit a ${joins.join(' ')} ${where}`;
  const values = Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  );
  const rows = db
    .prepare<[object], AuditRow>(
      `SELECT a.* ${from} ORDER BY a.seq DESC LIMIT @limit OFFSET @offset`,
    )
    .all({ ...values, ...page });
  const total = db.prepare<[object], number>(`SELECT count(*) ${from}`).pluck().get(values) ?? 0;
  return { rows, total };
}
