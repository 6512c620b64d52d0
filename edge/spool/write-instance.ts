/**
 * Streams one object into `incoming/`. Memory: two batches, whatever the object's size.
 *
 *   chunk ─► SHA-256 ─► batch of 512 KB ─► writev ─► … ─► rest, preamble ─► one fsync ─► sealed
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
import { SpoolError, spoolErrorOf } from './spool-error.ts';

// Descriptors, not FileHandles: those cost about a tenth of a small object's time.
const [open, write, writev, fsync, close, unlink] = [
  promisify(fs.open),
  promisify(fs.write),
  promisify(fs.writev),
  promisify(fs.fsync),
  promisify(fs.close),
  promisify(fs.unlink),
];

const BATCH_BYTES = 512 * 1024;
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
  readonly temporaryPath: string;
  /** The 128 bytes of preamble (zeros), "DICM" and the file meta information. PS3.10 §7.1. */
  readonly head: Buffer;
  readonly reserve: DiskReserve;
}

export class InstanceWriter {
  readonly #options: WriterOptions;
  readonly #hash = createHash('sha256');
  /** Opened at once, so that the file is there when the first batch is full. */
  readonly #opening: Promise<number> | undefined;
  #pending: Buffer[];
  #pendingBytes: number;
  #writtenBytes = 0;
  #dataSetBytes = 0;
  #writing: Promise<void> | undefined;
  #error: SpoolError | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#pending = [options.head];
    this.#pendingBytes = options.head.length;
    if (options.reserve.status().reached) this.#error = reserveReached();
    else this.#opening = open(options.temporaryPath, 'wx', 0o640);
    this.#opening?.catch((cause: unknown) => {
      this.#error ??= spoolErrorOf(cause);
    });
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
    if (!this.#isBatchFull()) return undefined;
    if (this.#writing !== undefined) return this.#writing;
    this.#flush();
    return undefined;
  }

  /**
   * Writes the rest and the preamble, and makes the file durable.
   *
   * @throws SpoolError; the temporary file is gone then. `SPOOL_CORRUPT` for another digest than expected
   */
  async seal(facts: SealFacts): Promise<SealedFile> {
    await this.#writing;
    if (this.#error !== undefined) {
      // What came after the failure is not in the digest: it would seem to be another object.
      await this.discard();
      throw this.#error;
    }
    const contentDigest = this.#hash.digest('hex');
    if ((facts.expectedDigest ?? contentDigest) !== contentDigest) {
      await this.discard();
      throw new SpoolError('SPOOL_CORRUPT', 'the bytes are not those that were announced');
    }
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
      await this.#writeRest(encodePreamble(seal));
    } catch (cause) {
      await this.discard();
      throw spoolErrorOf(cause);
    }
    return { ...seal, temporaryPath: this.#options.temporaryPath };
  }

  /** Drops what was written. */
  async discard(): Promise<void> {
    this.#error ??= new SpoolError('SPOOL_IO', 'the object was given up');
    this.#pending = [];
    await this.#writing;
    const file = await this.#opening?.catch(() => undefined);
    if (file === undefined) return;
    // A file that can't be closed or removed now is removed at the next start.
    await close(file).catch(() => {});
    await unlink(this.#options.temporaryPath).catch(() => {});
  }

  async #writeRest(preamble: Buffer): Promise<void> {
    if (this.#error !== undefined || this.#opening === undefined)
      throw this.#error ?? reserveReached();
    const file = await this.#opening;
    if (this.#writtenBytes === 0) {
      // An object that fits one batch is written with its preamble at once; its digest proves it whole.
      const head = this.#options.head.subarray(PREAMBLE_BYTES);
      this.#pending.splice(0, 1, preamble, head);
      await this.#writeBatch(this.#takeBatch());
    } else {
      const rest = this.#pending.length > 0 ? this.#writeBatch(this.#takeBatch()) : undefined;
      await Promise.all([writePreamble(file, preamble), rest]);
    }
    await fsync(file);
    // The file is durable; whether its handle closes changes nothing, so nobody waits for it.
    close(file).catch(() => {});
  }

  #flush(): void {
    this.#writing = this.#writeBatch(this.#takeBatch())
      .catch((cause: unknown) => {
        this.#error ??= spoolErrorOf(cause);
        this.#pending = [];
      })
      .then(() => {
        this.#writing = undefined;
        if (this.#error === undefined && this.#isBatchFull()) this.#flush();
      });
  }

  #isBatchFull(): boolean {
    return this.#pendingBytes >= BATCH_BYTES || this.#pending.length >= BATCH_CHUNKS;
  }

  #takeBatch(): Batch {
    const batch = { chunks: this.#pending, bytes: this.#pendingBytes, at: this.#writtenBytes };
    this.#writtenBytes += batch.bytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    return batch;
  }

  async #writeBatch(batch: Batch): Promise<void> {
    if (this.#opening === undefined || !this.#options.reserve.claim(batch.bytes))
      throw reserveReached();
    await writeAll(await this.#opening, batch);
  }
}

async function writePreamble(file: number, preamble: Buffer): Promise<void> {
  const { bytesWritten } = await write(file, preamble, 0, PREAMBLE_BYTES, 0);
  if (bytesWritten !== PREAMBLE_BYTES) throw new SpoolError('SPOOL_IO', 'a write was cut short');
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
  let written = 0;
  while (written < bytes) {
    const { bytesWritten } = await writev(file, rest, at + written);
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
