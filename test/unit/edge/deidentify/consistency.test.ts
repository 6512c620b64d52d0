/** One patient stays one patient, and one study one study, with the same days between them; and nobody can tell whose. */
import t from 'tap';
import { encodeElement } from '../../../../shared/dicom/encode-element.ts';
import { deidentified, type Settings } from './deidentify-fixture.ts';
import { EXPLICIT, foundAt, objectWith, type Planted } from './object-fixture.ts';

const textsOf = async (file: Buffer, tags: readonly number[], settings?: Settings) => {
  const result = await deidentified(file, settings);
  if (result.kind === 'held') throw new Error(result.reason);
  return tags.map((tag) =>
    foundAt(result.object.dataSet, tag, 'top')
      ?.value.toString('latin1')
      .replace(/[\0 ]+$/, ''),
  );
};

const T = {
  name: 0x0010_0010,
  id: 0x0010_0020,
  study: 0x0020_000d,
  studyDate: 0x0008_0020,
} as const;
const uid = (n: number): Planted => [0x0008_0018, 'UI', `1.2.826.0.1.3680043.9.1.${n}`];

t.test('references name the new object that they named', async (t) => {
  const reference = Buffer.concat([
    encodeElement(EXPLICIT, {
      tag: 0x0008_1150,
      vr: 'UI',
      value: Buffer.from('1.2.840.10008.5.1.4.1.1.2\0'),
    }),
    encodeElement(EXPLICIT, {
      tag: 0x0008_1155,
      vr: 'UI',
      value: Buffer.from('1.2.826.0.1.3680043.9.1.41'),
    }),
  ]);
  const item = Buffer.concat([Buffer.from('feff00e0', 'hex'), Buffer.alloc(4), reference]);
  item.writeUInt32LE(reference.length, 4);
  const refers = await deidentified(
    objectWith([
      uid(40),
      [0x0008_3010, 'UI', '1.2.826.0.1.3680043.9.1.41'],
      [0x0054_0220, 'SQ', item],
    ]),
  );
  const [target = ''] = await textsOf(objectWith([uid(41)]), [0x0008_0018]);
  if (refers.kind === 'held') throw new Error(refers.reason);
  t.match(target, /^2\.25\.\d+$/);
  t.equal(refers.object.dataSet.toString('latin1').split(target).length - 1, 2, 'both references');
  t.ok(refers.object.dataSet.includes('1.2.840.10008.5.1.4.1.1.2'), 'the class stays');
});

t.test(
  'the days between a patient’s examinations stay, times and unfinished dates too',
  async (t) => {
    const settings = { options: ['retain-modified-dates'] };
    const at = async (date: string): Promise<number> => {
      const [shifted = ''] = await textsOf(
        objectWith([[T.studyDate, 'DA', date]]),
        [T.studyDate],
        settings,
      );
      t.match(shifted, /^\d{8}$/);
      return (
        Date.parse(`${shifted.slice(0, 4)}-${shifted.slice(4, 6)}-${shifted.slice(6)}`) / 86_400_000
      );
    };
    const [first, leap, later] = [await at('20240228'), await at('20240301'), await at('20250301')];
    t.equal(leap - first, 2);
    t.equal(later - leap, 365);
    const days = Date.parse('2024-02-28') / 86_400_000 - first;
    t.ok(days >= 1 && days <= 730, `${days} days earlier`);
    const [dateTime, time, wrong, modified] = await textsOf(
      objectWith([
        [0x0008_002a, 'DT', '20240228101112.5+0100'],
        [0x0008_0030, 'TM', '101112'],
        [0x0008_0023, 'DA', 'yesterday'],
      ]),
      [0x0008_002a, 0x0008_0030, 0x0008_0023, 0x0028_0303],
      settings,
    );
    t.match(dateTime, /^\d{8}101112\.5\+0100$/);
    t.equal(time, '101112');
    t.equal(wrong, '19000101');
    t.equal(modified, 'MODIFIED');
  },
);

t.test('two patients have two pseudonyms and shifts; another key none in common', async (t) => {
  const tags = [T.name, T.id, T.study, 0x0008_0050, 0x0020_0010];
  const of = (patient: string, key?: number) =>
    textsOf(
      objectWith([[T.id, 'LO', patient]]),
      tags,
      key === undefined ? {} : { key: Buffer.alloc(32, key) },
    );
  const [a, again, b, otherKey] = [
    await of('P1'),
    await of('P1'),
    await of('P2'),
    await of('P1', 9),
  ];
  t.strictSame(a, again);
  t.ok(a.every((value) => (value ?? '') !== ''));
  t.notOk(a.slice(0, 2).some((value) => b.includes(value)));
  t.notOk(a.some((value) => otherKey.includes(value)));
});

t.test('with retained UIDs they are as they were, and it says so', async (t) => {
  const result = await deidentified(objectWith([uid(50)]), { options: ['retain-uids'] });
  if (result.kind === 'held') throw new Error(result.reason);
  t.equal(result.object.sopInstanceUID, '1.2.826.0.1.3680043.9.1.50');
  for (const code of ['113100', '113110', '109104'])
    t.ok(result.object.dataSet.includes(code), code);
});

t.test('the bytes of what stays are the same, in chunks of any size', async (t) => {
  const pixels = Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * 31) & 0xff));
  const kept: readonly Planted[] = [
    [0x0018_0050, 'DS', '1.250 '],
    [0x0018_9346, 'SQ', Buffer.from('feff00e0ffffffff' + 'feff0de000000000', 'hex')],
    [0x7fe0_0010, 'OW', pixels],
  ];
  const whole = await deidentified(objectWith(kept));
  if (whole.kind === 'held') throw new Error(whole.reason);
  for (const [tag, , value] of kept)
    t.strictSame(foundAt(whole.object.dataSet, tag, 'top')?.value, Buffer.from(value as Buffer));
  for (const chunkBytes of [1, 7, 13, 1_000]) {
    const cut = await deidentified(objectWith(kept), { chunkBytes });
    t.ok(cut.kind === 'clean' && cut.file.equals(whole.file), `${chunkBytes} bytes at a time`);
  }
});

t.test('whatever is cut off or changed, it is held or comes out without the patient', async (t) => {
  const file = objectWith([
    [0x0010_4000, 'LT', 'Okonkwo Ngozi, MRN7654321'],
    [0x0010_1005, 'PN', 'Okonkwo'],
    [0x7fe0_0010, 'OW', Buffer.alloc(64, 1)],
  ]);
  // A generator of one's own: the same changes in every run.
  let state = 20_260_101;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  const leaked: number[] = [];
  for (let n = 0; n < 1_500; n += 1) {
    const damaged = Buffer.from(file);
    for (let changes = 1 + random(3); changes > 0; changes -= 1)
      damaged[132 + random(damaged.length - 132)] = random(256);
    const result = await deidentified(
      random(4) === 0 ? damaged.subarray(0, 132 + random(600)) : damaged,
    );
    if (
      result.kind === 'clean' &&
      hasWholeIdentity(damaged) &&
      /MRN7654321/.test(result.file.toString('latin1'))
    )
      leaked.push(n);
  }
  t.strictSame(leaked, []);
});

/** It still says whose it is where that is said: else nobody could know. */
function hasWholeIdentity(file: Buffer): boolean {
  const id = Buffer.from('LO\x0a\0MRN7654321', 'latin1');
  return file.includes(Buffer.concat([Buffer.from('10002000', 'hex'), id]));
}
