/**
 * The receiving side of one response: frames taken apart, decoded, made durable.
 *
 *   frame ─► blocks ─► decoded ─► InstanceWriter ─► digest, fsync ─► staged
 *            └ the next ones are read meanwhile, a few at most: then nothing is read, and the sender waits
 *
 * An instance is whole only when its digest is the one of the manifest. What is damaged costs that instance's
 * try alone, as long as it can be told where the next one begins.
 */
import { SpoolError } from '../spool/spool-error.ts';
import type { InstanceWriter } from '../spool/write-instance.ts';
import { BLOCK_CODING, BLOCK_HEADER_BYTES, decodeBlock, decodeBlockHeader } from './blocks.ts';
import { type Frame, FrameReader, type ManifestInstance } from './protocol.ts';
import type { StagingFolder } from './staging.ts';
import { TransferError } from './transfer-error.ts';

/** Blocks and instances that are worked on while the next are read. */
const AT_ONCE = 6;

export interface Fault {
  readonly code: string;
  readonly detail: string;
}

/** Whoever asked for the stream. */
export interface StreamReader {
  readonly staging: StagingFolder;
  /** ODS code of the study's home. */
  readonly home: string;
  readonly fileHead: (instance: ManifestInstance) => Buffer;
  readonly now: () => number;
  /** Null: not asked for on this stream any more, which is given up. */
  wanted(sopInstanceUID: string): ManifestInstance | null;
  staged(instance: ManifestInstance): void;
  /** Of an instance that has begun, so many bytes more are here. */
  came(bytes: number): void;
  /** What came of it, so many bytes, was given up. */
  lost(instance: ManifestInstance, bytes: number): void;
  /** What came of it is not what was announced, or it did not come. */
  spoilt(sopInstanceUID: string, fault: Fault, retry: 'safe' | 'never'): void;
}

/**
 * Reads a response to its end frame, or to what is not wanted any more.
 *
 * @throws TransferError, SpoolError; what was whole by then is staged
 */
export async function receiveStream(
  body: AsyncIterable<Buffer>,
  reader: StreamReader,
): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  const receiving = new Receiving(
    new FrameReader({ [Symbol.asyncIterator]: () => iterator }),
    reader,
  );
  try {
    await receiving.run();
  } finally {
    await receiving.settled();
    // Ends the request; a body that was not read to its end would hold its connection.
    await iterator.return?.();
  }
  receiving.throwFailure();
}

type InstanceFrame = Frame & { kind: 'instance' };

class Receiving {
  readonly #frames: FrameReader;
  readonly #reader: StreamReader;
  readonly #working = new Set<Promise<void>>();
  #failure: unknown;

  constructor(frames: FrameReader, reader: StreamReader) {
    this.#frames = frames;
    this.#reader = reader;
  }

