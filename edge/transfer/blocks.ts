/**
 * The transport coding of an instance, "blocks-1": its data set as blocks, each coded by itself.
 *
 *   0 method: 0 raw, 1 zstd, 2 predicted and zstd · 1 bytes of a sample · 2 distance · 3 signed
 *   4 samples of a row · 8 length · 12 length as coded · 16 where samples begin · 20 their length
 *
 * All numbers little endian; so much code follows, until the lengths add up to the instance's. What a block
 * holds is checked by the instance's digest alone. A block that does not shrink goes as it is.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { BLOCK_BYTES, type CutBlock } from './cut-blocks.ts';
import { predict, restore, type SampleShape } from './predict.ts';
import { TransferError } from './transfer-error.ts';

export const BLOCK_CODING = 'blocks-1';
export const BLOCK_HEADER_BYTES = 24;
/** Less has to be won, else it is not worth the other end's time. */
const WORTH = 0.95;
/** Nothing longer is a block. */
const MAX_BLOCK_BYTES = 16 * BLOCK_BYTES;
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 };
/** Differences repeat by chance: looking for that in a table of 256 places costs half the time of the usual one. */
const LEVEL_OF_DIFFERENCES = { ...LEVEL, [constants.ZSTD_c_hashLog]: 8 };

const [compress, decompress] = [promisify(zstdCompress), promisify(zstdDecompress)];

export type BlockMethod = 'raw' | 'zstd' | 'predicted';
const METHODS: readonly BlockMethod[] = ['raw', 'zstd', 'predicted'];

export interface CodedBlock {
  readonly method: BlockMethod;
  readonly header: Buffer;
  readonly code: Buffer;
}

/** What the header of a block says. */
export interface BlockHeader {
  readonly method: BlockMethod;
  readonly bytes: number;
  readonly codeBytes: number;
  readonly samples: Required<CutBlock>['samples'];
}

/** Of the block before: the share of its length that its code needs, and a quarter of that. */
let lastShare = 1;

/** @param isTried false: as it is */
export async function encodeBlock(block: CutBlock, isTried: boolean): Promise<CodedBlock> {
  const { bytes, samples } = block;
  if (!isTried) return coded('raw', block, bytes);
  const scratch = samples === undefined ? undefined : takeScratch(bytes.length);
  if (samples !== undefined) predicted(bytes, samples, scratch as Buffer);
  // One output buffer, if the block is like the one before: each that is full would cost a turn of the threads, and
  // what is too large is garbage that costs a collection.
  const sized = {
    params: samples === undefined ? LEVEL : LEVEL_OF_DIFFERENCES,
    chunkSize: Math.min(bytes.length, Math.ceil(bytes.length * lastShare)) + 1_024,
  };
  const code = await compress(scratch?.subarray(0, bytes.length) ?? bytes, sized);
  if (scratch !== undefined) scratches.push(scratch);
  lastShare = (code.length / bytes.length) * 1.25;
  if (code.length > bytes.length * WORTH) return coded('raw', block, bytes);
  return coded(samples === undefined ? 'zstd' : 'predicted', block, code);
}

/** @throws TransferError `TRANSFER_MALFORMED` for what is no header of ours */
export function decodeBlockHeader(header: Buffer): BlockHeader {
  const method = METHODS[header.readUInt8(0)];
  const shape = shapeOf(header);
  const bytes = header.readUInt32LE(8);
  const codeBytes = header.readUInt32LE(12);
  const samples = { from: header.readUInt32LE(16), bytes: header.readUInt32LE(20), shape };
  const isSound =
    bytes > 0 &&
    bytes <= MAX_BLOCK_BYTES &&
    codeBytes <= bytes &&
    samples.from + samples.bytes <= bytes &&
    samples.bytes % shape.sampleBytes === 0;
  if (method === undefined || !isSound)
    throw new TransferError('TRANSFER_MALFORMED', 'a block header of another form');
  return { method, bytes, codeBytes, samples };
}

/** @returns the bytes of the data set; undefined when the code is damaged */
export async function decodeBlock(header: BlockHeader, code: Buffer): Promise<Buffer | undefined> {
  const { method, bytes, samples } = header;
  if (method === 'raw') return code.length === bytes ? code : undefined;
  const sized = { maxOutputLength: bytes, chunkSize: Math.max(1_024, bytes) };
  const whole = await decompress(code, sized).catch(() => undefined);
  if (whole?.length !== bytes) return undefined;
  if (method === 'zstd') return whole;
  const { from, shape } = samples;
  const differences = whole.subarray(from, from + samples.bytes);
  const scratch = takeScratch(samples.bytes);
  const restored = scratch.subarray(0, samples.bytes);
  restore(differences, shape, restored);
  differences.set(restored);
  scratches.push(scratch);
  return whole;
}

function predicted(
  bytes: Buffer,
  { from, bytes: length, shape }: Required<CutBlock>['samples'],
  out: Buffer,
): void {
  bytes.copy(out, 0, 0, from);
  predict(bytes.subarray(from, from + length), shape, out.subarray(from, from + length));
  bytes.copy(out, from + length, from + length);
}

/** Buffers that are used again: garbage of their size costs more than what is done in them. */
const scratches: Buffer[] = [];

function takeScratch(bytes: number): Buffer {
  const scratch = scratches.pop();
  if (scratch !== undefined && scratch.length >= bytes) return scratch;
  return Buffer.allocUnsafeSlow(Math.max(bytes, BLOCK_BYTES + BLOCK_BYTES / 4));
}

function coded(method: BlockMethod, { bytes, samples }: CutBlock, code: Buffer): CodedBlock {
  const header = Buffer.alloc(BLOCK_HEADER_BYTES);
  header.writeUInt8(METHODS.indexOf(method), 0);
  header.writeUInt8(samples?.shape.sampleBytes ?? 1, 1);
  header.writeUInt8(samples?.shape.distance ?? 1, 2);
  header.writeUInt8(samples?.shape.isSigned ? 1 : 0, 3);
  header.writeUInt32LE(samples?.shape.rowSamples ?? 1, 4);
  header.writeUInt32LE(bytes.length, 8);
  header.writeUInt32LE(code.length, 12);
  header.writeUInt32LE(samples?.from ?? 0, 16);
  header.writeUInt32LE(samples?.bytes ?? 0, 20);
  return { method, header, code };
}

function shapeOf(header: Buffer): SampleShape {
  return {
    sampleBytes: header.readUInt8(1) === 2 ? 2 : 1,
    distance: Math.max(1, header.readUInt8(2)),
    isSigned: header.readUInt8(3) === 1,
    rowSamples: Math.max(1, header.readUInt32LE(4)),
  };
}
