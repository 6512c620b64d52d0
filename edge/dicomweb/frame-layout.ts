/**
 * Where the frames of an object lie and what their pixels are, as it is kept in a row.
 *
 *   head, FrameTable ─► FrameLayout ⇄ text, lengths of fragments
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import type { ImagePixels } from '../../shared/pixel-data/image.ts';
import type { StoredInstance } from '../index/types.ts';
import type { ByteRange } from './data-set-bytes.ts';
import { type FrameTable, frameTableOf } from './frame-table.ts';
import { numberOf, type ObjectHead } from './object-head.ts';

export interface FrameLayout {
  readonly image: ImagePixels;
  readonly table: FrameTable;
}

/** Raised when what is packed, or how frames are found, changes: rows of another form are made anew. */
export const LAYOUT_FORM = 1;

/** In two columns: small for a slice, eight bytes for each frame of a clip. */
export interface PackedLayout {
  readonly layout: string;
  /** Of each frame the number of its fragments, then their lengths; 32 bits, little endian. */
  readonly fragments: Buffer | null;
}

/** @throws DicomWebError `NO_PIXELS`, `PIXELS_UNREADABLE` */
export async function layoutOf(
  file: string,
  instance: StoredInstance,
  head: ObjectHead,
): Promise<FrameLayout> {
  const table = await frameTableOf(file, instance, head);
  return { image: imagePixels(head.attributes), table };
}

type PackedTable =
  | { readonly first: number }
  | { readonly start: number; readonly bits: number; readonly frames: number };

export function pack({ image, table }: FrameLayout): PackedLayout {
  if (table.kind === 'native') {
    const { start, bits, frames } = table;
    return { layout: JSON.stringify([valuesOf(image), { start, bits, frames }]), fragments: null };
  }
  const first = table.frames[0]?.[0]?.start ?? 0;
  const lengths = table.frames.flatMap((frame) => [
    frame.length,
    ...frame.map(({ length }) => length),
  ]);
  const fragments = Buffer.alloc(lengths.length * 4);
  for (const [at, length] of lengths.entries()) fragments.writeUInt32LE(length, at * 4);
  return { layout: JSON.stringify([valuesOf(image), { first }]), fragments };
}

export function unpack({ layout, fragments }: PackedLayout): FrameLayout {
  const [values, packed] = JSON.parse(layout) as [ImageValues, PackedTable];
  const image = imageOf(values);
  if ('bits' in packed) return { image, table: { kind: 'native', ...packed } };
  const frames = rangesOf(packed.first, fragments ?? Buffer.alloc(0));
  return { image, table: { kind: 'encapsulated', frames } };
}

const ITEM_HEADER_BYTES = 8;

/** Fragments stand one behind the other, an item's header between. PS3.5 §A.4. */
function rangesOf(first: number, packed: Buffer): ByteRange[][] {
  const frames: ByteRange[][] = [];
  let start = first;
  for (let at = 0; at < packed.length; ) {
    const count = packed.readUInt32LE(at);
    const frame: ByteRange[] = [];
    for (at += 4; frame.length < count; at += 4) {
      const length = packed.readUInt32LE(at);
      frame.push({ start, length });
      start += length + ITEM_HEADER_BYTES;
    }
    frames.push(frame);
  }
  return frames;
}

type ImageValues = readonly [
  ...[rows: number, columns: number, samples: number, allocated: number, stored: number],
  ...[isSigned: boolean, photometric: string, isPlanar: boolean, frames: number],
];

const valuesOf = (image: ImagePixels): ImageValues => [
  ...([image.rows, image.columns, image.samplesPerPixel] as const),
  ...([image.bitsAllocated, image.bitsStored, image.isSigned] as const),
  ...([image.photometricInterpretation, image.isPlanar, image.frames] as const),
];

function imageOf(values: ImageValues): ImagePixels {
  const [rows, columns, samplesPerPixel, bitsAllocated, bitsStored] = values;
  const [, , , , , isSigned, photometricInterpretation, isPlanar, frames] = values;
  return {
    ...{ rows, columns, samplesPerPixel, bitsAllocated, bitsStored },
    ...{ isSigned, photometricInterpretation, isPlanar, frames },
  };
}

function imagePixels(attributes: JsonDataSet): ImagePixels {
  const number = (tag: string, otherwise: number): number => numberOf(attributes, tag) ?? otherwise;
  const bitsAllocated = number('00280100', 8);
  return {
    rows: number('00280010', 0),
    columns: number('00280011', 0),
    samplesPerPixel: number('00280002', 1),
    bitsAllocated,
    bitsStored: number('00280101', bitsAllocated),
    isSigned: number('00280103', 0) === 1,
    photometricInterpretation: String(attributes['00280004']?.Value?.[0] ?? '').trim(),
    isPlanar: number('00280006', 0) === 1,
    frames: number('00280008', 1),
  };
}
