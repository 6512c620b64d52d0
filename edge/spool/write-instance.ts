/**
 * Streams one object into `incoming/`. Memory: two batches, whatever the object's size.
 *
 *   chunk ─► SHA-256 ─► batch ─► writev ─► … ─► rest, preamble ─► one fsync ─► sealed
 *
 * fsync, not fdatasync: the file is new, so both commit the journal, and fsync leaves nothing to what a
 * file system counts as needed for reading back. The directory is not synced: ext4 and XFS put a new
 * file's entry into the transaction that its fsync commits. A rename that a power cut takes back
 * leaves the whole file in `incoming/`, where start-up finds it by its preamble.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { encodePreamble, PREAMBLE_BYTES, type Seal } from './preamble.ts';
import type { DiskReserve } from './reserve.ts';
import type { OpenFile } from './spare-files.ts';
import { SpoolError, spoolErrorOf } from './spool-error.ts';

// Descriptors, not FileHandles, and a thread's turn only for what takes longer than the turn: a whole batch
// and the fsync. Each saves about a tenth of a small object's time.
const [writev, fsync] = [promisify(fs.writev), promisify(fs.fsync)];

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
  readonly whileSyncing?: () => void;
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
    const { path, descriptor: file } = this.#file;
    const isOneBatch = this.#writtenBytes === 0;
    // With its preamble at once; the digest proves it whole.
    if (isOneBatch)
      this.#pending.splice(0, 1, preamble, this.#options.head.subarray(PREAMBLE_BYTES));
    if (this.#pendingBytes > 0) writeAllSync(file, this.#takeBatch());
    if (!isOneBatch) writeAllSync(file, { chunks: [preamble], bytes: PREAMBLE_BYTES, at: 0 });
    const synced = fsync(file);
    this.#options.whileSyncing?.();
    await synced;
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

/** Chunks that belong at byte `at` of the file. */
interface Batch {
  readonly chunks: Buffer[];
  readonly bytes: number;
  readonly at: number;
}

const reserveReached = (): SpoolError =>
  new SpoolError('SPOOL_RESERVE', 'the reserve of free space is reached');

/** `writev` may write less than it was given. */
async function writeAll(file: number, { chunks, bytes, at }: Batch): Promise<void> {
  let rest = chunks;
  for (let written = 0; written < bytes; ) {
    const { bytesWritten } = await writev(file, rest, at + written);
    written += bytesWritten;
    if (written < bytes) rest = withoutFirst(rest, bytesWritten);
  }
}

function writeAllSync(file: number, { chunks, bytes, at }: Batch): void {
  let rest = chunks;
  for (let written = 0; written < bytes; ) {
    const bytesWritten = fs.writevSync(file, rest, at + written);
    written += bytesWritten;
    if (written < bytes) rest = withoutFirst(rest, bytesWritten);
  }
}

function withoutFirst(chunks: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  const rest: Buffer[] = [];
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return rest;
}
