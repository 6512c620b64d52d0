/**
 * Reads a whole trail and tells the first place where it is not what was written. The file is only read.
 *
 *   rows in order ─► numbered without a gap, digest right ─► looked up alike ─► the head is the last row
 */
import Database from 'better-sqlite3';
import { type AuditRow, CHAIN_START, digestOf } from './chain.ts';
import type { AuditEntry } from './entry.ts';
import { type Head, readHead } from './head.ts';
import { auditFile, headFile } from './trail.ts';

export type AuditFaultCode =
  /** A row's content, time, user or digest was changed, or a row was put in its place. */
  | 'ROW_ALTERED'
  | 'ROW_MISSING'
  /** The newest rows are gone. */
  | 'END_MISSING'
  /** `audit.head` is gone or was changed. */
  | 'HEAD_ALTERED'
  /** What patients, studies and trusts are looked up by does not say what the rows say. */
  | 'LOOKUP_ALTERED';

export interface AuditVerdict {
  readonly rows: number;
  /** The last row that is right, and all before it. */
  readonly head: Head;
  readonly fault: {
    readonly code: AuditFaultCode;
    /** The row where the trail is broken. */
    readonly seq: number;
  } | null;
}

/**
 * @param tell called now and then with how many rows were read
 * @throws SQLite's error when the file is not a trail at all
 */
export function verifyAudit(dataDirectory: string, tell: (rows: number) => void): AuditVerdict {
  const db = new Database(auditFile(dataDirectory), { readonly: true, fileMustExist: true });
  try {
    // One transaction: rows that come while this reads are not there for it, nor is their head.
    return db.transaction(() => verify(db, readHead(headFile(dataDirectory)), tell))();
  } finally {
    db.close();
  }
}

function verify(
  db: Database.Database,
  written: Head | null | undefined,
  tell: (rows: number) => void,
): AuditVerdict {
  const lookUp = openLookUp(db);
  let head: Head = { seq: 0, digest: CHAIN_START };
  let digestAtHead = CHAIN_START;
  let code: AuditFaultCode | undefined;
  for (const row of db.prepare<[], AuditRow>('SELECT * FROM audit ORDER BY seq').iterate()) {
    code = faultOfRow(row, head, lookUp);
    if (code !== undefined) return { rows: head.seq, head, fault: { code, seq: head.seq + 1 } };
    head = { seq: row.seq, digest: row.digest };
    if (written?.seq === row.seq) digestAtHead = row.digest;
    if (row.seq % 100_000 === 0) tell(row.seq);
  }
  const fault = faultOfEnd(head, written, digestAtHead);
  if (fault === null && !lookUp.hasNoOthers())
    return { rows: head.seq, head, fault: { code: 'LOOKUP_ALTERED', seq: head.seq } };
  return { rows: head.seq, head, fault };
}

function faultOfRow(row: AuditRow, before: Head, lookUp: LookUp): AuditFaultCode | undefined {
  if (row.seq !== before.seq + 1) return 'ROW_MISSING';
  if (digestOf(before.digest, row) !== row.digest) return 'ROW_ALTERED';
  return lookUp.isRight(row) ? undefined : 'LOOKUP_ALTERED';
}

function faultOfEnd(
  head: Head,
  written: Head | null | undefined,
  digestAtHead: string,
): AuditVerdict['fault'] {
  if (!written) return head.seq === 0 ? null : { code: 'HEAD_ALTERED', seq: head.seq };
  if (written.seq > head.seq) return { code: 'END_MISSING', seq: head.seq + 1 };
  return digestAtHead === written.digest ? null : { code: 'HEAD_ALTERED', seq: written.seq };
}

interface LookUp {
  isRight(row: AuditRow): boolean;
  /** True when the tables hold nothing but what the rows that were asked for have. */
  hasNoOthers(): boolean;
}

function openLookUp(db: Database.Database): LookUp {
  const tables = ['patient', 'study', 'trust'] as const;
  const plural = { patient: 'patients', study: 'studies', trust: 'trusts' } as const;
  const has = tables.map((key) =>
    db.prepare<[string, number]>(`SELECT 1 FROM audit_${plural[key]} WHERE ${key} = ? AND seq = ?`),
  );
  const seen = [0, 0, 0];
  return {
    isRight({ seq, entry }) {
      const { patients, studies, homes, trust } = JSON.parse(entry) as AuditEntry;
      const wanted = [patients, studies, trust === null ? homes : [trust, ...homes]];
      return wanted.every((values, at) => {
        const distinct = [...new Set(values)];
        seen[at] = (seen[at] ?? 0) + distinct.length;
        return distinct.every((value) => has[at]?.get(value, seq) !== undefined);
      });
    },
    hasNoOthers: () =>
      tables.every(
        (key, at) =>
          db.prepare(`SELECT count(*) FROM audit_${plural[key]}`).pluck().get() === seen[at],
      ),
  };
}
