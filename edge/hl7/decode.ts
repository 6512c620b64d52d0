/**
 * The text of a message: by MSH-18 (HL7 table 0211), else UTF-8 where the bytes are that, else what the
 * site configured, which in the UK is Windows-1252. A byte order mark is no text.
 */
import { TextDecoder } from 'node:util';

/**
 * HL7 table 0211, as written and as senders misspell it; names are folded. UTF-16 and UTF-32 are not among them: MLLP
 * can't carry them, so that who declares them sends something else.
 */
const LABELS: Readonly<Record<string, string>> = {
  UNICODEUTF8: 'utf-8',
  UTF8: 'utf-8',
  ASCII: 'windows-1252',
  WINDOWS1252: 'windows-1252',
  CP1252: 'windows-1252',
  ISOIR87: 'iso-2022-jp',
  ISOIR14: 'shift_jis',
  JAS2020: 'iso-2022-jp',
  GB180302000: 'gb18030',
  KSX1001: 'euc-kr',
  CNS116431992: 'big5',
  BIG5: 'big5',
};
/** The parts of ISO 8859 that there are; the first one is read as what it is taken for, Windows-1252. */
const ISO_8859 = /^(?:ISO)?8859([1-9]|1[0345])$/;

const decoders = new Map<string, TextDecoder>();

/** @param fallback a WHATWG label for what is neither declared nor UTF-8 */
export function decodeMessage(bytes: Buffer, fallback: string): string {
  const declared = declaredLabel(bytes) ?? 'utf-8';
  for (const label of declared === 'utf-8' ? [declared] : [declared, 'utf-8'])
    try {
      return strictDecoder(label).decode(bytes);
    } catch {
      // A sender that declares one set and writes another is more common than a damaged byte.
    }
  return new TextDecoder(fallback).decode(bytes);
}

function strictDecoder(label: string): TextDecoder {
  const known = decoders.get(label) ?? new TextDecoder(label, { fatal: true });
  decoders.set(label, known);
  return known;
}

/** MSH-18, first repetition. */
function declaredLabel(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, Math.min(bytes.length, 4_096));
  const start = head.indexOf('MSH');
  const separator = head[start + 3];
  if (start < 0 || separator === undefined) return undefined;
  const [line = ''] = head.slice(start).split(/[\r\n]/, 1);
  // MSH-1 is the separator itself, so field n stands at n - 1.
  const [first = ''] = (line.split(separator)[17] ?? '').split(/[~^]/, 1);
  const name = first.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const part = ISO_8859.exec(name)?.[1];
  if (part !== undefined) return part === '1' ? 'windows-1252' : `iso-8859-${part}`;
  return LABELS[name];
}
