/** An edge's uplink against a real broker and a hub of a few lines: what is told, and told again. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import {
  startUplinkWorld,
  studiesIn,
  type Told,
  type UplinkWorld,
} from '../support/uplink-world.ts';

const skip = missingPeer('nats-server');
const start = (t: Test): Promise<UplinkWorld> => startUplinkWorld(t, t.testdir());

t.test('events in order without a gap; what a hub has is dropped', { skip }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 5; number += 1) await world.send(number);
  await eventually('five studies were told', () => studiesIn(world.told, 1).length === 5);
  t.strictSame(
    world.told.map(({ seq }) => seq),
    world.told.map((_, at) => at + 1),
  );
  t.ok(world.storage.outbox.status().waiting > 0, 'the broker alone ends nothing');
  const last = world.told.at(-1) as Told;
  world.hub = { cursor: { epoch: last.epoch, seq: last.seq }, caughtUp: true };
  await eventually(
    'they are dropped',
    () => world.storage.outbox.status().committedSeq >= last.seq,
    {
      timeoutMs: 30_000,
    },
  );
});

t.test('a hub that stands still is told again from there', { skip, timeout: 60_000 }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 3; number += 1) await world.send(number);
  await eventually('three studies were told', () => studiesIn(world.told, 1).length === 3);
  world.hub = { cursor: { epoch: 1, seq: 1 }, caughtUp: true };
  await eventually('a new epoch begins', () => world.told.some(({ epoch }) => epoch === 2), {
    timeoutMs: 30_000,
  });
  const first = world.told.find(({ epoch }) => epoch === 2);
  t.equal(first?.seq, 1);
  t.ok(studiesIn(world.told, 2).length >= 2, 'what came behind the cursor');
});

t.test('a hub that lost everything is told everything', { skip, timeout: 60_000 }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 4; number += 1) await world.send(number);
  await eventually('four studies were told', () => studiesIn(world.told, 1).length === 4);
  const last = world.told.at(-1) as Told;
  world.hub = { cursor: { epoch: 1, seq: last.seq }, caughtUp: true };
  await eventually(
    'they are dropped',
    () => world.storage.outbox.status().committedSeq >= last.seq,
    {
      timeoutMs: 30_000,
    },
  );
  world.hub = { cursor: null, caughtUp: true };
  await eventually('all is told in a new epoch', () => studiesIn(world.told, 2).length === 4, {
    timeoutMs: 40_000,
  });
});

t.test('a broker that was killed and lost its store', { skip, timeout: 90_000 }, async (t) => {
  const world = await start(t);
  await world.send(1);
  await eventually('the first was told', () => studiesIn(world.told, 1).length === 1);
  world.killServer();
  rmSync(join(world.directory, 'store'), { recursive: true, force: true });
  await world.send(2);
  await eventually(
    'both are told again: no hub had them',
    () => {
      const behind = world.told
        .map(({ studyInstanceUID }) => studyInstanceUID)
        .lastIndexOf('2.999.7.1');
      return (
        behind > 0 && world.told.some(({ studyInstanceUID }) => studyInstanceUID === '2.999.7.2')
      );
    },
    { timeoutMs: 40_000 },
  );
  t.match(world.uplink.status(), { connected: true, reason: null });
});

t.test('commands reach the edge once each; what is none is passed over', { skip }, async (t) => {
  const world = await start(t);
  const command = { v: 1, id: 'c1', at: new Date().toISOString(), kind: 'reannounce' } as const;
  await world.log.sendCommand('RRK', { ...command, id: 'bad', kind: 'unknown' } as never);
  await world.log.sendCommand('RRK', command);
  await world.log.sendCommand('RRK', command);
  await eventually('it came', () => world.commands.length > 0);
  t.match(world.commands, [{ id: 'c1' }]);
});
