/**
 * The edge's disk store: objects come in under a temporary name, and move to their place when they
 * are durable.
 *
 *   newWriter() ─► InstanceWriter ─► SealedFile ─► place() ─► read-instance.ts
 *
 * Knows files only; what they are is the index's.
 */
import { mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { type SpoolLayout, spoolLayout } from './layout.ts';
import { PreparedFiles } from './prepared-files.ts';
import { DiskReserve, freeBytesOf, type ReserveStatus } from './reserve.ts';
import { SpareFiles } from './spare-files.ts';
import { spoolErrorOf } from './spool-error.ts';
import { InstanceWriter } from './write-instance.ts';

/** Files are prepared only where so many times the reserve stays free. */
const PLENTY = 2;

export interface SpoolOptions {
  readonly dataDirectory: string;
  readonly reserveBytes: number;
  readonly clock: Clock;
  readonly onReserveChange?: (status: ReserveStatus) => void;
}

export class Spool {
  readonly layout: SpoolLayout;
  readonly reserve: DiskReserve;
  readonly #spares: SpareFiles;
  readonly #prepared: PreparedFiles;

  /** Makes the folders that are missing; they take no space that a full disk lacks for long. */
  constructor({ dataDirectory, reserveBytes, clock, onReserveChange }: SpoolOptions) {
    this.layout = spoolLayout(dataDirectory);
    const { root, ...folders } = this.layout;
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
    this.#spares = new SpareFiles(this.layout.incoming);
    this.reserve = new DiskReserve({
      reserveBytes,
      clock,
      freeBytes: () => freeBytesOf(root),
      onChange: (status) => {
        if (status.reached) this.#prepared.release();
        onReserveChange?.(status);
      },
    });
    this.#prepared = new PreparedFiles({
      folder: folders.prepared,
      hasRoom: (bytes) => this.reserve.status().freeBytes - bytes >= PLENTY * reserveBytes,
    });
  }

  /**
   * @param head 128 zero bytes, "DICM" and the file meta information
   * @returns a writer into `prepared/` or `incoming/`; end it by `seal` or `discard`
   */
  newWriter(head: Buffer): InstanceWriter {
    let isPrepared = true;
    return new InstanceWriter({
      ...{ head, reserve: this.reserve },
      openFile: () => {
        const prepared = this.#prepared.take();
        isPrepared = prepared !== undefined;
        return prepared ?? this.#spares.take();
      },
      whileSyncing: (fileBytes) => {
        this.#prepared.came(fileBytes);
        if (!isPrepared) this.#spares.refill();
      },
    });
  }

  /** Objects that still come find no file that waits, and make their own. */
  stop(): void {
    this.#spares.stop();
    this.#prepared.stop();
  }

  absolute(path: string): string {
    return join(this.layout.root, path);
  }

  /**
   * Moves a sealed file to its place. Synchronous, so that no other object can come between this and
   * the transaction that follows; a rename costs about 20 µs.
   *
   * @param path relative to the root, from `objectPath`
   * @throws SpoolError
   */
  place(temporaryPath: string, path: string): void {
    const target = this.absolute(path);
    try {
      try {
        renameSync(temporaryPath, target);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        mkdirSync(dirname(target), { recursive: true });
        renameSync(temporaryPath, target);
      }
    } catch (cause) {
      throw spoolErrorOf(cause);
    }
  }

  /** Undoes {@link place}. */
  takeBack(path: string, temporaryPath: string): void {
    try {
      renameSync(this.absolute(path), temporaryPath);
    } catch (cause) {
      throw spoolErrorOf(cause);
    }
  }

  /** Removes an object's file, and its study's folder once that is empty. A file that is gone already is fine. */
  remove(path: string): void {
    const file = this.absolute(path);
    unlinkIfThere(file);
    try {
      rmdirSync(dirname(file));
    } catch {
      // Other objects of the study are still there.
    }
  }

  /** Drops a sealed file that is not needed. */
  dropTemporary(temporaryPath: string): void {
    unlinkIfThere(temporaryPath);
  }
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw spoolErrorOf(cause);
  }
}
