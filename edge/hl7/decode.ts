/**
 * The text of a message: by MSH-18 (HL7 table 0211), else UTF-8 where the bytes are that, else what the
 * site configured, which in the UK is Windows-1252. A byte order mark is no text.
 */
import { TextDecoder } from 'node:util';

/** HL7 table 0211, as written and as senders misspell it; names are folded. */
const LABELS: Readonly<Record<string, string>> = {
  UNICODEUTF8: 'utf-8',
  UTF8: 'utf-8',
  UNICODEUTF16: 'utf-16le',
  ASCII: 'windows-1252',
  '88591': 'windows-1252',
  ISO88591: 'windows-1252',
  '885915': 'iso-8859-15',
  '88592': 'iso-8859-2',
  WINDOWS1252: 'windows-1252',
  CP1252: 'windows-1252',
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const decoders = new Map<string, TextDecoder>();

/** @param fallback a WHATWG label for what is neither declared nor UTF-8 */
export function decodeMessage(bytes: Buffer, fallback: string): string {
  const declared = declaredLabel(bytes);
  if (declared !== undefined && declared !== 'utf-8') return decoderOf(declared).decode(bytes);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // A sender that declares UTF-8 and writes Latin-1 is more common than a damaged byte.
    return decoderOf(fallback).decode(bytes);
  }
}

function decoderOf(label: string): TextDecoder {
  const known = decoders.get(label) ?? new TextDecoder(label);
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
  return LABELS[first.toUpperCase().replace(/[^A-Z0-9]/g, '')];
}
