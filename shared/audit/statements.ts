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
  readonly seq?: number | undefined;
  /** None that came later: pages of an answer stay what they were. */
  readonly upTo?: number | undefined;
  /** Milliseconds since the epoch, from (inclusive) and to (exclusive). */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** What is counted at most: the pages of an answer are not leafed through further than that. */
export const MOST_COUNTED = 10_000;

/** In the order of how few rows each leaves. The first that is asked for leads; the rest is asked of its rows. */
const LOOKED_UP = [
  ['patient', 'audit_patients'],
  ['study', 'audit_studies'],
  ['trust', 'audit_trusts'],
] as const;

export function prepareTrail(db: Sqlite) {
  return {
    last: db.prepare<[], Head>('SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1'),
    after: db.prepare<[number, number], AuditRow>(
      'SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?',
    ),
    digestAt: db.prepare<[number], { digest: string }>('SELECT digest FROM audit WHERE seq = ?'),
    insert: db.prepare('INSERT INTO audit VALUES (@seq, @at, @user, @entry, @digest)'),
    insertPatient: db.prepare('INSERT INTO audit_patients VALUES (?, ?)'),
    insertStudy: db.prepare('INSERT INTO audit_studies VALUES (?, ?)'),
    insertTrust: db.prepare('INSERT INTO audit_trusts VALUES (?, ?)'),
    find: (filter: AuditFilter, page: { limit: number; offset: number }) => find(db, filter, page),
  };
}

/** CROSS JOIN keeps the order of the tables: without statistics SQLite would as well begin with the most rows. */
function find(db: Sqlite, filter: AuditFilter, page: { limit: number; offset: number }) {
  const given = LOOKED_UP.filter(([key]) => filter[key] !== undefined);
  const lead = given.find(([key]) => key !== 'trust' || filter.user === undefined);
  const others = given.filter((one) => one !== lead);
  const conditions = [
    ...(lead === undefined ? [] : [`l.${lead[0]} = @${lead[0]}`]),
    ...(filter.user === undefined ? [] : ['a.user = @user']),
    ...(filter.seq === undefined ? [] : ['a.seq = @seq']),
    ...(filter.upTo === undefined ? [] : [`${lead === undefined ? 'a' : 'l'}.seq <= @upTo`]),
    ...(filter.from === undefined ? [] : ['a.at >= @from']),
    ...(filter.to === undefined ? [] : ['a.at < @to']),
    ...others.map(
      ([key, table]) =>
        `EXISTS (SELECT 1 FROM ${table} o WHERE o.${key} = @${key} AND o.seq = a.seq)`,
    ),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const tables =
    lead === undefined ? 'audit a' : `${lead[1]} l CROSS JOIN audit a ON a.seq = l.seq`;
  const values = Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  );
  const order = lead === undefined ? 'a.seq DESC' : 'l.seq DESC';
  const rows = db
    .prepare<[object], AuditRow>(
      `SELECT a.* FROM ${tables} ${where} ORDER BY ${order} LIMIT @limit OFFSET @offset`,
    )
    .all({ ...values, ...page });
  return { rows, total: totalOf(db, { tables, where, values }) };
}

function totalOf(
  db: Sqlite,
  { tables, where, values }: { tables: string; where: string; values: object },
): number {
  if (where === '') return db.prepare<[], number>('SELECT max(seq) FROM audit').pluck().get() ?? 0;
  const counted = `SELECT 1 FROM ${tables} ${where} LIMIT ${MOST_COUNTED}`;
  return db.prepare<[object], number>(`SELECT count(*) FROM (${counted})`).pluck().get(values) ?? 0;
}
