/** Query identifiers: small, flat data sets of text. PS3.4 §C.2.2.2, PS3.5 §7. */
import { ElementReader } from '../../shared/dicom/element-reader.ts';
import { encodeElement } from '../../shared/dicom/encode-element.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import { DimseError } from './command-set.ts';

const MAX_VALUE_BYTES = 65_536;

export interface IdentifierElement {
  readonly tag: number;
  readonly vr: string;
  /** '' asks for the value. ASCII. */
  readonly value: string;
}

/** @param elements in any order */
export function encodeIdentifier(
  transferSyntaxUID: string,
  elements: readonly IdentifierElement[],
): Buffer {
  const encoding = encodingOf(transferSyntaxUID);
  const sorted = [...elements].sort((a, b) => a.tag - b.tag);
  return Buffer.concat(
    sorted.map(({ tag, vr, value }) => {
      const pad = vr === 'UI' ? '\0' : ' ';
      const text = value.length % 2 === 0 ? value : `${value}${pad}`;
      return encodeElement(encoding, { tag, vr, value: Buffer.from(text, 'latin1') });
    }),
  );
}

/**
 * The top-level values as text, padding removed.
 *
 * @throws DimseError `IDENTIFIER_MALFORMED`
 */
export function decodeIdentifier(transferSyntaxUID: string, bytes: Buffer): Map<number, string> {
  const values = new Map<number, string>();
  const reader = new ElementReader(encodingOf(transferSyntaxUID), {
    element: ({ depth, length }) => depth === 0 && length <= MAX_VALUE_BYTES,
    value: ({ tag }, value) => {
      values.set(tag, value.toString('latin1').replace(/[\0 ]+$/, ''));
    },
  });
  try {
    reader.write(bytes);
    if (bytes.length > 0) reader.end();
  } catch (cause) {
    throw new DimseError('IDENTIFIER_MALFORMED', 'an identifier that can not be read', { cause });
  }
  return values;
}
