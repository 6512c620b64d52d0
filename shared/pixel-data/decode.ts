/**
 * A compressed frame as native pixels. PS3.5 §8.2, Annex A.4.
 *
 *   transfer syntax ─► codec ─► asDescribed: the form that Image Pixel says ─► NativeFrame
 *
 * Colours: JPEG and JPEG 2000 with a colour transform of their own give RGB; all else stays what it is.
 */
import { inflateRawSync } from 'node:zlib';
import { frameBytesOf, type ImagePixels, type NativeFrame, PixelError } from './image.ts';
import { hasEnd, isYCbCr, type JpegHead, readJpegHead, withColours } from './jpeg-stream.ts';
import { decodeRle } from './rle.ts';
import { asDescribed, interleaved } from './samples.ts';
import type { Codecs, FrameDecoder, J2kDecoder } from './wasm.ts';

export interface DecodedFrame extends NativeFrame {
  /** The way it was compressed lost something. */
  readonly isLossy: boolean;
}

type Decode = (frame: Buffer, image: ImagePixels, codecs: Codecs) => DecodedFrame;

const JPEG = '1.2.840.10008.1.2.4';
/** SOF3. */
const LOSSLESS_PROCESS = 0xc3;

const DECODERS: Readonly<Record<string, Decode>> = {
  [`${JPEG}.50`]: decodeJpeg,
  [`${JPEG}.51`]: decodeJpeg,
  [`${JPEG}.53`]: decodeJpeg,
  [`${JPEG}.55`]: decodeJpeg,
  [`${JPEG}.57`]: decodeJpeg,
  [`${JPEG}.70`]: decodeJpeg,
  [`${JPEG}.80`]: decodeJpegLs,
  [`${JPEG}.81`]: decodeJpegLs,
  [`${JPEG}.90`]: (frame, image, codecs) => decodeJ2k(frame, image, codecs.j2kDecoder()),
  [`${JPEG}.91`]: (frame, image, codecs) => decodeJ2k(frame, image, codecs.j2kDecoder()),
  [`${JPEG}.201`]: (frame, image, codecs) => decodeJ2k(frame, image, codecs.htj2kDecoder()),
  [`${JPEG}.202`]: (frame, image, codecs) => decodeJ2k(frame, image, codecs.htj2kDecoder()),
  [`${JPEG}.203`]: (frame, image, codecs) => decodeJ2k(frame, image, codecs.htj2kDecoder()),
  '1.2.840.10008.1.2.5': (frame, image) => unchanged(decodeRle(frame, bytewise(image)), image),
  // Deflated Image Frame Compression.
  '1.2.840.10008.1.2.8.1': (frame, image) =>
    unchanged(inflateRawSync(frame, { maxOutputLength: frameBytesOf(image) + 1 }), image),
};

/** Lossy Image Compression Method, (0028,2114), of the syntaxes that may lose something. PS3.3 C.7.6.1.1.5.1. */
const METHODS: Readonly<Record<string, string>> = {
  [`${JPEG}.50`]: 'ISO_10918_1',
  [`${JPEG}.51`]: 'ISO_10918_1',
  [`${JPEG}.53`]: 'ISO_10918_1',
  [`${JPEG}.55`]: 'ISO_10918_1',
  // Mislabelled ones: what stands in the stream counts.
  [`${JPEG}.57`]: 'ISO_10918_1',
  [`${JPEG}.70`]: 'ISO_10918_1',
  [`${JPEG}.81`]: 'ISO_14495_1',
  [`${JPEG}.91`]: 'ISO_15444_1',
  [`${JPEG}.203`]: 'ISO_15444_15',
};

export const lossyMethodOf = (transferSyntaxUID: string): string | undefined =>
  METHODS[transferSyntaxUID];

export const canDecode = (transferSyntaxUID: string): boolean =>
  Object.hasOwn(DECODERS, transferSyntaxUID);

/** @throws PixelError */
export function decodeFrame(
  transferSyntaxUID: string,
  frame: Buffer,
  { image, codecs }: { readonly image: ImagePixels; readonly codecs: Codecs },
): DecodedFrame {
  const decode = DECODERS[transferSyntaxUID];
  if (decode === undefined)
    throw new PixelError('CODEC_UNSUPPORTED', `no codec for ${transferSyntaxUID}`);
  if (image.bitsAllocated !== 8 && image.bitsAllocated !== 16 && !isBytewise(transferSyntaxUID))
    throw new PixelError('CODEC_UNSUPPORTED', `${image.bitsAllocated} bits allocated`);
  let decoded: DecodedFrame;
  try {
    decoded = decode(frame, image, codecs);
  } catch (cause) {
    if (cause instanceof PixelError) throw cause;
    // Codecs throw numbers, strings and errors of their own.
    throw new PixelError('CODEC_FAILED', 'the compressed frame can not be decoded', { cause });
  }
  if (decoded.bytes.length !== frameBytesOf(image))
    throw new PixelError('CODEC_FAILED', `the frame has ${decoded.bytes.length} bytes`);
  return decoded;
}

