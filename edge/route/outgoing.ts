/**
 * Objects on their way to a project: de-identified files, until they are delivered, and what is withheld
 * of a job and why. Deliveries find them here by their new UIDs.
 */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { DEIDENTIFIED, type Reason } from '../deliver/delivery-queue.ts';
import type { StoredInstance } from '../index/types.ts';
import { newFile } from '../spool/spare-files.ts';
import type { Spool } from '../spool/spool.ts';
import { InstanceWriter, type SealedFile } from '../spool/write-instance.ts';

const FOLDER = 'outgoing';

export interface CleanObject {
  readonly sopInstanceUID: string;
  readonly newSOPInstanceUID: string;
  readonly newStudyInstanceUID: string;
  readonly newSeriesInstanceUID: string;
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
}

export class Outgoing {
  readonly #spool: Spool;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, spool: Spool) {
    this.#spool = spool;
    this.#statements = prepareStatements(db);
  }

  /** Removes what no job is busy with. */
  tidy(busy: ReadonlySet<number>): void {
    const { outgoing } = this.#spool.layout;
    for (const name of readdirSync(outgoing))
      if (!busy.has(Number(name))) rmSync(join(outgoing, name), { recursive: true, force: true });
  }

  /** @param head to the end of the file meta information */
  newWriter(jobKey: number, name: string, head: Buffer): InstanceWriter {
    const folder = join(this.#spool.layout.outgoing, `${jobKey}`);
    mkdirSync(folder, { recursive: true });
    const temporaryPath = join(folder, `${name}.part`);
    rmSync(temporaryPath, { force: true });
    return new InstanceWriter({
      openFile: () => newFile(temporaryPath),
      head,
      reserve: this.#spool.reserve,
    });
  }

  keep(jobKey: number, object: CleanObject, sealed: SealedFile): void {
    const { temporaryPath, dataSetOffset, dataSetBytes, contentDigest } = sealed;
    const path = join(FOLDER, `${jobKey}`, `${contentDigest}.dcm`);
    renameSync(temporaryPath, this.#spool.absolute(path));
    this.#statements.keep.run({
      ...{ jobKey, ...object, path, dataSetOffset, dataSetBytes, contentDigest },
    });
  }

  withhold(jobKey: number, sopInstanceUID: string, { code, detail }: Reason): void {
    this.#statements.withhold.run(jobKey, sopInstanceUID, code, detail);
  }

  /** Objects of a job that are done, one way or the other. */
  done(jobKey: number): ReadonlySet<string> {
    return new Set(this.#statements.done.pluck().all(jobKey) as string[]);
  }

  clean(jobKey: number): (CleanObject & { readonly dataSetBytes: number })[] {
    return this.#statements.clean.all(jobKey);
  }

  /** How many are withheld for each reason; never by a value. */
  withheld(jobKey: number): { code: string; detail: string; objects: number }[] {
    return this.#statements.withheld.all(jobKey);
  }

  /** As the index finds an object. */
  findInstance(newSOPInstanceUID: string): StoredInstance | undefined {
    return this.#statements.find.get(newSOPInstanceUID);
  }

  /** Its delivery is over: the files go; the reasons stay. */
  clear(jobKey: number): void {
    rmSync(join(this.#spool.layout.outgoing, `${jobKey}`), { recursive: true, force: true });
    this.#statements.clear.run(jobKey);
  }

  /** It is done anew. */
  forget(jobKey: number): void {
    rmSync(join(this.#spool.layout.outgoing, `${jobKey}`), { recursive: true, force: true });
    this.#statements.forget.run(jobKey);
  }
}

function prepareStatements(db: Sqlite) {
  return {
    keep: db.prepare(
      `INSERT OR REPLACE INTO route_outgoing (job_key, sop_uid, new_sop_uid, sop_class_uid,
         transfer_syntax_uid, new_study_uid, new_series_uid, path, data_set_offset, data_set_bytes,
         content_digest)
       VALUES (@jobKey, @sopInstanceUID, @newSOPInstanceUID, @sopClassUID, @transferSyntaxUID,
         @newStudyInstanceUID, @newSeriesInstanceUID, @path, @dataSetOffset, @dataSetBytes,
         @contentDigest)`,
    ),
    withhold: db.prepare<[number, string, string, string]>(
      `INSERT OR REPLACE INTO route_outgoing (job_key, sop_uid, withheld_code, withheld_detail)
       VALUES (?, ?, ?, ?)`,
    ),
    done: db.prepare('SELECT sop_uid FROM route_outgoing WHERE job_key = ?'),
    clean: db.prepare<[number], CleanObject & { dataSetBytes: number }>(
      `SELECT sop_uid AS sopInstanceUID, new_sop_uid AS newSOPInstanceUID,
         new_study_uid AS newStudyInstanceUID, new_series_uid AS newSeriesInstanceUID,
         sop_class_uid AS sopClassUID, transfer_syntax_uid AS transferSyntaxUID,
         data_set_bytes AS dataSetBytes
       FROM route_outgoing WHERE job_key = ? AND path IS NOT NULL ORDER BY sop_uid`,
    ),
    withheld: db.prepare<[number], { code: string; detail: string; objects: number }>(
      `SELECT withheld_code AS code, min(withheld_detail) AS detail, count(*) AS objects
       FROM route_outgoing WHERE job_key = ? AND withheld_code IS NOT NULL GROUP BY withheld_code`,
    ),
    find: db.prepare<[string], StoredInstance>(
      `SELECT new_sop_uid AS sopInstanceUID, sop_class_uid AS sopClassUID,
         new_study_uid AS studyInstanceUID, new_series_uid AS seriesInstanceUID,
         '${DEIDENTIFIED}' AS home, transfer_syntax_uid AS transferSyntaxUID, path,
         data_set_offset AS dataSetOffset, data_set_bytes AS dataSetBytes,
         content_digest AS contentDigest, content_digest AS homeDigest, NULL AS instanceNumber
       FROM route_outgoing WHERE new_sop_uid = ? AND path IS NOT NULL ORDER BY job_key DESC LIMIT 1`,
    ),
    clear: db.prepare<[number]>(
      'DELETE FROM route_outgoing WHERE job_key = ? AND withheld_code IS NULL',
    ),
    forget: db.prepare<[number]>('DELETE FROM route_outgoing WHERE job_key = ?'),
  };
}
