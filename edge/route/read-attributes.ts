/** Reads a few attributes of a data set, from its file, as far as the last of them. */
import { charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { openDataSetReader } from '../../shared/dicom/data-set-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { GatewayError } from '../../shared/errors.ts';
import { type DataSetRange, readDataSet } from '../spool/read-instance.ts';

const MAX_VALUE_BYTES = 4_096;

/**
 * @param tags of the data set itself, not of items in it
 * @returns text, or the numbers of VR US, SS, UL and SL, several parted by a backslash; what is absent,
 *   too long, or lies behind damage is not among them
 */
export async function readAttributes(
  file: string,
  range: DataSetRange & { readonly transferSyntaxUID: string },
  tags: ReadonlySet<number>,
): Promise<ReadonlyMap<number, string>> {
  const last = Math.max(...tags);
  const values = new Map<number, { vr: string; bytes: Buffer; bigEndian: boolean }>();
  let isPast = false;
  const reader = openDataSetReader(range.transferSyntaxUID, {
    element({ tag, depth, length }) {
      if (depth > 0) return false;
      if (tag > last) isPast = true;
      const isWanted = tags.has(tag) || tag === Tag.SpecificCharacterSet;
      return isWanted && !values.has(tag) && length <= MAX_VALUE_BYTES;
    },
    value({ tag, depth, vr, bigEndian }, bytes) {
      if (depth === 0) values.set(tag, { vr, bytes: Buffer.from(bytes), bigEndian });
    },
  });
  try {
    for await (const chunk of readDataSet(file, range)) {
      await reader.write(chunk as Buffer);
      if (isPast) break;
    }
  } catch (error) {
    // What came before the damage is known; a file that is gone says nothing.
    if (!(error instanceof GatewayError) && (error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw error;
  } finally {
    reader.destroy();
  }
  const specific = values.get(Tag.SpecificCharacterSet)?.bytes.toString('latin1') ?? null;
  const charset = charsetOf(specific);
  return new Map(
    [...values].map(([tag, { vr, bytes, bigEndian }]) => [
      tag,
      numbersOf(vr, bytes, bigEndian) ?? decodeText(bytes, charset).replace(/[\0 ]+$/, ''),
    ]),
  );
}

const NUMBER_BYTES: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4 };

function numbersOf(vr: string, bytes: Buffer, bigEndian: boolean): string | undefined {
  const size = NUMBER_BYTES[vr];
  if (size === undefined) return undefined;
  const isSigned = vr.startsWith('S');
  const numbers: number[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const unsigned = bigEndian ? bytes.readUIntBE(at, size) : bytes.readUIntLE(at, size);
    const limit = 2 ** (8 * size - 1);
    numbers.push(isSigned && unsigned >= limit ? unsigned - 2 * limit : unsigned);
  }
  return numbers.join('\\');
}
