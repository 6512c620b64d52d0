/**
 * Every image of a data set, its own and those in items (icons): what describes it, and where its pixels are.
 *
 *   bytes ─► ElementReader ─► here ─► ImageFound by item, up to the data set's own Pixel Data
 */
import {
  type ElementHeader,
  ElementReader,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { Encoding } from '../../shared/dicom/transfer-syntax.ts';
import { type ImagePixels, PixelError } from '../../shared/pixel-data/image.ts';
import type { ByteSource } from './byte-source.ts';

const READ_BYTES = 262_144;
/** Attributes are short; what is longer is none of them. */
const MAX_VALUE_BYTES = 65_536;

export const ImageTag = {
  SamplesPerPixel: 0x0028_0002,
  PhotometricInterpretation: 0x0028_0004,
  PlanarConfiguration: 0x0028_0006,
  NumberOfFrames: 0x0028_0008,
  Rows: 0x0028_0010,
  Columns: 0x0028_0011,
  BitsAllocated: 0x0028_0100,
  BitsStored: 0x0028_0101,
  PixelRepresentation: 0x0028_0103,
  LossyImageCompression: 0x0028_2110,
  LossyImageCompressionRatio: 0x0028_2112,
  LossyImageCompressionMethod: 0x0028_2114,
  ExtendedOffsetTable: 0x7fe0_0001,
  ExtendedOffsetTableLengths: 0x7fe0_0002,
} as const;

/** The data set itself; its items count from 1 in the order in which they begin. */
export const DATA_SET = 0;

export interface ImageFound {
  readonly attributes: Attributes;
  /** Of the pixels; undefined: there are none. */
  readonly pixels: ElementHeader | undefined;
}

export interface Attributes {
  number(tag: number): number | undefined;
  text(tag: number): string;
  /** Of VR OV. */
  offsets(tag: number): number[];
}

/** @returns by item; only those with an attribute of an image @throws DicomError */
export function survey(source: ByteSource, encoding: Encoding): Map<number, ImageFound> {
  const visitor = new Surveyor();
  const reader = new ElementReader(encoding, visitor);
  for (let at = 0; at < source.length && !visitor.isDone; at += READ_BYTES)
    reader.write(source.read(at, Math.min(READ_BYTES, source.length - at)));
  return visitor.images;
}

class Surveyor {
  readonly images = new Map<number, MutableImage>();
  isDone = false;
  readonly #items: number[] = [DATA_SET];
  #count = 0;

  element(header: ElementHeader): boolean {
    const { tag, depth, length } = header;
    this.#items.length = depth + 1;
    if (tag === Tag.PixelData) {
      this.#image().pixels = header;
      this.isDone = depth === 0;
      return false;
    }
    const group = tag >>> 16;
    return (group === 0x0028 || group === 0x7fe0) && length <= MAX_VALUE_BYTES;
  }

  value({ tag, bigEndian }: ElementHeader, bytes: Buffer): void {
    this.#image().attributes.set(tag, { bytes: Buffer.from(bytes), bigEndian });
  }

  item(depth: number): void {
    this.#count += 1;
    this.#items.length = depth + 1;
    this.#items.push(this.#count);
  }

  #image(): MutableImage {
    const item = this.#items.at(-1) ?? DATA_SET;
    const image = this.images.get(item) ?? { attributes: new Values(), pixels: undefined };
    this.images.set(item, image);
    return image;
  }
}

interface MutableImage {
  readonly attributes: Values;
  pixels: ElementHeader | undefined;
}

class Values implements Attributes {
  readonly #values = new Map<number, { bytes: Buffer; bigEndian: boolean }>();

  set(tag: number, value: { bytes: Buffer; bigEndian: boolean }): void {
    this.#values.set(tag, value);
  }

  /** Of VR US. */
  number(tag: number): number | undefined {
    const value = this.#values.get(tag);
    if (value === undefined || value.bytes.length < 2) return undefined;
    return value.bigEndian ? value.bytes.readUInt16BE(0) : value.bytes.readUInt16LE(0);
  }

  text(tag: number): string {
    return (this.#values.get(tag)?.bytes.toString('latin1') ?? '').replace(/[\0 ]+$/, '').trim();
  }

  offsets(tag: number): number[] {
    const bytes = this.#values.get(tag)?.bytes ?? Buffer.alloc(0);
    return Array.from({ length: Math.floor(bytes.length / 8) }, (_, at) =>
      Number(bytes.readBigUInt64LE(8 * at)),
    );
  }
}

/** @throws PixelError `IMAGE_UNCLEAR` */
export function imagePixelsOf(attributes: Attributes): ImagePixels {
  const required = (tag: number): number => {
    const value = attributes.number(tag);
    if (value !== undefined && value > 0) return value;
    throw new PixelError('IMAGE_UNCLEAR', 'rows, columns or bits of the image are not given');
  };
  const bitsAllocated = required(ImageTag.BitsAllocated);
  const frames = Number.parseInt(attributes.text(ImageTag.NumberOfFrames) || '1', 10);
  return {
    rows: required(ImageTag.Rows),
    columns: required(ImageTag.Columns),
    samplesPerPixel: attributes.number(ImageTag.SamplesPerPixel) ?? 1,
    bitsAllocated,
    bitsStored: attributes.number(ImageTag.BitsStored) ?? bitsAllocated,
    isSigned: attributes.number(ImageTag.PixelRepresentation) === 1,
    photometricInterpretation: attributes.text(ImageTag.PhotometricInterpretation),
    isPlanar: attributes.number(ImageTag.PlanarConfiguration) === 1,
    frames: Number.isInteger(frames) && frames > 0 ? frames : 1,
  };
}

export const isEncapsulated = ({ length }: ElementHeader): boolean => length === UNDEFINED_LENGTH;
