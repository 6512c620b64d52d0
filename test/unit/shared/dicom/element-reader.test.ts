import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { openDataSetReader } from '../../../../shared/dicom/data-set-reader.ts';
import { DicomError } from '../../../../shared/dicom/dicom-error.ts';
import { ElementReader } from '../../../../shared/dicom/element-reader.ts';
import { formatTag } from '../../../../shared/dicom/tag.ts';
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../../../shared/dicom/transfer-syntax.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** Depth, tag, VR and, of short values, the value of each element. */
async function read(bytes: Buffer, syntax = EXPLICIT_VR_LITTLE_ENDIAN, chunk = 3) {
  const seen: string[] = [];
  const reader = openDataSetReader(syntax, {
    element({ depth, tag, vr }) {
      seen.push(`${depth}${formatTag(tag)}${vr}`);
      return true;
    },
    value(_header, value) {
      seen.push(`${seen.pop()}=${value.toString('latin1')}`);
    },
  });
  for (let at = 0; at < bytes.length; at += chunk)
    await reader.write(bytes.subarray(at, at + chunk));
  await reader.end();
  return seen;
}

const ID = hex('10002000 4c4f 0400 41424344');
const ITEM = 'feff00e0';
const ITEM_END = 'feff0de0 00000000';
const SEQUENCE_END = 'feffdde0 00000000';

t.test('one element in each of the encodings', async (t) => {
  t.strictSame(await read(ID), ['0(0010,0020)LO=ABCD']);
  const implicit = hex('10002000 04000000 41424344');
  t.strictSame(await read(implicit, IMPLICIT_VR_LITTLE_ENDIAN), ['0(0010,0020)LO=ABCD']);
  const big = hex('00100020 4c4f 0004 41424344');
  t.strictSame(await read(big, EXPLICIT_VR_BIG_ENDIAN), ['0(0010,0020)LO=ABCD']);
  const deflated = Buffer.concat([deflateRawSync(ID), Buffer.alloc(1)]);
  t.strictSame(await read(deflated, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN), ['0(0010,0020)LO=ABCD']);
});

t.test('sequences of defined and undefined length', async (t) => {
  const sequence = '400060a75351 0000';
  const expected = ['0(0040,A760)SQ', '1(0010,0020)LO=ABCD', '0(0010,0020)LO=ABCD'];
  const id = ID.toString('hex');
  const wholes = [
    `${sequence}14000000 ${ITEM}0c000000 ${id}`,
    `${sequence}ffffffff ${ITEM}ffffffff ${id} ${ITEM_END} ${SEQUENCE_END}`,
    `${sequence}ffffffff ${ITEM}0c000000 ${id} ${SEQUENCE_END}`,
    `${sequence}1c000000 ${ITEM}ffffffff ${id} ${ITEM_END}`,
  ];
  for (const whole of wholes) t.strictSame(await read(hex(whole + id)), expected);
  t.strictSame(await read(hex(`${sequence}00000000 ${id}`)), [expected[0], expected[2]]);
  t.strictSame(await read(hex(`${sequence}08000000 ${ITEM}00000000 ${id}`)), [
    expected[0],
    expected[2],
  ]);
});

t.test('an unknown VR of undefined length holds implicit little endian', async (t) => {
  const whole = `09001010 554e 0000 ffffffff ${ITEM}ffffffff 10002000 04000000 41424344 ${ITEM_END} ${SEQUENCE_END}`;
  t.strictSame(await read(hex(whole + ID.toString('hex'))), [
    '0(0009,1010)UN',
    '1(0010,0020)LO=ABCD',
    '0(0010,0020)LO=ABCD',
  ]);
});

t.test('fragments of encapsulated pixels are passed over', async (t) => {
  const pixels = `e07f1000 4f42 0000 ffffffff ${ITEM}00000000 ${ITEM}04000000 01020304 ${SEQUENCE_END}`;
  t.strictSame(await read(hex(pixels)), ['0(7FE0,0010)OB']);
});

/** Reads sequences that are nested so deep. @returns the depth of what is innermost */
function readNested(levels: number): number {
  const open = hex(`400060a75351 0000 ffffffff ${ITEM}ffffffff`);
  const close = hex(`${ITEM_END} ${SEQUENCE_END}`);
  let deepest = 0;
  const reader = new ElementReader(
    { explicit: true, bigEndian: false },
    {
      element({ depth }) {
        deepest = Math.max(deepest, depth);
        return false;
      },
      value() {},
    },
  );
  for (let level = 0; level < levels; level += 1) reader.write(open);
  reader.write(ID);
  for (let level = 0; level < levels; level += 1) reader.write(close);
  t.equal(reader.end(), levels * 36 + ID.length);
  return deepest;
}

t.test('sequences nested 50,000 deep need no stack, and hardly any memory', async (t) => {
  t.equal(readNested(50_000), 50_000);
  const before = process.memoryUsage().heapUsed;
  for (let time = 0; time < 3; time += 1) readNested(50_000);
  t.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
});

t.test('what is nested deeper is refused before it fills the memory', async (t) => {
  t.throws(() => readNested(500_001), { code: 'DATASET_TOO_DEEP' });
});

t.test('what lies in nested sequences keeps its end and its encoding', async (t) => {
  // A sequence of unknown VR, implicit within, ends; what follows in its item is explicit again.
  const inner = `1000200008000000${Buffer.from('INNERVAL').toString('hex')}`;
  const unknown = `09001010554e0000ffffffff${ITEM}ffffffff${inner}${ITEM_END}${SEQUENCE_END}`;
  const after = `100010004c4f0200${Buffer.from('AB').toString('hex')}`;
  const items = unknown + after;
  const length = hex(items).length.toString(16).padStart(2, '0');
  const seq = `400060a753510000ffffffff${ITEM}${length}000000${items}${SEQUENCE_END}`;
  t.strictSame(await read(hex(seq)), [
    ...['0(0040,A760)SQ', '1(0009,1010)UN', '2(0010,0020)LO=INNERVAL', '1(0010,0010)LO=AB'],
  ]);
});

t.test('what is no data set says why', async (t) => {
  const code = async (bytes: Buffer, syntax?: string): Promise<string> => {
    try {
      await read(bytes, syntax);
    } catch (error) {
      if (error instanceof DicomError) return error.code;
    }
    return 'none';
  };
  t.equal(await code(Buffer.alloc(0)), 'DATASET_EMPTY');
  t.equal(await code(ID.subarray(0, 10)), 'DATASET_TRUNCATED');
  t.equal(await code(ID.subarray(0, 5)), 'DATASET_TRUNCATED');
  t.equal(await code(hex('400060a75351 0000 ffffffff')), 'DATASET_TRUNCATED');
  t.equal(await code(Buffer.from('GET / HTTP/1.1\r\n\r\n')), 'DATASET_MALFORMED');
  t.equal(await code(hex(`${ITEM}00000000`)), 'DATASET_MALFORMED');
  t.equal(await code(hex(`400060a75351 0000 0c000000 ${ITEM}40000000`)), 'DATASET_MALFORMED');
  t.equal(
    await code(hex('400060a75351 0000 10000000 feff00e008000000 10002000 4c4f ff00')),
    'DATASET_MALFORMED',
  );
  t.equal(await code(hex('deadbeef'), DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN), 'DEFLATE_CORRUPT');
  const cut = deflateRawSync(Buffer.concat([ID, ID])).subarray(0, 8);
  t.equal(await code(cut, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN), 'DEFLATE_CORRUPT');
});
