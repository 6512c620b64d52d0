import { deflateRawSync, inflateRawSync } from 'node:zlib';
import t from 'tap';
import { type Edits, readTopLevel, rewriteDataSet } from '../../../../shared/dicom/rewrite.ts';
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  encodingOf,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../../../shared/dicom/transfer-syntax.ts';
import {
  chunksOf,
  collect,
  element,
  sequence,
  type TestEncoding,
} from '../../../support/data-set.ts';

const LITTLE: TestEncoding = { explicit: true, bigEndian: false };
const NAME = 0x0010_0010;
const ID = 0x0010_0020;
const SEX = 0x0010_0040;
const name = element(LITTLE, NAME, 'PN', 'A^B');
const id = element(LITTLE, ID, 'LO', '1234');
const sex = element(LITTLE, SEX, 'CS', 'F');
const pixels = element(LITTLE, 0x7fe0_0010, 'OB', Buffer.alloc(1_000, 7));

interface Rewriting {
  readonly bytes: Buffer;
  readonly edits: Edits;
  readonly syntax?: string;
  readonly chunk?: number;
}

function rewrite({ bytes, edits, syntax = EXPLICIT_VR_LITTLE_ENDIAN, chunk }: Rewriting) {
  const source = { transferSyntaxUID: syntax, open: chunksOf(bytes, chunk) };
  return collect(rewriteDataSet(source, edits.keys(), () => edits));
}

t.test('replaces, removes and inserts, and copies the rest', async (t) => {
  const bytes = Buffer.concat([name, sex, pixels]);
  const other = element(LITTLE, NAME, 'PN', 'Somebody^Else');
  const cases: [Edits, Buffer[]][] = [
    [new Map(), [name, sex, pixels]],
    [new Map([[NAME, [other]]]), [other, sex, pixels]],
    [new Map([[NAME, []]]), [sex, pixels]],
    [new Map([[ID, [id]]]), [name, id, sex, pixels]],
    [new Map([[0xfffc_fffc, [id]]]), [name, sex, pixels, id]],
    [
      new Map([
        [ID, [id]],
        [NAME, [other]],
        [SEX, []],
      ]),
      [other, id, pixels],
    ],
    [
      new Map([
        [0x0008_0005, [id]],
        [0x0008_0016, [sex]],
      ]),
      [id, sex, name, sex, pixels],
    ],
  ];
  for (const [edits, expected] of cases)
    for (const chunk of [1, 5, 11, 1 << 16])
      t.strictSame(await rewrite({ bytes, edits, chunk }), Buffer.concat(expected));
});

t.test('an element that stands twice is replaced twice, or as often as it is wanted', async (t) => {
  const bytes = Buffer.concat([name, id, sex, id]);
  const edited = (elements: Buffer[]) => rewrite({ bytes, edits: new Map([[ID, elements]]) });
  t.strictSame(await edited([name, sex]), Buffer.concat([name, name, sex, sex]));
  t.strictSame(await edited([name]), Buffer.concat([name, name, sex]));
  t.strictSame(await edited([]), Buffer.concat([name, sex]));
  t.strictSame(await edited([name, name, sex]), Buffer.concat([name, name, sex, name, sex]));
});

t.test('an element behind the pixels is found too', async (t) => {
  const bytes = Buffer.concat([name, pixels, id]);
  const edits = new Map([[ID, [sex]]]);
  t.strictSame(await rewrite({ bytes, edits }), Buffer.concat([name, pixels, sex]));
});

t.test('elements in items are not the data set’s own', async (t) => {
  for (const form of ['defined', 'undefined'] as const) {
    const items = sequence(LITTLE, 0x0008_1140, [id, Buffer.concat([name, id])], form);
    const bytes = Buffer.concat([items, name]);
    const edits = new Map([
      [ID, [id]],
      [NAME, []],
    ]);
    for (const chunk of [1, 1 << 16])
      t.strictSame(await rewrite({ bytes, edits, chunk }), Buffer.concat([items, id]));
  }
});

t.test('a sequence of undefined length is one element, delimiters included', async (t) => {
  const tag = 0x0010_1002;
  const items = sequence(LITTLE, tag, [id, sequence(LITTLE, tag, [id], 'undefined')], 'undefined');
  const source = {
    transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
    open: chunksOf(Buffer.concat([name, items, pixels]), 3),
  };
  const { elements } = await readTopLevel(source, [tag]);
  t.strictSame(elements.get(tag)?.[0]?.bytes, items);
  const removed = await collect(rewriteDataSet(source, [tag], () => new Map([[tag, []]])));
  t.strictSame(removed, Buffer.concat([name, pixels]));
});

