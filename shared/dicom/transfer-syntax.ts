/** How a data set is encoded in a transfer syntax. PS3.5 §10, Annex A. */

export const IMPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2';
export const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1.99';
export const EXPLICIT_VR_BIG_ENDIAN = '1.2.840.10008.1.2.2';

/** Data sets of these are deflated as a whole; the others are JPIP Referenced Deflate. */
const DEFLATED = new Set([
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  '1.2.840.10008.1.2.4.95',
  '1.2.840.10008.1.2.4.205',
]);
/** GE's private one: implicit VR little endian but for the pixels. */
const GE_PRIVATE = '1.2.840.113619.5.2';

export interface Encoding {
  readonly explicit: boolean;
  readonly bigEndian: boolean;
  readonly deflated: boolean;
}

/** Of any transfer syntax: what is not one of the first four is explicit VR little endian, as PS3.5 §A.4 asks. */
export function encodingOf(transferSyntaxUID: string): Encoding {
  return {
    explicit: transferSyntaxUID !== IMPLICIT_VR_LITTLE_ENDIAN && transferSyntaxUID !== GE_PRIVATE,
    bigEndian: transferSyntaxUID === EXPLICIT_VR_BIG_ENDIAN,
    deflated: DEFLATED.has(transferSyntaxUID),
  };
}

const NATIVE: ReadonlySet<string> = new Set([
  ...[IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN],
  ...[DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, GE_PRIVATE],
]);

/** Its pixels are compressed, each frame by itself. PS3.5 §A.4. */
export const isEncapsulated = (transferSyntaxUID: string): boolean =>
  !NATIVE.has(transferSyntaxUID);
