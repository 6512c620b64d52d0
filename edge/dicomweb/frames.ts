/**
 * The bytes of one frame, as stored or as native little endian octets.
 *
 *   FrameTable, number ─► range(s) of the data set ─► bytes
 */
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import type { StoredInstance } from '../index/types.ts';
import { readRange, readWhole } from './data-set-bytes.ts';
import type { FrameTable } from './frame-table.ts';

export const frameCount = (table: FrameTable): number =>
  table.kind === 'native' ? table.frames : table.frames.length;

/** @param at from 0, less than {@link frameCount} */
export async function* frameBytes(
  file: string,
  instance: StoredInstance,
  { table, at, bitsAllocated }: { table: FrameTable; at: number; bitsAllocated: number },
): AsyncGenerator<Buffer> {
  if (table.kind === 'encapsulated') {
    for (const fragment of table.frames[at] ?? []) yield* readRange(file, instance, fragment);
    return;
  }
  const first = table.start * 8 + at * table.bits;
  if (first % 8 !== 0 || table.bits % 8 !== 0) {
    yield await unaligned(file, instance, { first, bits: table.bits });
    return;
  }
  const range = { start: first / 8, length: table.bits / 8 };
  const isSwapped = encodingOf(instance.transferSyntaxUID).bigEndian && bitsAllocated > 8;
  if (!isSwapped) yield* readRange(file, instance, range);
  else yield swapped(await readWhole(file, instance, range), bitsAllocated);
}

/** Frames of single bits follow each other without padding. PS3.5 §8.1.1. */
async function unaligned(
  file: string,
  instance: StoredInstance,
  { first, bits }: { first: number; bits: number },
): Promise<Buffer> {
  const start = Math.floor(first / 8);
  const shift = first % 8;
  const bytes = await readWhole(file, instance, {
    start,
    length: Math.ceil((shift + bits) / 8),
  });
  const frame = Buffer.alloc(Math.ceil(bits / 8));
  for (let at = 0; at < frame.length; at += 1)
    frame[at] = (((bytes[at] ?? 0) >> shift) | ((bytes[at + 1] ?? 0) << (8 - shift))) & 0xff;
  return frame;
}

function swapped(bytes: Buffer, bitsAllocated: number): Buffer {
  if (bitsAllocated === 16) return bytes.swap16();
  return bitsAllocated === 32 ? bytes.swap32() : bytes.swap64();
}
