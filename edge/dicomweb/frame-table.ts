/**
 * Where each frame of an object's pixel data lies. PS3.5 §8, §A.4.
 *
 *   head ─┬─ native ───────► frames of equal size, one behind the other
 *         └─ encapsulated ─► fragments ─► offset tables, or codestream markers ─► fragments by frame
 */
import type { ElementHeader } from '../../shared/dicom/element-reader.ts';
import { UNDEFINED_LENGTH } from '../../shared/dicom/element-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { StoredInstance } from '../index/types.ts';
import { type ByteRange, WindowReader } from './data-set-bytes.ts';
import { DicomWebError } from './dicomweb-error.ts';
import { numberOf, type ObjectHead } from './object-head.ts';

export type FrameTable =
  | {
      readonly kind: 'native';
      readonly frames: number;
      readonly start: number;
      readonly bits: number;
    }
  | { readonly kind: 'encapsulated'; readonly frames: readonly (readonly ByteRange[])[] };

/** @throws DicomWebError `NO_PIXELS`, `PIXELS_UNREADABLE` when frames can't be told apart */
export async function frameTableOf(
  file: string,
  instance: StoredInstance,
  { attributes, pixelData }: ObjectHead,
): Promise<FrameTable> {
  if (pixelData === undefined) throw new DicomWebError('NO_PIXELS', 'This object has no pixels.');
  const frames = Math.max(1, numberOf(attributes, '00280008') ?? 1);
  if (pixelData.length === UNDEFINED_LENGTH) {
    const extended = attributes['7FE00001']?.InlineBinary;
    const table = await encapsulated(file, instance, { pixelData, frames, extended });
    return { kind: 'encapsulated', frames: table };
  }
  const rows = numberOf(attributes, '00280010') ?? 0;
  const columns = numberOf(attributes, '00280011') ?? 0;
  const samples = numberOf(attributes, '00280002') ?? 1;
  const bits = rows * columns * (numberOf(attributes, '00280100') ?? 0);
  // Of YBR_FULL_422 two pixels share their chrominance. PS3.3 C.7.6.3.1.2.
  const isHalved = attributes['00280004']?.Value?.[0] === 'YBR_FULL_422';
  const frameBits = bits * (samples === 3 && isHalved ? 2 : samples);
  if (frameBits === 0 || (frameBits * frames) / 8 > pixelData.length)
    throw unreadable('The pixel data is shorter than its rows, columns and frames need.');
  return { kind: 'native', frames, start: pixelData.valueStart, bits: frameBits };
}

interface Encapsulated {
  readonly pixelData: ElementHeader;
  readonly frames: number;
  /** Extended Offset Table (7FE0,0001), base64. */
  readonly extended: string | undefined;
}

async function encapsulated(
  file: string,
  instance: StoredInstance,
  { pixelData, frames, extended }: Encapsulated,
): Promise<readonly (readonly ByteRange[])[]> {
  await using reader = await WindowReader.open(file, instance);
  const [table, ...fragments] = await fragmentsOf(reader, pixelData.valueStart);
  if (table === undefined || fragments.length === 0) throw unreadable('It has no fragment.');
  if (frames === 1) return [fragments];
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const first = (fragments[0]?.start ?? 8) - 8;
  const offsets =
    extended === undefined
      ? await basicOffsets(reader, table)
      : offsets64(Buffer.from(extended, 'base64'));
  const byOffsets = group(fragments, new Set(offsets.map((offset) => first + 8 + offset)));
  // A table that names other places, as one that was not kept in step with its fragments.
  const grouped =
    byOffsets.length === frames
      ? byOffsets
      : group(fragments, await startsByMarker(reader, fragments));
  if (grouped.length !== frames)
    throw unreadable(
      `Its ${frames} frames can not be told apart in ${fragments.length} fragments.`,
    );
  return grouped;
}

/** The items of encapsulated pixel data: the Basic Offset Table, then the fragments. */
export async function fragmentsOf(reader: WindowReader, valueStart: number): Promise<ByteRange[]> {
  const items: ByteRange[] = [];
  for (let at = valueStart; ; ) {
    const header = await reader.read(at, 8);
    if (header.length < 8) throw unreadable('The last fragment is cut short.');
    const tag = ((header.readUInt16LE(0) << 16) | header.readUInt16LE(2)) >>> 0;
    if (tag === Tag.SequenceDelimitationItem) return items;
    if (tag !== Tag.Item) throw unreadable('What stands between its fragments is no item.');
    const length = header.readUInt32LE(4);
    items.push({ start: at + 8, length });
    at += 8 + length;
  }
}

async function basicOffsets(reader: WindowReader, table: ByteRange): Promise<number[]> {
  const offsets: number[] = [];
  for (let at = 0; at + 4 <= table.length; at += 4)
    offsets.push((await reader.read(table.start + at, 4)).readUInt32LE(0));
  return offsets;
}

function offsets64(bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) offsets.push(Number(bytes.readBigUInt64LE(at)));
  return offsets;
}

/** JPEG and JPEG-LS begin with FFD8 FF, JPEG 2000 with FF4F FF51. */
async function startsByMarker(
  reader: WindowReader,
  fragments: readonly ByteRange[],
): Promise<Set<number>> {
  const starts = new Set<number>();
  for (const { start } of fragments) {
    const marker = (await reader.read(start, 4)).toString('hex');
    if (/^(ffd8ff|ff4fff51)/.test(marker)) starts.add(start);
  }
  return starts;
}

function group(fragments: readonly ByteRange[], starts: ReadonlySet<number>): ByteRange[][] {
  const frames: ByteRange[][] = [];
  for (const fragment of fragments) {
    if (starts.has(fragment.start) || frames.length === 0) frames.push([]);
    frames.at(-1)?.push(fragment);
  }
  return frames;
}

const unreadable = (why: string): DicomWebError => new DicomWebError('PIXELS_UNREADABLE', why);
