/** Values of an element as DICOM JSON has them. PS3.18 §F.2.2, §F.2.3. */
import { type Charset, decodeText } from './character-set.ts';
import { trimUID } from './part10.ts';
import { formatTag } from './tag.ts';

interface ValueForm {
  readonly charset: Charset;
  readonly bigEndian: boolean;
}

type Reader = (bytes: Buffer, at: number, bigEndian: boolean) => number | bigint;
const NUMBERS: Readonly<Record<string, readonly [bytes: number, read: Reader]>> = {
  US: [2, (b, at, big) => (big ? b.readUInt16BE(at) : b.readUInt16LE(at))],
  SS: [2, (b, at, big) => (big ? b.readInt16BE(at) : b.readInt16LE(at))],
  UL: [4, (b, at, big) => (big ? b.readUInt32BE(at) : b.readUInt32LE(at))],
  SL: [4, (b, at, big) => (big ? b.readInt32BE(at) : b.readInt32LE(at))],
  FL: [4, (b, at, big) => (big ? b.readFloatBE(at) : b.readFloatLE(at))],
  FD: [8, (b, at, big) => (big ? b.readDoubleBE(at) : b.readDoubleLE(at))],
  UV: [8, (b, at, big) => (big ? b.readBigUInt64BE(at) : b.readBigUInt64LE(at))],
  SV: [8, (b, at, big) => (big ? b.readBigInt64BE(at) : b.readBigInt64LE(at))],
};
/** Text in which a backslash is a character like others. PS3.5 §6.2. */
const SINGLE_TEXT = new Set(['LT', 'ST', 'UT', 'UR']);
const TEXT = new Set([
  ...['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'LO', 'LT', 'PN', 'SH', 'ST', 'TM', 'UC', 'UI'],
  ...['UR', 'UT'],
]);
/** VRs that Specific Character Set applies to. PS3.5 §6.1.2.3. */
const IN_CHARSET = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

/** OB, OW … UN, and whatever else has neither text nor numbers. */
export const isBinaryVr = (vr: string): boolean =>
  !(TEXT.has(vr) || vr in NUMBERS || vr === 'AT' || vr === 'SQ');

/** @returns none for an empty value; null for an empty one of several */
export function jsonValues(vr: string, bytes: Buffer, form: ValueForm): unknown[] {
  if (vr === 'AT') return tags(bytes, form.bigEndian);
  const number = NUMBERS[vr];
  if (number !== undefined) return numbers(bytes, number, form.bigEndian);
  const text = IN_CHARSET.has(vr) ? decodeText(bytes, form.charset) : bytes.toString('latin1');
  const trimmed = text.replace(/[\0 ]+$/, '');
  if (trimmed === '') return [];
  if (SINGLE_TEXT.has(vr)) return [trimmed];
  return trimmed.split('\\').map((part) => textValue(vr, part));
}

function textValue(vr: string, raw: string): unknown {
  const text = vr === 'UI' ? trimUID(raw) : raw.trim();
  if (text === '') return null;
  if (vr === 'PN') return personName(text);
  if (vr !== 'DS' && vr !== 'IS') return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** PS3.18 §F.2.2: component groups by name. */
export function personName(text: string): Record<string, string> {
  const groups = text.split('=');
  const names = ['Alphabetic', 'Ideographic', 'Phonetic'];
  return Object.fromEntries(
    names.map((name, at) => [name, groups[at]?.trim() ?? '']).filter(([, group]) => group !== ''),
  );
}

function numbers(bytes: Buffer, [size, read]: readonly [number, Reader], big: boolean): unknown[] {
  const values: unknown[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) values.push(number(read(bytes, at, big)));
  return values;
}

/** What JSON's numbers can't say stands as text. */
function number(value: number | bigint): number | string {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Number.isFinite(value) ? value : String(value);
}

function tags(bytes: Buffer, big: boolean): string[] {
  const found: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const group = big ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
    const element = big ? bytes.readUInt16BE(at + 2) : bytes.readUInt16LE(at + 2);
    found.push(formatTag(group * 0x1_0000 + element).replace(/[(),]/g, ''));
  }
  return found;
}
