/** The hub's log on a real nats-server: who may do what, and what outlives it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import t from 'tap';
import type { LogMessage, NetworkLog } from '../../hub/log/network-log.ts';
import { commandConsumer, edgeStream, STREAM_COMMANDS } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { connectAs, edgeKey, startNetworkLog } from '../support/network-log.ts';

const skip = missingPeer('nats-server');
const command = (id: string) =>
  ({ v: 1, id, at: new Date().toISOString(), kind: 'reannounce' }) as const;

/** Collects what is read, until the signal aborts or the reading ends by itself. */
function collect(
  log: NetworkLog,
  stream: string,
  created: string,
): { texts: string[]; ended: Promise<string>; stop(): void } {
  const ending = new AbortController();
  const texts: string[] = [];
  const read = async (): Promise<string> => {
    try {
      const options = { fromSeq: 1, created, signal: ending.signal };
      for await (const { data } of log.read(stream, options) as AsyncIterable<LogMessage>)
        texts.push(Buffer.from(data).toString());
      return 'stopped';
    } catch (error) {
      return codeOf(error);
    }
  };
  return { texts, ended: read(), stop: () => ending.abort() };
}

/** Rejects when the broker does not allow to listen there. */
async function listen(connection: NatsConnection, subject: string): Promise<void> {
  const subscription = connection.subscribe(subject);
  const refusal = (async () => {
    for await (const _ of subscription);
  })();
  await connection.flush();
  await Promise.race([refusal, new Promise((resolve) => setTimeout(resolve, 300))]);
  subscription.unsubscribe();
}

t.test('an edge speaks for itself alone', { skip }, async (t) => {
  const { log, port } = await startNetworkLog(t.testdir(), ['RRK', 'RJE']);
  t.teardown(() => log.stop());
  const key = edgeKey();
  const before = await connectAs('RRK', key.seed, port).catch(() => undefined);
  t.equal(before, undefined, 'not before it was admitted');
  await log.setEdgeKeys('RRK', [key.publicKey]);
  const { connection, js } = await connectAs('RRK', key.seed, port);
  t.teardown(() => connection.close());

  t.match(await js.publish('cdip.edge.RRK.study', '{}'), { stream: 'EDGE_RRK', seq: 1 });
  const refused = async (what: string, attempt: () => Promise<unknown>): Promise<void> => {
    const outcome = await attempt().then(
      () => 'allowed',
      () => 'refused',
    );
    t.equal(outcome, 'refused', what);
  };
  const timeout = 700;
  await refused('publish as another', () => js.publish('cdip.edge.RJE.study', '{}', { timeout }));
  await refused('decide for the hub', () => js.publish('cdip.hub.fetch.x', '{}', { timeout }));
  await refused('command another', () => js.publish('cdip.command.RJE', '{}', { timeout }));
  await refused('ask as another', () => connection.request('cdip.rpc.RJE.cursor', '', { timeout }));
  await refused("read another's commands", async () => {
    const consumer = await js.consumers.get(STREAM_COMMANDS, commandConsumer('RJE'));
    return consumer.next({ expires: 1_000 });
  });
  await refused('look after streams', async () => {
    const manager = await jetstreamManager(connection, { apiPrefix: 'HUBJS.API', timeout });
    return manager.streams.delete('EDGE_RRK');
  });
  await refused("end another's command", () =>
    connection.request('$JS.ACK.COMMANDS.edge_RJE.1.1.1.1.0', '+TERM', { timeout }),
  );
  for (const subject of [
    'cdip.edge.RJE.>',
    'cdip.command.RRK',
    '_INBOX_RJE.>',
    '_INBOX.>',
    '$SYS.>',
  ])
    await refused(`listen to ${subject}`, () => listen(connection, subject));
  // The broker acknowledges to whatever the reply subject is: it must not land in another's stream.
  connection.publish('cdip.edge.RRK.study', '{}', { reply: 'cdip.edge.RJE.study' });
  await connection.flush();
  await eventually('it was taken', async () => (await log.streamState('EDGE_RRK')).lastSeq === 2);
  t.equal((await log.streamState(edgeStream('RJE'))).lastSeq, 0, 'nothing came there');

  await t.test('another key makes the old one useless', async (t) => {
    const newKey = edgeKey();
    await log.setEdgeKeys('RRK', [newKey.publicKey]);
    await Promise.race([connection.closed(), new Promise((resolve) => setTimeout(resolve, 5_000))]);
    t.equal(connection.isClosed(), true);
    const next = await connectAs('RRK', newKey.seed, port);
    t.ok((await next.js.publish('cdip.edge.RRK.study', '{}')).seq > 1);
    await next.connection.close();
  });
});

