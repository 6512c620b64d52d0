import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decideOrder } from '../../../../hub/projection/order.ts';
import {
  type ApplyDecision,
  dropProjection,
  Projection,
} from '../../../../hub/projection/projection.ts';
import { systemClock } from '../../../../shared/clock.ts';
import type { DigestEvent, OrderEvent, StudyEvent } from '../../../../shared/contract/events.ts';
import { edgeStream } from '../../../../shared/contract/subjects.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import {
  EMPTY_SET_HASH,
  instanceHash,
  studyHash,
  toggleMember,
} from '../../../../shared/set-hash.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeLog } from './fake-log.ts';

const AT = '2026-03-01T10:00:00.000Z';
const DAY = '20260301';

function studyEvent(
  number: number,
  place: { epoch: number; seq: number },
  over: Partial<StudyEvent> = {},
): StudyEvent {
  const hash = instanceHash(`2.999.1.${number}`, 'f'.repeat(64));
  return {
    ...{ v: 1, at: AT, trust: 'RRK', kind: 'study', rev: 1, ...place },
    ...{ studyInstanceUID: `2.999.${number}`, home: 'RRK', deleted: false, quiet: true },
    patient: {
      ...{ patientId: `P${number}`, issuer: 'RRK', nhsNumber: null, name: 'Phantom^One' },
      ...{ birthDate: '19500102', sex: null },
    },
    ...{ studyDate: DAY, studyTime: null, studyId: null, accessionNumber: null },
    ...{ accessionIssuer: null, description: null, referringPhysician: null, institution: null },
    ...{ instances: 1, bytes: 100, setHash: hash, conflicts: 0 },
    series: [
      {
        ...{ seriesInstanceUID: `2.999.${number}.1`, modality: 'CT', seriesNumber: 1 },
        ...{ description: null, bodyPart: null, instances: 1, bytes: 100, setHash: hash },
      },
    ],
    ...over,
  };
}

/** What an edge that holds these studies would say of the day. */
function digestEvent(
  studies: readonly StudyEvent[],
  place: { epoch: number; seq: number },
  over: Partial<DigestEvent> = {},
): DigestEvent {
  const bucket = { day: DAY, studies: 0, series: 0, instances: 0, digest: EMPTY_SET_HASH };
  for (const { studyInstanceUID, home, setHash, series, instances } of studies) {
    const facts = { studyInstanceUID, home, setHash, series: series.length, instances };
    bucket.studies += 1;
    bucket.series += series.length;
    bucket.instances += instances;
    bucket.digest = toggleMember(bucket.digest, studyHash(facts));
  }
  return {
    ...{ v: 1, at: AT, trust: 'RRK', kind: 'digest', whole: true, buckets: [bucket] },
    ...place,
    ...over,
  };
}

interface World {
  readonly log: FakeLog;
  readonly projection: Projection;
  readonly directory: string;
  /** UIDs that are held, sorted. */
  uids(): string[];
  /** Until the trust's cursor is there. */
  until(epoch: number, seq: number): Promise<void>;
  reopen(): Promise<World>;
}

function open(
  t: Test,
  directory: string,
  log = new FakeLog(),
  apply: ApplyDecision = () => [],
): World {
  const projection = new Projection({
    dataDirectory: directory,
    trusts: [{ ods: 'RRK', name: 'Trust RRK' }],
    networkLog: log,
    clock: systemClock,
    log: silentLog,
    metrics: openMetrics({}),
  });
  projection.registerHubAggregate('sample', apply);
  projection.start();
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await projection.stop();
    isOpen = false;
  };
  t.teardown(close);
  return {
    ...{ log, projection, directory },
    uids: () =>
      projection.db.prepare('SELECT study_uid FROM studies ORDER BY 1').pluck().all() as string[],
    until: async (epoch, seq) => {
      await eventually(`cursor ${epoch}:${seq}`, async () => {
        const { cursor } = await projection.cursorOf('RRK');
        return cursor?.epoch === epoch && cursor.seq === seq;
      });
    },
    async reopen() {
      await close();
      return open(t, directory, log);
    },
  };
}

t.test('the order rule', async (t) => {
  const cursor = { epoch: 3, seq: 7 };
  t.equal(decideOrder(null, { epoch: 9, seq: 4 }), 'apply');
  t.equal(decideOrder(cursor, { epoch: 3, seq: 8 }), 'apply');
  t.equal(decideOrder(cursor, { epoch: 4, seq: 1 }), 'apply');
  t.equal(decideOrder(cursor, { epoch: 3, seq: 7 }), 'repeat');
  t.equal(decideOrder(cursor, { epoch: 2, seq: 99 }), 'repeat');
  t.equal(decideOrder(cursor, { epoch: 3, seq: 9 }), 'gap');
  t.equal(decideOrder(cursor, { epoch: 5, seq: 2 }), 'gap');
});

