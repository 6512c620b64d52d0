/**
 * The codecs of cornerstonejs as this project uses them: CharLS, OpenJPEG, OpenJPH, libjpeg-turbo, compiled to
 * WebAssembly, and a JPEG Lossless decoder in JavaScript. They have no types of their own.
 *
 * After a trap a module answers nothing right any more: whoever uses one throws its thread away then.
 */
import { createRequire } from 'node:module';

interface FrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
  readonly isSigned?: boolean;
}

/** A class of a module's; `delete` frees its part of the heap, which never shrinks. */
interface Codec {
  delete(): void;
}

export interface FrameDecoder extends Codec {
  /** Where the compressed frame is to be written. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  getFrameInfo(): FrameInfo;
  getDecodedBuffer(): Uint8Array;
}

export interface JpegLsDecoder extends FrameDecoder {
  /** 0: plane by plane. ISO 14495-1 C.2.3. */
  getInterleaveMode(): number;
  getNearLossless(): number;
}

export interface J2kDecoder extends FrameDecoder {
  getIsReversible(): boolean;
}

export interface JpegLsEncoder extends Codec {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  setNearLossless(near: number): void;
  setInterleaveMode(mode: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
}

export interface J2kEncoder extends Codec {
  getDecodedBuffer(info: FrameInfo): Uint8Array;
  /** Reversible; the ratio counts where it is not. */
  setQuality(isLossless: boolean, ratio: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
}

export interface Codecs {
  readonly jpegLsDecoder: () => JpegLsDecoder;
  readonly jpegLsEncoder: () => JpegLsEncoder;
  readonly j2kDecoder: () => J2kDecoder;
  readonly j2kEncoder: () => J2kEncoder;
  readonly htj2kDecoder: () => J2kDecoder;
  readonly jpegDecoder: () => FrameDecoder;
  readonly decodeJpegLossless: (frame: Buffer) => JpegLosslessFrame;
}

export interface JpegLosslessFrame {
  readonly info: FrameInfo;
  readonly samples: Uint8Array;
}

type Factory = (options: object) => Promise<Record<string, new () => never>>;

interface LosslessDecoder {
  decompress(buffer: ArrayBufferLike, offset: number, length: number): ArrayBuffer;
  readonly frame: {
    readonly dimX: number;
    readonly dimY: number;
    readonly precision: number;
    readonly numComp: number;
  };
}

const require = createRequire(import.meta.url);

/** Some print what they do; nothing but log lines belongs on stdout. */
const QUIET = { print: () => {}, printErr: () => {} };

/** Takes 30 ms a module and thread. */
export async function openCodecs(): Promise<Codecs> {
  const open = (name: string): Promise<Record<string, new () => never>> =>
    (require(`@cornerstonejs/${name}/wasmjs`) as Factory)({ ...QUIET });
  const [charls, openjpeg, openjph, jpeg] = await Promise.all([
    open('codec-charls'),
    open('codec-openjpeg'),
    open('codec-openjph'),
    open('codec-libjpeg-turbo-8bit'),
  ]);
  const make =
    <T>(module: Record<string, new () => never> | undefined, name: string) =>
    (): T => {
      const Class = module?.[name];
      if (Class === undefined) throw new Error(`the codec has no ${name}`);
      return new Class();
    };
  return {
    jpegLsDecoder: make(charls, 'JpegLSDecoder'),
    jpegLsEncoder: make(charls, 'JpegLSEncoder'),
    j2kDecoder: make(openjpeg, 'J2KDecoder'),
    j2kEncoder: make(openjpeg, 'J2KEncoder'),
    htj2kDecoder: make(openjph, 'HTJ2KDecoder'),
    jpegDecoder: make(jpeg, 'JPEGDecoder'),
    decodeJpegLossless,
  };
}

function decodeJpegLossless(frame: Buffer): JpegLosslessFrame {
  const { Decoder } = require('jpeg-lossless-decoder-js') as { Decoder: new () => LosslessDecoder };
  const decoder = new Decoder();
  const { buffer, byteOffset, length } = frame;
  const samples = new Uint8Array(decoder.decompress(buffer, byteOffset, length));
  const { dimX: width, dimY: height, precision, numComp } = decoder.frame;
  return {
    info: { width, height, bitsPerSample: precision, componentCount: numComp },
    samples,
  };
}
