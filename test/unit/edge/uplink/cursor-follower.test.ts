/** What an edge makes of a hub's cursor: dropped, told again from there, or told from the beginning. */
import t, { type Test } from 'tap';
import { CursorFollower } from '../../../../edge/uplink/cursor-follower.ts';
import type { CursorReply } from '../../../../shared/contract/rpc.ts';
import { silentLog } from '../../../../shared/log.ts';
import { type FilledOutbox, openFilledOutbox } from './outbox-fixture.ts';

interface World extends FilledOutbox {
  rewinds: number;
  /** As if the broker had acknowledged all there is. */
  publishAll(): void;
  take(cursor: CursorReply['cursor'], caughtUp?: boolean): Promise<void>;
  /** The same answer, long enough for it to be believed. */
  standStill(cursor: CursorReply['cursor'], caughtUp?: boolean): Promise<void>;
}

function open(t: Test): World {
  const filled = openFilledOutbox(t);
  let published = 0;
  const follower = new CursorFollower({
    outbox: filled.outbox,
    clock: filled.clock,
    log: silentLog,
    publishedRow: () => published,
    hasBegun: () => published > 0,
    onRewind: () => {
      world.rewinds += 1;
    },
  });
  const world: World = {
    ...filled,
    rewinds: 0,
    publishAll: () => {
      published = filled.outbox.status().lastRow;
    },
    take: (cursor, caughtUp = true) => follower.take({ cursor, caughtUp }),
    async standStill(cursor, caughtUp = true) {
      await world.take(cursor, caughtUp);
      filled.clock.ms += 5_000;
      await world.take(cursor, caughtUp);
    },
  };
  return world;
}

t.test('what a hub has committed is dropped, and nothing more', async (t) => {
  const world = open(t);
  world.fill(0, 3);
  world.publishAll();
  await world.take({ epoch: 1, seq: 2 });
  t.match(world.outbox.status(), { epoch: 1, committedSeq: 2 });
  t.equal(world.outbox.next(0, 1)[0]?.seq, 3, 'the next one is the first that is kept');
  t.equal(world.rewinds, 0);
});

t.test(
  'a cursor that stands still behind what was published is told again from there',
  async (t) => {
    const world = open(t);
    world.fill(0, 4);
    world.publishAll();
    const before = world.studiesFrom(2);
    await world.take({ epoch: 1, seq: 2 });
    world.clock.ms += 4_000;
    await world.take({ epoch: 1, seq: 2 });
    t.equal(world.outbox.status().epoch, 1, 'not before five seconds');
    world.clock.ms += 1_000;
    await world.take({ epoch: 1, seq: 2 });
    t.match(world.outbox.status(), { epoch: 2, baseRow: 2 });
    t.equal(world.outbox.next(0, 1)[0]?.seq, 1);
    t.strictSame(world.studiesFrom(0), before, 'the same studies, and only these');
  },
);

t.test('a hub that is still reading is waited for, however long', async (t) => {
  const world = open(t);
  world.fill(0, 4);
  world.publishAll();
  await world.standStill({ epoch: 1, seq: 1 }, false);
  await world.standStill(null, false);
  t.match(world.outbox.status(), { epoch: 1 });
  t.equal(world.rewinds, 0);
});

t.test('a hub that is slow but moves is not told again', async (t) => {
  const world = open(t);
  world.fill(0, 4);
  world.publishAll();
  for (const seq of [1, 2, 3]) await world.take({ epoch: 1, seq }, seq % 2 === 0);
  world.clock.ms += 60_000;
  await world.take({ epoch: 1, seq: 4 });
  t.equal(world.outbox.status().epoch, 1);
});

t.test('a hub without any cursor, and a stream without any event: told again', async (t) => {
  const world = open(t);
  world.fill(0, 3);
  await world.standStill(null);
  t.equal(world.outbox.status().epoch, 1, 'nothing was published yet: nothing was lost');
  world.publishAll();
  await world.standStill(null);
  t.match(
    world.outbox.status(),
    { epoch: 2, baseRow: 0 },
    'the stream was lost before a hub read it',
  );
  t.strictSame(world.studiesFrom(0), ['2.999.5.0', '2.999.5.1', '2.999.5.2']);
});

t.test(
  'a hub that lost what was dropped here is told every study, and a whole digest',
  async (t) => {
    for (const cursor of [null, { epoch: 1, seq: 1 }]) {
      const world = open(t);
      world.fill(0, 3);
      world.publishAll();
      await world.take({ epoch: 1, seq: world.outbox.status().lastSeq });
      await world.take(cursor);
      t.equal(world.outbox.status().epoch, 2);
      t.strictSame(world.studiesFrom(0), ['2.999.5.0', '2.999.5.1', '2.999.5.2']);
      t.match(world.outbox.next(0, 100).at(-1)?.body, { kind: 'digest', whole: true });
      await world.take(cursor);
      t.equal(world.rewinds, 1, 'not again while the hub takes it in');
    }
  },
);

t.test('a hub that knows more than this database: an epoch above, everything', async (t) => {
  for (const cursor of [
    { epoch: 7, seq: 4 },
    { epoch: 1, seq: 9_000 },
  ]) {
    const world = open(t);
    world.fill(0, 2);
    world.publishAll();
    await world.take(cursor);
    t.ok(world.outbox.status().epoch > cursor.epoch);
    const told = world.studiesFrom(world.outbox.status().baseRow);
    t.strictSame(told.slice(-2), ['2.999.5.0', '2.999.5.1']);
  }
});
