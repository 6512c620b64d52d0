import t from 'tap';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { EdgeIndex } from '../../../../edge/index/edge-index.ts';
import { Outbox, type OutboxEvent } from '../../../../edge/outbox/outbox.ts';
import { acquisitionDay } from '../../../../shared/acquisition-day.ts';
import type { Clock } from '../../../../shared/clock.ts';
import type { DigestEvent, StudyEvent } from '../../../../shared/contract/events.ts';
import { OrderedEventSchema } from '../../../../shared/contract/events.ts';
import { EMPTY_SET_HASH, studyHash, toggleMember } from '../../../../shared/set-hash.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from '../index/object-record.ts';

class SetClock implements Clock {
  ms = 1_700_000_000_000;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
}

interface Opened {
  readonly index: EdgeIndex;
  readonly outbox: Outbox;
  readonly clock: SetClock;
  /** Records objects now, of one study. */
  store(from: number, to: number, over?: Parameters<typeof objectRecord>[1]): void;
  /** Lets time pass in steps of a tick. */
  pass(ms: number): void;
  events(): OutboxEvent[];
  studies(): StudyEvent[];
  digests(): DigestEvent[];
}

function open(t: { teardown(done: () => void): void }, directory = temporaryDirectory(t)): Opened {
  const db = openEdgeDatabase(directory);
  t.teardown(() => db.close());
  const clock = new SetClock();
  const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
  const outbox = new Outbox({ db, index, clock, quietMs: 5_000 });
  outbox.beginEpoch();
  const events = (): OutboxEvent[] => outbox.next(0, 100_000);
  return {
    index,
    outbox,
    clock,
    events,
    store(from, to, over) {
      for (let number = from; number < to; number++)
        index.recordInstance(objectRecord(number, over), clock.now());
    },
    pass(ms) {
      for (let passed = 0; passed < ms; passed += 100) {
        clock.ms += 100;
        outbox.tick();
      }
    },
    studies: () =>
      events().flatMap(({ body }) => (body.kind === 'study' ? [body as StudyEvent] : [])),
    digests: () =>
      events().flatMap(({ body }) => (body.kind === 'digest' ? [body as DigestEvent] : [])),
  };
}

/** What a hub that applied these events in order holds by day. */
function bucketsOf(events: readonly OutboxEvent[]): Map<string, object> {
  const studies = new Map<string, StudyEvent>();
  for (const { body } of events) {
    if (body.kind !== 'study') continue;
    const key = `${body.studyInstanceUID}/${body.home}`;
    if (body.deleted) studies.delete(key);
    else studies.set(key, body as StudyEvent);
  }
  const buckets = new Map<string, { day: string; studies: number; digest: string } & object>();
  for (const {
    studyInstanceUID,
    home,
    setHash,
    series,
    instances,
    studyDate,
  } of studies.values()) {
    const day = acquisitionDay(studyDate);
    const found = buckets.get(day) as
      | { day: string; studies: number; series: number; instances: number; digest: string }
      | undefined;
    const bucket = found ?? { day, studies: 0, series: 0, instances: 0, digest: EMPTY_SET_HASH };
    const hash = studyHash({ studyInstanceUID, home, setHash, series: series.length, instances });
    buckets.set(day, {
      day,
      studies: bucket.studies + 1,
      series: bucket.series + series.length,
      instances: bucket.instances + instances,
      digest: toggleMember(bucket.digest, hash),
    } as never);
  }
  return buckets;
}

/** Every digest must be exactly what a hub has that applied all that came before it. */
function checkDigests(
  t: { same(found: unknown, wanted: unknown): unknown },
  events: readonly OutboxEvent[],
): number {
  let checked = 0;
  events.forEach(({ body }, at) => {
    if (body.kind !== 'digest') return;
    const held = bucketsOf(events.slice(0, at));
    for (const bucket of body.buckets) {
      const empty = { studies: 0, series: 0, instances: 0, digest: EMPTY_SET_HASH };
      t.same(bucket, held.get(bucket.day) ?? { day: bucket.day, ...empty });
      checked++;
    }
    if (body.whole) t.same(body.buckets.map(({ day }) => day).sort(), [...held.keys()].sort());
  });
  return checked;
}

