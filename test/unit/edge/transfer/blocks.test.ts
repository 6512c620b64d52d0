/** The transport coding gives every byte back. edge/transfer/blocks.ts, cut-blocks.ts, predict.ts. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import {
  BLOCK_HEADER_BYTES,
  decodeBlock,
  decodeBlockHeader,
  encodeBlock,
} from '../../../../edge/transfer/blocks.ts';
import { BLOCK_BYTES, BlockCutter } from '../../../../edge/transfer/cut-blocks.ts';
import { predict, restore, type SampleShape } from '../../../../edge/transfer/predict.ts';
import { realFiles } from '../../../support/corpus.ts';
import { readPart10 } from '../../../support/part10.ts';
import {
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN,
  smallObject,
} from '../../../support/storage-fixture.ts';

interface Coded {
  readonly whole: Buffer;
  readonly codeBytes: number;
  readonly methods: ReadonlySet<string>;
}

async function thereAndBack(dataSet: Buffer, syntax: string, chunkBytes: number): Promise<Coded> {
  const cutter = new BlockCutter(syntax, dataSet.length);
  const parts: Buffer[] = [];
  let codeBytes = 0;
  const methods = new Set<string>();
  for (let at = 0; at < dataSet.length; at += chunkBytes) {
    for (const block of cutter.push(dataSet.subarray(at, at + chunkBytes))) {
      const { header, code, method } = await encodeBlock(block, true);
      codeBytes += header.length + code.length;
      methods.add(method);
      const decoded = await decodeBlock(decodeBlockHeader(header), code);
      if (decoded === undefined) throw new Error('not decoded');
      parts.push(decoded);
    }
  }
  return { whole: Buffer.concat(parts), codeBytes, methods };
}

/** An object with an image of so many columns and 16-bit rows. */
function image(columns: number, rows: number, sample: (at: number) => number): Buffer {
  const pixels = Buffer.alloc(columns * rows * 2);
  for (let at = 0; at < columns * rows; at += 1) pixels.writeUInt16LE(sample(at) & 0xffff, at * 2);
  const module = [
    ['28000200', 1],
    ['28001100', columns],
    ['28000001', 16],
    ['28000301', 1],
  ] as const;
  const elements = module.map(([tag, value]) => {
    const bytes = Buffer.from(`${tag}555302000000`, 'hex');
    bytes.writeUInt16LE(value, 8);
    return bytes;
  });
  const head = dataSetOf(smallObject(1, { pixels: Buffer.alloc(0) })).subarray(0, -12);
  const pixelHead = Buffer.from('e07f10004f57000000000000', 'hex');
  pixelHead.writeUInt32LE(pixels.length, 8);
  return Buffer.concat([head, ...elements, pixelHead, pixels]);
}

t.test('every real object comes back byte by byte, in whatever chunks', async (t) => {
  for (const file of realFiles()) {
    const { dataSet, transferSyntaxUID } = readPart10(file);
    for (const chunkBytes of [dataSet.length, 65_537, 1_001])
      t.ok(
        (await thereAndBack(dataSet, transferSyntaxUID, chunkBytes)).whole.equals(dataSet),
        file,
      );
  }
});

t.test('an image of many blocks is predicted row by row, and shrinks', async (t) => {
  const noise = randomBytes(65_536);
  const smooth = (at: number): number =>
    Math.round(900 * Math.sin(at / 30_000) + 500 * Math.sin((at % 700) / 90)) +
    ((noise[at % 65_536] ?? 0) >> 5);
  const dataSet = image(700, 3_000, smooth);
  t.ok(dataSet.length > 3 * BLOCK_BYTES);
  const coded = await thereAndBack(dataSet, EXPLICIT_LITTLE_ENDIAN, 200_000);
  t.ok(coded.whole.equals(dataSet));
  t.same([...coded.methods], ['predicted']);
  t.ok(dataSet.length / coded.codeBytes > 2.5, `${dataSet.length / coded.codeBytes} : 1`);
});

t.test('what does not shrink goes as it is', async (t) => {
  const dataSet = dataSetOf(smallObject(1, { pixels: randomBytes(3_000_000) }));
  const coded = await thereAndBack(dataSet, EXPLICIT_LITTLE_ENDIAN, 1 << 20);
  t.ok(coded.whole.equals(dataSet));
  t.same([...coded.methods], ['raw']);
  t.ok(coded.codeBytes < dataSet.length + 10 * BLOCK_HEADER_BYTES);
});

const SHAPES = [1, 2].flatMap((sampleBytes) =>
  [1, 3].flatMap((distance) =>
    [1, 3, 7, 12, 1_000].flatMap((rowSamples) =>
      [true, false].map((isSigned) => ({ sampleBytes, distance, rowSamples, isSigned })),
    ),
  ),
) as readonly SampleShape[];

t.test('any bytes and any shape of samples come back', async (t) => {
  for (let length = 0; length <= 96; length += 2) {
    const bytes = randomBytes(length);
    for (const shape of SHAPES) {
      const differences = new Uint8Array(length);
      predict(bytes, shape, differences);
      const back = new Uint8Array(length);
      restore(differences, shape, back);
      if (!bytes.equals(back)) t.fail(`${length} ${JSON.stringify(shape)}`);
    }
  }
  t.pass();
});

t.test('damaged code is told from sound, and a header of nonsense is refused', async (t) => {
  const block = { bytes: Buffer.alloc(50_000, 'abc') };
  const { header, code } = await encodeBlock(block, true);
  t.equal(await decodeBlock(decodeBlockHeader(header), code.subarray(0, -3)), undefined);
  for (const at of [8, 12]) {
    const broken = Buffer.from(header);
    broken.writeUInt32LE(0xffff_fff0, at);
    t.throws(() => decodeBlockHeader(broken), { code: 'TRANSFER_MALFORMED' });
  }
});
