/**
 * What becomes of each image of a data set in another transfer syntax: its pixels, and the attributes that
 * have to change with them. PS3.5 §8.2, PS3.3 C.7.6.3, C.7.6.1.1.5.
 */
import { padded } from '../../shared/dicom/encode-element.ts';
import {
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import { lossyMethodOf } from '../../shared/pixel-data/decode.ts';
import { encodeJpegLs, fitsJpegLs } from '../../shared/pixel-data/encode-jpeg-ls.ts';
import { frameBytesOf, type ImagePixels, PixelError } from '../../shared/pixel-data/image.ts';
import type { Codecs } from '../../shared/pixel-data/wasm.ts';
import type { ByteSource } from './byte-source.ts';
import { decodedFrames, nativeFrames, type ReadDecoded } from './pixel-reader.ts';
import {
  type Attributes,
  DATA_SET,
  type ImageFound,
  ImageTag,
  imagePixelsOf,
  isEncapsulated,
} from './survey.ts';

export const JPEG_LS_LOSSLESS = '1.2.840.10008.1.2.4.80';
/** A length of 32 bits, and FFFFFFFF means something else. PS3.5 §7.1.1. */
const MAX_VALUE_BYTES = 0xffff_fffe;

/** An element that takes the place of the one with its tag; null: it goes. */
export interface NewElement {
  readonly vr: string;
  readonly value: Buffer;
}
export type Changes = Map<number, NewElement | null>;

export interface ImagePlan {
  readonly changes: Changes;
  /** Undefined: the pixels are copied as they are. */
  readonly pixels: PlannedPixels | undefined;
}

export interface PlannedPixels {
  readonly image: ImagePixels;
  /** Of one frame each; native: little endian, pixel by pixel. */
  readonly frame: (at: number) => Buffer;
  readonly form: 'native' | 'encapsulated';
}

export interface Conversion {
  readonly source: ByteSource;
  readonly from: string;
  readonly to: string;
  readonly codecs: Codecs;
}

export const isNativeSyntax = (transferSyntaxUID: string): boolean =>
  transferSyntaxUID === EXPLICIT_VR_LITTLE_ENDIAN ||
  transferSyntaxUID === IMPLICIT_VR_LITTLE_ENDIAN;

/** @returns by item @throws PixelError */
export function planOf(
  images: ReadonlyMap<number, ImageFound>,
  conversion: Conversion,
): Map<number, ImagePlan> {
  const plans = new Map<number, ImagePlan>();
  for (const [item, found] of images) {
    const plan = planOfImage(found, item, conversion);
    if (plan !== undefined) plans.set(item, plan);
  }
  if (conversion.to === JPEG_LS_LOSSLESS && plans.get(DATA_SET)?.pixels === undefined)
    throw new PixelError('CODEC_UNSUPPORTED', 'JPEG-LS takes no such pixels');
  return plans;
}

function planOfImage(
  { attributes, pixels }: ImageFound,
  item: number,
  conversion: Conversion,
): ImagePlan | undefined {
  if (pixels === undefined) return undefined;
  const { source, from, to, codecs } = conversion;
  if (isEncapsulated(pixels)) {
    if (!isNativeSyntax(to)) throw new PixelError('CODEC_UNSUPPORTED', 'it is compressed already');
    const image = imagePixelsOf(attributes);
    const read = decodedFrames({ source, pixels, image }, from, { attributes, codecs });
    return decoding({ attributes, image, read, isWhole: item === DATA_SET }, conversion);
  }
  // The pixels of an icon may stay native in every transfer syntax. PS3.5 §A.4.
  if (to !== JPEG_LS_LOSSLESS || item !== DATA_SET) return undefined;
  const image = imagePixelsOf(attributes);
  if (!fitsJpegLs(image)) return undefined;
  const native = nativeFrames({ source, pixels, image });
  const changes: Changes = new Map();
  if (image.isPlanar) changes.set(ImageTag.PlanarConfiguration, unsignedShort(0));
  const frame = (at: number): Buffer => encodeJpegLs(native(at), { image, codecs });
  return { changes, pixels: { image, frame, form: 'encapsulated' } };
}

interface Decoding {
  readonly attributes: Attributes;
  readonly image: ImagePixels;
  readonly read: ReadDecoded;
  /** Not an icon. */
  readonly isWhole: boolean;
}

function decoding(
  { attributes, image, read, isWhole }: Decoding,
  conversion: Conversion,
): ImagePlan {
  if (frameBytesOf(image) * image.frames > MAX_VALUE_BYTES)
    throw new PixelError('CODEC_UNSUPPORTED', 'decompressed it is longer than an element can be');
  const first = read(0);
  const changes: Changes = new Map([
    [ImageTag.ExtendedOffsetTable, null],
    [ImageTag.ExtendedOffsetTableLengths, null],
  ]);
  const { photometricInterpretation } = first;
  if (photometricInterpretation !== image.photometricInterpretation)
    changes.set(ImageTag.PhotometricInterpretation, codeString(photometricInterpretation));
  if (image.samplesPerPixel > 1) changes.set(ImageTag.PlanarConfiguration, unsignedShort(0));
  if (first.isLossy && isWhole) markLossy(changes, attributes, { image, conversion });
  // The first is asked for twice in a row.
  const frame = (at: number): Buffer => (at === 0 ? first.bytes : read(at).bytes);
  return { changes, pixels: { image, frame, form: 'native' } };
}

/** Once lossy, always lossy: it can't be seen from the pixels any more. PS3.3 C.7.6.1.1.5. */
function markLossy(
  changes: Changes,
  attributes: Attributes,
  { image, conversion }: { image: ImagePixels; conversion: Conversion },
): void {
  if (attributes.text(ImageTag.LossyImageCompression) === '01') return;
  const ratio = (frameBytesOf(image) * image.frames) / Math.max(1, conversion.source.length);
  changes.set(ImageTag.LossyImageCompression, codeString('01'));
  changes.set(ImageTag.LossyImageCompressionRatio, {
    vr: 'DS',
    value: padded(Buffer.from(Math.max(1, ratio).toFixed(2), 'latin1')),
  });
  const method = lossyMethodOf(conversion.from);
  if (method !== undefined) changes.set(ImageTag.LossyImageCompressionMethod, codeString(method));
}

const codeString = (text: string): NewElement => ({
  vr: 'CS',
  value: padded(Buffer.from(text, 'latin1')),
});

function unsignedShort(value: number): NewElement {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return { vr: 'US', value: bytes };
}
