/** SQL of the audit trail. */
import type { Sqlite } from '../sqlite/open.ts';
import type { AuditRow } from './chain.ts';
import type { Head } from './head.ts';

/** What is asked for; what is left out does not matter. */
export interface AuditFilter {
  /** By one of several numbers: a person's. */
  readonly patient?: string | readonly string[] | undefined;
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

/** Of a time that holds more rows, the first and last are not looked for: the newest that are wanted are near then. */
const MOST_BOUNDED = 1_000_000;

/**
 * Between which rows a time lies. A clock may have been set back: therefore all of its rows are looked at, in the
 * index alone. Without it whoever is led by a trust's rows would read all those that came later.
 */
function boundsOf(db: Sqlite, { from = 0, to = MAX_TIME }: AuditFilter): Bounds | null {
  const { rows, ...bounds } = db
    .prepare<[number, number], Bounds & { rows: number }>(
      `SELECT count(*) AS rows, coalesce(min(seq), 0) AS firstSeq, coalesce(max(seq), 0) AS lastSeq
       FROM (SELECT seq FROM audit INDEXED BY audit_at WHERE at >= ? AND at < ? LIMIT ${MOST_BOUNDED + 1})`,
    )
    .get(from, to) ?? { rows: 0, firstSeq: 0, lastSeq: 0 };
  return rows > MOST_BOUNDED ? null : bounds;
}

interface Bounds {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

const MAX_TIME = 8.64e15;

/** A row that names two numbers of a person is one. */
const ROWS_OF_PERSON = `(SELECT DISTINCT seq FROM audit_patients
  WHERE patient IN (SELECT value FROM json_each(@patient)))`;

/** What leads, and what it is asked for by; `table` undefined: the rows themselves. */
interface Lead {
  readonly table: string | undefined;
  readonly seq: 'a.seq' | 'l.seq';
  readonly conditions: readonly string[];
  /** The others, asked of its rows. */
  readonly others: readonly (readonly [string, string])[];
}

function leadOf(filter: AuditFilter): Lead {
  const given = LOOKED_UP.filter(([key]) => filter[key] !== undefined);
  const lead = given.find(([key]) => key !== 'trust' || filter.user === undefined);
  const others = given.filter((one) => one !== lead);
  if (lead === undefined) return { table: undefined, seq: 'a.seq', conditions: [], others };
  const [key, table] = lead;
  return typeof filter[key] === 'object'
    ? { table: ROWS_OF_PERSON, seq: 'l.seq', conditions: [], others }
    : { table, seq: 'l.seq', conditions: [`l.${key} = @${key}`], others };
}

function conditionsOf(filter: AuditFilter, lead: Lead, bounds: Bounds | null): string[] {
  const { seq, conditions, others } = lead;
  const asked: readonly (readonly [unknown, string])[] = [
    [filter.user, 'a.user = @user'],
    [filter.seq, `${seq} = @seq`],
    [filter.upTo, `${seq} <= @upTo`],
    [bounds ?? undefined, `${seq} BETWEEN @firstSeq AND @lastSeq`],
    [filter.from, 'a.at >= @from'],
    [filter.to, 'a.at < @to'],
  ];
  return [
    ...conditions,
    ...asked.flatMap(([value, sql]) => (value === undefined ? [] : [sql])),
    ...others.map(
      ([key, table]) =>
        `EXISTS (SELECT 1 FROM ${table} o WHERE o.${key} = @${key} AND o.seq = ${seq})`,
    ),
  ];
}

/** CROSS JOIN keeps the order of the tables: without statistics SQLite would as well begin with the most rows. */
function find(db: Sqlite, filter: AuditFilter, page: { limit: number; offset: number }) {
  const lead = leadOf(filter);
  const isOfTime = filter.from !== undefined || filter.to !== undefined;
  const bounds = isOfTime ? boundsOf(db, filter) : null;
  const conditions = conditionsOf(filter, lead, bounds);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const { table, seq } = lead;
  const tables = table === undefined ? 'audit a' : `${table} l CROSS JOIN audit a ON a.seq = l.seq`;
  const { patient, ...others } = filter;
  const values = {
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
    ...(patient === undefined
      ? {}
      : { patient: typeof patient === 'object' ? JSON.stringify(patient) : patient }),
    ...bounds,
  };
  // Only who and when stand in the rows themselves: what else is asked for is found and counted without them.
  const isOfRows = table === undefined || isOfTime || filter.user !== undefined;
  const from = isOfRows ? tables : `${table} l`;
  const rows = db
    .prepare<[object], AuditRow>(
      `SELECT a.* FROM (SELECT ${seq} AS seq FROM ${from} ${where}
         ORDER BY ${seq} DESC LIMIT @limit OFFSET @offset) f
       CROSS JOIN audit a ON a.seq = f.seq ORDER BY f.seq DESC`,
    )
    .all({ ...values, ...page });
  const isAll = table === undefined && where === '';
  return { rows, total: isAll ? lastSeq(db) : totalOf(db, { tables: from, where, values }) };
}

const lastSeq = (db: Sqlite): number =>
  db.prepare<[], number>('SELECT max(seq) FROM audit').pluck().get() ?? 0;

function totalOf(
  db: Sqlite,
  { tables, where, values }: { tables: string; where: string; values: object },
): number {
  const counted = `SELECT 1 FROM ${tables} ${where} LIMIT ${MOST_COUNTED}`;
  return db.prepare<[object], number>(`SELECT count(*) FROM (${counted})`).pluck().get(values) ?? 0;
}
