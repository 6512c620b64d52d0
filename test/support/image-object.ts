/** Images of every form for tests of codecs: a data set in explicit VR little endian around given pixels. */

import { ImageTag } from '../../edge/transcode/survey.ts';
import { type ElementHeader, ElementReader } from '../../shared/dicom/element-reader.ts';
import { encodeElement } from '../../shared/dicom/encode-element.ts';
import { type Entry, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import { CT_IMAGE_STORAGE, EXPLICIT_LITTLE_ENDIAN } from './storage-fixture.ts';

export interface ImageForm {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly isSigned: boolean;
  readonly photometricInterpretation: string;
  readonly planarConfiguration?: number;
  readonly frames: number;
}

/** Some structure and some noise, the same each time; within Bits Stored, sign-extended. */
export function pixelsOf(form: ImageForm): Buffer {
  const { rows, columns, samplesPerPixel, bitsAllocated, bitsStored, isSigned, frames } = form;
  const count = rows * columns * samplesPerPixel * frames;
  const bytes = Buffer.alloc((count * bitsAllocated) / 8);
  let seed = 12_345;
  for (let at = 0; at < count; at += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const range = 2 ** bitsStored;
    const value = (at * 3 + (seed % 17)) % range;
    const stored = isSigned && value >= range / 2 ? value - range : value;
    if (bitsAllocated === 8) bytes[at] = stored & 0xff;
    else bytes.writeUInt16LE(stored & 0xffff, at * 2);
  }
  return bytes;
}

export function imageObject(form: ImageForm, pixels: Buffer): Buffer {
  const { samplesPerPixel, planarConfiguration } = form;
  const entries: Entry[] = [
    [0x0008_0016, CT_IMAGE_STORAGE],
    [0x0008_0018, '2.999.1.1'],
    [0x0020_000d, '2.999.7.1'],
    [0x0020_000e, '2.999.7.1.1'],
    [ImageTag.SamplesPerPixel, samplesPerPixel],
    [ImageTag.PhotometricInterpretation, form.photometricInterpretation],
    ...(samplesPerPixel > 1
      ? ([[ImageTag.PlanarConfiguration, planarConfiguration ?? 0]] as const)
      : []),
    [ImageTag.NumberOfFrames, `${form.frames}`],
    [ImageTag.Rows, form.rows],
    [ImageTag.Columns, form.columns],
    [ImageTag.BitsAllocated, form.bitsAllocated],
    [ImageTag.BitsStored, form.bitsStored],
    [0x0028_0102, form.bitsStored - 1],
    [ImageTag.PixelRepresentation, form.isSigned ? 1 : 0],
  ];
  const vr = form.bitsAllocated > 8 ? 'OW' : 'OB';
  const value = pixels.length % 2 === 0 ? pixels : Buffer.concat([pixels, Buffer.alloc(1)]);
  const element = encodeElement(encodingOf(EXPLICIT_LITTLE_ENDIAN), {
    tag: 0x7fe0_0010,
    vr,
    value,
  });
  return Buffer.concat([writeSmallDataSet(EXPLICIT_LITTLE_ENDIAN, entries), element]);
}

/** Values of a data set's own elements, Pixel Data only where it is not compressed. */
export function valuesOf(transferSyntaxUID: string, dataSet: Buffer): Map<number, Buffer> {
  const values = new Map<number, Buffer>();
  const reader = new ElementReader(encodingOf(transferSyntaxUID), {
    element: ({ depth }: ElementHeader) => depth === 0,
    value: ({ tag }: ElementHeader, bytes: Buffer) => void values.set(tag, bytes),
  });
  reader.write(dataSet);
  reader.end();
  return values;
}
