/**
 * The Accept header and DICOMweb's parameters of media types. RFC 9110 §12.5.1, PS3.18 §8.7.
 *
 *   `multipart/related; type="image/jls"; transfer-syntax=*; q=0.9, …` ─► AcceptedType[], most wanted first
 */

export interface AcceptedType {
  /** Lower case: `application/dicom`, `image/*`. Of multipart/related, its parts' type; any where it names none. */
  readonly type: string;
  readonly isMultipart: boolean;
  /** Of the parts; `*`: any. */
  readonly transferSyntax: string | undefined;
}

const ANY: readonly AcceptedType[] = [
  { type: '*/*', isMultipart: true, transferSyntax: undefined },
  { type: '*/*', isMultipart: false, transferSyntax: undefined },
];

/**
 * @param accept the header; absent or empty: anything
 * @returns the most wanted first; types with `q=0` are left out
 */
export function acceptedTypes(accept: string | undefined): readonly AcceptedType[] {
  const ranges = splitOutsideQuotes(accept ?? '', ',').filter((text) => text.trim() !== '');
  if (ranges.length === 0) return ANY;
  return ranges
    .map(rangeOf)
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap(({ types }) => types);
}

/** True when `type` is within what was accepted: equal, `image/*`, or anything. */
export const admits = (accepted: string, type: string): boolean =>
  accepted === type ||
  accepted === '*/*' ||
  (accepted.endsWith('/*') && type.startsWith(accepted.slice(0, -1)));

function rangeOf(text: string): { quality: number; types: readonly AcceptedType[] } {
  const [name = '', ...pieces] = splitOutsideQuotes(text, ';').map((piece) => piece.trim());
  const parameters = new Map(
    pieces.map((piece) => {
      const at = piece.indexOf('=');
      const value = piece.slice(at + 1).trim();
      return [piece.slice(0, at).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1')];
    }),
  );
  const quality = Number(parameters.get('q') ?? 1);
  const transferSyntax = parameters.get('transfer-syntax');
  const type = name.toLowerCase();
  const isMultipart = type === 'multipart/related';
  const of = isMultipart ? (parameters.get('type') ?? '*/*').toLowerCase() : type;
  if (of === '*/*' && !isMultipart)
    return { quality, types: ANY.map((any) => ({ ...any, transferSyntax })) };
  return { quality, types: [{ type: of, isMultipart, transferSyntax }] };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [''];
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    if (character === separator && !isQuoted) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

const JSON_TYPES = ['application/dicom+json', 'application/json'];

/** The JSON type to answer with; undefined when none is accepted: 406. PS3.18 §8.7.5. */
export function acceptedJson(accept: string | undefined): string | undefined {
  for (const { type, isMultipart } of acceptedTypes(accept)) {
    const found = isMultipart ? undefined : JSON_TYPES.find((json) => admits(type, json));
    if (found !== undefined) return found;
  }
  return undefined;
}
