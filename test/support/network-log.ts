/** A hub's log over a real nats-server, and an edge's connection to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { createUser } from '@nats-io/nkeys';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import { parseHubConfig } from '../../hub/config.ts';
import type { NetworkLog } from '../../hub/log/network-log.ts';
import { openNetworkLog } from '../../hub/log/open-log.ts';
import { systemClock } from '../../shared/clock.ts';
import { EDGE_JETSTREAM_PREFIX, edgeInboxPrefix } from '../../shared/contract/subjects.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { freePort } from './free-port.ts';

export interface TestLog {
  readonly log: NetworkLog;
  readonly port: number;
  /** `<dataDirectory>/nats`. */
  readonly directory: string;
  /** SIGKILL; the hub starts it again. */
  killServer(): void;
}

export async function startNetworkLog(
  dataDirectory: string,
  trusts: readonly string[],
  edgeKeys: ReadonlyMap<string, readonly string[]> = new Map(),
): Promise<TestLog> {
  const port = await freePort();
  const config = parseHubConfig({
    dataDirectory,
    nats: { embedded: true, port },
    trusts: trusts.map((ods) => ({ ods, name: `Trust ${ods}` })),
  });
  const log = await openNetworkLog({
    config,
    edgeKeys,
    clock: systemClock,
    log: silentLog,
    metrics: openMetrics({}),
  });
  const directory = join(dataDirectory, 'nats');
  const killServer = (): void => {
    process.kill(Number(readFileSync(join(directory, 'nats-server.pid'), 'utf8')), 'SIGKILL');
  };
  return { log, port, directory, killServer };
}

export interface EdgeClient {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
}

/** A key pair as an edge makes it. */
export const edgeKey = (): { publicKey: string; seed: Uint8Array } => {
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: user.getSeed() };
};

export async function connectAs(ods: string, seed: Uint8Array, port: number): Promise<EdgeClient> {
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    authenticator: nkeyAuthenticator(seed),
    inboxPrefix: edgeInboxPrefix(ods),
    reconnect: false,
    timeout: 5_000,
    noAsyncTraces: true,
  });
  // What is refused comes as status too; tests look at the calls.
  void (async () => {
    for await (const _ of connection.status());
  })();
  return { connection, js: jetstream(connection, { apiPrefix: EDGE_JETSTREAM_PREFIX }) };
}
