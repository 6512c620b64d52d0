/** Masks: what a device writes into its pictures is blanked, and not one byte beside it changes. */
import { join } from 'node:path';
import t from 'tap';
import { type Mask, readMasks } from '../../../../edge/deidentify/masks.ts';
import { readPart10 } from '../../../support/part10.ts';
import { deidentified } from './deidentify-fixture.ts';
import { foundAt, objectWith, type Planted } from './object-fixture.ts';

const ROWS = 6;
const COLUMNS = 8;
const BLANK = { x: 3, y: 1, width: 4, height: 2 };
const MASK: Mask = {
  ...{ modality: 'US', manufacturer: 'Example Medical', model: 'Sonograph 9' },
  ...{ rows: ROWS, columns: COLUMNS, blank: [BLANK] },
};
const WITH_MASK = { options: ['clean-pixel-data'], masks: [MASK] };

const us = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);

interface Picture {
  readonly photometric: string;
  readonly samples: number;
  readonly bits: 8 | 16;
  readonly planar?: 0 | 1;
  readonly signed?: boolean;
  readonly frames?: number;
}

function picture({ photometric, samples, bits, planar = 0, signed, frames = 1 }: Picture): {
  readonly file: Buffer;
  readonly pixels: Buffer;
} {
  const perPixel = photometric === 'YBR_FULL_422' ? 2 : (samples * bits) / 8;
  // No value is black, whatever black is.
  const pixels = Buffer.alloc(ROWS * COLUMNS * perPixel * frames, 0x31);
  const planted: readonly Planted[] = [
    [0x0008_0016, 'UI', '1.2.840.10008.5.1.4.1.1.3.1'],
    [0x0008_0060, 'CS', 'US'],
    [0x0008_0070, 'LO', 'EXAMPLE MEDICAL '],
    [0x0008_1090, 'LO', 'Sonograph 9'],
    [0x0028_0002, 'US', us(samples)],
    [0x0028_0004, 'CS', photometric],
    [0x0028_0006, 'US', us(planar)],
    [0x0028_0008, 'IS', String(frames)],
    [0x0028_0010, 'US', us(ROWS)],
    [0x0028_0011, 'US', us(COLUMNS)],
    [0x0028_0100, 'US', us(bits)],
    [0x0028_0101, 'US', us(bits === 16 ? 12 : 8)],
    [0x0028_0103, 'US', us(signed === true ? 1 : 0)],
    [0x0028_0301, 'CS', 'YES'],
    [0x7fe0_0010, bits === 16 ? 'OW' : 'OB', pixels],
  ];
  return { file: objectWith(planted), pixels };
}

/** A pixel's sample, read the slow way. PS3.3 C.7.6.3.1.3. */
function sampleAt(pixels: Buffer, of: Picture, at: SamplePlace): number {
  const { samples, bits, photometric, planar = 0 } = of;
  const pixel = at.y * COLUMNS + at.x;
  if (photometric === 'YBR_FULL_422') {
    const pair = at.frame * ROWS * COLUMNS * 2 + (pixel >> 1) * 4;
    return pixels[pair + (at.s === 0 ? pixel & 1 : 1 + at.s)] ?? -1;
  }
  const size = ROWS * COLUMNS;
  const index =
    at.frame * size * samples + (planar === 1 ? at.s * size + pixel : pixel * samples + at.s);
  return bits === 16 ? pixels.readUInt16LE(index * 2) : (pixels[index] ?? -1);
}

const PICTURES: readonly (readonly [Picture, readonly number[]])[] = [
  [{ photometric: 'MONOCHROME2', samples: 1, bits: 8 }, [0]],
  [{ photometric: 'MONOCHROME2', samples: 1, bits: 16 }, [0]],
  [{ photometric: 'MONOCHROME2', samples: 1, bits: 16, signed: true }, [0x0800]],
  [{ photometric: 'MONOCHROME1', samples: 1, bits: 16 }, [0x0fff]],
  [{ photometric: 'PALETTE COLOR', samples: 1, bits: 8, frames: 3 }, [0]],
  [{ photometric: 'RGB', samples: 3, bits: 8, frames: 2 }, [0, 0, 0]],
  [{ photometric: 'RGB', samples: 3, bits: 8, planar: 1, frames: 2 }, [0, 0, 0]],
  [{ photometric: 'YBR_FULL', samples: 3, bits: 8, frames: 2 }, [0, 128, 128]],
  [{ photometric: 'YBR_FULL', samples: 3, bits: 8, planar: 1 }, [0, 128, 128]],
  [{ photometric: 'YBR_FULL_422', samples: 3, bits: 8, frames: 2 }, [0, 128, 128]],
];

