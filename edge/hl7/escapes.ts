/** Escape sequences of HL7 text. HL7 2.5 §2.7. Highlighting is dropped; a sequence that is unknown stays as it is. */

export interface Delimiters {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly escaping: string;
  readonly subcomponent: string;
}

export function unescapeText(text: string, delimiters: Delimiters): string {
  const { escaping } = delimiters;
  if (escaping === '' || !text.includes(escaping)) return text;
  const parts = text.split(escaping);
  let result = parts[0] ?? '';
  for (let at = 1; at < parts.length; at += 1) {
    const inner = parts[at] ?? '';
    const meaning = at < parts.length - 1 ? meaningOf(inner, delimiters) : undefined;
    if (meaning === undefined) result += escaping + inner;
    else {
      result += meaning + (parts[at + 1] ?? '');
      at += 1;
    }
  }
  return result;
}

function meaningOf(sequence: string, delimiters: Delimiters): string | undefined {
  switch (sequence) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'T':
      return delimiters.subcomponent;
    case 'R':
      return delimiters.repetition;
    case 'E':
      return delimiters.escaping;
    case 'H':
    case 'N':
      return '';
    default:
      return hexadecimal(sequence) ?? formatting(sequence);
  }
}

/** \Xdd…\: bytes; \Cxxyy\ and \Mxxyyzz\ of other sets are left as they are. */
function hexadecimal(sequence: string): string | undefined {
  if (!/^X([0-9A-Fa-f]{2})+$/.test(sequence)) return undefined;
  const text = Buffer.from(sequence.slice(1), 'hex').toString('utf8');
  return text.includes('\uFFFD') ? Buffer.from(sequence.slice(1), 'hex').toString('latin1') : text;
}

/** The formatting commands of FT. HL7 2.5 §2.7.6. */
function formatting(sequence: string): string | undefined {
  if (/^\.(br|ce)$/i.test(sequence)) return '\n';
  const skip = /^\.sp\+?(\d{0,2})$/i.exec(sequence);
  if (skip) return '\n'.repeat(Math.max(1, Number(skip[1] ?? '')));
  const blanks = /^\.sk\+?(\d{1,3})$/i.exec(sequence);
  if (blanks) return ' '.repeat(Number(blanks[1]));
  return /^\.(in|ti)[+-]?\d*$|^\.(fi|nf)$/i.test(sequence) ? '' : undefined;
}
