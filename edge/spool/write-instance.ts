/**
 * Streams one object into a file under a temporary name. Memory: two batches, whatever the object's size.
 *
 *   chunk ─► SHA-256 ─► batch ─► writev ─► … ─► rest, preamble ─► one fsync ─► sealed
 *
 * A new file is fsynced: fdatasync would commit the journal as well, and leave something to what a file system counts
 * as needed for reading back. One that was prepared has its blocks and its length: fdatasync, and no commit.
 * The directory is not synced: ext4 and XFS put a new file's entry into the transaction that its fsync commits.
 * A rename that a power cut takes back leaves the whole file where it came in, where start-up finds it by its preamble.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { encodePreamble, PREAMBLE_BYTES, type Seal } from './preamble.ts';
import type { DiskReserve } from './reserve.ts';
import type { OpenFile } from './spare-files.ts';
import { SpoolError, spoolErrorOf } from './spool-error.ts';
import { type Batch, writeAll, writeAllSync } from './write-all.ts';

// Descriptors, not FileHandles, and a thread's turn only for what takes longer than the turn: a whole batch
// and the fsync. Each saves about a tenth of a small object's time.
const [fsync, fdatasync] = [promisify(fs.fsync), promisify(fs.fdatasync)];

/** Small, so that a thread writes while the rest of a small object comes. */
const BATCH_BYTES = 256 * 1024;
/** While a batch is written, so much more is taken. */
const WAITING_BYTES = 512 * 1024;
/** A peer may send tiny fragments; a batch of more is written early. */
const BATCH_CHUNKS = 512;

/** What the writer does not know by itself. */
export type SealFacts = Pick<Seal, 'home' | 'receivedAt' | 'callingAETitle'> & {
  /** Absent: the object is at home, its home digest is its content digest. */
  readonly homeDigest?: string;
  /** The content digest that the sender named: other bytes are not made durable. */
  readonly expectedDigest?: string;
};

/** A durable file under its temporary name. */
export interface SealedFile extends Seal {
  readonly temporaryPath: string;
}

export interface WriterOptions {
  /** Makes the file, when there is room for it. Throws what the file system says. */
  readonly openFile: () => OpenFile;
  /** Called when the disk has been asked to make the file durable: time for what is not this object's. */
  readonly whileSyncing?: (fileBytes: number) => void;
  /** The 128 bytes of preamble (zeros), "DICM" and the file meta information. PS3.10 §7.1. */
  readonly head: Buffer;
  readonly reserve: DiskReserve;
}

export class InstanceWriter {
  readonly #options: WriterOptions;
  readonly #hash = createHash('sha256');
  readonly #file: OpenFile | undefined;
  #pending: Buffer[];
  #pendingBytes: number;
  #writtenBytes = 0;
  #dataSetBytes = 0;
  #writing: Promise<void> | undefined;
  #error: SpoolError | undefined;
  #isClosed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#pending = [options.head];
    this.#pendingBytes = options.head.length;
    if (options.reserve.status().reached) {
      this.#error = reserveReached();
      return;
    }
    try {
      this.#file = options.openFile();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /**
   * Takes the next bytes of the data set; `chunk` must not change afterwards.
   *
   * @returns a promise while the disk is behind: send no more until it resolves
   */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#error !== undefined) return undefined;
    this.#hash.update(chunk);
    this.#dataSetBytes += chunk.length;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#writing === undefined) {
      if (this.#pendingBytes >= BATCH_BYTES || this.#pending.length >= BATCH_CHUNKS) this.#flush();
      return undefined;
    }
    const isMuch = this.#pendingBytes >= WAITING_BYTES || this.#pending.length >= BATCH_CHUNKS;
    return isMuch ? this.#writing : undefined;
  }

  /**
   * Writes the rest and the preamble, and makes the file durable.
   *
   * @throws SpoolError; the temporary file is gone then. `SPOOL_CORRUPT` for another digest than expected
   */
  async seal(facts: SealFacts): Promise<SealedFile> {
    await this.#writing;
    const contentDigest = this.#hash.digest('hex');
    const expected = facts.expectedDigest ?? contentDigest;
    if (this.#error === undefined && expected !== contentDigest)
      this.#error = new SpoolError('SPOOL_CORRUPT', 'the bytes are not those that were announced');
    const seal: Seal = {
      dataSetOffset: this.#options.head.length,
      dataSetBytes: this.#dataSetBytes,
      contentDigest,
      homeDigest: facts.homeDigest ?? contentDigest,
      home: facts.home,
      receivedAt: facts.receivedAt,
      callingAETitle: facts.callingAETitle,
    };
    try {
      return { ...seal, temporaryPath: await this.#finish(encodePreamble(seal)) };
    } catch (cause) {
      // Also after a failure on the way: what came then is not in the digest, and would seem to be another object.
      await this.discard();
      throw spoolErrorOf(cause);
    }
  }

  /** Drops what was written. */
  async discard(): Promise<void> {
    this.#error ??= new SpoolError('SPOOL_IO', 'the object was given up');
    this.#pending = [];
    await this.#writing;
    if (this.#file === undefined) return;
    this.#close(this.#file.descriptor);
    // A file that can't be removed now is removed at the next start.
    fs.rmSync(this.#file.path, { force: true });
  }

  /** @returns the file's path */
  async #finish(preamble: Buffer): Promise<string> {
    if (this.#error !== undefined || this.#file === undefined)
      throw this.#error ?? reserveReached();
    const { path, descriptor: file, blockBytes = 0 } = this.#file;
    const isOneBatch = this.#writtenBytes === 0;
    // With its preamble at once; the digest proves it whole.
    if (isOneBatch)
      this.#pending.splice(0, 1, preamble, this.#options.head.subarray(PREAMBLE_BYTES));
    if (this.#pendingBytes > 0) writeAllSync(file, this.#takeBatch());
    if (!isOneBatch) writeAllSync(file, { chunks: [preamble], bytes: PREAMBLE_BYTES, at: 0 });
    const synced = this.#writtenBytes <= blockBytes ? fdatasync(file) : fsync(file);
    this.#options.whileSyncing?.(this.#writtenBytes);
    await synced;
    // Not durable by itself, nor has it to be: the rename that follows is never durable before it.
    if (this.#writtenBytes < blockBytes) fs.ftruncateSync(file, this.#writtenBytes);
    this.#close(file);
    return path;
  }

  #flush(): void {
    this.#writing = this.#writeBatch()
      .catch((cause: unknown) => this.#fail(cause))
      .then(() => {
        this.#writing = undefined;
      });
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#takeBatch();
    if (this.#file !== undefined) await writeAll(this.#file.descriptor, batch);
  }

  /** @throws SpoolError `SPOOL_RESERVE` */
  #takeBatch(): Batch {
    const batch = { chunks: this.#pending, bytes: this.#pendingBytes, at: this.#writtenBytes };
    this.#writtenBytes += batch.bytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (!this.#options.reserve.claim(batch.bytes)) throw reserveReached();
    return batch;
  }

  /** Once: its number may be another file's by now. */
  #close(file: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    fs.closeSync(file);
  }

  #fail(cause: unknown): void {
    this.#error ??= spoolErrorOf(cause);
    this.#pending = [];
  }
}

const reserveReached = (): SpoolError =>
  new SpoolError('SPOOL_RESERVE', 'the reserve of free space is reached');