const isBlanked = ({ photometric }: Picture, x: number, y: number): boolean => {
  const isWide = photometric === 'YBR_FULL_422';
  // Pixels that share their colour go together: from the even one before to the odd one behind.
  const [left, right] = isWide ? [2, 8] : [BLANK.x, BLANK.x + BLANK.width];
  return x >= left && x < right && y >= BLANK.y && y < BLANK.y + BLANK.height;
};

interface SamplePlace {
  readonly x: number;
  readonly y: number;
  readonly s: number;
  readonly frame: number;
}

function samplesOf({ samples, frames = 1 }: Picture): SamplePlace[] {
  return Array.from({ length: frames * ROWS * COLUMNS * samples }, (_, n) => {
    const pixel = Math.floor(n / samples);
    const row = Math.floor(pixel / COLUMNS);
    return { s: n % samples, x: pixel % COLUMNS, y: row % ROWS, frame: Math.floor(row / ROWS) };
  });
}

for (const [of, black] of PICTURES)
  t.test(`${Object.values(of).join(' ')}: black within, untouched without`, async (t) => {
    const { file, pixels } = picture(of);
    for (const chunkBytes of [1 << 16, 37]) {
      const result = await deidentified(file, { ...WITH_MASK, chunkBytes });
      if (result.kind === 'held') throw new Error(result.reason);
      const { dataSet } = result.object;
      const after = foundAt(dataSet, 0x7fe0_0010, 'top')?.value ?? Buffer.alloc(0);
      t.equal(after.length, pixels.length);
      const wrong = samplesOf(of).filter((at) => {
        const expected = isBlanked(of, at.x, at.y) ? black[at.s] : sampleAt(pixels, of, at);
        return sampleAt(after, of, at) !== expected;
      });
      t.strictSame(wrong, []);
      t.equal(foundAt(dataSet, 0x0028_0301, 'top')?.value.toString(), 'NO');
      t.ok(dataSet.includes('113101'), 'it says that its pixels were cleaned');
    }
    t.ok(readPart10(file).dataSet.includes(pixels), 'what was given is not changed');
  });

t.test(
  'without the option, a mask, or pixels as they are described, the picture is held',
  async (t) => {
    const { file } = picture({ photometric: 'RGB', samples: 3, bits: 8 });
    const codeOf = async (bytes: Buffer, settings: object): Promise<string> => {
      const result = await deidentified(bytes, settings);
      return result.kind === 'held' ? result.code : 'clean';
    };
    t.equal(await codeOf(file, WITH_MASK), 'clean');
    t.equal(await codeOf(file, { ...WITH_MASK, options: [] }), 'BURNED_IN');
    t.equal(await codeOf(file, { ...WITH_MASK, masks: [{ ...MASK, rows: 7 }] }), 'BURNED_IN');
    t.equal(
      await codeOf(file, { ...WITH_MASK, masks: [{ ...MASK, model: 'Other' }] }),
      'BURNED_IN',
    );
    const cut = picture({ photometric: 'RGB', samples: 3, bits: 8, frames: 2 }).file;
    const fewer = cut.indexOf('IS\x02\x002 ', 0, 'latin1');
    cut.write('3', fewer + 4, 'latin1');
    t.equal(await codeOf(cut, WITH_MASK), 'MASK_NOT_APPLICABLE');
    const unknown = picture({ photometric: 'HSV', samples: 3, bits: 8 }).file;
    t.equal(await codeOf(unknown, WITH_MASK), 'MASK_NOT_APPLICABLE');
  },
);

t.test('the sample of a file of masks is one', async (t) => {
  const sample = join(import.meta.dirname, '../../../../installers/samples/masks.yaml');
  t.equal(readMasks(sample)[0]?.blank.length, 2);
  t.throws(() => readMasks(join(import.meta.dirname, 'masks.test.ts')), { code: 'MASKS_INVALID' });
});
