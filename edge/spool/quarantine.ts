/**
 * Objects that can't be filed: their bytes as far as received, who sent them, and why not.
 *
 *   edge/scp ──sealed file + fault──► here ──► quarantine/<id>.dcm + row ──► status page, `cdip edge quarantine`
 *
 * The sender was told a failure, so it still has the object; what is kept here is for the engineer. But what
 * names another patient than its study was acknowledged: it is kept in any case.
 * The share of the disk is bounded: beyond it only the row is kept, beyond that only a count.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { OBJECT_SUFFIX } from './layout.ts';
import type { Spool } from './spool.ts';
import { spoolErrorOf } from './spool-error.ts';

/** At most so many entries, and so much of the disk. */
const MAX_ENTRIES = 10_000;
const MAX_SHARE = 0.05;

/** The code of an object that names another patient than its study does. */
export const PATIENT_MISMATCH = 'PATIENT_MISMATCH';

export interface Fault {
  readonly code: string;
  /** For a person; never names a patient. */
  readonly detail: string;
}

/** Who sent it, and as what. */
export interface QuarantineOrigin {
  readonly callingAETitle: string;
  readonly host: string;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
}

export interface QuarantineEntry extends QuarantineOrigin, Fault {
  readonly id: string;
  /** False: there was no room for the bytes, or they are gone. */
  readonly isKept: boolean;
  readonly bytes: number;
  readonly contentDigest: string;
  readonly times: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface QuarantineLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export class Quarantine {
  readonly #spool: Spool;
  readonly #limits: QuarantineLimits;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor({ db, spool, limits }: { db: Sqlite; spool: Spool; limits?: QuarantineLimits }) {
    this.#spool = spool;
    this.#limits = limits ?? defaultLimits(spool.layout.quarantine);
    this.#statements = prepareStatements(db);
  }

  /**
   * Takes a sealed file out of `incoming/`. The same bytes with the same fault are kept once and counted.
   *
   * @param mustKeep keep the bytes whatever the limits say: the object may have been acknowledged
   * @returns the entry's id; undefined when the quarantine is full of other things
   */
  add(
    file: { temporaryPath: string; bytes: number; contentDigest: string },
    {
      fault,
      origin,
      now,
      mustKeep = false,
    }: { fault: Fault; origin: QuarantineOrigin; now: number; mustKeep?: boolean },
  ): string | undefined {
    const facts = { ...clipped(origin), ...fault, now, contentDigest: file.contentDigest };
    const again = this.#statements.again.get(facts);
    if (again !== undefined && (again.is_kept === 1 || !mustKeep)) {
      this.#spool.dropTemporary(file.temporaryPath);
      return again.id;
    }
    if (again !== undefined) this.#statements.remove.run(again.id);
    const { entries, bytes } = this.counts();
    if (entries >= this.#limits.maxEntries && !mustKeep) {
      this.#spool.dropTemporary(file.temporaryPath);
      return undefined;
    }
    const id = randomUUID();
    const isKept = mustKeep || bytes + file.bytes <= this.#limits.maxBytes;
    if (isKept) this.#move(file.temporaryPath, id);
    else this.#spool.dropTemporary(file.temporaryPath);
    this.#statements.insert.run({ ...facts, id, isKept: Number(isKept), bytes: file.bytes });
    return id;
  }

  /** Newest first. */
  list(limit = 100, offset = 0): QuarantineEntry[] {
    return this.#statements.list.all(limit, offset).map(entry);
  }

  find(id: string): QuarantineEntry | undefined {
    const row = this.#statements.find.get(id);
    return row === undefined ? undefined : entry(row);
  }

