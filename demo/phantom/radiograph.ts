/** A chest radiograph: the same ellipsoids, seen along y, darkened by what the rays went through. PS3.3 A.26. */
import { chest } from './anatomy.ts';
import { encodeDataSet, encodePart10 } from './data-set.ts';
import { commonElements, type PhantomSeries, type PhantomStudy, pixelElements } from './modules.ts';
import { noiseTable, randomFrom, uidFrom } from './random.ts';
import { chordMm, type Ellipsoid } from './volume.ts';

const DX_FOR_PRESENTATION = '1.2.840.10008.5.1.4.1.1.1.1';
const SIZE = 1_024;
const PIXEL_MM = 0.4;

/** One Part 10 file, 1024 × 1024, 12 bits, MONOCHROME2: bone is bright. */
export function chestRadiograph(study: PhantomStudy, series: PhantomSeries): Buffer {
  const instanceUID = uidFrom(`${series.seriesInstanceUID}/0`);
  const dataSet = encodeDataSet([
    ...commonElements({
      study,
      series,
      sopClassUID: DX_FOR_PRESENTATION,
      sopInstanceUID: instanceUID,
      instanceNumber: 1,
    }),
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY'],
    [0x00080068, 'CS', 'FOR PRESENTATION'],
    [
      0x00082218,
      'SQ',
      [
        [
          [0x00080100, 'SH', '51185008'],
          [0x00080102, 'SH', 'SCT'],
          [0x00080104, 'LO', 'Chest'],
        ],
      ],
    ],
    [0x00180015, 'CS', series.bodyPart],
    [0x00181164, 'DS', `${PIXEL_MM}\\${PIXEL_MM}`],
    [0x00181508, 'CS', ''],
    [0x00185101, 'CS', 'PA'],
    [0x00187004, 'CS', 'DIRECT'],
    [0x00200020, 'CS', 'L\\F'],
    [0x00200062, 'CS', 'U'],
    [0x00280301, 'CS', 'NO'],
    [0x00281040, 'CS', 'LOG'],
    [0x00281041, 'SS', -1],
    [0x00281050, 'DS', '2048'],
    [0x00281051, 'DS', '4096'],
    [0x00281052, 'DS', '0'],
    [0x00281053, 'DS', '1'],
    [0x00281054, 'LO', 'US'],
    [0x00282110, 'CS', '00'],
    [0x20500020, 'CS', 'IDENTITY'],
    [0x00400555, 'SQ', []],
    ...pixelElements({
      rows: SIZE,
      columns: SIZE,
      bitsAllocated: 16,
      bitsStored: 12,
      signed: false,
      samples: 1,
      photometric: 'MONOCHROME2',
      data: project(series.seriesInstanceUID),
    }),
  ]);
  return encodePart10(dataSet, { classUID: DX_FOR_PRESENTATION, instanceUID });
}

/** Attenuation along each ray, then the logarithmic curve of a detector. */
function project(seed: string): Buffer {
  const noise = noiseTable(randomFrom(seed));
  const body = chest(1);
  const attenuation = new Float32Array(SIZE * SIZE);
  body.forEach((ellipsoid, order) => {
    const around = order === 0 ? 0 : density(body[Math.min(order - 1, 1)] ?? ellipsoid);
    addShadow(attenuation, ellipsoid, density(ellipsoid) - around);
  });
  const stored = new Uint16Array(attenuation.length);
  for (let at = 0; at < stored.length; at += 1) {
    const value =
      4_095 * (1 - Math.exp(-(attenuation[at] ?? 0) / 150)) ** 1.5 +
      (noise[(at * 3) & 0xffff] ?? 0) * 16;
    stored[at] = Math.min(4_095, Math.max(0, Math.round(value)));
  }
  return Buffer.from(stored.buffer);
}

/** Relative to water = 1. */
const density = (ellipsoid: Ellipsoid): number => (ellipsoid.value + 1_000) / 1_000;

function addShadow(attenuation: Float32Array, ellipsoid: Ellipsoid, weight: number): void {
  const [cx, , cz] = ellipsoid.centre;
  const [rx, , rz] = ellipsoid.radii;
  const column = (mm: number): number => Math.round(mm / PIXEL_MM + SIZE / 2);
  const row = (mm: number): number => Math.round(SIZE / 2 - mm / PIXEL_MM);
  for (let y = Math.max(0, row(cz + rz)); y <= Math.min(SIZE - 1, row(cz - rz)); y += 1) {
    for (let x = Math.max(0, column(cx - rx)); x <= Math.min(SIZE - 1, column(cx + rx)); x += 1) {
      const chord = chordMm(ellipsoid, (x - SIZE / 2) * PIXEL_MM, (SIZE / 2 - y) * PIXEL_MM);
      attenuation[y * SIZE + x] = (attenuation[y * SIZE + x] ?? 0) + chord * weight;
    }
  }
}
