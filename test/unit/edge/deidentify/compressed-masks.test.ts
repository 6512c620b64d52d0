/** Masks on compressed pixels: black within, and outside what the compressed frames decode to, in every form. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { openCompressions } from '../../../../demo/phantom/compress.ts';
import { deidentifyFolder } from '../../../../edge/deidentify/folder-run.ts';
import type { Mask } from '../../../../edge/deidentify/masks.ts';
import { readOptions } from '../../../../edge/deidentify/options.ts';
import type { Report } from '../../../../edge/deidentify/report.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { decodeFrame } from '../../../../shared/pixel-data/decode.ts';
import { encodeJpegLs } from '../../../../shared/pixel-data/encode-jpeg-ls.ts';
import type { ImagePixels } from '../../../../shared/pixel-data/image.ts';
import { type Codecs, openCodecs } from '../../../../shared/pixel-data/wasm.ts';
import { pixelsOf } from '../../../support/image-object.ts';
import { type Part10, readPart10, writePart10 } from '../../../support/part10.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { EXPLICIT, encoded, foundAt, type Planted } from './object-fixture.ts';

const [ROWS, COLUMNS] = [40, 48];
const BLANK = { x: 4, y: 3, width: 11, height: 6 };
const MASK: Mask = {
  ...{ modality: 'US', manufacturer: 'Example Medical', model: 'Sonograph 9' },
  ...{ rows: ROWS, columns: COLUMNS, blank: [BLANK] },
};
const us = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);

interface Form {
  readonly name: string;
  readonly transferSyntaxUID: string;
  readonly image: ImagePixels;
  readonly compress: (native: Buffer) => Promise<Buffer> | Buffer;
  /** Of a masked pixel, sample by sample. */
  readonly black: readonly number[];
  readonly photometric: string;
}

function image(over: Partial<ImagePixels> = {}): ImagePixels {
  return {
    ...{ rows: ROWS, columns: COLUMNS, samplesPerPixel: 1, bitsAllocated: 16, bitsStored: 12 },
    ...{ isSigned: false, photometricInterpretation: 'MONOCHROME2', isPlanar: false, frames: 1 },
    ...over,
  };
}

const colour = { samplesPerPixel: 3, bitsAllocated: 8, bitsStored: 8 };
const grey = (data: Buffer) => ({ rows: ROWS, columns: COLUMNS, bitsStored: 12, data });

/** Literal runs only: allowed, and no shorter. PS3.5 §G.3. */
function rle(native: Buffer): Buffer {
  const head = Buffer.alloc(64);
  head.writeUInt32LE(1, 0);
  head.writeUInt32LE(64, 4);
  const runs = Array.from({ length: native.length / 128 }, (_, at) => [
    Buffer.from([127]),
    native.subarray(at * 128, at * 128 + 128),
  ]);
  return Buffer.concat([head, ...runs.flat()]);
}

function reversibleColour(native: Buffer, codecs: Codecs): Buffer {
  const encoder = codecs.j2kEncoder();
  const info = { width: COLUMNS, height: ROWS, bitsPerSample: 8, componentCount: 3 };
  encoder.getDecodedBuffer({ ...info, isSigned: false }).set(native);
  encoder.setQuality(true, 0);
  encoder.encode();
  const bytes = Buffer.from(encoder.getEncodedBuffer());
  encoder.delete();
  return bytes;
}

