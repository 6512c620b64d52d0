/**
 * The head of a Part 10 file: preamble, "DICM", file meta information. PS3.10 §7.1.
 *
 *   readPart10Head(bytes) ─► what the file says it holds, and where its data set begins
 *   encodePart10Head(…)   ─► the bytes before the data set
 */
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../version.ts';
import { DicomError } from './dicom-error.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from './transfer-syntax.ts';
import { vrOfBytes } from './vr.ts';

const PREAMBLE_BYTES = 128;

export interface FileIdentity {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
}

export interface Part10Head extends FileIdentity {
  /** Where the data set begins in the file. */
  readonly dataSetOffset: number;
}

/**
 * @param head the file's beginning, at least to where the data set begins
 * @throws DicomError `NOT_PART10`
 */
export function readPart10Head(head: Buffer): Part10Head {
  if (head.length < PREAMBLE_BYTES + 4 || head.toString('latin1', 128, 132) !== 'DICM')
    throw new DicomError('NOT_PART10', 'there is no "DICM" at 128');
  const { values, end: dataSetOffset } = readMetaGroup(head, PREAMBLE_BYTES + 4);
  const uid = (element: number): string => trimUID(values.get(element)?.toString('latin1') ?? '');
  return {
    sopClassUID: uid(0x0002),
    sopInstanceUID: uid(0x0003),
    transferSyntaxUID: uid(0x0010) || EXPLICIT_VR_LITTLE_ENDIAN,
    dataSetOffset,
  };
}

/** The group length is often wrong: the group's own end counts. */
function readMetaGroup(head: Buffer, begin: number): { values: Map<number, Buffer>; end: number } {
  const values = new Map<number, Buffer>();
  let at = begin;
  while (at + 8 <= head.length && head.readUInt16LE(at) === 0x0002) {
    const form = vrOfBytes(head[at + 4] ?? 0, head[at + 5] ?? 0);
    const isLong = form?.isLong === true;
    if (form === undefined || (isLong && at + 12 > head.length)) throw broken();
    const length = isLong ? head.readUInt32LE(at + 8) : head.readUInt16LE(at + 6);
    const value = at + (isLong ? 12 : 8);
    if (value + length > head.length) throw broken();
    values.set(head.readUInt16LE(at + 2), head.subarray(value, value + length));
    at = value + length;
  }
  return { values, end: at };
}

const broken = (): DicomError =>
  new DicomError('NOT_PART10', 'the file meta information is broken');

/** 128 zero bytes, "DICM" and the file meta information. */
export function encodePart10Head(identity: FileIdentity): Buffer {
  const elements = [
    metaElement(0x0001, 'OB', Buffer.from([0, 1])),
    metaElement(0x0002, 'UI', uidBytes(identity.sopClassUID)),
    metaElement(0x0003, 'UI', uidBytes(identity.sopInstanceUID)),
    metaElement(0x0010, 'UI', uidBytes(identity.transferSyntaxUID)),
    metaElement(0x0012, 'UI', uidBytes(IMPLEMENTATION_CLASS_UID)),
    metaElement(0x0013, 'SH', padded(IMPLEMENTATION_VERSION_NAME, ' ')),
  ];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.reduce((sum, element) => sum + element.length, 0));
  return Buffer.concat([
    Buffer.alloc(PREAMBLE_BYTES),
    Buffer.from('DICM'),
    metaElement(0x0000, 'UL', length),
    ...elements,
  ]);
}

function metaElement(element: number, vr: string, value: Buffer): Buffer {
  const isLong = vr === 'OB';
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(0x0002, 0);
  head.writeUInt16LE(element, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

const padded = (text: string, pad: string): Buffer =>
  Buffer.from(text.length % 2 === 0 ? text : `${text}${pad}`, 'latin1');
const uidBytes = (uid: string): Buffer => padded(uid, '\0');

/** A UID's value without its padding, which writers put at either end. PS3.5 §9.1. */
export function trimUID(text: string): string {
  return text.replace(/^[\0 ]+|[\0 ]+$/g, '');
}
