/**
 * RLE Lossless: byte planes, each packed by itself. PS3.5 Annex G.
 *
 *   64 bytes: number of segments, their offsets ─► segment = the most significant bytes of a sample first
 */
import { frameBytesOf, type ImagePixels, PixelError } from './image.ts';

const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

/** @returns little endian, pixel by pixel @throws PixelError `CODEC_FAILED` */
export function decodeRle(frame: Buffer, image: ImagePixels): Buffer {
  const { rows, columns, samplesPerPixel, bitsAllocated } = image;
  const bytesEach = bitsAllocated / 8;
  const segments = frame.length < HEADER_BYTES ? 0 : frame.readUInt32LE(0);
  if (segments !== samplesPerPixel * bytesEach || segments > MAX_SEGMENTS)
    throw new PixelError('CODEC_FAILED', `the RLE frame has ${segments} segments`);
  const pixels = rows * columns;
  const stride = samplesPerPixel * bytesEach;
  const native = Buffer.alloc(frameBytesOf(image));
  for (let segment = 0; segment < segments; segment += 1) {
    const start = frame.readUInt32LE(4 + 4 * segment);
    const next = segment + 1 < segments ? frame.readUInt32LE(8 + 4 * segment) : frame.length;
    const sample = Math.floor(segment / bytesEach);
    const significance = bytesEach - 1 - (segment % bytesEach);
    const first = sample * bytesEach + significance;
    unpack(frame.subarray(start, next), { into: native, first, stride, count: pixels });
  }
  return native;
}

interface Plane {
  readonly into: Buffer;
  readonly first: number;
  readonly stride: number;
  readonly count: number;
}

/** PackBits. PS3.5 §G.3.1; bytes behind the last pixel are padding. */
function unpack(packed: Buffer, plane: Plane): void {
  const { first, stride, count } = plane;
  const end = first + count * stride;
  let to = first;
  for (let at = 0; at < packed.length && to < end; ) {
    const control = packed.readInt8(at);
    // 0 to 127: so many bytes and one more follow; -1 to -127: the next one so often and once more.
    const length = control === -128 ? 0 : Math.abs(control) + 1;
    const bytes = control < 0 ? Math.min(1, length) : length;
    const from = packed.subarray(at + 1, at + 1 + bytes);
    if (from.length < bytes) break;
    put(from, length, { ...plane, first: to });
    to += Math.min(length * stride, end - to);
    at += 1 + bytes;
  }
  if (to < end) throw new PixelError('CODEC_FAILED', 'an RLE segment ends too early');
}

/** One byte again and again, or each once; not beyond the last pixel. */
function put(from: Buffer, length: number, { into, first, stride }: Plane): void {
  for (let i = 0, to = first; i < length && to < into.length; i += 1, to += stride)
    into[to] = from[from.length === 1 ? 0 : i] ?? 0;
}
