/**
 * The attributes of all instances of a series, read from the files once and kept: one read for a
 * thousand slices. PS3.18 §10.4.1.1.2.
 *
 *   series ─► kept, of the same objects ─► gzip
 *          └► heads of all files ─► JSON ─► gzip, kept
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { type ObjectHead, readObjectHead } from './object-head.ts';

const [compress, inflate] = [promisify(gzip), promisify(gunzip)];
/** Files whose heads are read at a time. */
const AT_ONCE = 8;

export interface Metadata {
  /** A JSON array, gzip. */
  readonly gzipped: Buffer;
  /** Objects that could not be read, and are not in it. */
  readonly unread: number;
}

export type HeadReader = (instance: StoredInstance, head: ObjectHead) => Promise<void>;

interface Wanted {
  readonly seriesKey: number;
  readonly contentKey: string;
  readonly instances: readonly StoredInstance[];
  readonly alongside: HeadReader | undefined;
}

export class SeriesMetadata {
  readonly #spool: Spool;
  readonly #log: Log;
  readonly #find;
  readonly #put;
  /** What is being made, by what it is made of. */
  readonly #making = new Map<string, Promise<Metadata>>();

  constructor({ db, spool, log }: { db: Sqlite; spool: Spool; log: Log }) {
    this.#spool = spool;
    this.#log = log;
    this.#find = db
      .prepare<[number, string], Buffer>(
        'SELECT metadata FROM series_metadata WHERE series_key = ? AND content_key = ?',
      )
      .pluck();
    // The series may have been deleted while its metadata were made.
    this.#put = db.prepare<[number, string, Buffer, number]>(
      `INSERT OR REPLACE INTO series_metadata
       SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM series WHERE series_key = ?)`,
    );
  }

  /**
   * @param instances all of the series, in order
   * @param alongside is given each head that is read for it; nothing when they are kept
   */
  async of(
    seriesKey: number,
    instances: readonly StoredInstance[],
    alongside?: HeadReader,
  ): Promise<Metadata> {
    const contentKey = keyOf(instances);
    const kept = this.#find.get(seriesKey, contentKey);
    if (kept !== undefined) return { gzipped: kept, unread: 0 };
    const making =
      this.#making.get(contentKey) ?? this.#make({ seriesKey, contentKey, instances, alongside });
    this.#making.set(contentKey, making);
    return making.finally(() => this.#making.delete(contentKey));
  }

  async #make({ seriesKey, contentKey, instances, alongside }: Wanted): Promise<Metadata> {
    const texts: string[] = [];
    for (let at = 0; at < instances.length; at += AT_ONCE) {
      const some = instances.slice(at, at + AT_ONCE);
      const heads = await Promise.all(some.map((instance) => this.#textOf(instance, alongside)));
      texts.push(...heads.filter((text) => text !== undefined));
    }
    const gzipped = await compress(`[${texts.join(',\n')}]`, { level: 3 });
    const unread = instances.length - texts.length;
    if (unread === 0) this.#put.run(seriesKey, contentKey, gzipped, seriesKey);
    return { gzipped, unread };
  }

  async #textOf(
    instance: StoredInstance,
    alongside: HeadReader | undefined,
  ): Promise<string | undefined> {
    try {
      const head = await readObjectHead(this.#spool.absolute(instance.path), instance);
      await alongside?.(instance, head);
      return JSON.stringify(head.attributes);
    } catch (error) {
      if (!(error instanceof GatewayError) && codeOf(error) === 'BUG') throw error;
      const { sopInstanceUID, studyInstanceUID } = instance;
      this.#log.error('dicomweb.unread', { sopInstanceUID, studyInstanceUID, code: codeOf(error) });
      return undefined;
    }
  }
}

export async function readMetadata({ gzipped }: Metadata): Promise<readonly JsonDataSet[]> {
  return JSON.parse((await inflate(gzipped)).toString()) as JsonDataSet[];
}

/** A copy that is filed under another patient keeps its UIDs, not its content. */
function keyOf(instances: readonly StoredInstance[]): string {
  const hash = createHash('sha256');
  for (const { contentDigest } of instances) hash.update(contentDigest);
  return hash.digest('hex');
}
