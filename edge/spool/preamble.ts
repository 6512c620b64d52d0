/**
 * The 128 bytes before "DICM" that PS3.10 §7.1 leaves to us: what proves that a file is whole.
 *
 *   0 "CDIP" · 4 version · 8 data set's length · 16 its SHA-256 · 48 received, ms · 56 calling AE title
 *   72 home · 80 SHA-256 at home · 112 where the data set begins · 116 CRC-32 of bytes 0 to 115
 *
 * All numbers little endian. A file whose preamble has not been written yet holds zeros and decodes
 * to null. Start-up recovery needs nothing else to file an object again.
 */
import { crc32 } from 'node:zlib';

export const PREAMBLE_BYTES = 128;
const MAGIC = 'CDIP';
const VERSION = 1;
const CRC_AT = 116;

/** What a sealed file says of itself. */
export interface Seal {
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  /** SHA-256 of the data set's bytes in this file, hexadecimal. */
  readonly contentDigest: string;
  /** SHA-256 of the data set's bytes at its home, hexadecimal. */
  readonly homeDigest: string;
  /** ODS code. */
  readonly home: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** At most 16 characters. */
  readonly callingAETitle: string;
}

export function encodePreamble(seal: Seal): Buffer {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16LE(VERSION, 4);
  bytes.writeBigUInt64LE(BigInt(seal.dataSetBytes), 8);
  bytes.write(seal.contentDigest, 16, 32, 'hex');
  bytes.writeBigUInt64LE(BigInt(Math.trunc(seal.receivedAt)), 48);
  bytes.write(seal.callingAETitle, 56, 16, 'latin1');
  bytes.write(seal.home, 72, 8, 'latin1');
  bytes.write(seal.homeDigest, 80, 32, 'hex');
  bytes.writeUInt32LE(seal.dataSetOffset, 112);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** @returns null for anything but a preamble of ours, written in full */
export function decodePreamble(bytes: Buffer): Seal | null {
  if (bytes.length < PREAMBLE_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC) return null;
  if (bytes.readUInt16LE(4) !== VERSION) return null;
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return null;
  return {
    dataSetBytes: Number(bytes.readBigUInt64LE(8)),
    contentDigest: bytes.toString('hex', 16, 48),
    receivedAt: Number(bytes.readBigUInt64LE(48)),
    callingAETitle: text(bytes, 56, 72),
    home: text(bytes, 72, 80),
    homeDigest: bytes.toString('hex', 80, 112),
    dataSetOffset: bytes.readUInt32LE(112),
  };
}

function text(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from, to).replace(/\0+$/, '');
}
