/** The crawl against a PACS that caps, forgets, and leaves out: field.md section 3, B20, B21. */
import t, { type Test } from 'tap';
import { type CrawlWorld, openCrawlWorld } from '../../../support/crawl-world.ts';
import {
  type HeldStudy,
  type PacsFaults,
  type PacsStandIn,
  startPacsStandIn,
} from '../../../support/pacs-stand-in.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from '../index/object-record.ts';

const NOW = Date.UTC(2026, 5, 15, 12);
const DAY_MS = 86_400_000;

function study(number: number, over: Partial<HeldStudy> = {}): HeldStudy {
  const time = String(number % 24).padStart(2, '0') + String(number % 60).padStart(2, '0');
  return {
    ...{ uid: `2.999.1.${number}`, date: dayBefore(number % 400), time: `${time}30` },
    ...{ modality: ['CT', 'MR', 'DX', 'US'][number % 4] ?? '', patientId: `P${number % 700}` },
    ...{ name: `NAME^${number % 700}`, series: 2, instances: 40 + (number % 60), ...over },
  };
}

const dayBefore = (days: number): string =>
  new Date(NOW - days * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

const many = (count: number, over: Partial<HeldStudy> = {}): HeldStudy[] =>
  Array.from({ length: count }, (_, number) => study(number, over));

/** A PACS, and an index that has learnt of all that it holds. */
async function crawled(
  t: Test,
  studies: readonly HeldStudy[],
  faults: Partial<PacsFaults> = {},
): Promise<{ pacs: PacsStandIn; world: CrawlWorld }> {
  const pacs = await startPacsStandIn(studies, faults);
  t.teardown(() => pacs.stop());
  const world = openCrawlWorld({ directory: temporaryDirectory(t), pacs, now: NOW });
  t.teardown(() => world.close());
  await world.settle();
  return { pacs, world };
}

t.test('a PACS that cuts silently at 100 answers is known whole', async (t) => {
  // One day has three times, one minute of it once and a half as many as the PACS would tell.
  const busyDay = many(300, { date: '20260310' }).map((one, at) => ({
    ...one,
    uid: `2.999.2.${at}`,
  }));
  const minute = many(150, { date: '20260310', time: '101500' }).map((one, at) => ({
    ...{ ...one, uid: `2.999.3.${at}` },
  }));
  const held = [...many(1_000), ...busyDay, ...minute];
  const { world } = await crawled(t, held, { cap: 100, capIsSilent: true });
  t.strictSame(world.studies(), held.map(({ uid }) => uid).sort());
  t.match(world.progress(), { studies: 1_450, history: true, cutDays: 0, state: 'idle' });
  t.match(world.progress().reconciled, { days: 31 });
});

t.test('a PACS that says A700H, and does not match on time, is asked by modality', async (t) => {
  const held = many(150, { date: '20260310' });
  const { world } = await crawled(t, held, { cap: 60, ignoresTime: true });
  t.equal(world.studies().length, 150);
  t.equal(world.progress().cutDays, 0);
});

const withUndated = (count: number): HeldStudy[] => [
  ...many(count),
  ...Array.from({ length: 60 }, (_, at) =>
    study(at, {
      uid: `2.999.8.${at}`,
      date: '',
      patientId: `U${at}`,
      ...(at % 2 === 0 ? {} : { time: '' }),
    }),
  ),
];

t.test(
  'studies without a date are known, also where the PACS cuts; and when they go',
  async (t) => {
    const held = withUndated(400);
    const { pacs, world } = await crawled(t, held, { cap: 150, capIsSilent: true });
    t.strictSame(world.studies(), held.map(({ uid }) => uid).sort());
    t.match(world.progress(), { history: true, cutDays: 0, state: 'idle' });
    pacs.studies.delete('2.999.8.1');
    world.now += 31 * DAY_MS;
    await world.settle();
    world.now += 2 * 3_600_000;
    await world.settle();
    t.equal(world.studies().length, 459);
  },
);

t.test(
  'a PACS that is too large to be asked for all at once says that it is not known whole',
  async (t) => {
    const ofKnown = study(1, { uid: '2.999.9.1', date: '' });
    const pacs = await startPacsStandIn([...withUndated(100), ofKnown]);
    t.teardown(() => pacs.stop());
    const directory = temporaryDirectory(t);
    const world = openCrawlWorld({ directory, pacs, now: NOW, maxForUndated: 99 });
    t.teardown(() => world.close());
    await world.settle();
    t.match(world.progress(), { studies: 101, history: true });
    // One is known by its patient, who is in care.
    world.now += DAY_MS;
    await world.settle();
    t.match(world.progress(), { studies: 101, cutDays: 1, state: 'idle' });
  },
);

t.test('a PACS that names each study twice, and cuts silently, is known whole', async (t) => {
  const held = many(900);
  const { world } = await crawled(t, held, { cap: 200, capIsSilent: true, namesTwice: true });
  t.equal(world.studies().length, 900);
  t.match(world.progress(), { history: true, cutDays: 0 });
});

t.test('a PACS that fails now and then is known whole, counts and all', async (t) => {
  const held = many(150, { date: '20260310' });
  const { world } = await crawled(t, held, { cap: 60, ignoresTime: true, failsEvery: 5 });
  t.equal(world.studies().length, 150);
  t.match(world.progress(), { cutDays: 0, uncounted: 0 });
  t.match(world.index.studyState('2.999.1.7', 'RRK')?.nearline, { modalities: ['US'] });
});

t.test('a PACS that does not match on the study costs no study, and counts it right', async (t) => {
  const { pacs, world } = await crawled(t, many(30), { ignoresUid: true, withoutCounts: true });
  t.match(world.index.studyState('2.999.1.7', 'RRK')?.nearline, { series: 2, instances: 47 });
  // It stands on a day of its own, where nobody finds it any more.
  pacs.studies.set('2.999.1.0', study(0, { date: '' }));
  for (let hours = 0; hours < 3; hours += 1) {
    world.now += 3_600_000;
    await world.settle();
  }
  t.equal(world.studies().length, 30);
});

t.test('series that can not be read leave a study uncounted, and keep up nothing', async (t) => {
  const { world } = await crawled(t, many(30), { garbledSeries: true, withoutCounts: true });
  t.match(world.progress(), { studies: 30, uncounted: 30, history: true, state: 'idle' });
});

t.test('a day of which the PACS would not tell everything is said to be cut', async (t) => {
  const held = many(150, { date: '20260310', modality: 'CT' });
  const { world } = await crawled(t, held, { cap: 60, ignoresTime: true });
  t.equal(world.studies().length, 60);
  t.equal(world.progress().cutDays, 1);
});

t.test(
  'B20: counts and modalities that the PACS leaves out are taken from its series',
  async (t) => {
    const pacs = await startPacsStandIn(many(30), { withoutCounts: true });
    t.teardown(() => pacs.stop());
    const world = openCrawlWorld({ directory: temporaryDirectory(t), pacs, now: NOW });
    t.teardown(() => world.close());
    await world.settle();
    const state = world.index.studyState('2.999.1.7', 'RRK');
    t.strictSame(state?.nearline, { series: 2, instances: 47, modalities: ['US'] });
    t.equal(world.progress().uncounted, 0);
  },
);

t.test('a PACS that refuses optional keys is asked for the required ones', async (t) => {
  const { world } = await crawled(t, many(30), { fewKeysOnly: true });
  t.equal(world.studies().length, 30);
});

t.test('a study that vanished is asked for twice, an hour apart, before it goes', async (t) => {
  const { pacs, world } = await crawled(t, many(10));
  pacs.studies.delete('2.999.1.0');
  world.now += 10 * 60_000;
  await world.settle();
  t.ok(world.index.studyState('2.999.1.0', 'RRK'), 'missed once');
  world.now += 50 * 60_000;
  await world.settle();
  t.ok(world.index.studyState('2.999.1.0', 'RRK'), 'still missed');
  world.now += 20 * 60_000;
  await world.settle();
  t.equal(world.index.studyState('2.999.1.0', 'RRK'), undefined);
  t.match(world.progress(), { studies: 9, vanished: 1 });
  pacs.studies.set('2.999.1.0', study(0));
  world.now += 10 * 60_000;
  await world.settle();
  t.ok(world.index.studyState('2.999.1.0', 'RRK'), 'it is back');
});

t.test('a study that got another date is not taken for gone', async (t) => {
  const { pacs, world } = await crawled(t, many(10));
  pacs.studies.set('2.999.1.0', study(0, { date: '20110203' }));
  for (let hours = 0; hours < 3; hours += 1) {
    world.now += 3_600_000;
    await world.settle();
  }
  t.match(world.index.studyState('2.999.1.0', 'RRK'), { studyDate: '20110203' });
});

t.test(
  'what is new today is found by the sweep of recent days, what is older by the daily one',
  async (t) => {
    const pacs = await startPacsStandIn(many(10));
    t.teardown(() => pacs.stop());
    const world = openCrawlWorld({ directory: temporaryDirectory(t), pacs, now: NOW });
    t.teardown(() => world.close());
    await world.settle();
    pacs.studies.set('2.999.9.1', study(1, { uid: '2.999.9.1', date: '20260615' }));
    pacs.studies.set(
      '2.999.9.2',
      study(1, { uid: '2.999.9.2', date: '20260520', patientId: 'P99' }),
    );
    world.now += 6 * 60_000;
    await world.settle();
    t.ok(world.studies().includes('2.999.9.1'));
    t.notOk(world.studies().includes('2.999.9.2'));
    world.now += DAY_MS;
    await world.settle();
    t.ok(world.studies().includes('2.999.9.2'));
    t.match(world.progress().reconciled, { added: 1 });
  },
);

t.test(
  'an old study that comes later is found within hours when its patient is in care',
  async (t) => {
    const today = study(0, { uid: '2.999.5.1', date: dayBefore(0), patientId: 'IN^CARE' });
    const { pacs, world } = await crawled(t, [today, ...many(10)]);
    const orderedAt = NOW - 60_000;
    world.db
      .prepare(
        `INSERT INTO orders (order_id, patient_id, issuer, status, as_of, updated_at)
       VALUES ('O1', 'ORDERED', 'RRK', 'SC', '', ?)`,
      )
      .run(orderedAt);
    const old = { date: '20080214', time: '0930' };
    pacs.studies.set('2.999.9.1', study(1, { ...old, uid: '2.999.9.1', patientId: 'IN^CARE' }));
    pacs.studies.set('2.999.9.2', study(1, { ...old, uid: '2.999.9.2', patientId: 'ORDERED' }));
    pacs.studies.set('2.999.9.3', study(1, { ...old, uid: '2.999.9.3', patientId: 'NOBODY' }));
    world.now += 3.1 * 3_600_000;
    await world.settle();
    t.ok(world.studies().includes('2.999.9.1'), 'examined here today');
    t.ok(world.studies().includes('2.999.9.2'), 'ordered for here');
    t.notOk(world.studies().includes('2.999.9.3'), 'of whom nothing is told');
  },
);

t.test('an old study of anybody is found by the daily look at the names of all days', async (t) => {
  const { pacs, world } = await crawled(t, many(400));
  const old = { date: '20110203', patientId: 'NOBODY' };
  pacs.studies.set('2.999.9.1', study(1, { ...old, uid: '2.999.9.1' }));
  for (let at = 0; at < 40; at += 1)
    pacs.studies.set(`2.999.8.${at}`, study(at, { date: '20090507', uid: `2.999.8.${at}` }));
  world.now += DAY_MS + 60_000;
  await world.settle();
  t.match(world.index.studyState('2.999.9.1', 'RRK'), { studyDate: '20110203' });
  t.equal(world.studies().length, 441, 'many at once, too');
  const before = world.queries['whole'] ?? 0;
  world.now += DAY_MS + 60_000;
  await world.settle();
  const asked = (world.queries['whole'] ?? 0) - before;
  t.ok(asked < 120, `${asked} queries where nothing is new`);
});

t.test('what was told is not told again when nothing changed', async (t) => {
  const { world } = await crawled(t, many(50));
  world.now += 1_000;
  world.outbox.tick();
  const told = () =>
    world.outbox.next(0, 10_000).filter(({ body }) => body.kind === 'study').length;
  t.equal(told(), 50, 'each study once');
  world.now += 2 * DAY_MS;
  await world.settle();
  world.now += 1_000;
  world.outbox.tick();
  t.equal(told(), 50);
});

t.test("the PACS's copy of another trust's study is never one of the trust's own", async (t) => {
  const pacs = await startPacsStandIn(many(3));
  t.teardown(() => pacs.stop());
  const world = openCrawlWorld({ directory: temporaryDirectory(t), pacs, now: NOW });
  t.teardown(() => world.close());
  const fetched = { studyInstanceUID: '2.999.1.1', home: 'RJE' };
  const record = objectRecord(1, {}, { home: 'RJE' });
  const attributes = { ...record.attributes, studyInstanceUID: fetched.studyInstanceUID };
  world.index.recordInstance({ ...record, attributes }, NOW);
  world.index.deleteStudy(fetched);
  await world.settle();
  t.equal(world.index.studyState('2.999.1.1', 'RRK'), undefined);
  t.strictSame(world.studies(), ['2.999.1.0', '2.999.1.2']);
});

t.test('a study that is in the spool too is one, and counts as the PACS says', async (t) => {
  const pacs = await startPacsStandIn(many(2));
  t.teardown(() => pacs.stop());
  const world = openCrawlWorld({ directory: temporaryDirectory(t), pacs, now: NOW });
  t.teardown(() => world.close());
  const record = objectRecord(1);
  const attributes = { ...record.attributes, studyInstanceUID: '2.999.1.1' };
  world.index.recordInstance({ ...record, attributes }, NOW);
  const setHash = world.index.studyState('2.999.1.1', 'RRK')?.setHash;
  await world.settle();
  const state = world.index.studyState('2.999.1.1', 'RRK');
  t.match(state, { instances: 1, setHash, nearline: { instances: 41, series: 2 } });
  t.match(world.index.counts(), { studies: 2, nearline: 1, instances: 1 });
});
