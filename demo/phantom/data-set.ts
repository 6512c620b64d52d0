/**
 * Writes a data set in Explicit VR Little Endian, and a Part 10 file around it. PS3.5 §7.1.2, PS3.10 §7.1.
 * For what the phantoms need: short lists of elements, sequences of defined length, pixels.
 */

export type Value = string | number | Buffer | readonly Element[][] | Encapsulated;
/** Tag as (group << 16 | element), VR, value. A sequence's value is its items. */
export type Element = readonly [tag: number, vr: string, value: Value];

/** Compressed pixels: a fragment a frame. PS3.5 §A.4. */
export interface Encapsulated {
  readonly frames: readonly Buffer[];
}

const LONG_VRS = new Set(['OB', 'OW', 'SQ', 'UN', 'UT', 'UC', 'UR']);
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** @returns the elements in tag order, each padded to even length */
export function encodeDataSet(elements: readonly Element[]): Buffer {
  return Buffer.concat([...elements].sort((a, b) => a[0] - b[0]).flatMap(encodeElement));
}

function encodeElement([tag, vr, value]: Element): Buffer[] {
  const isEncapsulated = typeof value === 'object' && 'frames' in value;
  const bytes = isEncapsulated ? encodeFragments(value) : encodeValue(vr, value);
  const header = Buffer.alloc(LONG_VRS.has(vr) ? 12 : 8);
  header.writeUInt16LE(tag >>> 16, 0);
  header.writeUInt16LE(tag & 0xffff, 2);
  header.write(vr, 4, 'latin1');
  if (header.length === 12) header.writeUInt32LE(isEncapsulated ? 0xffff_ffff : bytes.length, 8);
  else header.writeUInt16LE(bytes.length, 6);
  return [header, bytes];
}

/** Behind an empty Basic Offset Table. */
function encodeFragments({ frames }: Encapsulated): Buffer {
  const items = frames.map((frame) => item(padded(frame, 0)));
  const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
  return Buffer.concat([item(Buffer.alloc(0)), ...items, end]);
}

function encodeValue(vr: string, value: Exclude<Value, Encapsulated>): Buffer {
  if (Buffer.isBuffer(value)) return padded(value, 0);
  if (typeof value === 'number') return encodeNumber(vr, value);
  if (typeof value === 'string') return padded(Buffer.from(value, 'utf8'), vr === 'UI' ? 0 : 0x20);
  return Buffer.concat(value.map((elements) => item(encodeDataSet(elements))));
}

function encodeNumber(vr: string, value: number): Buffer {
  const bytes = Buffer.alloc(vr === 'UL' ? 4 : 2);
  if (vr === 'UL') bytes.writeUInt32LE(value);
  else if (vr === 'SS') bytes.writeInt16LE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}

function item(body: Buffer): Buffer {
  const header = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body]);
}

function padded(bytes: Buffer, pad: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([pad])]);
}

/** A whole Part 10 file. */
export function encodePart10(
  dataSet: Buffer,
  sop: { classUID: string; instanceUID: string; transferSyntaxUID?: string },
): Buffer {
  const meta = encodeDataSet([
    [0x00020001, 'OB', Buffer.from([0, 1])],
    [0x00020002, 'UI', sop.classUID],
    [0x00020003, 'UI', sop.instanceUID],
    [0x00020010, 'UI', sop.transferSyntaxUID ?? EXPLICIT_LITTLE_ENDIAN],
    [0x00020012, 'UI', '2.25.302598735926614829135247361842957618423'],
    [0x00020013, 'SH', 'CDIP_PHANTOM'],
  ]);
  const length = encodeDataSet([[0x00020000, 'UL', meta.length]]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, meta, dataSet]);
}
