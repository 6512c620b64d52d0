/**
 * In which form pixels and objects are answered. PS3.18 §8.7.3.
 *
 *   Accept, the object's transfer syntax ─► as stored │ decoded │ none that is accepted (406)
 */

import {
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import { type AcceptedType, acceptedTypes, admits } from '../../shared/dicomweb/accept.ts';

const OCTETS = 'application/octet-stream';
const NATIVE = new Set([
  ...[IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN],
  ...['1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.1.98', '1.2.840.113619.5.2'],
]);

/** PS3.18 table 8.7.3-5: by what a transfer syntax's UID ends with, behind 1.2.840.10008.1.2. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '5': 'image/dicom-rle',
  '4.50': 'image/jpeg',
  '4.51': 'image/jpeg',
  '4.57': 'image/jpeg',
  '4.70': 'image/jpeg',
  '4.80': 'image/jls',
  '4.81': 'image/jls',
  '4.90': 'image/jp2',
  '4.91': 'image/jp2',
  '4.92': 'image/jpx',
  '4.93': 'image/jpx',
  '4.110': 'image/jxl',
  '4.111': 'image/jxl',
  '4.112': 'image/jxl',
  '4.201': 'image/jphc',
  '4.202': 'image/jphc',
  '4.203': 'image/jphc',
};

export const isNative = (transferSyntaxUID: string): boolean => NATIVE.has(transferSyntaxUID);

const mediaTypeOf = (transferSyntaxUID: string): string =>
  MEDIA_TYPES[transferSyntaxUID.replace('1.2.840.10008.1.2.', '')] ?? OCTETS;

export interface ChosenForm {
  readonly isMultipart: boolean;
  /** Of a part, or of the whole; without parameters. */
  readonly type: string;
  readonly transferSyntaxUID: string;
  readonly isDecoded: boolean;
}

/**
 * The form of frames: native ones are octets in little endian, compressed ones their codestream.
 *
 * @param canDecode whether this edge can make native pixels of the object, as its attributes describe them
 * @returns undefined: 406
 */
export function chooseFrameForm(
  accept: string | undefined,
  stored: string,
  canDecode: boolean,
): ChosenForm | undefined {
  for (const accepted of acceptedTypes(accept)) {
    const form = isNative(stored)
      ? nativeForm(accepted)
      : compressedForm(accepted, stored, canDecode);
    if (form !== undefined) return form;
  }
  return undefined;
}

function nativeForm({ type, isMultipart, transferSyntax }: AcceptedType): ChosenForm | undefined {
  const wanted = transferSyntax ?? '*';
  if (!admits(type, OCTETS) || !(wanted === '*' || isNative(wanted))) return undefined;
  const transferSyntaxUID = EXPLICIT_VR_LITTLE_ENDIAN;
  return { isMultipart, type: OCTETS, transferSyntaxUID, isDecoded: false };
}

function compressedForm(
  { type, isMultipart, transferSyntax }: AcceptedType,
  stored: string,
  canDecode: boolean,
): ChosenForm | undefined {
  const own = mediaTypeOf(stored);
  const asStored = { isMultipart, transferSyntaxUID: stored, isDecoded: false };
  // Viewers ask for octets in any transfer syntax, and read which from the part's own type.
  if (transferSyntax === '*' || transferSyntax === stored) {
    if (type === OCTETS) return { ...asStored, type: OCTETS };
    if (admits(type, own)) return { ...asStored, type: own };
  }
  if (transferSyntax === undefined && type !== '*/*' && own !== OCTETS && admits(type, own))
    return { ...asStored, type: own };
  const wantsNative = transferSyntax === undefined || isNative(transferSyntax);
  if (canDecode && wantsNative && admits(type, OCTETS)) {
    const transferSyntaxUID = EXPLICIT_VR_LITTLE_ENDIAN;
    return { isMultipart, type: OCTETS, transferSyntaxUID, isDecoded: true };
  }
  if (type === '*/*' && transferSyntax === undefined) return { ...asStored, type: own };
  return undefined;
}

/** Whether an object may be answered as it is stored, which is what this edge does: bit exact. */
export function takesAsStored({ type, transferSyntax }: AcceptedType, stored: string): boolean {
  const isAny = transferSyntax === undefined || transferSyntax === '*';
  return admits(type, 'application/dicom') && (isAny || transferSyntax === stored);
}
