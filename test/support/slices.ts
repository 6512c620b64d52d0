/** A small study of which every object has pixels of its own. */
import { createHash } from 'node:crypto';
import type { Part10 } from './part10.ts';
import {
  CT_IMAGE_STORAGE,
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN,
  smallObject,
} from './storage-fixture.ts';

export const STUDY = '2.999.7.1';

export function slices(count: number): Part10[] {
  return Array.from({ length: count }, (_, at) => {
    const object = smallObject(at + 1, { pixels: Buffer.alloc(20_000, at) });
    return {
      sopClassUID: CT_IMAGE_STORAGE,
      sopInstanceUID: object.SOPInstanceUID ?? '',
      transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
      dataSet: dataSetOf(object),
    };
  });
}

/** SHA-256 of the data set, hexadecimal. */
export const digestOf = ({ dataSet }: Part10): string =>
  createHash('sha256').update(dataSet).digest('hex');
