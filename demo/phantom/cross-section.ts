/** CT and MR series: axial slices through an anatomy, with the noise and the shading of the modality. */
import type { Compression } from './compress.ts';
import { type Element, encodeDataSet, encodePart10 } from './data-set.ts';
import { commonElements, type PhantomSeries, type PhantomStudy, pixelElements } from './modules.ts';
import { noiseTable, randomFrom, uidFrom } from './random.ts';
import { type Ellipsoid, paintSlice, soften } from './volume.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const MR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.4';

export interface CrossSectionSeries {
  readonly study: PhantomStudy;
  readonly series: PhantomSeries;
  readonly anatomy: readonly Ellipsoid[];
  readonly slices: number;
  readonly spacingMm: number;
  /** Rows and columns. */
  readonly size: number;
  readonly pixelMm: number;
  readonly windowCentre: number;
  readonly windowWidth: number;
  /** Native when it is absent. */
  readonly compression?: Compression;
}

/** One Part 10 file a slice, from the feet up. CT: HU, 12 bits in 16, rescale −1024. */
export function* ctSlices(options: CrossSectionSeries): Generator<Buffer> {
  const noise = noiseTable(randomFrom(options.series.seriesInstanceUID));
  for (let index = 0; index < options.slices; index += 1) {
    const image = soften(
      paintSlice(options.anatomy, geometry(options, index), -1_000),
      options.size,
    );
    const stored = toStored(
      image,
      (value, at) => value + 1_024 + (noise[(at * 7 + index * 131) & 0xffff] ?? 0) * 9,
    );
    yield slice(options, index, { classUID: CT_IMAGE_STORAGE, stored, extra: ctElements(options) });
  }
}

/** One Part 10 file a slice. MR: a T2-like contrast of the same anatomy under an uneven coil. */
export function* mrSlices(options: CrossSectionSeries): Generator<Buffer> {
  const noise = noiseTable(randomFrom(options.series.seriesInstanceUID));
  const { size } = options;
  for (let index = 0; index < options.slices; index += 1) {
    const image = soften(paintSlice(options.anatomy, geometry(options, index), -1_000), size);
    const stored = toStored(image, (hounsfield, at) => {
      const coil = 0.75 + 0.5 * ((at % size) / size) * (1 - Math.floor(at / size) / size / 2);
      return (
        t2Signal(hounsfield) * coil + Math.abs(noise[(at * 5 + index * 257) & 0xffff] ?? 0) * 14
      );
    });
    yield slice(options, index, { classUID: MR_IMAGE_STORAGE, stored, extra: MR_ELEMENTS });
  }
}

/** Water is bright, fat and brain grey, bone and air dark. */
function t2Signal(hounsfield: number): number {
  if (hounsfield < -500 || hounsfield > 300) return 20;
  if (hounsfield < 15) return 1_500;
  return Math.max(200, 900 - (hounsfield - 20) * 9);
}

function geometry(
  options: CrossSectionSeries,
  index: number,
): { size: number; pixelMm: number; z: number } {
  return { size: options.size, pixelMm: options.pixelMm, z: zOf(options, index) };
}

const zOf = (options: CrossSectionSeries, index: number): number =>
  (index - (options.slices - 1) / 2) * options.spacingMm;

function toStored(image: Float32Array, value: (painted: number, at: number) => number): Buffer {
  const stored = new Uint16Array(image.length);
  for (let at = 0; at < image.length; at += 1) {
    stored[at] = Math.min(4_095, Math.max(0, Math.round(value(image[at] ?? 0, at))));
  }
  return Buffer.from(stored.buffer);
}

function slice(
  options: CrossSectionSeries,
  index: number,
  made: { classUID: string; stored: Buffer; extra: Element[] },
): Buffer {
  const { study, series, size, pixelMm, compression } = options;
  const { transferSyntaxUID } = compression ?? {};
  const frame = { rows: size, columns: size, bitsStored: 12, data: made.stored };
  const instanceUID = uidFrom(`${series.seriesInstanceUID}/${index}`);
  const corner = (-size / 2) * pixelMm;
  const dataSet = encodeDataSet([
    ...commonElements({
      study,
      series,
      sopClassUID: made.classUID,
      sopInstanceUID: instanceUID,
      instanceNumber: index + 1,
    }),
    ...made.extra,
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
    [0x00180015, 'CS', series.bodyPart],
    [0x00180050, 'DS', String(options.spacingMm)],
    [0x00185100, 'CS', 'HFS'],
    [0x00200032, 'DS', [corner, corner, zOf(options, index)].map((mm) => mm.toFixed(3)).join('\\')],
    [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
    [0x00200052, 'UI', uidFrom(`${study.studyInstanceUID}/frame-of-reference`)],
    [0x00201040, 'LO', ''],
    [0x00280030, 'DS', `${pixelMm}\\${pixelMm}`],
    [0x00281050, 'DS', String(options.windowCentre)],
    [0x00281051, 'DS', String(options.windowWidth)],
    ...pixelElements({
      ...{ ...frame, bitsAllocated: 16, signed: false, samples: 1, photometric: 'MONOCHROME2' },
      data: compression === undefined ? frame.data : { frames: [compression.compress(frame)] },
    }),
  ]);
  return encodePart10(dataSet, {
    ...{ classUID: made.classUID, instanceUID },
    ...(transferSyntaxUID === undefined ? {} : { transferSyntaxUID }),
  });
}

function ctElements(options: CrossSectionSeries): Element[] {
  return [
    [0x00180060, 'DS', '120'],
    [0x00180088, 'DS', String(options.spacingMm)],
    [0x00200012, 'IS', '1'],
    [0x00281052, 'DS', '-1024'],
    [0x00281053, 'DS', '1'],
    [0x00281054, 'LO', 'HU'],
  ];
}

const MR_ELEMENTS: Element[] = [
  [0x00180020, 'CS', 'SE'],
  [0x00180021, 'CS', 'NONE'],
  [0x00180022, 'CS', ''],
  [0x00180023, 'CS', '2D'],
  [0x00180080, 'DS', '4200'],
  [0x00180081, 'DS', '98'],
  [0x00180091, 'IS', '16'],
];
