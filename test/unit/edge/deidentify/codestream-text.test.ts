/** Comments in compressed pixels: gone, with every other byte where it was. */
import t from 'tap';
import { blankCodestreamText } from '../../../../edge/deidentify/codestream-text.ts';

const segment = (marker: number, content: string): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(marker, 0);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, Buffer.from(content, 'latin1')]);
};
const item = (content: Buffer): Buffer => {
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
};
const NO_TABLE = item(Buffer.alloc(0));
const END = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
const SCAN = Buffer.concat([
  segment(0xffda, '\x01\x01\0\0\x3f\0'),
  Buffer.from('pixels like COM'),
  Buffer.from([0xff, 0xd9]),
]);

const jpeg = (name: string): Buffer =>
  Buffer.concat([
    ...[
      Buffer.from([0xff, 0xd8]),
      segment(0xffe0, 'JFIF\0\x01\x01\0\0\x01\0\x01\0\0'),
      segment(0xfffe, name),
    ],
    ...[
      segment(0xffe1, `Exif ${name}`),
      Buffer.from([0xff, 0xff]),
      segment(0xffdb, 'a table'),
      SCAN,
    ],
  ]);
const jpeg2000 = (name: string): Buffer =>
  Buffer.concat([
    ...[Buffer.from([0xff, 0x4f]), segment(0xff51, 'size'), segment(0xff64, `\0\x01${name}`)],
    ...[segment(0xff90, 'tile'), Buffer.from('pixels')],
  ]);

/** Given in pieces of a size. */
function blanked(value: Buffer, size: number): Buffer {
  const overwrite = blankCodestreamText();
  const out: Buffer[] = [];
  for (let at = 0; at < value.length; at += size)
    out.push(overwrite(value.subarray(at, at + size), at));
  return Buffer.concat(out);
}

for (const [what, frame] of [
  ['JPEG', jpeg],
  ['JPEG 2000', jpeg2000],
] as const)
  t.test(
    `${what}: names in comments and application segments go, however the bytes come`,
    async (t) => {
      const name = 'Okonkwo^Ngozi';
      const value = Buffer.concat([NO_TABLE, item(frame(name)), item(frame(name)), END]);
      const expected = Buffer.concat([
        ...[
          NO_TABLE,
          item(frame('\0'.repeat(name.length))),
          item(frame('\0'.repeat(name.length))),
          END,
        ],
      ]);
      for (const size of [1, 2, 3, 7, 64, value.length]) {
        const copy = Buffer.from(value);
        const out = blanked(copy, size);
        t.notOk(out.includes('Okonkwo'));
        // `Exif ` goes with the name behind it.
        const same = Buffer.from(
          expected.toString('latin1').replaceAll('Exif ', '\0'.repeat(5)),
          'latin1',
        );
        t.ok(out.equals(same), `in pieces of ${size}`);
        t.ok(copy.equals(value), 'what was given is not changed');
      }
    },
  );

t.test('a frame whose head is cut in two by fragments is refused', async (t) => {
  const frame = jpeg('Okonkwo');
  const value = Buffer.concat([
    NO_TABLE,
    item(frame.subarray(0, 30)),
    item(frame.subarray(30)),
    END,
  ]);
  t.throws(() => blanked(value, 16), { code: 'UNREADABLE_VALUE' });
});

t.test('a frame that is a file of boxes is refused', async (t) => {
  const boxes = Buffer.from('\0\0\0\x0cjP  \r\n\x87\n', 'latin1');
  t.throws(() => blanked(Buffer.concat([NO_TABLE, item(boxes), END]), 16), {
    code: 'UNREADABLE_VALUE',
  });
});

t.test('what is no JPEG stays as it is', async (t) => {
  const value = Buffer.concat([
    item(Buffer.alloc(4)),
    item(Buffer.from('\x01\0\0\0RLE Okonkwo ', 'latin1')),
    END,
  ]);
  t.ok(blanked(value, 5).equals(value));
});