t.test('the first object of a study is told within a second', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.pass(1_000);
  t.match(edge.studies(), [{ quiet: false, instances: 1 }]);
});

t.test('a growing study is told at most once a second, and once more when quiet', async (t) => {
  const edge = open(t);
  for (let number = 0; number < 200; number++) {
    edge.store(number, number + 1);
    edge.pass(100);
  }
  edge.pass(6_000);
  const told = edge.studies();
  t.ok(told.length >= 19 && told.length <= 23, `${told.length} events in 20 s`);
  t.match(told.at(-1), { quiet: true, instances: 200, rev: 200 });
  t.equal(told.filter(({ quiet }) => quiet).length, 1);
});

t.test('a quiet study says nothing more', async (t) => {
  const edge = open(t);
  edge.store(0, 3);
  edge.pass(20_000);
  const before = edge.events().length;
  edge.pass(60_000);
  t.equal(edge.events().length, before);
});

t.test('a digest is exactly what a hub holds that applied everything before it', async (t) => {
  const edge = open(t);
  const dates = ['20260301', '20260302', null, '20261301'];
  for (let round = 0; round < 60; round++) {
    const study = `2.999.7.${round % 11}`;
    const studyDate = dates[round % dates.length] ?? null;
    const over = { studyInstanceUID: study, seriesInstanceUID: `${study}.${round % 2}`, studyDate };
    edge.store(round * 10, round * 10 + 3, over);
    edge.pass(700);
    if (round % 17 === 16) edge.index.deleteStudy({ studyInstanceUID: study, home: 'RRK' });
  }
  edge.pass(70_000);
  await edge.outbox.announceAll();
  await edge.outbox.announceDays(undefined, true);
  t.ok(checkDigests(t, edge.events()) > 10);
});

t.test('a day that never rests is told every minute all the same', async (t) => {
  const edge = open(t);
  edge.pass(100);
  for (let number = 0; number < 1_300; number++) {
    edge.store(number, number + 1);
    edge.pass(100);
  }
  const partial = edge.digests().filter(({ whole }) => !whole);
  t.ok(partial.length >= 2);
  checkDigests(t, edge.events());
});

t.test('a study that got its date later moves to its day in the digests', async (t) => {
  const edge = open(t);
  edge.store(0, 1, { studyDate: null });
  edge.pass(15_000);
  edge.store(1, 2, { studyDate: '20260301' });
  edge.pass(15_000);
  t.match(edge.digests().at(-1)?.buckets, [
    { day: '20260301', studies: 1 },
    { day: 'undated', studies: 0 },
  ]);
  checkDigests(t, edge.events());
});

t.test('a deleted study is told with its last state and leaves its day', async (t) => {
  const edge = open(t);
  edge.store(0, 4);
  edge.pass(15_000);
  edge.index.deleteStudy({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  edge.pass(15_000);
  t.match(edge.studies().at(-1), { deleted: true, instances: 4, rev: 5 });
  t.match(edge.digests().at(-1)?.buckets, [{ day: '20260301', studies: 0 }]);
});

t.test('re-announced days list their members', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.store(1, 2, { studyInstanceUID: '2.999.8', studyDate: '20260302' });
  edge.pass(15_000);
  await edge.outbox.announceDays(['20260302', '20200101'], true);
  t.match(edge.studies().at(-1), { studyInstanceUID: '2.999.8' });
  t.same(edge.digests().at(-1)?.members, [
    { day: '20260302', studies: [{ studyInstanceUID: '2.999.8', home: 'RRK' }] },
    { day: '20200101', studies: [] },
  ]);
});

t.test('every event with its envelope is what the contract says', async (t) => {
  const edge = open(t);
  edge.store(0, 3);
  edge.pass(15_000);
  await edge.outbox.announceDays(undefined, true);
  for (const { epoch, seq, at, body } of edge.events()) {
    const envelope = { v: 1, at: new Date(at).toISOString(), trust: 'RRK', epoch, seq };
    t.ok(OrderedEventSchema.safeParse({ ...envelope, ...body }).success);
  }
});

t.test('sequence numbers count from one behind what a hub has, in every epoch', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.pass(15_000);
  const first = edge.events();
  t.same(
    first.map(({ seq }) => seq),
    first.map((_, at) => at + 1),
  );
  t.ok(edge.outbox.commitThrough(1, 2));
  t.same(edge.events()[0]?.seq, 3);
  t.match(edge.outbox.status(), { epoch: 1, committedSeq: 2, waiting: first.length - 2 });
  t.match(edge.outbox.beginEpoch(), { epoch: 2, baseRow: 2 });
  t.match(edge.events()[0], { epoch: 2, seq: 1, row: 3 });
});

