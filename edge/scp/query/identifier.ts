/**
 * Identifiers of queries, as text by tag: read in the asker's character set, answered in it where it can
 * write the answer, else in UTF-8. PS3.4 C.4.1.1.3, PS3.5 §6.1.
 */
import { type Charset, charsetOf, decodeText } from '../../../shared/dicom/character-set.ts';
import { tagName } from '../../../shared/dicom/dicom-json.ts';
import { vrOfTag } from '../../../shared/dicom/dictionary.ts';
import { ElementReader } from '../../../shared/dicom/element-reader.ts';
import { encodeElement, padded } from '../../../shared/dicom/encode-element.ts';
import { encodeText } from '../../../shared/dicom/encode-text.ts';
import { encodingOf } from '../../../shared/dicom/transfer-syntax.ts';
import { DimseError } from '../../dimse/command-set.ts';
import { QueryTag } from './keys.ts';

/** Of one value. A list of UIDs may be long. */
const MAX_VALUE_BYTES = 262_144;

export interface Identifier {
  /** Of the data set itself, in the order of their tags. Sequences are in no value. */
  readonly values: ReadonlyMap<number, string>;
  /** As (0008,0005) says, '' when absent. */
  readonly charsetName: string;
}

/** @throws DimseError `IDENTIFIER_MALFORMED` */
export function readIdentifier(transferSyntaxUID: string, bytes: Buffer): Identifier {
  const raw = new Map<number, Buffer>();
  let tooLong: number | undefined;
  const reader = new ElementReader(encodingOf(transferSyntaxUID), {
    element: ({ tag, depth, length, vr }) => {
      if (depth > 0) return false;
      if (vr === 'SQ') raw.set(tag, Buffer.alloc(0));
      else if (length > MAX_VALUE_BYTES) tooLong = tag;
      return length <= MAX_VALUE_BYTES;
    },
    value: ({ tag }, value) => void raw.set(tag, value),
  });
  try {
    reader.write(bytes);
    if (bytes.length > 0) reader.end();
  } catch (cause) {
    throw new DimseError('IDENTIFIER_MALFORMED', 'an identifier that can not be read', { cause });
  }
  // Passed over, it would match everything.
  if (tooLong !== undefined)
    throw new DimseError('IDENTIFIER_MALFORMED', `${tagName(tooLong)} is longer than a key may be`);
  const charsetName = (raw.get(QueryTag.SpecificCharacterSet)?.toString('latin1') ?? '').trim();
  const charset = charsetOf(charsetName === '' ? null : charsetName);
  const values = new Map(
    [...raw].map(([tag, value]) => [tag, decodeText(value, charset).replace(/[\0 ]+$/, '')]),
  );
  return { values, charsetName };
}

/**
 * @param values text by tag; each in the VR that PS3.6 gives it
 * @param charsetName what the query said
 */
export function writeIdentifier(
  transferSyntaxUID: string,
  values: ReadonlyMap<number, string>,
  charsetName: string,
): Buffer {
  const encoding = encodingOf(transferSyntaxUID);
  const { name, charset } = charsetFor([...values.values()], charsetName);
  const all = new Map(values);
  if (name !== '') all.set(QueryTag.SpecificCharacterSet, name);
  return Buffer.concat(
    [...all]
      .sort(([a], [b]) => a - b)
      .map(([tag, text]) => {
        const vr = vrOfTag(tag);
        const value = padded(encodeText(text, charset).bytes, vr === 'UI' ? '\0' : ' ');
        return encodeElement(encoding, { tag, vr, value });
      }),
  );
}

const UTF8 = 'ISO_IR 192';

function charsetFor(texts: readonly string[], asked: string): { name: string; charset: Charset } {
  const isAscii = texts.every((text) => Buffer.byteLength(text) === text.length);
  const charset = charsetOf(asked === '' ? null : asked);
  // What is no character set is not given back as one.
  if (isAscii) return { name: charset.kind === 'guess' ? '' : asked, charset };
  // A set with code extensions is written without its escape sequences: what needs them goes as UTF-8.
  if (asked !== '' && texts.every((text) => encodeText(text, charset).isExact))
    return { name: asked, charset };
  return { name: UTF8, charset: charsetOf(UTF8) };
}
