/** An ultrasound clip: a sector with speckle, a bright capsule and a cyst that moves with breathing. PS3.3 A.7. */
import { encodeDataSet, encodePart10 } from './data-set.ts';
import { commonElements, type PhantomSeries, type PhantomStudy, pixelElements } from './modules.ts';
import { randomFrom, uidFrom } from './random.ts';

const US_MULTI_FRAME = '1.2.840.10008.5.1.4.1.1.3.1';
const WIDTH = 400;
const HEIGHT = 300;
const APEX = { x: WIDTH / 2, y: -40 };

/** One Part 10 file of `frames` RGB frames, 400 × 300. */
export function ultrasoundClip(study: PhantomStudy, series: PhantomSeries, frames: number): Buffer {
  const instanceUID = uidFrom(`${series.seriesInstanceUID}/0`);
  const speckle = speckleField(series.seriesInstanceUID);
  const data = Buffer.concat(
    Array.from({ length: frames }, (_, frame) =>
      paintFrame(speckle, Math.sin((frame / frames) * 2 * Math.PI)),
    ),
  );
  const dataSet = encodeDataSet([
    ...commonElements({
      study,
      series,
      sopClassUID: US_MULTI_FRAME,
      sopInstanceUID: instanceUID,
      instanceNumber: 1,
    }),
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ABDOMINAL\\0001'],
    [0x00180015, 'CS', series.bodyPart],
    [0x00181063, 'DS', '50'],
    [0x00200020, 'CS', ''],
    [0x00280008, 'IS', String(frames)],
    [0x00280009, 'AT', Buffer.from([0x18, 0x00, 0x63, 0x10])],
    [0x00280014, 'US', 0],
    [0x00282110, 'CS', '00'],
    ...pixelElements({
      rows: HEIGHT,
      columns: WIDTH,
      bitsAllocated: 8,
      bitsStored: 8,
      signed: false,
      samples: 3,
      photometric: 'RGB',
      data,
    }),
  ]);
  return encodePart10(dataSet, { classUID: US_MULTI_FRAME, instanceUID });
}

/** Multiplicative noise with a grain of a few pixels, as interference makes it. */
function speckleField(seed: string): Float32Array {
  const random = randomFrom(seed);
  const field = new Float32Array(WIDTH * HEIGHT);
  for (let at = 0; at < field.length; at += 1)
    field[at] = 0.35 + Math.sqrt(-Math.log(1 - random())) * 0.75;
  for (let at = WIDTH; at < field.length; at += 1) {
    field[at] =
      (field[at] ?? 0) * 0.5 + (field[at - 1] ?? 0) * 0.3 + (field[at - WIDTH] ?? 0) * 0.2;
  }
  return field;
}

function paintFrame(speckle: Float32Array, breath: number): Buffer {
  const frame = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const grey = Math.min(255, Math.round(echo(x, y, breath) * (speckle[y * WIDTH + x] ?? 0)));
      frame.fill(grey, (y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3);
    }
  }
  return frame;
}

/** Brightness of the tissue at a pixel: nothing outside the sector, dark in the cyst, bright behind it. */
function echo(x: number, y: number, breath: number): number {
  const [dx, dy] = [x - APEX.x, y - APEX.y];
  const depth = Math.hypot(dx, dy);
  if (depth < 55 || depth > 330 || Math.abs(Math.atan2(dx, dy)) > 0.6) return 0;
  const cyst = Math.hypot((x - 230 - 6 * breath) / 34, (y - 150 - 14 * breath) / 26);
  if (cyst < 1) return 8;
  if (cyst < 1.12) return 190;
  if (Math.abs(depth - 120 - 10 * breath - 6 * Math.sin(dx / 22)) < 3) return 230;
  const behind = Math.abs(dx - 30 - 6 * breath) < 30 && y > 150 ? 1.4 : 1;
  return (150 - depth * 0.28) * behind;
}