t.test('events are applied in order, and the cursor stands with them', async (t) => {
  const world = open(t, t.testdir());
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 1 }));
  world.log.publish('RRK', 'study', studyEvent(2, { epoch: 1, seq: 2 }));
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 1 }));
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 3 }, { deleted: true }));
  await world.until(1, 3);
  t.strictSame(world.uids(), ['2.999.2']);
  t.equal((await world.projection.cursorOf('RRK')).caughtUp, true);
  const again = await world.reopen();
  await again.until(1, 3);
  t.strictSame(again.uids(), ['2.999.2'], 'and after a restart');
});

t.test(
  'what a newer telling overtook is counted, and nothing stands otherwise by it',
  async (t) => {
    const world = open(t, t.testdir());
    const { patient } = studyEvent(1, { epoch: 1, seq: 1 });
    const order = (seq: number, over: Partial<OrderEvent>): OrderEvent => ({
      ...{ v: 1, at: AT, trust: 'RRK', kind: 'order', epoch: 1, seq, orderId: 'A1', patient },
      ...{ accessionNumber: 'A1', accessionIssuer: null, placerNumber: null, fillerNumber: null },
      ...{
        status: 'completed',
        procedure: null,
        modality: 'CT',
        priority: null,
        scheduledAt: null,
      },
      ...{ requestedAt: null, referrer: null, location: null, reason: null, asOf: AT },
      ...{ studyInstanceUID: null, ...over },
    });
    world.log.publish('RRK', 'order', order(1, {}));
    const before = { status: 'requested', asOf: '2026-02-01T10:00:00.000Z' } as const;
    world.log.publish('RRK', 'order', order(2, { ...before, overtaken: true }));
    await world.until(1, 2);
    const { db } = world.projection;
    t.strictSame(db.prepare('SELECT status FROM orders').pluck().all(), ['completed']);
    t.equal(db.prepare('SELECT count(*) FROM measure_inbox').pluck().get(), 2);
  },
);

t.test('what is missing is waited for, until the edge tells all again', async (t) => {
  const world = open(t, t.testdir());
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 1 }));
  world.log.publish('RRK', 'study', studyEvent(3, { epoch: 1, seq: 3 }));
  await eventually('all was read', async () => (await world.projection.cursorOf('RRK')).caughtUp);
  t.match(await world.projection.cursorOf('RRK'), { cursor: { epoch: 1, seq: 1 } });
  t.strictSame(world.uids(), ['2.999.1']);
  world.log.publish('RRK', 'study', studyEvent(2, { epoch: 2, seq: 1 }));
  world.log.publish('RRK', 'study', studyEvent(3, { epoch: 2, seq: 2 }));
  await world.until(2, 2);
  t.strictSame(world.uids(), ['2.999.1', '2.999.2', '2.999.3']);
});

t.test('equal, unequal, and equal again', async (t) => {
  const world = open(t, t.testdir());
  const [one, two] = [studyEvent(1, { epoch: 1, seq: 1 }), studyEvent(2, { epoch: 1, seq: 2 })];
  t.match(world.projection.completeness(), [{ there: null, equal: null, comparedAt: null }]);
  world.log.publish('RRK', 'study', one);
  world.log.publish('RRK', 'digest', digestEvent([one], { epoch: 1, seq: 2 }));
  await world.until(1, 2);
  t.match(world.projection.completeness(), [
    { equal: true, here: { studies: 1, instances: 1 }, there: { studies: 1 }, comparedAt: /Z$/ },
  ]);
  world.log.publish('RRK', 'study', studyEvent(3, { epoch: 1, seq: 3 }));
  await world.until(1, 3);
  t.match(world.projection.completeness(), [{ equal: null }], 'not compared since it came');
  // The edge never told of the second study, and does not hold the third.
  world.log.publish('RRK', 'digest', digestEvent([one, two], { epoch: 1, seq: 4 }));
  await world.until(1, 4);
  t.match(world.projection.completeness(), [{ equal: false }]);
  const asked = await eventually('the day is asked again', () => world.log.commands[0]);
  t.match(asked, { ods: 'RRK', command: { kind: 'reannounce', days: [DAY] } });
  world.log.publish('RRK', 'study', { ...two, seq: 5 });
  const members = [
    {
      day: DAY,
      studies: [one, two].map(({ studyInstanceUID, home }) => ({ studyInstanceUID, home })),
    },
  ];
  const whole = digestEvent([one, two], { epoch: 1, seq: 6 }, { whole: false, members });
  world.log.publish('RRK', 'digest', whole);
  await world.until(1, 6);
  t.strictSame(world.uids(), ['2.999.1', '2.999.2'], 'what is no member went');
  t.match(world.projection.completeness(), [{ equal: true }]);
  t.equal(world.log.commands.length, 1, 'and is not asked twice');
});