const isBytewise = (transferSyntaxUID: string): boolean =>
  transferSyntaxUID === '1.2.840.10008.1.2.5' || transferSyntaxUID === '1.2.840.10008.1.2.8.1';

/** Eight pixels of one bit are a byte. PS3.5 §8.1.1. */
function bytewise(image: ImagePixels): ImagePixels {
  const pixels = image.rows * image.columns;
  if (image.bitsAllocated !== 1 || pixels % 8 !== 0) return image;
  return { ...image, rows: 1, columns: pixels / 8, bitsAllocated: 8 };
}

function unchanged(bytes: Buffer, image: ImagePixels): DecodedFrame {
  const { photometricInterpretation } = image;
  // Each pixel has its own colour now.
  const isHalved = photometricInterpretation === 'YBR_FULL_422';
  return {
    ...{ bytes, isLossy: false },
    photometricInterpretation: isHalved ? 'YBR_FULL' : photometricInterpretation,
  };
}

/** By what the stream is, which is not always what the transfer syntax says. */
function decodeJpeg(frame: Buffer, image: ImagePixels, codecs: Codecs): DecodedFrame {
  const head = readJpegHead(frame);
  if (head.process === LOSSLESS_PROCESS) {
    if (!hasEnd(frame)) throw new PixelError('CODEC_FAILED', 'the JPEG stream is cut short');
    const { info, samples } = codecs.decodeJpegLossless(frame);
    return unchanged(asDescribed({ ...shapeOf(info), samples }, image), image);
  }
  return decodeLossyJpeg(head, frame, { image, codecs });
}

function decodeLossyJpeg(
  head: JpegHead,
  frame: Buffer,
  { image, codecs }: { readonly image: ImagePixels; readonly codecs: Codecs },
): DecodedFrame {
  if (head.precision !== 8)
    throw new PixelError('CODEC_UNSUPPORTED', `JPEG of ${head.precision} bits`);
  const isColour = head.components === 3;
  const convert = isYCbCr(head, image.photometricInterpretation);
  const stream = isColour ? withColours(frame, convert) : frame;
  const bytes = run(codecs.jpegDecoder(), { frame: stream, image }, (decoder) => ({
    ...decoder.getFrameInfo(),
    samples: decoder.getDecodedBuffer(),
  }));
  const photometricInterpretation = isColour ? 'RGB' : image.photometricInterpretation;
  return { bytes, photometricInterpretation, isLossy: true };
}

function decodeJpegLs(frame: Buffer, image: ImagePixels, codecs: Codecs): DecodedFrame {
  let isLossy = false;
  const bytes = run(codecs.jpegLsDecoder(), { frame, image }, (decoder) => {
    const info = decoder.getFrameInfo();
    isLossy = decoder.getNearLossless() > 0;
    const { componentCount, bitsPerSample } = info;
    const given = decoder.getDecodedBuffer();
    const isPlanar = componentCount > 1 && decoder.getInterleaveMode() === 0;
    const bytesEach = bitsPerSample > 8 ? 2 : 1;
    return { ...info, samples: isPlanar ? interleaved(given, componentCount, bytesEach) : given };
  });
  return { ...unchanged(bytes, image), isLossy };
}

function decodeJ2k(frame: Buffer, image: ImagePixels, codec: J2kDecoder): DecodedFrame {
  let isLossy = false;
  const bytes = run(codec, { frame, image }, (decoder) => {
    isLossy = !decoder.getIsReversible();
    return { ...decoder.getFrameInfo(), samples: decoder.getDecodedBuffer() };
  });
  // The codec undoes its own colour transform. PS3.5 §8.2.4.
  const wasTransformed = /^YBR_(RCT|ICT)$/.test(image.photometricInterpretation);
  const photometricInterpretation = wasTransformed ? 'RGB' : image.photometricInterpretation;
  return { bytes, photometricInterpretation, isLossy };
}

interface Shape {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
}

const shapeOf = ({
  width,
  height,
  bitsPerSample: precision,
  componentCount: components,
}: Shape) => ({
  width,
  height,
  precision,
  components,
});

/** Decodes, and copies before the codec's memory is freed. */
function run<D extends FrameDecoder>(
  decoder: D,
  { frame, image }: { readonly frame: Buffer; readonly image: ImagePixels },
  read: (decoder: D) => Shape & { readonly samples: Uint8Array },
): Buffer {
  try {
    decoder.getEncodedBuffer(frame.length).set(frame);
    decoder.decode();
    const given = read(decoder);
    return asDescribed({ ...shapeOf(given), samples: given.samples }, image);
  } finally {
    decoder.delete();
  }
}
