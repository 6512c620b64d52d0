/**
 * The frames of one image, compressed or native, one at a time. PS3.5 §8.1, §A.4.
 *
 *   encapsulated: items ─► fragments ─► frame ─► decodeFrame        native: the n-th part of the value
 */
import type { ElementHeader } from '../../shared/dicom/element-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { type DecodedFrame, decodeFrame } from '../../shared/pixel-data/decode.ts';
import { type Fragment, framesOf } from '../../shared/pixel-data/frames.ts';
import { frameBytesOf, type ImagePixels, PixelError } from '../../shared/pixel-data/image.ts';
import type { Codecs } from '../../shared/pixel-data/wasm.ts';
import type { ByteSource } from './byte-source.ts';
import { type Attributes, ImageTag } from './survey.ts';

/** Explicit VR little endian has no other. PS3.5 §A.4. */
const ITEM_HEADER_BYTES = 8;

export interface FramesOptions {
  readonly source: ByteSource;
  readonly pixels: ElementHeader;
  readonly image: ImagePixels;
}

/** Frame `at`, decoded. @throws PixelError */
export type ReadDecoded = (at: number) => DecodedFrame;

/** @throws PixelError `FRAMES_UNCLEAR` */
export function decodedFrames(
  { source, pixels, image }: FramesOptions,
  transferSyntaxUID: string,
  { attributes, codecs }: { readonly attributes: Attributes; readonly codecs: Codecs },
): ReadDecoded {
  const { fragments, offsets } = fragmentsOf(source, pixels.valueStart);
  const extended = attributes.offsets(ImageTag.ExtendedOffsetTable);
  const frames = framesOf(
    fragments,
    { frames: image.frames, offsets: offsets.length > 0 ? offsets : extended },
    ({ start, length }) => (length < 2 ? 0 : source.read(start, 2).readUInt16BE(0)),
  );
  return (at) => {
    const parts = (frames[at] ?? []).map(({ start, length }) =>
      Buffer.from(source.read(start, length)),
    );
    return decodeFrame(transferSyntaxUID, Buffer.concat(parts), { image, codecs });
  };
}

function fragmentsOf(
  source: ByteSource,
  valueStart: number,
): { fragments: Fragment[]; offsets: number[] } {
  const fragments: Fragment[] = [];
  let offsets: number[] | undefined;
  let first = 0;
  for (let at = valueStart; at + ITEM_HEADER_BYTES <= source.length; ) {
    const header = source.read(at, ITEM_HEADER_BYTES);
    const tag = ((header.readUInt16LE(0) << 16) | header.readUInt16LE(2)) >>> 0;
    const length = header.readUInt32LE(4);
    const start = at + ITEM_HEADER_BYTES;
    if (tag === Tag.SequenceDelimitationItem) return { fragments, offsets: offsets ?? [] };
    if (tag !== Tag.Item || start + length > source.length) break;
    if (offsets === undefined) {
      offsets = offsetsIn(source.read(start, length));
      first = start + length;
    } else fragments.push({ offset: at - first, start, length });
    at = start + length;
  }
  throw new PixelError('FRAMES_UNCLEAR', 'the compressed pixels are not whole');
}

const offsetsIn = (table: Buffer): number[] =>
  Array.from({ length: Math.floor(table.length / 4) }, (_, at) => table.readUInt32LE(4 * at));

/** Frame `at`, as it stands there, little endian. @throws PixelError `IMAGE_UNCLEAR` when there are fewer bytes than pixels */
export function nativeFrames({ source, pixels, image }: FramesOptions): (at: number) => Buffer {
  const bytes = frameBytesOf(image);
  if (pixels.length < bytes * image.frames)
    throw new PixelError('IMAGE_UNCLEAR', 'there are fewer bytes than the pixels need');
  return (at) => {
    const frame = Buffer.from(source.read(pixels.valueStart + at * bytes, bytes));
    return pixels.bigEndian && pixels.vr === 'OW' ? frame.swap16() : frame;
  };
}
