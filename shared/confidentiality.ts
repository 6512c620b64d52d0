/**
 * How close a record is kept, as an order (ORC-28) or an object (0040,3001) says it: HL7 table 0177, or its words.
 * ID-22 of the domain notes. What is not known is kept close: somebody meant something by it.
 */

export type ToldConfidentiality = 'N' | 'R' | 'V';

/** Usual control, unrestricted, low and moderate keep nobody out. */
const NORMAL: ReadonlySet<string> = new Set([
  ...['N', 'U', 'L', 'M', 'NORMAL', 'UNRESTRICTED', 'USUAL CONTROL', 'LOW', 'MODERATE'],
  ...['NO', 'NONE', 'NO CONSTRAINT'],
]);
const VERY_RESTRICTED: ReadonlySet<string> = new Set([
  'V',
  'VERY RESTRICTED',
  'HIV',
  'AID',
  'AIDS',
]);

/** @returns undefined: nothing is said */
export function readConfidentiality(text: string): ToldConfidentiality | undefined {
  const word = text.trim().toUpperCase();
  if (word === '') return undefined;
  if (NORMAL.has(word)) return 'N';
  return VERY_RESTRICTED.has(word) ? 'V' : 'R';
}
