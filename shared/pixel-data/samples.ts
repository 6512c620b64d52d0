/** The samples of a frame as a codec gives them, brought into the form that the object says. */
import { type ImagePixels, PixelError } from './image.ts';

/** What a codec says of the frame that it decoded. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Significant bits of a sample. */
  readonly precision: number;
  /** Little endian, 8 or 16 bits a sample, pixel by pixel. A view of memory that is used again. */
  readonly samples: Uint8Array;
}

/** @throws PixelError `CODEC_FAILED` when it is another image than the object says */
export function asDescribed(decoded: Decoded, image: ImagePixels): Buffer {
  const { width, height, components, precision, samples } = decoded;
  const { rows, columns, samplesPerPixel, bitsAllocated, isSigned } = image;
  if (width !== columns || height !== rows || components !== samplesPerPixel)
    throw new PixelError(
      'CODEC_FAILED',
      `the frame is ${width} × ${height} × ${components}, not ${columns} × ${rows} × ${samplesPerPixel}`,
    );
  const count = rows * columns * samplesPerPixel;
  const bytesEach = precision > 8 ? 2 : 1;
  if (samples.length < count * bytesEach || precision > bitsAllocated)
    throw new PixelError('CODEC_FAILED', `the frame has ${precision} bits a sample`);
  const given = Buffer.from(samples.subarray(0, count * bytesEach));
  const wide = bytesEach === 1 && bitsAllocated === 16 ? widened(given) : given;
  if (isSigned && precision < bitsAllocated) extendSign(wide, precision, bitsAllocated);
  return wide;
}

function widened(bytes: Buffer): Buffer {
  const wide = Buffer.alloc(bytes.length * 2);
  for (let at = 0; at < bytes.length; at += 1) wide[2 * at] = bytes[at] ?? 0;
  return wide;
}

/** Codecs know samples of so many bits; two's complement of all the bits that are allocated is what readers expect. */
function extendSign(bytes: Buffer, precision: number, bitsAllocated: number): void {
  const shift = 32 - precision;
  if (bitsAllocated === 8)
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = ((bytes[at] ?? 0) << shift) >> shift;
  else
    for (let at = 0; at < bytes.length; at += 2)
      bytes.writeInt16LE((bytes.readUInt16LE(at) << shift) >> shift, at);
}

/** Plane by plane to pixel by pixel. */
export function interleaved(planes: Uint8Array, components: number, bytesEach: number): Buffer {
  const pixels = planes.length / components / bytesEach;
  const mixed = Buffer.alloc(planes.length);
  for (let component = 0; component < components; component += 1)
    for (let pixel = 0; pixel < pixels; pixel += 1)
      for (let byte = 0; byte < bytesEach; byte += 1)
        mixed[(pixel * components + component) * bytesEach + byte] =
          planes[(component * pixels + pixel) * bytesEach + byte] ?? 0;
  return mixed;
}