t.test('commands, questions, decisions', { skip }, async (t) => {
  const key = edgeKey();
  const { log, port } = await startNetworkLog(
    t.testdir(),
    ['RRK'],
    new Map([['RRK', [key.publicKey]]]),
  );
  t.teardown(() => log.stop());
  const { connection, js } = await connectAs('RRK', key.seed, port);
  t.teardown(() => connection.close());

  await log.sendCommand('RRK', command('c1'));
  await log.sendCommand('RRK', command('c1'));
  await log.sendCommand('RRK', command('c2'));
  const consumer = await js.consumers.get(STREAM_COMMANDS, commandConsumer('RRK'));
  const ids: string[] = [];
  for (let message = await consumer.next({ expires: 1_000 }); message; ) {
    ids.push(message.json<{ id: string }>().id);
    message.ack();
    message = await consumer.next({ expires: 1_000 });
  }
  t.strictSame(ids, ['c1', 'c2'], 'each once');

  log.answer('cursor', (ods, request) => ({ ods, request }));
  // The subscription of the hub may still be on its way.
  const ask = (name: string, text: string): Promise<Msg> =>
    eventually(`${name} is answered`, () => connection.request(`cdip.rpc.RRK.${name}`, text));
  const reply = await ask('cursor', '{"a":1}');
  t.strictSame(reply.json(), { ods: 'RRK', request: { a: 1 } });
  log.answer('directory', () => {
    throw new Error('Smith, Anna');
  });
  const failed = await ask('directory', '{}');
  t.match(failed.json(), { error: { code: 'BUG' } });
  t.notMatch(failed.string(), /Smith/, 'a bug tells nothing');
  const malformed = await ask('cursor', '{"a":');
  t.match(malformed.json(), { error: { code: 'RPC_MALFORMED' } });
  log.answer('query', () => ({ asked: true }));
  for (const text of ['{"limit":"Smith"}', '[]', 'null', '7']) {
    const refused = await ask('query', text);
    t.match(refused.json(), { error: { code: 'RPC_MALFORMED' } }, text);
    t.notMatch(refused.string(), /Smith/, 'what is refused is not said again');
  }

  t.equal(await log.append('cdip.hub.fetch.f1', { a: 1 }, { expectedLastSeq: 0 }), 1);
  const late = await log
    .append('cdip.hub.fetch.f1', { a: 2 }, { expectedLastSeq: 0 })
    .catch((error: unknown) => codeOf(error));
  t.equal(late, 'LOG_CONFLICT');
  t.equal(await log.append('cdip.hub.fetch.f1', { a: 2 }, { expectedLastSeq: 1 }), 2);
});

t.test('kill -9 of the server, and a store that is gone', { skip, timeout: 90_000 }, async (t) => {
  const key = edgeKey();
  const { log, port, directory, killServer } = await startNetworkLog(
    t.testdir(),
    ['RRK'],
    new Map([['RRK', [key.publicKey]]]),
  );
  t.teardown(() => log.stop());
  const publish = async (text: string): Promise<void> => {
    await eventually(`${text} is taken`, async () => {
      const client = await connectAs('RRK', key.seed, port);
      try {
        // By its id once, where only the answer was late.
        const once = { timeout: 1_000, msgID: text };
        return await client.js.publish('cdip.edge.RRK.study', text, once);
      } finally {
        await client.connection.close();
      }
    });
  };
  const { created } = await log.streamState(edgeStream('RRK'));
  const reading = collect(log, edgeStream('RRK'), created);
  await publish('one');
  killServer();
  await publish('two');
  await eventually('both were read', () => reading.texts.length === 2);
  t.strictSame(reading.texts, ['one', 'two'], 'in order, over the outage');

  killServer();
  rmSync(join(directory, 'store'), { recursive: true, force: true });
  t.equal(await reading.ended, 'LOG_STREAM_CHANGED');
  await publish('three');
  const now = await log.streamState(edgeStream('RRK'));
  t.not(now.created, created);
  t.equal(now.lastSeq, 1);
});
