/**
 * The transfer protocol, version 1: a study crosses the WAN as one HTTP/1.1 response.
 *
 *   GET  /transfer/v1/studies/{uid}/manifest?home=ODS   → Manifest, in the order of use
 *   POST /transfer/v1/studies/{uid}/instances?home=ODS  {sopInstanceUIDs?, codings?} → frame, frame, …
 *
 * A frame: 4 bytes big endian length, so much JSON, and for `instance` its data set: as it is, or with
 * `coding` in blocks (blocks.ts), which only a reader gets that named the coding. `error`: that instance can't
 * be read, the rest goes on. A response without its `end` frame was cut.
 */
import * as z from 'zod';
import { PatientSchema } from '../../shared/contract/events.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { TransferError } from './transfer-error.ts';

export const FRAMES_MEDIA_TYPE = 'application/vnd.cdip.frames';
/** No header is longer; a length above it means that this is no stream of frames. */
export const MAX_HEADER_BYTES = 64 * 1024;

const UID = z.string().min(1).max(128);
const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Bytes = z.int().nonnegative();

const InstanceFields = {
  sopInstanceUID: UID,
  sopClassUID: z.string().max(128),
  seriesInstanceUID: UID,
  transferSyntaxUID: UID,
  /** Of the data set. */
  bytes: Bytes,
  /** SHA-256 of the data set's bytes as they are sent. */
  digest: Digest,
  /** SHA-256 of the data set's bytes at the study's home; equals `digest` when the home sends. */
  homeDigest: Digest,
};

export const ManifestSchema = z.object({
  studyInstanceUID: UID,
  home: ODSCode,
  /** As the sender's index has it: whom the study belongs to there. */
  patient: PatientSchema,
  instances: z.array(z.object(InstanceFields)),
});

/** What is wanted, in the order in which it is wanted; absent: all that the ticket allows. */
export const WantedSchema = z.object({
  sopInstanceUIDs: z.array(UID).max(200_000).optional(),
  /** That the reader knows; absent: none, as of version 0.1. */
  codings: z.array(z.string().max(32)).max(32).default([]),
});

const FrameSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('instance'), ...InstanceFields, coding: z.string().optional() }),
  /** Of an instance that was not sent, or, when the disk failed under way, of the one just sent, which is void. */
  z.object({
    kind: z.literal('error'),
    sopInstanceUID: UID,
    code: z.string(),
    detail: z.string(),
    retry: z.enum(['safe', 'unsure', 'never']),
  }),
  z.object({ kind: z.literal('end'), sent: Bytes, failed: Bytes }),
]);

export type Manifest = z.output<typeof ManifestSchema>;
export type ManifestInstance = Manifest['instances'][number];
export type Frame = z.output<typeof FrameSchema>;

/** Length and JSON of a frame; an instance's bytes follow it. */
export function encodeFrame(frame: Frame): Buffer {
  const json = Buffer.from(JSON.stringify(frame), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json]);
}

/** Takes a byte stream apart again; reads no further than asked, so that back-pressure reaches the sender. */
export class FrameReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next frame. @throws TransferError `TRANSFER_CUT`, `TRANSFER_MALFORMED` */
  async next(): Promise<Frame> {
    const length = (await this.take(4)).readUInt32BE(0);
    if (length > MAX_HEADER_BYTES) throw malformed(`a frame header of ${length} bytes`);
    return parseFrame(await this.take(length));
  }

  /** Hands on exactly `bytes` bytes. @throws TransferError `TRANSFER_CUT` */
  async passOn(bytes: number, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
    let left = bytes;
    while (left > 0) {
      if (this.#rest.length === 0) await this.#read();
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      await take(chunk);
    }
  }

  /** The next so many bytes, in one. @throws TransferError `TRANSFER_CUT` */
  async take(bytes: number): Promise<Buffer> {
    if (this.#rest.length >= bytes) {
      const taken = this.#rest.subarray(0, bytes);
      this.#rest = this.#rest.subarray(bytes);
      return taken;
    }
    const parts: Buffer[] = [];
    await this.passOn(bytes, (chunk) => void parts.push(chunk));
    return Buffer.concat(parts);
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done) throw new TransferError('TRANSFER_CUT', 'the stream ended before its end frame');
    this.#rest = value;
  }
}

function parseFrame(json: Buffer): Frame {
  let raw: unknown;
  try {
    raw = JSON.parse(json.toString('utf8'));
  } catch (cause) {
    throw malformed('a frame header that is no JSON', cause);
  }
  const parsed = FrameSchema.safeParse(raw);
  if (!parsed.success) throw malformed('a frame header of another form', parsed.error);
  return parsed.data;
}

const malformed = (what: string, cause?: unknown): TransferError =>
  new TransferError('TRANSFER_MALFORMED', what, { cause });
