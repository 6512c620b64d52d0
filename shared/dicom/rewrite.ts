/**
 * Changes named elements of a data set and copies every other byte as it is.
 *
 *   source ─► scan: the wanted elements ─► edit() ─► splices
 *   source, again ─► bytes, with the splices in them ─► result
 *
 * Read twice because an element may stand twice, or behind the pixels: nothing is given out before all
 * is known. Holds the wanted elements and one chunk. Group lengths keep being as right as they were.
 */
import { deflate, inflate } from './deflated-bytes.ts';
import { DicomError } from './dicom-error.ts';
import { scanTopLevel, type TopLevelElement, type TopLevelScan } from './top-level-scan.ts';
import { encodingOf } from './transfer-syntax.ts';

export interface DataSetSource {
  readonly transferSyntaxUID: string;
  /** The data set's bytes as stored, from the first on; opened twice. */
  readonly open: () => AsyncIterable<Buffer>;
}

/**
 * What shall stand in the data set, by tag: whole elements, in its encoding. The first takes the place of
 * the first with that tag, and so on; one without a partner is removed. Where the tag is not there at all,
 * they are inserted before the first larger tag.
 */
export type Edits = ReadonlyMap<number, readonly Buffer[]>;

/** Bytes `start` to `end` are replaced. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** Length to End, retired: from behind it to the end of the data set. */
const LENGTH_TO_END = 0x0008_0001;

/**
 * @param wanted the tags that `edit` may look at and change
 * @returns the new data set's bytes. Views of what the source gave
 * @throws DicomError before the first byte when the source is no whole data set
 */
export async function* rewriteDataSet(
  source: DataSetSource,
  wanted: Iterable<number>,
  edit: (scan: TopLevelScan) => Edits,
): AsyncGenerator<Buffer> {
  const encoding = encodingOf(source.transferSyntaxUID);
  const open = (): AsyncIterable<Buffer> =>
    encoding.deflated ? inflate(source.open()) : source.open();
  const tags = new Set(wanted);
  const scan = await scanTopLevel(open(), encoding, withLengths(tags));
  const splices = splicesOf(scan, edit(scan));
  const spliced = splice(open(), splices, scan.bytes);
  yield* encoding.deflated ? deflate(spliced) : spliced;
}

/** The elements as they are, without a change. @throws DicomError */
export function readTopLevel(
  source: DataSetSource,
  wanted: Iterable<number>,
): Promise<TopLevelScan> {
  const encoding = encodingOf(source.transferSyntaxUID);
  const bytes = encoding.deflated ? inflate(source.open()) : source.open();
  return scanTopLevel(bytes, encoding, new Set(wanted));
}

const groupLengthOf = (tag: number): number => (tag & 0xffff_0000) >>> 0;

function withLengths(tags: ReadonlySet<number>): Set<number> {
  return new Set([...tags, ...[...tags].map(groupLengthOf), LENGTH_TO_END]);
}

function splicesOf(scan: TopLevelScan, edits: Edits): Splice[] {
  const splices: Splice[] = [];
  const growth = new Map<number, number>([[LENGTH_TO_END, 0]]);
  const grow = (tag: number, bytes: number): void => {
    growth.set(tag, (growth.get(tag) ?? 0) + bytes);
  };
  for (const [tag, bytes] of [...edits].sort(([a], [b]) => a - b)) {
    for (const splice of splicesOfTag(scan, tag, bytes)) {
      splices.push(splice);
      const added = splice.bytes.length - (splice.end - splice.start);
      grow(groupLengthOf(tag), added);
      grow(LENGTH_TO_END, added);
    }
  }
  for (const [tag, bytes] of growth)
    if (bytes !== 0 && !edits.has(tag)) splices.push(...lengthSplices(scan, tag, bytes));
  // Sorting is stable: what is inserted at one place stays in the order of its tags.
  return splices.sort((a, b) => a.start - b.start || a.end - b.end);
}

function splicesOfTag(scan: TopLevelScan, tag: number, bytes: readonly Buffer[]): Splice[] {
  const occurrences = scan.elements.get(tag) ?? [];
  const places = occurrences.map(({ start, bytes }) => ({ start, end: start + bytes.length }));
  const last = places.at(-1);
  const place = last === undefined ? scan.placeOf(tag) : last.end;
  const replaced = places.map((at, i) => ({ ...at, bytes: bytes[i] ?? Buffer.alloc(0) }));
  const inserted = Buffer.concat(bytes.slice(places.length));
  if (inserted.length === 0) return replaced;
  return [...replaced, { start: place, end: place, bytes: inserted }];
}

/**
 * A length grows with what it measures, from whatever it was: a right one stays right, and the same
 * change the other way gives back the bytes of a wrong one too.
 */
function lengthSplices(scan: TopLevelScan, tag: number, added: number): Splice[] {
  const elements = scan.elements.get(tag) ?? [];
  return elements.filter(({ value }) => value.length === 4).map((at) => grown(scan, at, added));
}

function grown(scan: TopLevelScan, element: TopLevelElement, added: number): Splice {
  const { start, bytes } = element;
  const value = Buffer.from(element.value);
  if (scan.encoding.bigEndian) value.writeUInt32BE((value.readUInt32BE(0) + added) >>> 0, 0);
  else value.writeUInt32LE((value.readUInt32LE(0) + added) >>> 0, 0);
  return { start: start + bytes.length - 4, end: start + bytes.length, bytes: value };
}

async function* splice(
  source: AsyncIterable<Buffer>,
  splices: readonly Splice[],
  expected: number,
): AsyncGenerator<Buffer> {
  const position: Position = { base: 0, from: 0, next: 0 };
  for await (const chunk of source) yield* cut(chunk, splices, position);
  if (position.base !== expected)
    throw new DicomError(
      'DATASET_TRUNCATED',
      `the data set had ${expected} bytes, now ${position.base}`,
    );
  for (const { bytes } of splices.slice(position.next)) if (bytes.length > 0) yield bytes;
}

interface Position {
  /** Offset of the chunk. */
  base: number;
  /** Up to here nothing more is copied. */
  from: number;
  /** The splice that comes next. */
  next: number;
}

function* cut(chunk: Buffer, splices: readonly Splice[], position: Position): Generator<Buffer> {
  const { base } = position;
  const end = base + chunk.length;
  for (let at = splices[position.next]; at !== undefined && at.start < end; ) {
    if (at.start > position.from)
      yield chunk.subarray(Math.max(0, position.from - base), at.start - base);
    if (at.bytes.length > 0) yield at.bytes;
    position.from = Math.max(position.from, at.end);
    position.next += 1;
    at = splices[position.next];
  }
  if (position.from < end) yield chunk.subarray(Math.max(0, position.from - base));
  position.from = Math.max(position.from, end);
  position.base = end;
}
