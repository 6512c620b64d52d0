/**
 * The sending side of a transfer: a study's instances as one stream of frames.
 *
 *   index, spool ─► pieces of a file ─► blocks ─► coded, some ahead ─► frames ─► HTTP response
 *
 * A few blocks are read and coded while the one before is sent; nothing is read for a reader that is behind.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { BLOCK_CODING, type BlockMethod, encodeBlock } from './blocks.ts';
import type { CodingChoice } from './coding-choice.ts';
import { BLOCK_BYTES, BlockCutter } from './cut-blocks.ts';
import { described, type ServedStudy } from './manifest.ts';
import { isNativeLittleEndian } from './pixel-region.ts';
import { encodeFrame } from './protocol.ts';

/** A file of so much is read at once. */
const PIECE_BYTES = BLOCK_BYTES + BLOCK_BYTES / 4;
/** So many blocks are coded ahead. */
const AHEAD = 4;

export interface ServeParts {
  readonly spool: Spool;
  readonly index: EdgeIndex;
}

/** What became of a served stream. */
export interface ServedCounts {
  sent: number;
  failed: number;
  /** Of data sets. */
  bytes: number;
  /** Of the response, by what was done to them. */
  readonly wireBytes: Record<BlockMethod, number>;
}

export const noneServed = (): ServedCounts => ({
  ...{ sent: 0, failed: 0, bytes: 0 },
  wireBytes: { raw: 0, zstd: 0, predicted: 0 },
});

export interface Serving {
  readonly study: ServedStudy;
  /** SOP Instance UIDs, in the order in which they are sent; absent: all. */
  readonly wanted: readonly string[] | undefined;
  /** Codings that the reader knows. */
  readonly codings: readonly string[];
  /** Of the way to the reader. */
  readonly choice: CodingChoice;
  /** Asked before so many bytes are sent. */
  readonly admit: (bytes: number) => Promise<void> | undefined;
  /** Kept up to date while the stream is read. */
  readonly counts: ServedCounts;
}

/** The frames of a study's instances. */
export function instanceFrames(parts: ServeParts, serving: Serving): Readable {
  return Readable.from(new Sending(parts, serving).frames(), {
    objectMode: false,
    highWaterMark: 256 * 1024,
  });
}

/** Bytes of the response that are on their way. */
interface Part {
  readonly method: BlockMethod;
  readonly bytes: Promise<Buffer[]>;
  /** Of data sets. */
  readonly dataSetBytes: number;
  /** Runs when they are sent. */
  readonly sent?: () => void;
}

class Sending {
  readonly #spool: Spool;
  readonly #serving: Serving;
  readonly #held: ReadonlyMap<string, StoredInstance>;