t.test('what can not be read is kept, and the neighbours go on', async (t) => {
  const world = open(t, t.testdir());
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 1 }));
  world.log.publish('RRK', 'study', 'no JSON');
  world.log.publish('RRK', 'study', studyEvent(8, { epoch: 1, seq: 2 }, { trust: 'RJE' }));
  world.log.publish('RRK', 'study', {
    v: 1,
    epoch: 1,
    seq: 2,
    at: AT,
    trust: 'RRK',
    kind: 'study',
  });
  world.log.publish('RRK', 'study', studyEvent(2, { epoch: 1, seq: 3 }));
  await world.until(1, 3);
  t.strictSame(world.uids(), ['2.999.1', '2.999.2']);
  const codes = world.projection.db
    .prepare('SELECT code FROM unreadable ORDER BY id')
    .pluck()
    .all();
  t.strictSame(codes, ['NOT_JSON', 'OTHER_TRUST', 'BODY_REFUSED']);
});

t.test('a stream that was made anew is read from its beginning', async (t) => {
  const world = open(t, t.testdir());
  world.log.publish('RRK', 'study', studyEvent(1, { epoch: 1, seq: 1 }));
  await world.until(1, 1);
  world.log.remake(edgeStream('RRK'));
  world.log.publish('RRK', 'study', studyEvent(2, { epoch: 2, seq: 1 }));
  await world.until(2, 1);
  t.strictSame(world.uids(), ['2.999.1', '2.999.2']);
});

t.test('dropped, or broken, it is built again and is the same', async (t) => {
  const world = open(t, t.testdir());
  for (let seq = 1; seq <= 20; seq += 1)
    world.log.publish('RRK', 'study', studyEvent(seq % 7, { epoch: 1, seq }));
  await world.until(1, 20);
  const rows = (of: World): unknown[] =>
    of.projection.db.prepare('SELECT study_uid, rev, set_hash, day FROM studies ORDER BY 1').all();
  const before = rows(world);
  await world.projection.stop();
  dropProjection(world.directory);
  const again = open(t, world.directory, world.log);
  await again.until(1, 20);
  t.strictSame(rows(again), before);
  await again.projection.stop();
  writeFileSync(join(world.directory, 'projection.sqlite'), 'this is no database');
  const third = open(t, world.directory, world.log);
  await third.until(1, 20);
  t.strictSame(rows(third), before);
});

t.test('a decision that the disk had no room for is applied when there is', async (t) => {
  let isFull = true;
  const applied: string[] = [];
  const world = open(t, t.testdir(), new FakeLog(), (_db, { id }) => {
    if (isFull) {
      isFull = false;
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    }
    applied.push(id);
    return [];
  });
  const isRead = world.projection
    .untilDecided(await world.log.append('cdip.hub.sample.one', {}))
    .then(() => true);
  await eventually('it is read again', async () => applied.length > 0);
  t.ok(await isRead, 'and who waits for it goes on');
  t.strictSame(applied, ['one']);
  const unreadable = world.projection.db.prepare('SELECT count(*) FROM unreadable').pluck();
  t.equal(unreadable.get(), 0, 'nor is it put aside');
});

t.test('a decision counts as read when it was, whatever a stream before had reached', async (t) => {
  const applied: string[] = [];
  const apply: ApplyDecision = (_db, { id }) => {
    applied.push(id);
    return [];
  };
  const world = open(t, t.testdir(), new FakeLog(), apply);
  for (const id of ['one', 'two'])
    await world.projection.untilDecided(await world.log.append(`cdip.hub.sample.${id}`, {}));
  await world.projection.stop();
  world.log.remake('HUB');
  const again = open(t, world.directory, world.log, apply);
  await again.projection.untilDecided(await world.log.append('cdip.hub.sample.three', {}));
  t.strictSame(applied, ['one', 'two', 'three']);
});
