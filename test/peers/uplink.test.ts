/** An edge's uplink against a real broker and a hub of a few lines: what is told, and told again. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import type { CursorReply } from '../../shared/contract/rpc.ts';
import { edgeStream } from '../../shared/contract/subjects.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { edgeKey, startNetworkLog, type TestLog } from '../support/network-log.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
} from '../support/storage-fixture.ts';

const skip = missingPeer('nats-server');

interface Told {
  readonly kind: string;
  readonly epoch: number;
  readonly seq: number;
  readonly studyInstanceUID?: string;
}

interface World extends TestLog {
  readonly storage: StorageFixture;
  readonly uplink: Uplink;
  readonly told: Told[];
  readonly commands: Command[];
  /** What the hub answers about its cursor. */
  hub: CursorReply;
  send(number: number): Promise<void>;
}

async function start(t: Test): Promise<World> {
  const directory = t.testdir({ hub: {}, edge: {} });
  const key = edgeKey();
  const testLog = await startNetworkLog(
    join(directory, 'hub'),
    ['RRK'],
    new Map([['RRK', key.publicKey]]),
  );
  const { log } = testLog;
  const storage = await openStorageFixture({ dataDirectory: join(directory, 'edge') });
  storage.outbox.start();
  const seedFile = join(directory, 'edge', 'nats.seed');
  writeFileSync(seedFile, key.seed);
  const commands: Command[] = [];
  const uplink = new Uplink({
    trust: 'RRK',
    servers: `nats://127.0.0.1:${testLog.port}`,
    seedFile,
    outbox: storage.outbox,
    clock: systemClock,
    log: silentLog,
    metrics: openMetrics({}),
    heartbeat: () => ({}) as never,
    onCommand: (command) => void commands.push(command),
    onDirectory: () => {},
  });
  const world: World = {
    ...testLog,
    ...{ storage, uplink, commands, told: [], hub: { cursor: null, caughtUp: true } },
    send: async (number) => {
      const study = { StudyInstanceUID: `2.999.7.${number}` };
      t.match(await storage.send(smallObject(number, study)), { status: 0 });
    },
  };
  log.answer('cursor', () => world.hub);
  log.answer('directory', () => ({ trusts: [], ticketKeys: { keys: [] } }));
  const ending = new AbortController();
  void follow(world, ending.signal);
  uplink.start();
  t.teardown(async () => {
    ending.abort();
    await uplink.stop();
    storage.close();
    await log.stop();
  });
  return world;
}

/** Reads the stream as a hub does, over streams that are made anew. */
async function follow({ log, told }: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { created } = await log.streamState(edgeStream('RRK'));
      for await (const { data } of log.read(edgeStream('RRK'), { fromSeq: 1, created, signal }))
        told.push(JSON.parse(Buffer.from(data).toString()) as Told);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const studies = (told: readonly Told[], epoch: number): string[] => [
  ...new Set(
    told.flatMap((event) =>
      event.kind === 'study' && event.epoch === epoch ? [event.studyInstanceUID ?? ''] : [],
    ),
  ),
];

t.test('events in order without a gap; what a hub has is dropped', { skip }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 5; number += 1) await world.send(number);
  await eventually('five studies were told', () => studies(world.told, 1).length === 5);
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
  await eventually('three studies were told', () => studies(world.told, 1).length === 3);
  world.hub = { cursor: { epoch: 1, seq: 1 }, caughtUp: true };
  await eventually('a new epoch begins', () => world.told.some(({ epoch }) => epoch === 2), {
    timeoutMs: 30_000,
  });
  const first = world.told.find(({ epoch }) => epoch === 2);
  t.equal(first?.seq, 1);
  t.ok(studies(world.told, 2).length >= 2, 'what came behind the cursor');
});

t.test('a hub that lost everything is told everything', { skip, timeout: 60_000 }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 4; number += 1) await world.send(number);
  await eventually('four studies were told', () => studies(world.told, 1).length === 4);
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
  await eventually('all is told in a new epoch', () => studies(world.told, 2).length === 4, {
    timeoutMs: 40_000,
  });
});

t.test('a broker that was killed and lost its store', { skip, timeout: 90_000 }, async (t) => {
  const world = await start(t);
  await world.send(1);
  await eventually('the first was told', () => studies(world.told, 1).length === 1);
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