  constructor({ spool, index }: ServeParts, serving: Serving) {
    this.#spool = spool;
    this.#serving = serving;
    this.#held = new Map(
      index.instancesOf(serving.study).map((instance) => [instance.sopInstanceUID, instance]),
    );
  }

  async *frames(): AsyncGenerator<Buffer> {
    const end = this.#serving.choice.begin();
    try {
      yield* this.#allFrames();
    } finally {
      end();
    }
  }

  async *#allFrames(): AsyncGenerator<Buffer> {
    const ahead: Part[] = [];
    for await (const part of this.#parts()) {
      // One that fails is met when its turn comes.
      part.bytes.catch(() => {});
      ahead.push(part);
      if (ahead.length >= AHEAD) yield* this.#send(ahead.shift() as Part);
    }
    for (const part of ahead) yield* this.#send(part);
    const { sent, failed } = this.#serving.counts;
    yield encodeFrame({ kind: 'end', sent, failed });
  }

  async *#send({ bytes, method, dataSetBytes, sent }: Part): AsyncGenerator<Buffer> {
    const { counts, admit, choice } = this.#serving;
    for (const chunk of await bytes) {
      await admit(chunk.length);
      counts.wireBytes[method] += chunk.length;
      yield chunk;
    }
    counts.bytes += dataSetBytes;
    choice.count(dataSetBytes);
    sent?.();
  }

  async *#parts(): AsyncGenerator<Part> {
    const wanted = this.#serving.wanted ?? this.#held.keys();
    for (const uid of new Set(wanted)) {
      const instance = this.#held.get(uid);
      if (instance === undefined) yield this.#failed(uid, NOT_HELD);
      else yield* this.#instance(instance);
    }
  }

  #failed(sopInstanceUID: string, fault: FrameFault): Part {
    return framePart(encodeFrame({ kind: 'error', sopInstanceUID, ...fault }), () => {
      this.#serving.counts.failed += 1;
    });
  }

  async *#instance(instance: StoredInstance): AsyncGenerator<Part> {
    const { sopInstanceUID, dataSetBytes, dataSetOffset, path } = instance;
    let file: FileHandle | undefined;
    let first: Buffer;
    const range = { at: dataSetOffset, end: dataSetOffset + dataSetBytes };
    try {
      file = await open(this.#spool.absolute(path), 'r');
      first = await readPiece(file, range);
    } catch (error) {
      await file?.close();
      yield this.#failed(sopInstanceUID, faultOf(error));
      return;
    }
    try {
      yield* this.#announced(instance, piecesOf(file, { ...range, first }));
    } finally {
      await file.close();
    }
  }

  /** What was announced has to come: what can't be read is filled with zeros, and declared void. */
  async *#announced(instance: StoredInstance, pieces: AsyncIterable<Buffer>): AsyncGenerator<Part> {
    const { counts, codings } = this.#serving;
    const isCoded =
      codings.includes(BLOCK_CODING) && isNativeLittleEndian(instance.transferSyntaxUID);
    const coding = isCoded ? { coding: BLOCK_CODING } : {};
    yield framePart(encodeFrame({ kind: 'instance', ...described(instance), ...coding }));
    const write = isCoded ? this.#coder(instance) : asItIs;
    let left = instance.dataSetBytes;
    let fault: FrameFault | undefined;
    try {
      for await (const piece of pieces) {
        left -= piece.length;
        yield* write(piece);
      }
    } catch (error) {
      fault = faultOf(error);
    }
    while (left > 0) {
      const fill = Buffer.alloc(Math.min(left, PIECE_BYTES));
      left -= fill.length;
      yield* write(fill);
    }
    if (fault !== undefined) yield this.#failed(instance.sopInstanceUID, fault);
    else
      yield framePart(Buffer.alloc(0), () => {
        counts.sent += 1;
      });
  }

  #coder(instance: StoredInstance): (piece: Buffer) => Generator<Part> {
    const cutter = new BlockCutter(instance.transferSyntaxUID, instance.dataSetBytes);
    const { choice } = this.#serving;
    return function* (piece) {
      for (const block of cutter.push(piece)) {
        const isTried = choice.isCoding;
        const coded = encodeBlock(block, isTried);
        yield {
          method: !isTried ? 'raw' : block.samples === undefined ? 'zstd' : 'predicted',
          bytes: coded.then(({ header, code }) => [header, code]),
          dataSetBytes: block.bytes.length,
        };
      }
    };
  }
}

function* asItIs(piece: Buffer): Generator<Part> {
  yield { method: 'raw', bytes: Promise.resolve([piece]), dataSetBytes: piece.length };
}

function framePart(frame: Buffer, sent?: () => void): Part {
  const part = { method: 'raw', bytes: Promise.resolve([frame]), dataSetBytes: 0 } as const;
  return sent === undefined ? part : { ...part, sent };
}

async function* piecesOf(
  file: FileHandle,
  { at, end, first }: { at: number; end: number; first: Buffer },
): AsyncGenerator<Buffer> {
  yield first;
  for (let next = at + first.length; next < end; ) {
    const piece = await readPiece(file, { at: next, end });
    next += piece.length;
    yield piece;
  }
}

/** @throws `SPOOL_CORRUPT` where the file ends before it should */
async function readPiece(
  file: FileHandle,
  { at, end }: { at: number; end: number },
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.min(end - at, PIECE_BYTES));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
  if (bytesRead < bytes.length) throw Object.assign(new Error('cut short'), CUT_SHORT);
  return bytes;
}

interface FrameFault {
  readonly code: string;
  readonly detail: string;
  readonly retry: 'safe' | 'never';
}

const NOT_HELD: FrameFault = {
  code: 'INSTANCE_NOT_HELD',
  detail: 'the source does not hold this instance in the study',
  retry: 'never',
};
const CUT_SHORT: FrameFault = {
  code: 'SPOOL_CORRUPT',
  detail: "the source's file is shorter than it was",
  retry: 'never',
};

function faultOf(error: unknown): FrameFault {
  const code = codeOf(error);
  if (code === 'ENOENT')
    return { code: 'SPOOL_MISSING', detail: "the source's file is gone", retry: 'never' };
  if (code === 'SPOOL_CORRUPT') return CUT_SHORT;
  return { code: 'SPOOL_IO', detail: `the source's disk failed: ${code}`, retry: 'safe' };
}
