/**
 * Unicode to the character set that a data set has. The other way: character-set.ts.
 *
 * Never writes an escape sequence: of sets with code extensions, only the one in force at the beginning.
 */
import type { Charset } from './character-set.ts';

export interface EncodedText {
  readonly bytes: Buffer;
  /** False: some characters were written as others that look like them, or as `?`. */
  readonly isExact: boolean;
}

type Table = ReadonlyMap<string, Buffer>;
const NONE: Table = new Map();
const tables = new Map<string, Table>();

export function encodeText(text: string, charset: Charset): EncodedText {
  const composed = text.normalize('NFC');
  if (charset.kind === 'encoding' && charset.label === 'utf-8')
    return { bytes: Buffer.from(composed, 'utf8'), isExact: true };
  const table = tableOf(charset);
  let isExact = true;
  const parts = [...composed].map((character) => {
    const bytes = encodeCharacter(character, table);
    if (bytes !== undefined) return bytes;
    isExact = false;
    const nearest = [...nearestOf(character)].map((near) => encodeCharacter(near, table));
    return Buffer.concat(nearest.map((near) => near ?? Buffer.from('?')));
  });
  return { bytes: Buffer.concat(parts), isExact };
}

function encodeCharacter(character: string, table: Table): Buffer | undefined {
  return character <= '\x7f' ? Buffer.from(character, 'latin1') : table.get(character);
}

function tableOf(charset: Charset): Table {
  const label = labelOf(charset);
  if (label === undefined) return NONE;
  const known = tables.get(label);
  if (known !== undefined) return known;
  const table = /^gb/.test(label) ? doubleByteTable(label) : singleByteTable(label);
  tables.set(label, table);
  return table;
}

function labelOf(charset: Charset): string | undefined {
  switch (charset.kind) {
    case 'encoding':
      return charset.label;
    case 'single-byte':
      return charset.set.label;
    case 'extensions':
      return charset.initial.label;
    case 'guess':
      return undefined;
  }
}

function singleByteTable(label: string): Table {
  const table = new Map<string, Buffer>();
  for (let byte = 0xa0; byte <= 0xff; byte += 1) {
    const bytes = Buffer.of(byte);
    addTo(table, label, bytes);
  }
  return table;
}

/** Without those whose second byte is one of ASCII: some readers take a backslash in it for one. */
function doubleByteTable(label: string): Table {
  const table = new Map<string, Buffer>();
  for (let first = 0x81; first <= 0xfe; first += 1)
    for (let second = 0x80; second <= 0xfe; second += 1)
      addTo(table, label, Buffer.of(first, second));
  return table;
}

function addTo(table: Map<string, Buffer>, label: string, bytes: Buffer): void {
  // `iso-8859-1` of the WHATWG is windows-1252, but from A0 on they are the same.
  const character = new TextDecoder(label).decode(bytes);
  const isOne = [...character].length === 1 && character !== '\ufffd';
  if (isOne && !table.has(character)) table.set(character, bytes);
}

/** Letters that Unicode does not take apart. */
const NEAREST: Readonly<Record<string, string>> = {
  ...{ ł: 'l', Ł: 'L', ø: 'o', Ø: 'O', đ: 'd', Đ: 'D', ð: 'd', Ð: 'D', ħ: 'h', Ħ: 'H' },
  ...{ ı: 'i', ŋ: 'n', ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', þ: 'th', Þ: 'Th' },
  ...{ '‘': "'", '’': "'", ʼ: "'", '‐': '-', '‑': '-', '–': '-', '—': '-', '\u00a0': ' ' },
};

/** The letter without its accents. */
function nearestOf(character: string): string {
  return NEAREST[character] ?? character.normalize('NFD').replace(/\p{M}/gu, '');
}
