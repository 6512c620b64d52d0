/** The nats-server that a hub starts: what must not end it, nor keep the next one from starting. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import t from 'tap';
import { parseHubConfig } from '../../hub/config.ts';
import type { NetworkLog } from '../../hub/log/network-log.ts';
import { openNetworkLog } from '../../hub/log/open-log.ts';
import { systemClock } from '../../shared/clock.ts';
import { edgeInboxPrefix, STREAM_HUB } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { findProgram, missingPeer } from '../support/missing-peer.ts';
import { connectAs, edgeKey, startNetworkLog } from '../support/network-log.ts';

const skip = missingPeer('nats-server');
const skipTls = missingPeer('nats-server', 'openssl');

function openAs(dataDirectory: string, nats: object, ods = ['RRK']): Promise<NetworkLog> {
  const config = parseHubConfig({
    ...{ dataDirectory, nats },
    trusts: ods.map((one) => ({ ods: one, name: one })),
  });
  return openNetworkLog({
    ...{ config, edgeKeys: new Map(), clock: systemClock, log: silentLog },
    metrics: openMetrics({}),
  });
}

t.test('a key that can not be used changes nothing, also over a restart', { skip }, async (t) => {
  const key = edgeKey();
  const { log, port, killServer } = await startNetworkLog(
    t.testdir(),
    ['RRK', 'RJE'],
    new Map([['RRK', [key.publicKey]]]),
  );
  t.teardown(() => log.stop());
  const admit = (ods: string, publicKey: string): Promise<string> =>
    log.setEdgeKeys(ods, [publicKey]).then(() => 'admitted', codeOf);
  t.equal(await admit('RJE', `U${'A'.repeat(55)}`), 'LOG_KEY_REFUSED', 'wrong checksum');
  t.equal(await admit('RJE', key.publicKey), 'LOG_KEY_REFUSED', "another trust's");
  t.equal(await admit('RXX', edgeKey().publicKey), 'LOG_KEY_REFUSED', 'no trust of this hub');
  killServer();
  const connected = await eventually('RRK connects', () => connectAs('RRK', key.seed, port));
  await connected.connection.close();
});

t.test('keys that change at the same time all count', { skip }, async (t) => {
  const trusts = ['RRK', 'RJE', 'RXK', 'RL4'];
  const { log, port } = await startNetworkLog(t.testdir(), trusts);
  t.teardown(() => log.stop());
  const keys = trusts.map((ods) => ({ ods, ...edgeKey() }));
  await Promise.all(keys.map(({ ods, publicKey }) => log.setEdgeKeys(ods, [publicKey])));
  for (const { ods, seed } of keys) {
    const { connection, js } = await connectAs(ods, seed, port);
    t.equal((await js.publish(`cdip.edge.${ods}.study`, '{}')).seq, 1, ods);
    await connection.close();
  }
});

t.test('the server that a killed hub left behind makes way', { skip }, async (t) => {
  const directory = t.testdir();
  const port = await freePort();
  const first = await openAs(directory, { embedded: true, port });
  await first.append('cdip.hub.fetch.f1', { a: 1 }, { expectedLastSeq: 0 });
  await first.stop();
  // As the hub's death leaves it: running, its pid on disk.
  const left = spawn(findProgram('nats-server') ?? '', ['-c', join(directory, 'nats/nats.conf')], {
    stdio: 'ignore',
  });
  const ended = once(left, 'exit');
  await eventually('it holds the port', () =>
    connectAs('RRK', edgeKey().seed, port).catch((error: Error) =>
      /authorization/i.test(error.message),
    ),
  );
  const second = await openAs(directory, { embedded: true, port });
  t.teardown(() => second.stop());
  await ended;
  t.equal((await second.streamState(STREAM_HUB)).lastSeq, 1, 'what was decided is still there');
});

t.test('a pid that another program has since is left alone', { skip }, async (t) => {
  const directory = t.testdir({ nats: {} });
  const other = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => other.kill());
  writeFileSync(join(directory, 'nats', 'nats-server.pid'), String(other.pid));
  const log = await openAs(directory, { embedded: true, port: await freePort() });
  await log.stop();
  t.equal(other.exitCode, null);
  t.equal(other.signalCode, null);
});

t.test('with TLS: whatever name the certificate is for', { skip: skipTls }, async (t) => {
  const directory = t.testdir();
  const [keyFile, certificateFile] = ['key.pem', 'cert.pem'].map((name) => join(directory, name));
  spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', keyFile ?? '', '-out', certificateFile ?? '', '-days', '30'],
    ...['-subj', '/CN=hub.example', '-addext', 'subjectAltName=DNS:hub.example'],
  ]);
  const port = await freePort();
  const tls = { keyFile, certificateFile };
  const log = await openAs(directory, { embedded: true, port, tls });
  t.teardown(() => log.stop());
  t.equal(log.natsUrl, `tls://127.0.0.1:${port}`);
  const key = edgeKey();
  await log.setEdgeKeys('RRK', [key.publicKey]);
  const edge = (caFile?: string): Promise<string> =>
    connect({
      servers: `127.0.0.1:${port}`,
      authenticator: nkeyAuthenticator(key.seed),
      inboxPrefix: edgeInboxPrefix('RRK'),
      reconnect: false,
      tls: {
        ...(caFile === undefined ? {} : { caFile }),
        ...{ checkServerIdentity: () => undefined },
      },
    }).then(
      async (connection) => connection.close().then(() => 'connected'),
      () => 'refused',
    );
  t.equal(await edge(certificateFile), 'connected');
  t.equal(await edge(), 'refused', 'without the CA');
});

t.test('a cluster that does not know the hub yet is waited for', { skip }, async (t) => {
  const directory = t.testdir();
  const port = await freePort();
  const [known, hub] = [createUser(), createUser()];
  const file = join(directory, 'cluster.conf');
  const configure = (nkey: string): void =>
    writeFileSync(
      file,
      `host: 127.0.0.1, port: ${port}
       jetstream { store_dir: ${JSON.stringify(join(directory, 'js'))} }
       accounts { HUB { jetstream: enabled, users: [ { nkey: ${nkey} } ] } }`,
    );
  configure(known.getPublicKey());
  const server = spawn(findProgram('nats-server') ?? '', ['-c', file], { stdio: 'ignore' });
  t.teardown(async () => {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  });
  const credentialsSeedFile = join(directory, 'hub.nk');
  // As `nk -gen user` writes it.
  writeFileSync(credentialsSeedFile, `${Buffer.from(hub.getSeed()).toString()}\n`);
  const servers = [`nats://127.0.0.1:${port}`];
  const opening = openAs(directory, { servers, credentialsSeedFile, replicas: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  configure(hub.getPublicKey());
  server.kill('SIGHUP');
  const log = await opening;
  t.teardown(() => log.stop());
  await eventually('streams are there', () => log.streamState(STREAM_HUB));

  // Its operators reload twice, the second time rightly.
  configure(known.getPublicKey());
  server.kill('SIGHUP');
  await eventually('it is lost', () => !log.connected());
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  configure(hub.getPublicKey());
  server.kill('SIGHUP');
  await eventually('it is back', () => log.connected());
  const seq = await eventually('and takes a decision', () =>
    log.append('cdip.hub.fetch.f1', { a: 1 }, { expectedLastSeq: 0 }),
  );
  t.equal(seq, 1);
});
