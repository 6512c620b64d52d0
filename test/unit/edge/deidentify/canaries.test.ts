/** An identity planted wherever one may stand, in all real objects at hand: not a byte of it comes out. */
import t from 'tap';
import { pydicomFiles, readableCorpusFiles } from '../../../support/corpus.ts';
import { type Part10, readPart10 } from '../../../support/part10.ts';
import { deidentified } from './deidentify-fixture.ts';
import { objectWith, type Planted } from './object-fixture.ts';
import { identitiesIn, plant, plantInCorner } from './plant.ts';

const corpus = readableCorpusFiles().map(({ path }) => path);
/** Bigger ones have more pixels, and no other elements. */
const MAX_BYTES = 500_000;
const objects = (corpus.length > 0 ? corpus : pydicomFiles())
  .map((path): readonly [string, Part10] => [path, readPart10(path)])
  // One says another transfer syntax than it has: nothing can be planted in it.
  .filter(
    ([path, { dataSet }]) =>
      dataSet.length < MAX_BYTES && !path.endsWith('meta_missing_tsyntax.dcm'),
  );

t.test('no planted identity comes out of any real object', { timeout: 300_000 }, async (t) => {
  const found: string[] = [];
  const codes = new Map<string, number>();
  let clean = 0;
  for (const [path, object] of objects) {
    const result = await deidentified(plant(object));
    if (result.kind === 'held') codes.set(result.code, (codes.get(result.code) ?? 0) + 1);
    else {
      clean += 1;
      found.push(...identitiesIn(result.file).map((identity) => `${path}: ${identity}`));
    }
  }
  t.strictSame(found, []);
  t.notOk(codes.has('LEAK'), 'the rules alone leave none: the leak check had nothing to find');
  t.ok(clean > objects.length / 3, `${clean} of ${objects.length} clean, ${[...codes]}`);
});

t.test(
  'with every option that keeps or cleans, none comes out either, or the object is held',
  { timeout: 300_000 },
  async (t) => {
    const options = [
      ...['retain-uids', 'retain-device', 'retain-institution', 'retain-patient-characteristics'],
      ...['retain-safe-private', 'retain-modified-dates'],
      ...['clean-descriptors', 'clean-structured-content', 'clean-graphics'],
    ];
    const some = objects.filter((_, n) => n % 5 === 0);
    const found: string[] = [];
    for (const [path, object] of some) {
      const result = await deidentified(plant(object), { options });
      if (result.kind === 'clean')
        found.push(...identitiesIn(result.file).map((identity) => `${path}: ${identity}`));
    }
    t.strictSame(found, []);
  },
);

t.test('text over the pixels of any real object holds it', { timeout: 300_000 }, async (t) => {
  const given: string[] = [];
  let tried = 0;
  for (const [n, [path, object]] of objects.entries())
    for (const encoding of n % 5 === 0 ? (['latin1', 'utf16le'] as const) : (['latin1'] as const)) {
      const planted = plantInCorner(object, encoding);
      if (planted === undefined) continue;
      tried += 1;
      if ((await deidentified(planted)).kind === 'clean') given.push(`${path} ${encoding}`);
    }
  t.strictSame(given, []);
  t.ok(tried > objects.length / 3, `${tried} tried, of ${objects.length} objects`);
});

t.test('identity where the profile keeps what stands there holds the object', async (t) => {
  const places: readonly Planted[] = [
    [0x0008_0070, 'LO', 'Scanner of Quillonia'],
    [0x0018_0015, 'CS', 'ZYXWCANARY'],
    [0x0018_0024, 'SH', 'KH88123457'],
    [0x0018_1020, 'LO', 'KH 88-123.457'],
    [0x0018_1210, 'SH', '3.2.1947'],
    [0x0018_0031, 'LO', '3 FEB 1947'],
    [0x0028_2000, 'OB', Buffer.from('profile of zyxwcanary ')],
    [0x0028_2000, 'OB', Buffer.from('zyxwcanary', 'utf16le')],
    [0x0018_1040, 'LO', 'Grunflache'],
  ];
  for (const place of places) {
    const result = await deidentified(plant(readPart10(objectWith([])), [place]));
    t.equal(result.kind === 'held' && result.code, 'LEAK', String(place));
    t.notMatch(result.kind === 'held' && result.reason, /zyxw|quill|8812|1947|gr.nfl/i);
  }
});

t.test(
  'a day of the examination in text that is kept holds the object, unless days stay',
  async (t) => {
    const days: readonly Planted[] = [
      [0x0008_0020, 'DA', '20240817'],
      [0x0008_002a, 'DT', '20240818101112'],
    ];
    for (const place of [
      [0x0018_1020, 'LO', 'v1 17/08/2024'],
      [0x0008_0008, 'CS', 'ORIGINAL\\PRIMARY\\20240817'],
      [0x0018_0031, 'LO', '18th August 2024'],
    ] as const) {
      const object = objectWith([...days, place]);
      const result = await deidentified(object);
      t.equal(result.kind === 'held' && result.code, 'LEAK', String(place));
      const full = await deidentified(object, { options: ['retain-full-dates'] });
      t.equal(full.kind, 'clean', 'with full dates');
    }
    t.equal(
      (await deidentified(objectWith([...days, [0x0018_1020, 'LO', '16.08.2024']]))).kind,
      'clean',
    );
  },
);

t.test('what a scanner draws on its screen is held, whatever class it is stored as', async (t) => {
  for (const drawn of [
    [[0x0008_103e, 'LO', 'Dose Report']],
    [[0x0008_103e, 'LO', 'Patient Protocol']],
    [[0x0028_0002, 'US', Buffer.from([3, 0])]],
  ] as const) {
    const result = await deidentified(objectWith(drawn));
    t.equal(result.kind === 'held' && result.code, 'SCREEN_CAPTURE', String(drawn));
  }
  t.equal((await deidentified(objectWith([[0x0008_103e, 'LO', 'Low dose chest']]))).kind, 'clean');
});

t.test(
  'of what somebody wrote into an attribute that the profile does not list nothing stays',
  async (t) => {
    const result = await deidentified(
      objectWith([
        [0x0028_6022, 'LO', 'ZYXW of the left lung'],
        [0x0088_0130, 'SH', 'ZYXW'],
        [0x0070_0081, 'LO', 'ZYXW'],
      ]),
    );
    if (result.kind === 'held') throw new Error(result.reason);
    t.notMatch(result.file.toString('latin1'), /ZYXW/);
  },
);
