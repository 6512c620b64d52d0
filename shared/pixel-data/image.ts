/**
 * What the Image Pixel module says of the pixels of one image, and what is done when it can't be followed.
 * PS3.3 C.7.6.3.
 */
import { GatewayError, type Retry } from '../errors.ts';

export interface ImagePixels {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  /** PixelRepresentation: two's complement. */
  readonly isSigned: boolean;
  readonly photometricInterpretation: string;
  /** PlanarConfiguration 1: plane by plane. */
  readonly isPlanar: boolean;
  readonly frames: number;
}

/** A frame as native pixels: little endian, pixel by pixel. */
export interface NativeFrame {
  readonly bytes: Buffer;
  /** What the pixels are now. */
  readonly photometricInterpretation: string;
}

export type PixelErrorCode =
  /** No codec here reads or writes this form. */
  | 'CODEC_UNSUPPORTED'
  /** The compressed frame is broken, or is another image than the object says. */
  | 'CODEC_FAILED'
  /** It does not show which bytes are which frame. */
  | 'FRAMES_UNCLEAR'
  /** The attributes of the image are absent or contradict each other. */
  | 'IMAGE_UNCLEAR'
  /** What was compressed is not the same when it is decompressed. */
  | 'CODEC_NOT_EXACT';

export class PixelError extends GatewayError {
  override readonly name = 'PixelError';
  readonly code: PixelErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: PixelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function frameBytesOf(image: ImagePixels): number {
  return image.rows * image.columns * image.samplesPerPixel * (image.bitsAllocated / 8);
}
