/**
 * The connection to the hub's broker, over outages of any length.
 *
 *   connect ─► use(connection) ─► lost ─► wait ─► connect …           status(): since when, and why not
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type * as z from 'zod';
import { backoffMs, sleep } from '../../shared/backoff.ts';
import { readPair } from '../../shared/client-pair.ts';
import type { Clock } from '../../shared/clock.ts';
import {
  EDGE_JETSTREAM_PREFIX,
  edgeInboxPrefix,
  type RpcName,
  rpcSubject,
} from '../../shared/contract/subjects.ts';
import { nkeyAuthenticator } from '../../shared/ed25519.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { UplinkError } from './uplink-error.ts';

const CONNECT_BACKOFF = { firstMs: 500, maxMs: 15_000, random: Math.random } as const;
/** A cable that was pulled is noticed after three of these. */
const PING_MS = 4_000;
const ASK_MS = 5_000;
const CONNECT_MS = 10_000;

export interface HubConnectionOptions {
  readonly trust: string;
  /** `config.hub.nats`. */
  readonly servers: string;
  readonly seedFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ConnectionStatus {
  readonly connected: boolean;
  /** Since when it is so, milliseconds since the epoch. */
  readonly since: number;
  /** Why there is no connection. */
  readonly reason: string | null;
}

/** What runs while there is a connection. */
export interface Connected {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  /** Aborts when the connection is lost. */
  readonly signal: AbortSignal;
}

export class HubConnection {
  readonly #options: HubConnectionOptions;
  readonly #ending = new AbortController();
  #connection: NatsConnection | undefined;
  #status: ConnectionStatus;
  #running: Promise<void> = Promise.resolve();

  constructor(options: HubConnectionOptions) {
    this.#options = options;
    const since = options.clock.now();
    this.#status = { connected: false, since, reason: 'not connected yet' };
  }

  /** @param use called for each connection; it must end when its signal aborts */
  start(use: (connected: Connected) => Promise<void>): void {
    this.#running = this.#run(use);
  }

  status(): ConnectionStatus {
    return this.#status;
  }

  /** Asks the hub. @throws UplinkError */
  async ask<S extends z.ZodType>(name: RpcName, request: object, schema: S): Promise<z.output<S>> {
    const connection = this.#connection;
    if (connection === undefined)
      throw new UplinkError('HUB_UNAVAILABLE', `the hub can't be asked: ${this.#status.reason}`);
    let text: string;
    try {
      const subject = rpcSubject(this.#options.trust, name);
      const reply = await connection.request(subject, JSON.stringify(request), { timeout: ASK_MS });
      text = reply.string();
    } catch (cause) {
      throw new UplinkError('HUB_UNAVAILABLE', 'no hub answers', { cause });
    }
    const parsed = schema.safeParse(jsonOf(text));
    if (!parsed.success)
      throw new UplinkError('HUB_ANSWER', `the hub's answer to "${name}" can't be read`, {
        cause: parsed.error,
      });
    return parsed.data;
  }

  /** Whether the broker lets a key in, while the connection stays. @throws UplinkError */
  async tryKey(seed: Uint8Array): Promise<void> {
    try {
      const connection = await this.#dial(seed);
      await connection.close();
    } catch (cause) {
      throw new UplinkError('HUB_UNAVAILABLE', reasonOf(cause), { cause });
    }
  }

  /** The next connection has the key that the file holds now. */
  async reconnect(): Promise<void> {
    await this.#connection?.close();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#connection?.close().catch(() => {});
    await this.#running;
  }

  async #run(use: (connected: Connected) => Promise<void>): Promise<void> {
    const { log } = this.#options;
    for (let tries = 0; !this.#ending.signal.aborted; tries += 1) {
      try {
        const connection = await this.#connect();
        tries = 0;
        log.info('uplink.connected', { server: connection.getServer() });
        await this.#live(connection, use);
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#setStatus(false, reasonOf(error));
        log.warn('uplink.failed', { code: codeOf(error), reason: reasonOf(error) });
      }
      await sleep(backoffMs(tries, CONNECT_BACKOFF), this.#ending.signal);
    }
  }

  /** @throws UplinkError, at once when it is stopped: a connection that comes later is closed */
  async #connect(): Promise<NatsConnection> {
    const { signal } = this.#ending;
    let onStop = (): void => {};
    const stopped = new Promise<undefined>((resolve) => {
      onStop = () => resolve(undefined);
      signal.addEventListener('abort', onStop, { once: true });
    });
    const dialled = this.#dial();
    try {
      const connection = await Promise.race([dialled, stopped]);
      if (connection !== undefined && !signal.aborted) return connection;
    } catch (cause) {
      throw new UplinkError('HUB_UNAVAILABLE', reasonOf(cause), { cause });
    } finally {
      signal.removeEventListener('abort', onStop);
    }
    dialled.then((late) => late.close()).catch(() => {});
    throw new UplinkError('HUB_UNAVAILABLE', 'this edge is stopping');
  }

  async #dial(seed?: Uint8Array): Promise<NatsConnection> {
    const { trust, servers: named, seedFile } = this.#options;
    const servers = named.split(',').map((server) => server.trim());
    return connect({
      servers,
      // Asked for by name, TLS is not given up because whoever answers offers none.
      ...(servers.some((server) => server.startsWith('tls://'))
        ? { tls: { ...readPair(dirname(seedFile)) } }
        : {}),
      authenticator: nkeyAuthenticator(seed ?? readFileSync(seedFile)),
      inboxPrefix: edgeInboxPrefix(trust),
      name: `cdip-edge-${trust}`,
      timeout: CONNECT_MS,
      // This class connects again itself, so that the reason is known and shown.
      reconnect: false,
      pingInterval: PING_MS,
      maxPingOut: 2,
      noAsyncTraces: true,
    });
  }

  async #live(
    connection: NatsConnection,
    use: (connected: Connected) => Promise<void>,
  ): Promise<void> {
    const lost = new AbortController();
    this.#connection = connection;
    this.#setStatus(true, null);
    const closed = connection.closed().then((error) => {
      this.#connection = undefined;
      lost.abort();
      if (this.#ending.signal.aborted) return;
      const reason = error === undefined ? 'the hub closed the connection' : reasonOf(error);
      this.#setStatus(false, reason);
      this.#options.log.warn('uplink.lost', { reason });
    });
    const js = jetstream(connection, { apiPrefix: EDGE_JETSTREAM_PREFIX });
    try {
      await use({ connection, js, signal: lost.signal });
    } finally {
      await connection.close();
      await closed;
    }
  }

  #setStatus(connected: boolean, reason: string | null): void {
    const isSame = this.#status.connected === connected;
    const since = isSame ? this.#status.since : this.#options.clock.now();
    this.#status = { connected, since, reason };
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In words; the broker's own text names only subjects and keys. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown';
}