  /** Absolute path of an entry's bytes. */
  fileOf(id: string): string {
    return join(this.#spool.layout.quarantine, `${id}${OBJECT_SUFFIX}`);
  }

  /** Forgets an entry and its bytes. False: there is no such entry. */
  drop(id: string): boolean {
    if (this.find(id) === undefined) return false;
    this.#spool.dropTemporary(this.fileOf(id));
    this.#statements.remove.run(id);
    return true;
  }

  counts(): { entries: number; bytes: number } {
    return this.#statements.counts.get() as { entries: number; bytes: number };
  }

  /** How many are there for this reason. */
  countOf(code: string): number {
    return this.#statements.countOf.get(code) ?? 0;
  }

  /** At start: files that lost their row to a power cut get one, rows that lost their file say so. */
  reconcile(now: number): void {
    const known = new Set<string>();
    for (const { id, is_kept } of this.#statements.ids.all()) {
      known.add(id);
      if (is_kept === 1 && !existsSync(this.fileOf(id))) this.#statements.lost.run(id);
    }
    for (const name of readdirSync(this.#spool.layout.quarantine)) {
      const id = name.slice(0, -OBJECT_SUFFIX.length);
      if (name.endsWith(OBJECT_SUFFIX) && !known.has(id)) this.#insertUnknown(id, now);
    }
  }

  #insertUnknown(id: string, now: number): void {
    const { size: bytes } = statSync(this.fileOf(id));
    this.#statements.insert.run({
      id,
      code: 'REASON_LOST',
      detail: 'kept before a power cut that took the reason',
      callingAETitle: '',
      host: '',
      sopClassUID: '',
      sopInstanceUID: '',
      transferSyntaxUID: '',
      isKept: 1,
      bytes,
      contentDigest: id,
      now,
    });
  }

  #move(temporaryPath: string, id: string): void {
    try {
      renameSync(temporaryPath, this.fileOf(id));
    } catch (cause) {
      throw spoolErrorOf(cause);
    }
  }
}

function defaultLimits(directory: string): QuarantineLimits {
  const { blocks, bsize } = statfsSync(directory);
  return { maxBytes: blocks * bsize * MAX_SHARE, maxEntries: MAX_ENTRIES };
}

/** A peer's strings may be 64 KB long. */
function clipped(origin: QuarantineOrigin): QuarantineOrigin {
  const clip = (text: string): string => text.slice(0, 128);
  return {
    callingAETitle: clip(origin.callingAETitle),
    host: clip(origin.host),
    sopClassUID: clip(origin.sopClassUID),
    sopInstanceUID: clip(origin.sopInstanceUID),
    transferSyntaxUID: clip(origin.transferSyntaxUID),
  };
}

type QuarantineRow = Omit<QuarantineEntry, 'isKept'> & { readonly isKept: number };

const entry = (row: QuarantineRow): QuarantineEntry => ({ ...row, isKept: row.isKept === 1 });

const COLUMNS = `id, code, detail, calling_ae_title AS callingAETitle, host,
  sop_class_uid AS sopClassUID, sop_instance_uid AS sopInstanceUID,
  transfer_syntax_uid AS transferSyntaxUID, is_kept AS isKept, bytes,
  content_digest AS contentDigest, times, first_at AS firstAt, last_at AS lastAt`;

function prepareStatements(db: Sqlite) {
  return {
    again: db.prepare<[object], { id: string; is_kept: number }>(
      `UPDATE quarantine SET times = times + 1, last_at = @now
       WHERE content_digest = @contentDigest AND code = @code
         AND sop_instance_uid = @sopInstanceUID RETURNING id, is_kept`,
    ),
    insert: db.prepare(
      `INSERT INTO quarantine VALUES (@id, @code, @detail, @callingAETitle, @host, @sopClassUID,
         @sopInstanceUID, @transferSyntaxUID, @isKept, @bytes, @contentDigest, 1, @now, @now)`,
    ),
    list: db.prepare<[number, number], QuarantineRow>(
      `SELECT ${COLUMNS} FROM quarantine ORDER BY last_at DESC, id LIMIT ? OFFSET ?`,
    ),
    find: db.prepare<[string], QuarantineRow>(`SELECT ${COLUMNS} FROM quarantine WHERE id = ?`),
    ids: db.prepare<[], { id: string; is_kept: number }>('SELECT id, is_kept FROM quarantine'),
    lost: db.prepare<[string]>('UPDATE quarantine SET is_kept = 0 WHERE id = ?'),
    remove: db.prepare<[string]>('DELETE FROM quarantine WHERE id = ?'),
    countOf: db.prepare<[string], number>('SELECT count(*) FROM quarantine WHERE code = ?').pluck(),
    counts: db.prepare(
      `SELECT count(*) AS entries, coalesce(sum(bytes) FILTER (WHERE is_kept), 0) AS bytes
       FROM quarantine`,
    ),
  };
}
