/**
 * Native pixels of every form survive JPEG-LS and back, bit by bit, dirty bits included; what does not fit is
 * refused. The traps of real codecs. edge/transcode, shared/pixel-data. PS3.5 §8.2.3.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ImageForm, imageObject, pixelsOf, valuesOf } from '../../../support/image-object.ts';
import { writePart10 } from '../../../support/part10.ts';
import { CT_IMAGE_STORAGE, EXPLICIT_LITTLE_ENDIAN } from '../../../support/storage-fixture.ts';
import { transcodePart10 } from '../../../support/transcoding.ts';

const JPEG_LS = '1.2.840.10008.1.2.4.80';
const PIXEL_DATA = 0x7fe0_0010;
const file = join(t.testdir(), 'image.dcm');

const mono: ImageForm = {
  ...{ rows: 33, columns: 31, samplesPerPixel: 1, frames: 1, isSigned: false },
  ...{ bitsAllocated: 16, bitsStored: 12, photometricInterpretation: 'MONOCHROME2' },
};
const colour = { ...mono, samplesPerPixel: 3, photometricInterpretation: 'RGB' };
const bits8 = { bitsAllocated: 8, bitsStored: 8 };

async function roundTrip(form: ImageForm, pixels: Buffer): Promise<Map<number, Buffer>> {
  write(EXPLICIT_LITTLE_ENDIAN, imageObject(form, pixels));
  const compressed = await transcodePart10(file, JPEG_LS);
  write(JPEG_LS, compressed.dataSet);
  const native = await transcodePart10(file, EXPLICIT_LITTLE_ENDIAN);
  return valuesOf(EXPLICIT_LITTLE_ENDIAN, native.dataSet);
}

function write(transferSyntaxUID: string, dataSet: Buffer): void {
  const sopInstanceUID = '2.999.1.1';
  const part10 = { sopClassUID: CT_IMAGE_STORAGE, sopInstanceUID, transferSyntaxUID, dataSet };
  writeFileSync(file, writePart10(part10));
}

const FORMS: Readonly<Record<string, ImageForm>> = {
  '12 of 16 bits': mono,
  '12 of 16 bits, signed': { ...mono, isSigned: true },
  '10 of 16 bits': { ...mono, bitsStored: 10 },
  '16 bits, signed': { ...mono, bitsStored: 16, isSigned: true },
  '8 of 16 bits': { ...mono, bitsStored: 8 },
  '8 bits': { ...mono, ...bits8 },
  '8 bits, signed': { ...mono, ...bits8, isSigned: true },
  'a palette': { ...mono, ...bits8, photometricInterpretation: 'PALETTE COLOR' },
  'RGB, pixel by pixel': { ...colour, ...bits8 },
  'RGB of 16 bits': { ...colour, bitsStored: 16 },
  'YBR_FULL, which stays what it is': {
    ...colour,
    ...bits8,
    photometricInterpretation: 'YBR_FULL',
  },
  'five frames': { ...mono, frames: 5 },
  'one pixel': { ...mono, rows: 1, columns: 1 },
};

for (const [name, form] of Object.entries(FORMS))
  t.test(`${name}`, async (t) => {
    const pixels = pixelsOf(form);
    const values = await roundTrip(form, pixels);
    const back = values.get(PIXEL_DATA)?.subarray(0, pixels.length);
    t.ok(back?.equals(pixels), 'every bit');
    const photometric = values.get(0x0028_0004)?.toString('latin1').trim();
    t.equal(photometric, form.photometricInterpretation);
  });

t.test('RGB plane by plane comes back pixel by pixel, and says so', async (t) => {
  const form = { ...colour, ...bits8, planarConfiguration: 1, rows: 4, columns: 4 };
  const planes = pixelsOf(form);
  const values = await roundTrip(form, planes);
  t.equal(values.get(0x0028_0006)?.readUInt16LE(0), 0);
  const expected = Buffer.from(
    Array.from({ length: 48 }, (_, at) => planes[(at % 3) * 16 + Math.floor(at / 3)] ?? 0),
  );
  t.ok(values.get(PIXEL_DATA)?.equals(expected));
});

t.test('bits above Bits Stored are kept: overlays, padding, rubbish', async (t) => {
  const pixels = pixelsOf({ ...mono, bitsStored: 16 });
  const values = await roundTrip(mono, pixels);
  t.ok(values.get(PIXEL_DATA)?.subarray(0, pixels.length).equals(pixels));
});

t.test('what JPEG-LS can not hold is refused by name', async (t) => {
  const subsampled = { ...colour, ...bits8, photometricInterpretation: 'YBR_FULL_422' };
  write(EXPLICIT_LITTLE_ENDIAN, imageObject(subsampled, pixelsOf(subsampled)));
  await t.rejects(transcodePart10(file, JPEG_LS), { code: 'CODEC_UNSUPPORTED' });
  const short = imageObject({ ...mono, rows: 400 }, pixelsOf(mono));
  write(EXPLICIT_LITTLE_ENDIAN, short);
  await t.rejects(transcodePart10(file, JPEG_LS), { code: 'IMAGE_UNCLEAR' });
});
