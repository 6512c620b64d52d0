/** A part of a value, by the Range header. RFC 9110 §14. */
import type { ByteRange } from './data-set-bytes.ts';
import { DicomWebError } from './dicomweb-error.ts';

/**
 * One range of bytes; of several, and of other units, all is answered.
 *
 * @param total bytes there are
 * @returns undefined: all of it
 * @throws DicomWebError `INVALID_RANGE`, `RANGE_NOT_SATISFIABLE`
 */
export function wantedRange(header: string | undefined, total: number): ByteRange | undefined {
  const [unit = '', ranges = ''] = (header ?? '').split('=').map((text) => text.trim());
  if (unit.toLowerCase() !== 'bytes' || ranges.includes(',')) return undefined;
  const [, first = '', last = ''] = /^(\d{0,15})-(\d{0,15})$/.exec(ranges) ?? [];
  if (first === '' && last === '') throw invalid();
  if (first !== '' && last !== '' && Number(last) < Number(first)) throw invalid();
  const start = first === '' ? Math.max(0, total - Number(last)) : Number(first);
  const end = first === '' || last === '' ? total : Math.min(Number(last) + 1, total);
  if (start >= end)
    throw new DicomWebError('RANGE_NOT_SATISFIABLE', `There are ${total} bytes of it.`);
  return { start, length: end - start };
}

const invalid = (): DicomWebError =>
  new DicomWebError('INVALID_RANGE', 'A range is bytes=FIRST-LAST, FIRST- or -LENGTH.');

/** A part of what several ranges hold, one behind the other. */
export function within(all: readonly ByteRange[], { start, length }: ByteRange): ByteRange[] {
  let before = 0;
  return all.flatMap((one) => {
    const from = Math.max(0, start - before);
    const to = Math.min(one.length, start + length - before);
    before += one.length;
    return from < to ? [{ start: one.start + from, length: to - from }] : [];
  });
}
