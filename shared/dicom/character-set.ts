/**
 * Text of a data set to Unicode, by Specific Character Set (0008,0005). PS3.3 C.12.1.1.2, PS3.5 §6.1.
 *
 *   charsetOf(value of (0008,0005)) ─► Charset ─► decodeText(bytes) ─► string
 *
 * Never fails: what is not text in the set that was named is read as UTF-8 when it is that, else as
 * Latin-1, because a misspelt name is of more use than none.
 */
import { decodeCodeExtensions, SINGLE_BYTE, type SingleByte } from './code-extensions.ts';

/** How a data set's text is encoded. */
export type Charset =
  | { readonly kind: 'encoding'; readonly label: string }
  | { readonly kind: 'single-byte'; readonly set: SingleByte }
  | { readonly kind: 'extensions'; readonly initial: SingleByte }
  /** Nothing was said, or nothing that is known. */
  | { readonly kind: 'guess' };

/** Sets that stand alone, without code extensions. PS3.3 table C.12-5. */
const ENCODINGS: Readonly<Record<string, string>> = {
  '192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** @param value the text of (0008,0005), all values; '' or null when absent */
export function charsetOf(value: string | null): Charset {
  const terms = (value ?? '').split('\\').map(termOf);
  const [first = ''] = terms;
  const alone = ENCODINGS[first];
  if (alone !== undefined) return { kind: 'encoding', label: alone };
  const set = SINGLE_BYTE[first];
  const isExtended = terms.length > 1 || /2022/.test(value ?? '');
  if (isExtended && (first === '' || set !== undefined || MULTI_BYTE.has(first)))
    return { kind: 'extensions', initial: set ?? ASCII };
  return set === undefined ? { kind: 'guess' } : { kind: 'single-byte', set };
}

const ASCII: SingleByte = { label: undefined };
/** Of these only the escape sequences tell; they are no single-byte set to begin with. */
const MULTI_BYTE = new Set(['87', '159', '149', '58', '6']);

/** Defined terms that are read, alone or with code extensions. */
export const CHARACTER_SETS: readonly string[] = [
  ...new Set([...Object.keys(SINGLE_BYTE), ...MULTI_BYTE].filter((term) => term !== '6')),
]
  .sort((a, b) => Number(a) - Number(b))
  .map((term) => (MULTI_BYTE.has(term) ? `ISO 2022 IR ${term}` : `ISO_IR ${term}`))
  .concat(Object.keys(ENCODINGS).map((term) => (/^\d/.test(term) ? `ISO_IR ${term}` : term)));

/** `ISO_IR 100`, `ISO 2022 IR 100`, `ISO-IR 100`, `ISO IR 100` and `ISO_IR_100` are all 100; so some write it. */
function termOf(raw: string): string {
  const term = raw.trim().toUpperCase();
  const number = /(?:^|[ _-])IR[ _-]?(\d{1,3})$/.exec(term)?.[1];
  if (number !== undefined) return number === '6' ? '6' : number;
  if (/^UTF-?8$/.test(term)) return '192';
  if (/^(ISO[ _-]?8859-1|LATIN-?1)$/.test(term)) return '100';
  return term;
}

/** The Unicode text of a value; padding and several values are left as they are. */
export function decodeText(bytes: Buffer, charset: Charset): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  switch (charset.kind) {
    case 'encoding':
      return decodeAs(bytes, charset.label) ?? guess(bytes);
    case 'single-byte':
      return decodeSingleByte(bytes, charset.set);
    case 'extensions':
      return decodeCodeExtensions(bytes, charset.initial);
    case 'guess':
      return guess(bytes);
  }
}

function decodeSingleByte(bytes: Buffer, { label }: SingleByte): string {
  if (label === undefined) return guess(bytes);
  // `iso-8859-1` of the WHATWG is windows-1252: in DICOM, 80 to 9F are control characters.
  if (label === 'latin1') return bytes.toString('latin1');
  return new TextDecoder(label).decode(bytes);
}

function guess(bytes: Buffer): string {
  return decodeAs(bytes, 'utf-8') ?? bytes.toString('latin1');
}

function decodeAs(bytes: Buffer, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Neither a byte above 7F nor an escape sequence. */
function isAscii(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte > 0x7f || byte === 0x1b) return false;
  return true;
}
