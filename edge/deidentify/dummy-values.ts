/** Values that say nothing, by VR: what stands in the place of an attribute that has to have one. PS3.15 §E.1.1, code D. */

import { DUMMY_DATE } from '../../shared/date-writings.ts';

const TEXT = 'ANONYMIZED';

const BY_VR: Readonly<Record<string, string>> = {
  ...{ AE: TEXT, CS: TEXT, LO: TEXT, LT: TEXT, PN: 'Anonymous', SH: TEXT, ST: TEXT },
  ...{ UC: TEXT, UT: TEXT, UR: 'urn:anonymized' },
  ...{ AS: '000Y', DA: DUMMY_DATE, DT: `${DUMMY_DATE}000000`, TM: '000000', DS: '0', IS: '0' },
};

/** Whose values are of a list, so that a dummy has to be one of them. */
const BY_TAG: ReadonlyMap<number, string> = new Map([
  // Reason for the Attribute Modification
  [0x0400_0565, 'CORRECT'],
]);

/** Binary values longer than this are not made as long again. */
const MAX_BINARY_BYTES = 64;

/** @param length of the value that it stands for @returns of even length */
export function dummyValue(tag: number, vr: string, length: number): Buffer {
  const text = BY_TAG.get(tag) ?? BY_VR[vr];
  if (text !== undefined) return Buffer.from(text.length % 2 === 0 ? text : `${text} `, 'latin1');
  const bytes = Math.min(Math.max(length, 2), MAX_BINARY_BYTES);
  // Numbers have 2, 4 or 8 bytes each; a dummy has as many as there were.
  return Buffer.alloc(bytes - (bytes % 2));
}
