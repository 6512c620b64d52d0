/** The bytes of a data set, read where they are wanted: of a file, or inflated in memory. */
import { readSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { DicomError } from '../../shared/dicom/dicom-error.ts';

/** A deflated data set is held inflated; reports and structured documents are what is deflated. */
const MAX_INFLATED_BYTES = 1_073_741_824;
const BLOCK_BYTES = 1_048_576;

export interface ByteSource {
  readonly length: number;
  /** @returns exactly so many bytes, to be read only @throws DicomError `DATASET_TRUNCATED` */
  read(at: number, bytes: number): Buffer;
}

/** @param range of the data set in the file that `fd` has open */
export function fileSource(fd: number, range: { start: number; length: number }): ByteSource {
  // Elements are small and read one after the other: one system call a block.
  let block: Buffer = Buffer.alloc(0);
  let blockAt = 0;
  const readAt = (at: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    if (readSync(fd, buffer, 0, bytes, range.start + at) === bytes) return buffer;
    throw new DicomError('DATASET_TRUNCATED', `the file ends before byte ${at + bytes}`);
  };
  return {
    length: range.length,
    read(at, bytes) {
      if (bytes > BLOCK_BYTES) return readAt(at, bytes);
      if (at < blockAt || at + bytes > blockAt + block.length) {
        block = readAt(at, Math.min(BLOCK_BYTES, range.length - at));
        blockAt = at;
      }
      if (at + bytes > blockAt + block.length) return readAt(at, bytes);
      return block.subarray(at - blockAt, at - blockAt + bytes);
    },
  };
}

/** @throws DicomError `DEFLATE_CORRUPT` */
export function inflatedSource(source: ByteSource): ByteSource {
  let bytes: Buffer;
  try {
    const options = { maxOutputLength: MAX_INFLATED_BYTES };
    bytes = inflateRawSync(source.read(0, source.length), options);
  } catch (cause) {
    throw new DicomError('DEFLATE_CORRUPT', 'the deflated data set is broken', { cause });
  }
  return {
    length: bytes.length,
    read(at, count) {
      if (at + count > bytes.length)
        throw new DicomError('DATASET_TRUNCATED', `the data set ends before byte ${at + count}`);
      return bytes.subarray(at, at + count);
    },
  };
}
