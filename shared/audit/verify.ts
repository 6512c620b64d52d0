/**
 * Reads a whole trail and tells the first place where it is not what was written. The file is only read.
 *
 *   rows in order ─► numbered without a gap, digest right ─► looked up alike ─► the head is the last row
 */
import { existsSync, globSync } from 'node:fs';
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
  | 'LOOKUP_ALTERED'
  /** Another one keeps another end of this trail: it was written anew since, as a whole. */
  | 'ANCHOR_DIFFERS';

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
 * @param anchors what was kept elsewhere of this trail
 * @param tell called now and then with how many rows were read, and the number of the last one
 * @throws SQLite's error when the file is no trail, or damaged
 */
export function verifyAudit(
  dataDirectory: string,
  tell: (rows: number, last: number) => void,
  anchors: readonly Head[] = [],
): AuditVerdict {
  if (!existsSync(auditFile(dataDirectory))) return verdictOfNoFile(dataDirectory, anchors);
  const db = new Database(auditFile(dataDirectory), { readonly: true, fileMustExist: true });
  try {
    // One transaction: rows that come while this reads are not there for it, nor is their head.
    const written = readHead(headFile(dataDirectory));
    return db.transaction(() => verify(db, { written, anchors, tell }))();
  } finally {
    db.close();
  }
}

/** A program that never ran has neither trail nor head, and no other data; nobody keeps an end of it. */
function verdictOfNoFile(dataDirectory: string, anchors: readonly Head[]): AuditVerdict {
  const isNew =
    !existsSync(headFile(dataDirectory)) &&
    !anchors.some(({ seq }) => seq > 0) &&
    globSync('*.sqlite', { cwd: dataDirectory }).length === 0;
  const fault = isNew ? null : ({ code: 'END_MISSING', seq: 1 } as const);
  return { rows: 0, head: { seq: 0, digest: CHAIN_START }, fault };
}

function verify(
  db: Database.Database,
  {
    written,
    anchors,
    tell,
  }: {
    written: Head | null | undefined;
    anchors: readonly Head[];
    tell: (rows: number, last: number) => void;
  },
): AuditVerdict {
  const lookUp = openLookUp(db);
  const last = db.prepare<[], number>('SELECT max(seq) FROM audit').pluck().get() ?? 0;
  const disputed = new Disputed(anchors);
  let head: Head = { seq: 0, digest: CHAIN_START };
  let digestAtHead = CHAIN_START;
  let code: AuditFaultCode | undefined;
  for (const row of db.prepare<[], AuditRow>('SELECT * FROM audit ORDER BY seq').iterate()) {
    code = faultOfRow(row, head, lookUp);
    if (code !== undefined) return { rows: head.seq, head, fault: { code, seq: head.seq + 1 } };
    head = { seq: row.seq, digest: row.digest };
    if (written?.seq === row.seq) digestAtHead = row.digest;
    disputed.see(row);
    if (row.seq % 100_000 === 0) tell(row.seq, last);
  }
  const fault = faultOfEnd(head, written, digestAtHead) ?? disputed.fault(head);
  if (fault === null && !lookUp.hasNoOthers())
    return { rows: head.seq, head, fault: { code: 'LOOKUP_ALTERED', seq: head.seq } };
  return { rows: head.seq, head, fault };
}

/** What others keep of the trail and is not so: as told now, and as it was recorded when they told it. */
class Disputed {
  readonly #anchors: Map<number, string>;
  #first: number | undefined;

  constructor(anchors: readonly Head[]) {
    this.#anchors = new Map(
      anchors.filter(({ seq }) => seq > 0).map((one) => [one.seq, one.digest]),
    );
  }

  see({ seq, digest, entry }: AuditRow): void {
    const kept = this.#anchors.get(seq);
    this.#anchors.delete(seq);
    if (kept !== undefined && kept !== digest) this.#note(seq);
    if (!entry.includes('"ANCHOR_DIFFERS"')) return;
    const { code, query } = JSON.parse(entry) as AuditEntry;
    if (code === 'ANCHOR_DIFFERS') this.#note(Number(query['seq']));
  }

  fault(head: Head): AuditVerdict['fault'] {
    if (this.#first !== undefined) return { code: 'ANCHOR_DIFFERS', seq: this.#first };
    const beyond = [...this.#anchors.keys()].some((seq) => seq > head.seq);
    return beyond ? { code: 'END_MISSING', seq: head.seq + 1 } : null;
  }

  #note(seq: number): void {
    this.#first = Math.min(this.#first ?? seq, seq);
  }
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
  if (written === undefined && head.seq === 0) return null;
  if (!written) return { code: 'HEAD_ALTERED', seq: head.seq };
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
