/**
 * The least of PS3.10 that tests need: the file meta information and where the data set begins.
 * Written apart from the product's reader, so that the two can disagree.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Part10 {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
  readonly dataSet: Buffer;
}

/** Reads a whole Part 10 file. @throws when there is no meta information to read */
export function readPart10(file: string | Buffer): Part10 {
  const bytes = typeof file === 'string' ? readFileSync(file) : file;
  if (bytes.toString('latin1', 128, 132) !== 'DICM') throw new Error('not a Part 10 file');
  const values = new Map<number, string>();
  let at = 132;
  while (at + 8 <= bytes.length && bytes.readUInt16LE(at) === 0x0002) {
    const element = bytes.readUInt16LE(at + 2);
    const isLong = /^(OB|OW|UN|UT|SQ)$/.test(bytes.toString('latin1', at + 4, at + 6));
    const start = at + (isLong ? 12 : 8);
    const length = isLong ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    values.set(element, bytes.toString('latin1', start, start + length).replace(/[\0 ]+$/, ''));
    at = start + length;
  }
  return {
    sopClassUID: values.get(0x0002) ?? '',
    sopInstanceUID: values.get(0x0003) ?? '',
    transferSyntaxUID: values.get(0x0010) ?? '',
    dataSet: bytes.subarray(at),
  };
}

/** SHA-256 of the data set's bytes, hexadecimal. */
export function dataSetDigest(file: string | Buffer): string {
  return createHash('sha256').update(readPart10(file).dataSet).digest('hex');
}

/** A Part 10 file around a data set. PS3.10 §7.1. */
export function writePart10(object: Part10): Buffer {
  const meta = Buffer.concat([
    element(0x0001, 'OB', Buffer.from([0, 1])),
    element(0x0002, 'UI', padded(object.sopClassUID)),
    element(0x0003, 'UI', padded(object.sopInstanceUID)),
    element(0x0010, 'UI', padded(object.transferSyntaxUID)),
    element(0x0012, 'UI', padded('2.25.1')),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const head = Buffer.alloc(132);
  head.write('DICM', 128, 'latin1');
  return Buffer.concat([head, element(0x0000, 'UL', length), meta, object.dataSet]);
}

const padded = (uid: string): Buffer => Buffer.from(uid.length % 2 ? `${uid}\0` : uid, 'latin1');

function element(number: number, vr: string, value: Buffer): Buffer {
  const isLong = vr === 'OB';
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(0x0002, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}
