/** Where a pixel's bytes are in native Pixel Data. PS3.3 C.7.6.3.1, PS3.5 §8.1.1, §8.2. */
import { type Subject, SubjectTag } from './subject.ts';
import { WithheldError } from './withheld.ts';

export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly samples: number;
  readonly bytesPerSample: number;
  /** Each sample has a plane of its own. */
  readonly isPlanar: boolean;
  /** Two pixels share their colour: Y, Y, Cb, Cr. */
  readonly isSubsampled: boolean;
  readonly frameBytes: number;
  /** What black is, for each sample. */
  readonly black: readonly number[];
}

/** @throws WithheldError `MASK_NOT_APPLICABLE` for what is not described, or not among what is known */
export function pixelLayoutOf({ text, number }: Subject): PixelLayout {
  const rows = number(SubjectTag.Rows) ?? 0;
  const columns = number(SubjectTag.Columns) ?? 0;
  const samples = number(SubjectTag.SamplesPerPixel) ?? 1;
  const bitsAllocated = number(SubjectTag.BitsAllocated) ?? 0;
  const photometric = text(SubjectTag.PhotometricInterpretation).trim().toUpperCase();
  const black = blackOf(photometric, samples, number(SubjectTag.BitsStored) ?? bitsAllocated, {
    isSigned: number(SubjectTag.PixelRepresentation) === 1,
  });
  const isSubsampled = photometric === 'YBR_FULL_422';
  const isKnown =
    rows > 0 &&
    columns > 0 &&
    black !== undefined &&
    (bitsAllocated === 8 || (bitsAllocated === 16 && !isSubsampled)) &&
    !(isSubsampled && columns % 2 === 1);
  if (!isKnown)
    throw new WithheldError(
      'MASK_NOT_APPLICABLE',
      `pixels of ${photometric || 'no photometric interpretation'}, ${bitsAllocated} bits, can't be masked`,
    );
  const bytesPerSample = bitsAllocated / 8;
  return {
    ...{ rows, columns, samples, bytesPerSample, isSubsampled, black },
    frames: number(SubjectTag.NumberOfFrames) ?? 1,
    isPlanar: samples > 1 && number(SubjectTag.PlanarConfiguration) === 1 && !isSubsampled,
    frameBytes: rows * columns * (isSubsampled ? 2 : samples * bytesPerSample),
  };
}

function blackOf(
  photometric: string,
  samples: number,
  bitsStored: number,
  { isSigned }: { readonly isSigned: boolean },
): readonly number[] | undefined {
  const lowest = isSigned ? 2 ** bitsStored / 2 : 0;
  const middle = 2 ** (bitsStored - 1);
  switch (photometric) {
    case 'MONOCHROME1':
      return samples === 1 ? [isSigned ? middle - 1 : 2 ** bitsStored - 1] : undefined;
    case 'MONOCHROME2':
      // The lowest signed number, in two's complement of the bits that are stored.
      return samples === 1 ? [lowest] : undefined;
    case 'PALETTE COLOR':
      return samples === 1 ? [0] : undefined;
    case 'RGB':
      return samples === 3 ? [0, 0, 0] : undefined;
    case 'YBR_FULL':
    case 'YBR_FULL_422':
      return samples === 3 ? [0, middle, middle] : undefined;
    default:
      return undefined;
  }
}
