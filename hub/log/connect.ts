/** The hub's own connection to its broker, embedded or a cluster; kept over outages of any length. */
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import type { ClientPair } from '../../shared/client-pair.ts';
import { nkeyAuthenticator } from '../../shared/ed25519.ts';
import { codeOf } from '../../shared/errors.ts';
import type { HubConfig } from '../config.ts';
import { LogError } from './network-log.ts';

export type Embedded = Exclude<HubConfig['nats'], { servers: unknown }>;

/**
 * Resolves once the broker is reached, however long that takes.
 *
 * @param ownSeed of the embedded server's hub account; a cluster's is in a file
 * @throws LogError `LOG_SERVER_FAULT` when that file can't be read
 */
export function connectToBroker(
  { nats }: Pick<HubConfig, 'nats'>,
  ownSeed: Uint8Array,
  pair?: ClientPair,
): Promise<NatsConnection> {
  const seed = 'servers' in nats ? seedOf(nats.credentialsSeedFile) : ownSeed;
  return connect({
    servers: 'servers' in nats ? nats.servers : localUrl(nats),
    authenticator: nkeyAuthenticator(seed),
    name: 'cdip-hub',
    maxReconnectAttempts: -1,
    // A key that a cluster does not know for a while, during its own reload, is tried again too.
    ignoreAuthErrorAbort: true,
    waitOnFirstConnect: true,
    reconnectTimeWait: 250,
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...tlsOf(nats, pair),
  });
}

/** A server that listens on all addresses is reached on this machine. */
function localUrl({ host, port }: Embedded): string {
  return `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
}

/** A person wrote this file: a line end behind the seed is none of it. */
function seedOf(file: string): Uint8Array {
  try {
    return Buffer.from(readFileSync(file, 'utf8').trim());
  } catch (cause) {
    const code = codeOf(cause);
    throw new LogError('LOG_SERVER_FAULT', `${file} can not be read: ${code}`, { cause });
  }
}

/**
 * Our own server is known by its very certificate, whatever name that is for: it is reached on loopback.
 * A cluster named by `tls://` is not spoken to without TLS, even when it offers none.
 */
function tlsOf(nats: HubConfig['nats'], pair?: ClientPair): Pick<ConnectionOptions, 'tls'> {
  if ('servers' in nats)
    return nats.servers.some((server) => server.startsWith('tls://')) ? { tls: {} } : {};
  if (nats.tls === undefined) return {};
  const pinned = { allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  return { tls: { caFile: nats.tls.certificateFile, ...pinned, ...pair } };
}