t.test('in every encoding', async (t) => {
  const syntaxes = [EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
  for (const syntax of syntaxes) {
    const encoding = encodingOf(syntax);
    const [one, two] = [element(encoding, NAME, 'PN', 'A'), element(encoding, ID, 'LO', 'B')];
    const edits = new Map([[ID, [two]]]);
    t.strictSame(await rewrite({ bytes: one, edits, syntax }), Buffer.concat([one, two]));
  }
});

t.test(
  'a deflated data set is inflated, changed and deflated, the same way each time',
  async (t) => {
    const syntax = DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
    const bytes = Buffer.concat([deflateRawSync(Buffer.concat([name, pixels])), Buffer.alloc(1)]);
    const edits = new Map([[ID, [id]]]);
    const results = await Promise.all(
      [1, 7, 1 << 16].map((chunk) => rewrite({ bytes, edits, syntax, chunk })),
    );
    const [first = bytes] = results;
    t.equal(first.length % 2, 0, 'of even length');
    t.strictSame(inflateRawSync(first), Buffer.concat([name, id, pixels]));
    t.ok(results.every((result) => result.equals(first)));
  },
);

t.test('group lengths stay as right as they were', async (t) => {
  for (const syntax of [EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN]) {
    const encoding = encodingOf(syntax);
    const length = (tag: number, number: number): Buffer => {
      const value = Buffer.alloc(4);
      if (encoding.bigEndian) value.writeUInt32BE(number);
      else value.writeUInt32LE(number);
      return element(encoding, tag, 'UL', value);
    };
    const [short, long] = ['AB', 'ABCDEF'].map((text) => element(encoding, NAME, 'PN', text));
    const before = Buffer.concat([
      length(0x0008_0001, 34),
      length(0x0010_0000, 10),
      short ?? name,
      length(0x0020_0000, 99),
    ]);
    const after = Buffer.concat([
      length(0x0008_0001, 38),
      length(0x0010_0000, 14),
      long ?? name,
      length(0x0020_0000, 99),
    ]);
    const forth = new Map([[NAME, [long ?? name]]]);
    const back = new Map([[NAME, [short ?? name]]]);
    t.strictSame(await rewrite({ bytes: before, edits: forth, syntax }), after);
    t.strictSame(await rewrite({ bytes: after, edits: back, syntax }), before);
  }
});

t.test('a broken source ends in a typed error before the first byte', async (t) => {
  const whole = Buffer.concat([name, id, pixels]);
  const deflated = deflateRawSync(whole);
  const broken: [Buffer, string, string][] = [
    [whole.subarray(0, 50), EXPLICIT_VR_LITTLE_ENDIAN, 'DATASET_TRUNCATED'],
    [Buffer.alloc(0), EXPLICIT_VR_LITTLE_ENDIAN, 'DATASET_EMPTY'],
    [Buffer.alloc(40, 1), EXPLICIT_VR_LITTLE_ENDIAN, 'DATASET_MALFORMED'],
    [deflated.subarray(0, 20), DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, 'DEFLATE_CORRUPT'],
    [Buffer.alloc(40, 0xff), DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, 'DEFLATE_CORRUPT'],
  ];
  for (const [bytes, syntax, code] of broken) {
    const source = { transferSyntaxUID: syntax, open: chunksOf(bytes) };
    const result = rewriteDataSet(source, [NAME], () => new Map([[NAME, [name]]]));
    await t.rejects(result.next(), { name: 'DicomError', code });
  }
});

t.test(
  'a fault of the source is told as it is, and a source that became shorter is one',
  async (t) => {
    const gone = Object.assign(new Error('gone'), { code: 'EIO' });
    const failing = async function* () {
      yield name;
      throw gone;
    };
    for (const syntax of [EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN]) {
      const source = { transferSyntaxUID: syntax, open: failing };
      await t.rejects(collect(rewriteDataSet(source, [], () => new Map())), { code: 'EIO' });
    }
    let opened = 0;
    const shrinking = {
      transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
      open: () => chunksOf(opened++ === 0 ? Buffer.concat([name, id]) : name)(),
    };
    await t.rejects(collect(rewriteDataSet(shrinking, [], () => new Map())), {
      code: 'DATASET_TRUNCATED',
    });
  },
);

t.test(
  'what is too large to be held is refused, and large values beside it are not held',
  async (t) => {
    const mega = Buffer.alloc(1 << 20, 0x41);
    const source = (tag: number, length: number) => ({
      transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
      async *open() {
        yield name;
        yield element(LITTLE, tag, 'OB', Buffer.alloc(0), length * mega.length);
        for (let i = 0; i < length; i += 1) yield mega;
      },
    });
    await t.rejects(readTopLevel(source(ID, 9), [ID]), { code: 'ELEMENT_TOO_LARGE' });
    // So much that holding it would show, whatever else is in memory.
    const large = source(0x7fe0_0010, 1_000);
    const edits = new Map([[ID, [id]]]);
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    for await (const chunk of rewriteDataSet(large, [ID], () => edits)) bytes += chunk.length;
    t.equal(bytes, name.length + id.length + 12 + 1_000 * mega.length);
    t.ok(process.memoryUsage().arrayBuffers - before < 30_000_000);
  },
);

t.test('the source is closed when nobody wants the rest', async (t) => {
  for (const syntax of [EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN]) {
    const whole = Buffer.concat([name, element(LITTLE, 0x7fe0_0010, 'OB', Buffer.alloc(1 << 20))]);
    const bytes = syntax === EXPLICIT_VR_LITTLE_ENDIAN ? whole : deflateRawSync(whole);
    let open = 0;
    const source = {
      transferSyntaxUID: syntax,
      async *open() {
        open += 1;
        try {
          yield* chunksOf(bytes, 100)();
        } finally {
          open -= 1;
        }
      },
    };
    for await (const _ of rewriteDataSet(source, [NAME], () => new Map())) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
    t.equal(open, 0);
  }
});

/** As a list of elements, the least clever way. */
function edited(elements: readonly [number, Buffer][], edits: Edits): Buffer {
  const result: Buffer[] = [];
  const pending = new Map([...edits].map(([tag, bytes]) => [tag, [...bytes]] as const));
  const isThere = new Set(elements.map(([tag]) => tag));
  const insertBefore = (limit: number): void => {
    for (const [tag, bytes] of [...pending].sort(([a], [b]) => a - b)) {
      if (isThere.has(tag) || tag >= limit) continue;
      result.push(...bytes);
      pending.delete(tag);
    }
  };
  for (const [i, [tag, bytes]] of elements.entries()) {
    insertBefore(tag);
    const own = pending.get(tag);
    if (own === undefined) {
      result.push(bytes);
      continue;
    }
    const [next, ...more] = own;
    if (next !== undefined) result.push(next);
    pending.set(tag, more);
    if (!elements.slice(i + 1).some(([later]) => later === tag)) {
      result.push(...more);
      pending.set(tag, []);
    }
  }
  insertBefore(Number.POSITIVE_INFINITY);
  return Buffer.concat(result);
}

t.test('any edits of any data set give what editing a list gives', async (t) => {
  let seed = 20_260_601;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const syntaxes = [EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
  for (let round = 0; round < 600; round += 1) {
    const syntax = syntaxes[random(3)] ?? EXPLICIT_VR_LITTLE_ENDIAN;
    const encoding = encodingOf(syntax);
    const tags = [0x0008_0050, NAME, ID, SEX, 0x0010_1000, 0x0020_0010, 0x7fe0_0010];
    const make = (tag: number): Buffer =>
      random(4) === 0
        ? sequence(encoding, 0x0010_1002, [element(encoding, tag, 'LO', 'in')], 'undefined')
        : element(encoding, tag, 'LO', 'x'.repeat(random(40)));
    const elements = Array.from({ length: 1 + random(8) }, () => {
      const tag = tags[random(tags.length)] ?? ID;
      return [tag, element(encoding, tag, 'LO', 'y'.repeat(random(40)))] as [number, Buffer];
    });
    if (random(2) === 0) elements.sort(([a], [b]) => a - b);
    const edits = new Map(
      Array.from({ length: random(5) }, () => {
        const tag = tags[random(tags.length)] ?? ID;
        return [tag, Array.from({ length: random(3) }, () => make(tag))] as const;
      }),
    );
    const bytes = Buffer.concat(elements.map(([, element]) => element));
    const result = await rewrite({ bytes, edits, syntax, chunk: 1 + random(50) });
    if (!result.equals(edited(elements, edits))) t.fail(`round ${round} differs`);
  }
  t.pass('600 rounds');
});