const rgb = { width: COLUMNS, height: ROWS, channels: 3 as const };
async function formsOf(codecs: Codecs): Promise<Form[]> {
  const compressions = await openCompressions();
  const {
    'JPEG-LS': JPEG_LS,
    'JPEG 2000': JPEG_2000,
    'JPEG Lossless': JPEG_LOSSLESS,
  } = compressions;
  return [
    {
      ...{
        name: 'JPEG-LS, grey, three frames',
        ...JPEG_LS,
        photometric: 'MONOCHROME2',
        black: [0],
      },
      image: image({ frames: 3 }),
      compress: (native) => JPEG_LS.compress(grey(native)),
    },
    {
      ...{ name: 'JPEG-LS, RGB', transferSyntaxUID: JPEG_LS.transferSyntaxUID, photometric: 'RGB' },
      ...{ image: image({ ...colour, photometricInterpretation: 'RGB' }), black: [0, 0, 0] },
      compress: (native) =>
        encodeJpegLs(native, {
          image: image({ ...colour, photometricInterpretation: 'RGB' }),
          codecs,
        }),
    },
    {
      ...{ name: 'JPEG Lossless, inverted grey, two frames', photometric: 'MONOCHROME1' },
      ...{ transferSyntaxUID: JPEG_LOSSLESS.transferSyntaxUID, black: [0x0fff] },
      image: image({ frames: 2, photometricInterpretation: 'MONOCHROME1' }),
      compress: (native) => JPEG_LOSSLESS.compress(grey(native)),
    },
    {
      ...{ name: 'JPEG 2000, reversible colour transform', photometric: 'RGB', black: [0, 0, 0] },
      transferSyntaxUID: JPEG_2000.transferSyntaxUID,
      image: image({ ...colour, photometricInterpretation: 'YBR_RCT' }),
      compress: (native) => reversibleColour(native, codecs),
    },
    {
      ...{ name: 'JPEG baseline, two frames', photometric: 'RGB', black: [0, 0, 0] },
      transferSyntaxUID: '1.2.840.10008.1.2.4.50',
      image: image({ ...colour, photometricInterpretation: 'YBR_FULL_422', frames: 2 }),
      compress: (native) => sharp(native, { raw: rgb }).jpeg({ quality: 80 }).toBuffer(),
    },
    {
      ...{ name: 'RLE, palette', photometric: 'PALETTE COLOR', black: [0] },
      transferSyntaxUID: '1.2.840.10008.1.2.5',
      image: image({
        ...{ bitsAllocated: 8, bitsStored: 8, photometricInterpretation: 'PALETTE COLOR' },
      }),
      compress: rle,
    },
  ];
}

interface Made {
  readonly form: Form;
  readonly sopInstanceUID: string;
  readonly frames: readonly Buffer[];
  readonly file: Buffer;
}

/** The compressed frames, and the file around them. */
async function objectOf(form: Form, sopInstanceUID: string): Promise<Made> {
  const { image: of, transferSyntaxUID } = form;
  const native = pixelsOf(of);
  const bytes = native.length / of.frames;
  const frames: Buffer[] = [];
  for (let at = 0; at < of.frames; at += 1)
    frames.push(await form.compress(native.subarray(at * bytes, (at + 1) * bytes)));
  const sop = { sopInstanceUID, transferSyntaxUID };
  return { ...sop, form, frames, file: fileOf(of, frames, sop) };
}

function fileOf(
  of: ImagePixels,
  frames: readonly Buffer[],
  named: { sopInstanceUID: string; transferSyntaxUID: string },
): Buffer {
  const sop = { sopClassUID: '1.2.840.10008.5.1.4.1.1.3.1', ...named };
  const elements: Planted[] = [
    [0x0008_0016, 'UI', sop.sopClassUID],
    [0x0008_0018, 'UI', sop.sopInstanceUID],
    [0x0008_0060, 'CS', 'US'],
    [0x0008_0070, 'LO', 'Example Medical'],
    [0x0008_1090, 'LO', 'Sonograph 9'],
    [0x0010_0010, 'PN', 'Okonkwo^Ngozi'],
    [0x0010_0020, 'LO', 'MRN7654321'],
    [0x0020_000d, 'UI', '2.25.62'],
    [0x0020_000e, 'UI', '2.25.63'],
    [0x0028_0002, 'US', us(of.samplesPerPixel)],
    [0x0028_0004, 'CS', of.photometricInterpretation],
    ...(of.samplesPerPixel === 3 ? ([[0x0028_0006, 'US', us(0)]] as const) : []),
    [0x0028_0008, 'IS', String(of.frames)],
    [0x0028_0010, 'US', us(of.rows)],
    [0x0028_0011, 'US', us(of.columns)],
    [0x0028_0100, 'US', us(of.bitsAllocated)],
    [0x0028_0101, 'US', us(of.bitsStored)],
    [0x0028_0102, 'US', us(of.bitsStored - 1)],
    [0x0028_0103, 'US', us(0)],
    [0x0028_0301, 'CS', 'YES'],
  ];
  const item = (bytes: Buffer): Buffer => {
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    const header = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
    header.writeUInt32LE(padded.length, 4);
    return Buffer.concat([header, padded]);
  };
  const pixelData = [
    Buffer.from('e07f10004f420000ffffffff', 'hex'),
    ...[Buffer.alloc(0), ...frames].map(item),
    Buffer.from('feffdde000000000', 'hex'),
  ];
  const dataSet = Buffer.concat([...elements.map((one) => encoded(EXPLICIT, one)), ...pixelData]);
  return writePart10({ ...sop, dataSet });
}