t.test('a cursor of an earlier epoch takes nothing that the new one will send', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.pass(15_000);
  edge.outbox.commitThrough(1, 1);
  edge.outbox.beginEpoch();
  const before = edge.events().length;
  t.ok(edge.outbox.commitThrough(1, 3));
  t.equal(edge.events().length, before);
  t.match(edge.events()[0], { epoch: 2, seq: 1 });
});

t.test('a cursor that this edge never reached is refused, and nothing goes', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.pass(15_000);
  const before = edge.events().length;
  t.notOk(edge.outbox.commitThrough(1, 1_000));
  t.notOk(edge.outbox.commitThrough(7, 1));
  t.equal(edge.events().length, before);
  t.match(edge.outbox.beginEpoch(undefined, 7), { epoch: 8 });
});

t.test('a new process goes on in a higher epoch with what no hub has', async (t) => {
  const directory = temporaryDirectory(t);
  const one = open(t, directory);
  one.store(0, 1);
  one.pass(15_000);
  one.outbox.commitThrough(1, 1);
  const two = open(t, directory);
  t.equal(two.events()[0]?.epoch, 2);
  t.same(
    two.events().map(({ row }) => row),
    one.events().map(({ row }) => row),
  );
});

t.test('told again, a digest of the past says nothing: the hub may be ahead of it', async (t) => {
  const { outbox, store, pass, digests, events } = open(t);
  store(0, 3);
  pass(15_000);
  const before = digests();
  t.ok(before.some(({ buckets }) => buckets.length > 0));
  const { length } = events();
  outbox.beginEpoch();
  t.equal(events().length, length, 'every event keeps its place');
  t.strictSame(
    digests().map(({ whole, buckets }) => ({ whole, buckets })),
    before.map(() => ({ whole: false, buckets: [] })),
  );
  pass(200);
  t.match(digests().at(-1), { whole: true, buckets: [{ studies: 1, instances: 3 }] });
});

t.test('an epoch of which nothing was told begins behind what a hub has already', async (t) => {
  const { outbox, store, pass, events } = open(t);
  store(0, 1);
  pass(1_000);
  const [first, ...rest] = events();
  outbox.beginEpoch();
  t.equal(outbox.continueBehind(first?.epoch ?? 0, first?.seq ?? 0), true);
  t.strictSame(
    events().map(({ row, seq }) => [row, seq]),
    rest.map(({ row }, at) => [row, at + 1]),
  );
  t.equal(outbox.continueBehind(first?.epoch ?? 0, first?.seq ?? 0), false, 'it is there');
  t.equal(outbox.continueBehind(99, 1), false, 'an epoch that never was');
  t.equal(outbox.continueBehind(1, 10_000), false, 'a place that was never reached');
});

t.test('a receipt is part of the transaction around it', async (t) => {
  const edge = open(t);
  const receipt = {
    kind: 'receipt' as const,
    fetchId: 'f1',
    state: 'retrieving' as const,
    reason: null,
    instances: { done: 0, expected: 1 },
    bytes: { done: 0, expected: null },
    etaSeconds: null,
    failures: [],
    localPatient: null,
    steps: [],
  };
  const failing = edge.index.db.transaction(() => {
    edge.outbox.appendReceipt(receipt);
    throw new Error('taken back');
  });
  t.throws(failing);
  t.same(edge.events(), []);
  let told = 0;
  edge.outbox.onAppend(() => told++);
  edge.outbox.appendReceipt(receipt);
  edge.outbox.appendReceipt(receipt);
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(edge.events().length, 2);
  t.equal(told, 1);
});

