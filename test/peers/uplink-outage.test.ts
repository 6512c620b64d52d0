/** An edge's uplink over what happens to links, brokers and edges. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import { HubConnection } from '../../edge/uplink/hub-connection.ts';
import { systemClock } from '../../shared/clock.ts';
import { edgeStream, STREAM_COMMANDS } from '../../shared/contract/subjects.ts';
import { silentLog } from '../../shared/log.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { edgeKey } from '../support/network-log.ts';
import { startUplinkWorld, studiesIn, type UplinkWorld } from '../support/uplink-world.ts';

const skip = missingPeer('nats-server');
const start = (t: Test): Promise<UplinkWorld> => startUplinkWorld(t, t.testdir());
const command = (id: string) =>
  ({ v: 1, id, at: new Date().toISOString(), kind: 'reannounce' }) as const;

/** Deletes a stream with the hub's own key, as an administrator may. */
async function deleteStream({ directory, port }: UplinkWorld, stream: string): Promise<void> {
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    authenticator: nkeyAuthenticator(readFileSync(join(directory, 'hub.seed'))),
  });
  await (await jetstreamManager(connection)).streams.delete(stream);
  await connection.close();
}

t.test('a link that is cut again and again: all is told, in order', { skip }, async (t) => {
  const world = await start(t);
  for (let number = 1; number <= 12; number += 1) {
    await world.send(number);
    if (number % 3 === 0) {
      world.link.cut();
      await new Promise((resolve) => setTimeout(resolve, 300));
      world.link.mend();
    }
  }
  await eventually('all were told', () => studiesIn(world.told).length === 12);
  // What a hub sees: nothing of an epoch without all before it.
  const highest = new Map<number, number>();
  for (const { epoch, seq } of world.told) {
    const before = highest.get(epoch) ?? 0;
    t.ok(seq <= before + 1, `${epoch}:${seq} behind ${before}`);
    highest.set(epoch, Math.max(before, seq));
  }
});

t.test('a cable that is pulled is noticed, and forgotten', { skip, timeout: 60_000 }, async (t) => {
  const world = await start(t);
  await eventually('connected', () => world.uplink.status().connected);
  world.link.stall();
  const pulledAt = performance.now();
  await eventually('it is noticed', () => !world.uplink.status().connected, { timeoutMs: 30_000 });
  t.ok(performance.now() - pulledAt < 20_000, 'within 20 seconds');
  t.type(world.uplink.status().reason, 'string');
  await world.send(1);
  world.link.reset();
  await eventually('the study is told', () => studiesIn(world.told).length === 1, {
    timeoutMs: 30_000,
  });
});

t.test('an edge that restarts goes on; a command waits for it', { skip }, async (t) => {
  const world = await start(t);
  await world.send(1);
  await eventually('the first was told', () => studiesIn(world.told).length === 1);
  await world.uplink.stop();
  await world.log.sendCommand('RRK', command('c1'));
  await world.send(2);
  world.storage.outbox.beginEpoch();
  const uplink = world.anotherUplink();
  t.teardown(() => uplink.stop());
  uplink.start();
  await eventually('both, since no hub had the first', () => studiesIn(world.told, 2).length === 2);
  await eventually('the command', () => world.commands.some(({ id }) => id === 'c1'));
});

t.test('streams deleted under a connected edge', { skip, timeout: 90_000 }, async (t) => {
  const world = await start(t);
  await world.send(1);
  await eventually('it was told', () => studiesIn(world.told).length === 1);
  await deleteStream(world, edgeStream('RRK'));
  await deleteStream(world, STREAM_COMMANDS);
  const told = world.told.length;
  await eventually(
    'nothing was dropped, so it is told again',
    () => studiesIn(world.told.slice(told)).length === 1,
    { timeoutMs: 30_000 },
  );
  await eventually('a command is taken', () =>
    world.log.sendCommand('RRK', command('c1')).then(() => true),
  );
  await eventually('and comes', () => world.commands.length === 1, { timeoutMs: 15_000 });
});

t.test('an edge stops at once while a hub that answers nothing is dialled', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => new Promise<void>((resolve) => silent.close(() => resolve())));
  const { port } = silent.address() as AddressInfo;
  const seedFile = join(t.testdir({ seed: Buffer.from(edgeKey().seed).toString() }), 'seed');
  const servers = `nats://127.0.0.1:${port}`;
  const hub = new HubConnection({
    ...{ trust: 'RRK', servers, seedFile, clock: systemClock, log: silentLog },
  });
  const reached = once(silent, 'connection');
  hub.start(async () => {});
  const [socket] = await reached;
  const askedAt = performance.now();
  await hub.stop();
  t.ok(performance.now() - askedAt < 1_000);
  socket.destroy();
});

t.test('TLS asked for by name is not given up', { skip }, async (t) => {
  const world = await start(t);
  const seedFile = join(t.testdirName, 'edge', 'nats.seed');
  const servers = `tls://127.0.0.1:${world.port}`;
  const hub = new HubConnection({
    ...{ trust: 'RRK', servers, seedFile, clock: systemClock, log: silentLog },
  });
  hub.start(async () => {});
  await eventually('it is refused', () => hub.status().reason?.includes('tls'));
  t.equal(hub.status().connected, false);
  await hub.stop();
});