/** All in one run, which loads the codecs once. */
async function run(
  t: Test,
  files: readonly Buffer[],
): Promise<{ report: Report; clean: ReadonlyMap<string, Part10> }> {
  const directory = temporaryDirectory(t);
  const [input, output] = [join(directory, 'in'), join(directory, 'out')];
  mkdirSync(input);
  for (const [n, file] of files.entries()) writeFileSync(join(input, `${n}.dcm`), file);
  const read = readOptions(['clean-pixel-data', 'retain-uids']);
  const report = await deidentifyFolder({
    ...{ input, output, project: 'p', keyFile: join(directory, 'key'), profile: 'basic' },
    ...{ options: 'options' in read ? read.options : [], masks: [MASK], clock: systemClock },
    onProgress: () => {},
  });
  const left = readdirSync(output, { recursive: true }).map(String);
  t.notOk(
    left.some((name) => name.startsWith('.partial')),
    'nothing else is left behind',
  );
  const names = left.filter((name) => name.endsWith('.dcm') && !name.startsWith('held'));
  const objects = names.map((name) => readPart10(join(output, name)));
  return { report, clean: new Map(objects.map((object) => [object.sopInstanceUID, object])) };
}

const isWithin = (x: number, y: number): boolean =>
  x >= BLANK.x && x < BLANK.x + BLANK.width && y >= BLANK.y && y < BLANK.y + BLANK.height;

interface Checked {
  readonly clean: ReadonlyMap<string, Part10>;
  readonly codecs: Codecs;
}

const NOTHING: Part10 = {
  ...{ sopClassUID: '', sopInstanceUID: '', transferSyntaxUID: '', dataSet: Buffer.alloc(0) },
};

async function checkForm(t: Test, made: Made, { clean, codecs }: Checked): Promise<void> {
  const { form, frames } = made;
  const { dataSet, transferSyntaxUID } = clean.get(made.sopInstanceUID) ?? NOTHING;
  t.equal(transferSyntaxUID, '1.2.840.10008.1.2.1');
  const text = (tag: number) => foundAt(dataSet, tag, 'top')?.value.toString('latin1').trim();
  t.equal(text(0x0028_0004), form.photometric);
  t.equal(text(0x0028_0301), 'NO');
  t.ok(dataSet.includes('113101'), 'it says that its pixels were cleaned');
  t.notOk(dataSet.includes('Okonkwo'));
  const after = foundAt(dataSet, 0x7fe0_0010, 'top')?.value ?? Buffer.alloc(0);
  const before = Buffer.concat(
    frames.map((frame) => {
      const { image: of } = form;
      return decodeFrame(form.transferSyntaxUID, frame, { image: of, codecs }).bytes;
    }),
  );
  t.equal(after.length, before.length);
  const { samplesPerPixel: samples, bitsAllocated } = form.image;
  const bytes = bitsAllocated / 8;
  const wrong = Array.from({ length: before.length / bytes }, (_, at) => at).filter((at) => {
    const pixel = Math.floor(at / samples) % (ROWS * COLUMNS);
    const isBlack = isWithin(pixel % COLUMNS, Math.floor(pixel / COLUMNS));
    const expected = isBlack ? form.black[at % samples] : before.readUIntLE(at * bytes, bytes);
    return after.readUIntLE(at * bytes, bytes) !== expected;
  });
  t.strictSame(wrong, []);
}

t.test('black within, the decoded pixels without; what can not be decoded is held', async (t) => {
  const codecs = await openCodecs();
  const made: Made[] = [];
  for (const [n, form] of (await formsOf(codecs)).entries())
    made.push(await objectOf(form, `2.25.61${n}`));
  const [first] = made;
  if (first === undefined) throw new Error('there are forms');
  const cut = first.frames.map((frame) => frame.subarray(0, 20));
  const { transferSyntaxUID, image: of } = first.form;
  const broken = fileOf(of, cut, { sopInstanceUID: '2.25.69', transferSyntaxUID });
  const { clean, report } = await run(t, [...made.map(({ file }) => file), broken]);
  t.match(report, { clean: made.length, held: 1, reasons: { MASK_NOT_APPLICABLE: 1 } });
  for (const one of made) await t.test(one.form.name, (t) => checkForm(t, one, { clean, codecs }));
});
