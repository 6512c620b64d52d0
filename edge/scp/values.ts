/** Values of elements as the index keeps them. Absent, empty and unusable are null. */
import { isDicomDate } from '../../shared/acquisition-day.ts';
import { type Charset, decodeText } from '../../shared/dicom/character-set.ts';

/** No attribute of the index has more characters by PS3.5 §6.2; real ones have some more. */
const MAX_CHARACTERS = 1_024;

/** The value's text without padding, control characters and, of several values, all as they stand. */
export function textOf(bytes: Buffer | undefined, charset: Charset): string | null {
  if (bytes === undefined) return null;
  const text = decodeText(bytes, charset)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .trim();
  return text === '' ? null : text.slice(0, MAX_CHARACTERS);
}

/** YYYYMMDD; the form of ACR-NEMA, YYYY.MM.DD, is read too. PS3.5 §6.2, DA. */
export function dateOf(text: string | null): string | null {
  const digits = text?.replace(/^(\d{4})\.(\d{2})\.(\d{2})$/, '$1$2$3') ?? '';
  return isDicomDate(digits) ? digits : null;
}

/** IS. PS3.5 §6.2. */
export function integerOf(text: string | null): number | null {
  const [first = ''] = (text ?? '').split('\\');
  return /^\s*[+-]?\d{1,12}\s*$/.test(first) ? Number(first) : null;
}
