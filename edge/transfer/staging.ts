/**
 * Where a fetch keeps what has come so far: `spool/staging/<fetch>/<object>.dcm`, as received.
 *
 *   frame ─► InstanceWriter (`.part`) ─► digest, fsync ─► rename ─► staged
 *
 * A file is complete only under its final name, and names the content it holds; so kill -9 at any
 * point leaves either a whole object or a rest that the next start drops. Nothing here is acknowledged
 * to anybody: a power cut that takes a rename back costs that object's transfer again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OBJECT_SUFFIX, TEMPORARY_SUFFIX } from '../spool/layout.ts';
import { readSeal } from '../spool/read-instance.ts';
import { newFile } from '../spool/spare-files.ts';
import type { Spool } from '../spool/spool.ts';
import { spoolErrorOf } from '../spool/spool-error.ts';
import { InstanceWriter, type SealedFile } from '../spool/write-instance.ts';
import type { ManifestInstance } from './protocol.ts';

/** What identifies an object in a staging folder. */
export type StagedKey = Pick<ManifestInstance, 'sopInstanceUID' | 'digest'>;

export class StagingFolder {
  readonly directory: string;
  readonly #spool: Spool;

  /** @param fetchId any text: it never stands in a path */
  constructor(spool: Spool, fetchId: string) {
    this.#spool = spool;
    this.directory = join(spool.layout.staging, stagingName(fetchId));
  }

  /** Makes the folder, and drops what was left half-written. */
  open(): void {
    mkdirSync(this.directory, { recursive: true });
    for (const name of readdirSync(this.directory)) {
      if (name.endsWith(TEMPORARY_SUFFIX)) rmSync(join(this.directory, name), { force: true });
    }
  }

  /** @param head 128 zero bytes, "DICM" and the file meta information */
  newWriter(head: Buffer): InstanceWriter {
    const temporaryPath = join(this.directory, `${randomUUID()}${TEMPORARY_SUFFIX}`);
    return new InstanceWriter({
      openFile: () => newFile(temporaryPath),
      head,
      reserve: this.#spool.reserve,
    });
  }

  /** Gives a sealed file its final name. */
  keep(sealed: SealedFile, key: StagedKey): void {
    try {
      renameSync(sealed.temporaryPath, this.fileOf(key));
    } catch (cause) {
      throw spoolErrorOf(cause);
    }
  }

  fileOf({ sopInstanceUID, digest }: StagedKey): string {
    return join(this.directory, `${shortDigest(`${sopInstanceUID}\0${digest}`)}${OBJECT_SUFFIX}`);
  }

  /** The staged object, or undefined when it is not there or, after a power cut, not whole. */
  async find(key: StagedKey): Promise<SealedFile | undefined> {
    const file = this.fileOf(key);
    if (!existsSync(file)) return undefined;
    const seal = await readSeal(file);
    if (seal !== null && seal.contentDigest === key.digest) return { ...seal, temporaryPath: file };
    rmSync(file, { force: true });
    return undefined;
  }

  drop(key: StagedKey): void {
    rmSync(this.fileOf(key), { force: true });
  }

  /** Removes everything. */
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Removes the folders of fetches that are over, which a crash may have left. */
export function dropOtherStaging(spool: Spool, fetchIds: readonly string[]): void {
  const kept = new Set(fetchIds.map(stagingName));
  for (const name of readdirSync(spool.layout.staging)) {
    if (!kept.has(name)) rmSync(join(spool.layout.staging, name), { recursive: true, force: true });
  }
}

const stagingName = (fetchId: string): string => shortDigest(fetchId);

const shortDigest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 40);