t.test('a clock that steps back delays nothing for long', async (t) => {
  const edge = open(t);
  edge.store(0, 1);
  edge.pass(1_000);
  edge.clock.ms -= 86_400_000;
  edge.store(1, 2);
  edge.pass(2_000);
  t.equal(edge.studies().at(-1)?.instances, 2);
});

t.test('a study is told once more when it is complete, and again when more comes', async (t) => {
  const edge = open(t);
  edge.store(0, 3);
  edge.pass(60_000);
  const before = edge.studies();
  t.match(before.at(-1), { quiet: true, instances: 3 });
  t.equal(before.at(-1)?.completeBy, null, 'it may still grow');
  t.equal(edge.outbox.growing(), 1);
  edge.pass(14 * 60_000 + 1_000);
  const [again, ...others] = edge.studies().slice(before.length);
  t.match(again, { quiet: true, instances: 3, completeBy: 'time' });
  t.strictSame(others, [], 'told once');
  t.equal(edge.outbox.growing(), 0);
  edge.store(3, 4);
  edge.pass(10_000);
  const last = edge.studies().at(-1);
  t.match(last, { quiet: true, instances: 4 });
  t.equal(last?.completeBy, null, 'a late object reopens it');
});

t.test('a performed step that is over completes a quiet study', async (t) => {
  const edge = open(t);
  let status: 'IN PROGRESS' | 'COMPLETED' = 'IN PROGRESS';
  const [startedAt, endedAt] = ['2026-03-01T09:00:00Z', '2026-03-01T09:20:00Z'].map(Date.parse) as [
    number,
    number,
  ];
  edge.outbox.askSteps(() => [
    { status, instances: 3, startedAt, endedAt: status === 'COMPLETED' ? endedAt : null },
  ]);
  edge.store(0, 3);
  edge.pass(6 * 60_000);
  const study = edge.studies().at(-1);
  t.equal(study?.completeBy, null);
  t.strictSame(study?.performed, { startedAt: '2026-03-01T09:00:00.000Z', endedAt: null });
  status = 'COMPLETED';
  edge.outbox.markStudyDirty(
    { studyInstanceUID: study?.studyInstanceUID ?? '', home: 'RRK' },
    edge.clock.now(),
    'nearline',
  );
  edge.pass(1_000);
  t.match(edge.studies().at(-1), {
    completeBy: 'mpps',
    performed: { startedAt: '2026-03-01T09:00:00.000Z', endedAt: '2026-03-01T09:20:00.000Z' },
  });
});

t.test(
  'what keeps events from being appended is said once, and they are when it is over',
  async (t) => {
    const db = openEdgeDatabase(temporaryDirectory(t));
    t.teardown(() => db.close());
    const clock = new SetClock();
    const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
    const failures: unknown[] = [];
    const onTickFailure = (error: unknown): number => failures.push(error);
    const outbox = new Outbox({ db, index, clock, quietMs: 5_000, onTickFailure });
    outbox.start();
    t.teardown(() => outbox.stop());
    index.recordInstance(objectRecord(1), clock.now());
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN
    SELECT RAISE(ABORT, 'database or disk is full'); END`);
    clock.ms += 10_000;
    await eventually('it is said', () => failures.length > 0);
    for (let passed = 0; passed < 60; passed += 1) {
      clock.ms += 1_000;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    t.equal(failures.length, 1, 'a minute of it is said once');
    db.exec('DROP TRIGGER full');
    clock.ms += 60_000;
    await eventually('the study is told', () =>
      outbox.next(0, 1_000).some(({ body }) => body.kind === 'study'),
    );
  },
);
