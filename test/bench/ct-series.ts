/** CT slices for benchmarks: the size of real ones, pixels that do not compress to nothing, UIDs of their own. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Part10 } from '../support/part10.ts';
import {
  CT_IMAGE_STORAGE,
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN,
  smallObject,
} from '../support/storage-fixture.ts';

const SLICE_BYTES = 512 * 512 * 2;

export function ctSeries(slices: number, pixelBytes = SLICE_BYTES, study = newUID()): Part10[] {
  const noise = randomBytes(Math.min(pixelBytes, SLICE_BYTES));
  return Array.from({ length: slices }, () => {
    const sopInstanceUID = newUID();
    const pixels = Buffer.alloc(pixelBytes, noise);
    const object = {
      SOPInstanceUID: sopInstanceUID,
      StudyInstanceUID: study,
      SeriesInstanceUID: `${study}.1`,
      pixels,
    };
    return {
      sopClassUID: CT_IMAGE_STORAGE,
      sopInstanceUID,
      transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
      dataSet: dataSetOf(smallObject(0, object)),
    };
  });
}

export const newUID = (): string => `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
