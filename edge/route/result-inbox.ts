/**
 * What AI nodes send is set aside when it comes, and is in no list before it was checked: it may name
 * another patient than the one that was sent.
 *
 *   C-STORE of an AI node ─► results/<digest>.dcm + row, one transaction ─► 0000H ─► result-desk.ts
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import type { Reason } from '../deliver/delivery-queue.ts';
import type { AcceptedObject } from '../index/accept-object.ts';
import { OBJECT_SUFFIX } from '../spool/layout.ts';
import { readSeal } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import type { SealedFile } from '../spool/write-instance.ts';

const FOLDER = 'results';
const REMEMBER_MS = 60 * 86_400_000;

export type ResultState = 'received' | 'held' | 'filed' | 'dropped';

export interface ResultRow {
  readonly contentDigest: string;
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
  readonly studyInstanceUID: string;
  readonly callingAETitle: string;
  readonly receivedAt: number;
  readonly path: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly state: ResultState;
  readonly model: string | null;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

export class ResultInbox {
  readonly #db: Sqlite;
  /** Of the nodes that run models. */
  readonly #aeTitles: ReadonlySet<string>;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, { peers, models }: Pick<EdgeConfig, 'peers' | 'models'>) {
    this.#db = db;
    const nodes = new Set(models.map(({ peer }) => peer));
    this.#aeTitles = new Set(
      peers.filter(({ name }) => nodes.has(name)).map(({ aeTitle }) => aeTitle),
    );
    this.#statements = prepareStatements(db);
  }

  /** Takes an object of an AI node; the same bytes again are taken as the same. */
  take(spool: Spool, object: AcceptedObject): boolean {
    const { sealed, attributes, transferSyntaxUID } = object;
    const { temporaryPath, contentDigest, callingAETitle, receivedAt } = sealed;
    if (!this.#aeTitles.has(callingAETitle)) return false;
    const path = join(FOLDER, `${contentDigest}${OBJECT_SUFFIX}`);
    const isInPlace = spool.absolute(path) === temporaryPath;
    let isMoved = false;
    try {
      this.#db
        .transaction(() => {
          const { sopInstanceUID, sopClassUID, studyInstanceUID } = attributes;
          const { dataSetOffset, dataSetBytes } = sealed;
          this.#statements.insert.run({
            ...{ contentDigest, sopInstanceUID, sopClassUID, transferSyntaxUID, studyInstanceUID },
            ...{ callingAETitle, receivedAt, path, dataSetOffset, dataSetBytes },
          });
          if (isInPlace) return;
          spool.place(temporaryPath, path);
          isMoved = true;
        })
        .immediate();
    } catch (error) {
      if (isMoved) spool.takeBack(path, temporaryPath);
      throw error;
    }
    return true;
  }

  /** Files that a power cut took the row of. */
  async lost(spool: Spool): Promise<SealedFile[]> {
    const found: SealedFile[] = [];
    for (const name of readdirSync(spool.layout.results)) {
      const temporaryPath = join(spool.layout.results, name);
      if (this.find(name.slice(0, -OBJECT_SUFFIX.length)) !== undefined) continue;
      const seal = await readSeal(temporaryPath);
      if (seal !== null) found.push({ ...seal, temporaryPath });
    }
    return found;
  }

  find(contentDigest: string): ResultRow | undefined {
    return this.#statements.find.get(contentDigest);
  }

  received(): ResultRow[] {
    return this.#statements.received.all();
  }

  /** SOP Instance UIDs of what came from this node for a study. */
  uidsOf({ studyInstanceUID, callingAETitle }: ResultRow): string[] {
    return this.#statements.uidsOf.pluck().all(studyInstanceUID, callingAETitle) as string[];
  }

  /** Those that are held or to be looked at, then the newest. */
  list(limit: number): ResultRow[] {
    return this.#statements.list.all(limit);
  }

  heldCount(): number {
    return this.#statements.heldCount.pluck().get() as number;
  }

  hold({ contentDigest }: ResultRow, model: string | null, { code, detail }: Reason): void {
    this.#statements.setState.run('held', model, code, detail, null, contentDigest);
  }

  filed({ contentDigest }: ResultRow, model: string, now: number): void {
    this.#statements.setState.run('filed', model, null, null, now, contentDigest);
  }

  /** What was held for this reason is looked at again: something of the study came, or a model is on. */
  lookAgain(reasonCode: string, studyInstanceUID: string | null): void {
    this.#statements.lookAgain.run(reasonCode, studyInstanceUID, studyInstanceUID);
  }

  /** What was filed or dropped two months ago, as it came. */
  forgetOld(spool: Spool, now: number): void {
    for (const { contentDigest, path } of this.#statements.old.all(now - REMEMBER_MS)) {
      // A file without a row would be taken for one that just came.
      spool.remove(path);
      this.#statements.forget.run(contentDigest);
    }
  }

  /** By a person: what is held is not filed. Its bytes stay for two months. */
  drop(contentDigest: string, now: number): boolean {
    return this.#statements.drop.run(now, contentDigest).changes > 0;
  }
}

const ROW = `SELECT content_digest AS contentDigest, sop_uid AS sopInstanceUID,
  sop_class_uid AS sopClassUID, transfer_syntax_uid AS transferSyntaxUID,
  study_uid AS studyInstanceUID, calling_ae_title AS callingAETitle, received_at AS receivedAt, path,
  data_set_offset AS dataSetOffset, data_set_bytes AS dataSetBytes, state, model,
  reason_code AS reasonCode, reason_detail AS reasonDetail FROM route_results`;

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare(
      `INSERT INTO route_results (content_digest, sop_uid, sop_class_uid, transfer_syntax_uid,
         study_uid, calling_ae_title, received_at, path, data_set_offset, data_set_bytes, state)
       VALUES (@contentDigest, @sopInstanceUID, @sopClassUID, @transferSyntaxUID, @studyInstanceUID,
         @callingAETitle, @receivedAt, @path, @dataSetOffset, @dataSetBytes, 'received')
       ON CONFLICT DO NOTHING`,
    ),
    find: db.prepare<[string], ResultRow>(`${ROW} WHERE content_digest = ?`),
    received: db.prepare<[], ResultRow>(
      `${ROW} WHERE state = 'received' AND ended_at IS NULL ORDER BY received_at`,
    ),
    uidsOf: db.prepare<[string, string]>(
      `SELECT sop_uid FROM route_results
       WHERE study_uid = ? AND calling_ae_title = ? AND state <> 'dropped'`,
    ),
    list: db.prepare<[number], ResultRow>(
      `${ROW} ORDER BY ended_at IS NOT NULL, received_at DESC LIMIT ?`,
    ),
    old: db.prepare<[number], ResultRow>(`${ROW} WHERE ended_at < ?`),
    forget: db.prepare<[string]>('DELETE FROM route_results WHERE content_digest = ?'),
    heldCount: db.prepare("SELECT count(*) FROM route_results WHERE state = 'held'"),
    setState: db.prepare<
      [ResultState, string | null, string | null, string | null, number | null, string]
    >(
      `UPDATE route_results SET state = ?, model = ?, reason_code = ?, reason_detail = ?, ended_at = ?
       WHERE content_digest = ?`,
    ),
    lookAgain: db.prepare<[string, string | null, string | null]>(
      `UPDATE route_results SET state = 'received' WHERE state = 'held' AND reason_code = ?
         AND (? IS NULL OR study_uid = ?)`,
    ),
    drop: db.prepare<[number, string]>(
      `UPDATE route_results SET state = 'dropped', ended_at = ?
       WHERE content_digest = ? AND state = 'held'`,
    ),
  };
}
