/**
 * The audit trail of a program: append-only, chained, asked by patient, user, study and time. DECISIONS.md, Access.
 *
 *   AuditEntry ─► row with the digest before it ─► commit with fsync ─► audit.head ─► only now the answer
 *
 * It names patients and people: it is no log, and its files are for their owner's eyes only.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, rfc3339 } from '../clock.ts';
import { commitDurably, openSqlite, type Sqlite } from '../sqlite/open.ts';
import { type AuditRow, CHAIN_START, digestOf } from './chain.ts';
import type { AuditEntry } from './entry.ts';
import { type Head, HeadFile } from './head.ts';
import { auditSchema } from './schema.ts';
import { type AuditFilter, prepareTrail } from './statements.ts';

export const auditFile = (dataDirectory: string): string => join(dataDirectory, 'audit.sqlite');
export const headFile = (dataDirectory: string): string => join(dataDirectory, 'audit.head');

/** An entry with its place, as it is answered. */
export interface AuditedEvent extends AuditEntry {
  readonly seq: number;
  /** RFC 3339. */
  readonly at: string;
}

export function openAuditDatabase(dataDirectory: string): Sqlite {
  const file = auditFile(dataDirectory);
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  return openSqlite(file, auditSchema);
}

export class AuditTrail {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #statements: ReturnType<typeof prepareTrail>;
  readonly #headFile: HeadFile;

  constructor(dataDirectory: string, clock: Clock) {
    this.#db = openAuditDatabase(dataDirectory);
    this.#clock = clock;
    this.#statements = prepareTrail(this.#db);
    this.#headFile = new HeadFile(headFile(dataDirectory));
  }

  /** Durable when it returns. Another process may append to the same trail. @throws SQLite's error */
  append(entry: AuditEntry): void {
    this.appendAll([entry]);
  }

  /** As {@link append}, in order, with one fsync. @throws SQLite's error, and then none of them stands there */
  appendAll(entries: readonly AuditEntry[]): void {
    const head = commitDurably(this.#db, () => {
      let last = this.head();
      for (const entry of entries) last = this.#insert(entry, last);
      return last;
    });
    this.#headFile.write(head);
  }

  /** The newest row; seq 0: there is none. */
  head(): Head {
    return this.#statements.last.get() ?? { seq: 0, digest: CHAIN_START };
  }

  /** Of a row; undefined: there is none. */
  digestAt(seq: number): string | undefined {
    return this.#statements.digestAt.get(seq)?.digest;
  }

  /** Oldest first, behind a row. */
  after(seq: number, limit: number): AuditedEvent[] {
    return this.#statements.after.all(seq, limit).map(eventOf);
  }

  /** Newest first. */
  find(
    filter: AuditFilter,
    page: { limit: number; offset: number },
  ): { readonly events: readonly AuditedEvent[]; readonly total: number } {
    const { rows, total } = this.#statements.find(filter, page);
    return { events: rows.map(eventOf), total };
  }

  close(): void {
    this.#headFile.close();
    this.#db.close();
  }

  #insert({ user, ...rest }: AuditEntry, last: Head): Head {
    const entry = JSON.stringify(rest);
    const row = { seq: last.seq + 1, at: this.#clock.now(), user, entry };
    const digest = digestOf(last.digest, row);
    this.#statements.insert.run({ ...row, digest });
    this.#index(row.seq, rest);
    return { seq: row.seq, digest };
  }

  #index(seq: number, { patients, studies, homes, trust }: Omit<AuditEntry, 'user'>): void {
    for (const patient of new Set(patients)) this.#statements.insertPatient.run(patient, seq);
    for (const study of new Set(studies)) this.#statements.insertStudy.run(study, seq);
    const trusts = new Set(trust === null ? homes : [trust, ...homes]);
    for (const one of trusts) this.#statements.insertTrust.run(one, seq);
  }
}

function eventOf({ seq, at, user, entry }: AuditRow): AuditedEvent {
  const rest = JSON.parse(entry) as Omit<AuditEntry, 'user'>;
  return { seq, at: rfc3339(at), user, ...rest };
}