  async run(): Promise<void> {
    for (;;) {
      this.throwFailure();
      const frame = await this.#frames.next();
      if (frame.kind === 'end') return;
      if (frame.kind === 'error') this.#tell(frame);
      else if (!(await this.#receive(frame))) return;
    }
  }

  /** What is worked on has ended, one way or the other. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #tell({ sopInstanceUID, code, detail, retry }: Frame & { kind: 'error' }): void {
    const fault = { code: code.slice(0, 64), detail: detail.slice(0, 200) };
    this.#reader.spoilt(sopInstanceUID, fault, retry === 'never' ? 'never' : 'safe');
  }

  /** @returns false when this stream is not read on */
  async #receive(frame: InstanceFrame): Promise<boolean> {
    const wanted = this.#reader.wanted(frame.sopInstanceUID);
    if (wanted === null) return false;
    const isWanted = isSame(wanted, frame);
    const intake = isWanted
      ? new Intake(this.#reader, wanted)
      : new Refusal(this.#reader, wanted.sopInstanceUID);
    try {
      if (frame.coding === undefined) await this.#passAsItIs(frame, intake);
      else await this.#passBlocks(frame, intake);
    } catch (error) {
      await intake.discard();
      throw error;
    }
    await this.#work(intake.seal());
    return true;
  }

  async #passAsItIs({ bytes }: InstanceFrame, intake: Taker): Promise<void> {
    await this.#frames.passOn(bytes, (chunk) => intake.take(chunk));
  }

  async #passBlocks({ bytes, coding }: InstanceFrame, intake: Taker): Promise<void> {
    if (coding !== BLOCK_CODING)
      throw new TransferError('TRANSFER_MALFORMED', 'a coding that was not asked for');
    for (let left = bytes; left > 0; ) {
      const header = decodeBlockHeader(await this.#frames.take(BLOCK_HEADER_BYTES));
      left -= header.bytes;
      if (left < 0) throw new TransferError('TRANSFER_MALFORMED', 'a block too many');
      const code = await this.#frames.take(header.codeBytes);
      await this.#work(intake.takeLater(decodeBlock(header, code)));
    }
  }

  /** Goes on beside what is read; waits while there is much of it. */
  async #work(work: Promise<void>): Promise<void> {
    const guarded = work
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .then(() => void this.#working.delete(guarded));
    this.#working.add(guarded);
    while (this.#working.size >= AT_ONCE) await Promise.race(this.#working);
  }
}

/** Where the bytes of one instance go. */
interface Taker {
  take(bytes: Buffer): Promise<void> | undefined;
  /** After what was given before; undefined: damaged. */
  takeLater(bytes: Promise<Buffer | undefined>): Promise<void>;
  seal(): Promise<void>;
  discard(): Promise<void>;
}

class Intake implements Taker {
  readonly #reader: StreamReader;
  readonly #wanted: ManifestInstance;
  readonly #writer: InstanceWriter;
  #taking: Promise<void> = Promise.resolve();
  #isDamaged = false;
  #taken = 0;

  constructor(reader: StreamReader, wanted: ManifestInstance) {
    this.#reader = reader;
    this.#wanted = wanted;
    this.#writer = reader.staging.newWriter(reader.fileHead(wanted));
  }

  take(bytes: Buffer): Promise<void> | undefined {
    this.#taken += bytes.length;
    this.#reader.came(bytes.length);
    return this.#writer.write(bytes);
  }

  takeLater(bytes: Promise<Buffer | undefined>): Promise<void> {
    const before = this.#taking;
    this.#taking = (async () => {
      await before;
      const whole = await bytes;
      if (whole === undefined) this.#isDamaged = true;
      else if (!this.#isDamaged) await this.take(whole);
    })();
    return this.#taking;
  }

  async seal(): Promise<void> {
    await this.#taking;
    if (this.#isDamaged) await this.#spoil(DAMAGED);
    else await this.#sealWhole();
  }

  async discard(): Promise<void> {
    await this.#taking;
    await this.#writer.discard();
    this.#reader.lost(this.#wanted, this.#taken);
  }

  async #sealWhole(): Promise<void> {
    const { staging, home, now, staged } = this.#reader;
    const { digest, homeDigest } = this.#wanted;
    try {
      const sealed = await this.#writer.seal({
        ...{ home, homeDigest, expectedDigest: digest, receivedAt: now(), callingAETitle: '' },
      });
      staging.keep(sealed, this.#wanted);
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code !== 'SPOOL_CORRUPT') throw error;
      await this.#spoil(WRONG_DIGEST);
      return;
    }
    staged.call(this.#reader, this.#wanted);
  }

  async #spoil(fault: Fault): Promise<void> {
    await this.discard();
    this.#reader.spoilt(this.#wanted.sopInstanceUID, fault, 'safe');
  }
}

/** Other content than the manifest's: passed over. */
class Refusal implements Taker {
  readonly #reader: StreamReader;
  readonly #sopInstanceUID: string;

  constructor(reader: StreamReader, sopInstanceUID: string) {
    this.#reader = reader;
    this.#sopInstanceUID = sopInstanceUID;
  }

  take(): undefined {
    return undefined;
  }

  async takeLater(bytes: Promise<Buffer | undefined>): Promise<void> {
    await bytes;
  }

  async seal(): Promise<void> {
    this.#reader.spoilt(this.#sopInstanceUID, CHANGED, 'safe');
  }

  async discard(): Promise<void> {}
}

const CHANGED: Fault = {
  code: 'CHANGED_AT_SOURCE',
  detail: 'the source announced other content than its manifest',
};
const WRONG_DIGEST: Fault = {
  code: 'WRONG_DIGEST',
  detail: 'the bytes that came are not those that the source announced',
};
const DAMAGED: Fault = {
  code: 'WRONG_DIGEST',
  detail: 'the bytes that came were damaged on the way',
};

function isSame(wanted: ManifestInstance, sent: ManifestInstance): boolean {
  return (
    wanted.digest === sent.digest &&
    wanted.bytes === sent.bytes &&
    wanted.homeDigest === sent.homeDigest &&
    wanted.transferSyntaxUID === sent.transferSyntaxUID &&
    wanted.sopClassUID === sent.sopClassUID
  );
}
