/**
 * Opens the log: starts or reaches the broker, makes the streams, and keeps both so.
 *
 *   EmbeddedServer │ cluster ─► connection ─► ensureStreams, again after every outage ─► NetworkLog
 */

import { join } from 'node:path';
import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { ClientPair } from '../../shared/client-pair.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { faultOfRequest } from '../../shared/contract/rpc-requests.ts';
import {
  commandSubject,
  type RpcName,
  STREAM_COMMANDS,
  STREAM_HUB,
} from '../../shared/contract/subjects.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { HubConfig } from '../config.ts';
import { connectToBroker, type Embedded } from './connect.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { type HubKeys, keysOfTrusts, openHubKeys } from './keys.ts';
import { LogError, type LogMessage, type NetworkLog, type StreamState } from './network-log.ts';
import { readStream } from './read-stream.ts';
import { ensureStreams } from './streams.ts';
import { syncStream } from './sync-store.ts';

/** How often it is looked whether all streams are there: one that was deleted is missed so long. */
const ENSURE_EVERY_MS = 3_000;
const PUBLISH_MS = 2_000;
const PUBLISH_RETRIES = 10;
/** Stream wrong last sequence. */
const WRONG_LAST_SEQUENCE = [10_071, 10_164];

export interface NetworkLogOptions {
  readonly config: HubConfig;
  /** Public nkeys of the edges that are enrolled, by trust. */
  readonly edgeKeys: ReadonlyMap<string, readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** What the hub shows as a client, and who issues that; absent: the broker asks for no certificates. */
  readonly clients?: { readonly authority: string; readonly pair: ClientPair };
}

/** @throws LogError `LOG_SERVER_FAULT` */
export async function openNetworkLog(options: NetworkLogOptions): Promise<NetworkLog> {
  const { config } = options;
  const directory = join(config.dataDirectory, 'nats');
  const keys = openHubKeys(directory);
  const server =
    'servers' in config.nats
      ? undefined
      : await startServer({ ...options, nats: config.nats, directory, keys });
  try {
    const connection = await connectToBroker(config, keys.seed, options.clients?.pair);
    const opened = new OpenLog({ ...options, connection, server, directory });
    await opened.begin();
    return opened;
  } catch (error) {
    // The next try starts a server of its own: two would fight for the port, and this one outlive the hub.
    await server?.stop();
    throw error;
  }
}

function startServer({
  config,
  nats,
  directory,
  keys,
  edgeKeys,
  log,
  clients,
}: Pick<NetworkLogOptions, 'clients'> & {
  config: HubConfig;
  nats: Embedded;
  directory: string;
  keys: HubKeys;
  edgeKeys: ReadonlyMap<string, readonly string[]>;
  log: Log;
}): Promise<EmbeddedServer> {
  const { host, port } = nats;
  const tls = nats.tls && {
    ...nats.tls,
    clientAuthority: nats.tls.requireClientCertificate ? clients?.authority : undefined,
  };
  const { hubPublicKey, systemPublicKey, placeholder } = keys;
  const odsCodes = config.trusts.map(({ ods }) => ods);
  const trusts = keysOfTrusts(odsCodes, edgeKeys, { keys, log });
  return EmbeddedServer.start(
    { directory, host, port, tls, hubPublicKey, systemPublicKey, placeholder, trusts },
    log,
  );
}

interface OpenParts extends NetworkLogOptions {
  readonly connection: NatsConnection;
  readonly server: EmbeddedServer | undefined;
  readonly directory: string;
}

class OpenLog implements NetworkLog {
  readonly #parts: OpenParts;
  readonly #js: JetStreamClient;
  readonly #questions: Counter;
  #jsm: JetStreamManager | undefined;
  #isConnected = true;
  #ensuring: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: OpenParts) {
    this.#parts = parts;
    this.#js = jetstream(parts.connection);
    this.#questions = new Counter({
      name: 'cdip_rpc_answers_total',
      help: 'Questions of edges, by name and outcome',
      labelNames: ['name', 'outcome'],
      registers: [parts.metrics],
    });
    void this.#watch();
  }

  get natsUrl(): string {
    const { nats } = this.#parts.config;
    if ('servers' in nats) return nats.servers.join(',');
    const scheme = nats.tls === undefined ? 'nats' : 'tls';
    return nats.publicUrl ?? `${scheme}://${nats.host}:${nats.port}`;
  }

  /** Resolves once the streams are there, or the broker had its chance. */
  async begin(): Promise<void> {
    await this.#ensure();
    this.#timer = setInterval(() => void this.#ensure(), ENSURE_EVERY_MS);
    this.#timer.unref();
  }

  connected(): boolean {
    return this.#isConnected && this.#jsm !== undefined;
  }

  async streamState(stream: string): Promise<StreamState> {
    try {
      const { created, state } = await (await this.#manager()).streams.info(stream);
      return { created, firstSeq: state.first_seq, lastSeq: state.last_seq };
    } catch (cause) {
      throw unavailable(`the stream ${stream} can not be read`, cause);
    }
  }

  read(
    stream: string,
    options: { fromSeq: number; created: string; signal: AbortSignal },
  ): AsyncIterable<LogMessage> {
    return readStream({ js: this.#js, state: () => this.streamState(stream), stream, ...options });
  }

  async append(
    subject: string,
    body: object,
    { expectedLastSeq, messageId }: { expectedLastSeq: number; messageId?: string },
  ): Promise<number> {
    const seq = await this.#publish(subject, body, {
      expect: { lastSubjectSequence: expectedLastSeq },
      ...(messageId === undefined ? {} : { msgID: messageId }),
    });
    await this.#sync(STREAM_HUB);
    return seq;
  }

  async sendCommand(ods: string, command: Command): Promise<void> {
    await this.#publish(commandSubject(ods), command, { msgID: command.id });
    await this.#sync(STREAM_COMMANDS);
  }

  answer(name: RpcName, answer: (ods: string, request: unknown) => object | Promise<object>): void {
    this.#parts.connection.subscribe(`cdip.rpc.*.${name}`, {
      callback: (error, message) => {
        if (error !== null) return;
        const ods = message.subject.split('.')[2] ?? '';
        const request = parsed(message.data);
        const fault =
          request === undefined ? 'the question is not JSON' : faultOfRequest(name, request);
        const reply =
          fault === null
            ? this.#answerOf(name, () => answer(ods, request))
            : Promise.resolve(this.#refuseMalformed(name, fault));
        void reply.then((body) => this.#respond(message, body));
      },
    });
  }

  requireAdmissible(ods: string, natsPublicKey: string): void {
    this.#parts.server?.requireAdmissible(ods, natsPublicKey);
  }

  async setEdgeKeys(ods: string, keys: readonly string[]): Promise<void> {
    const { server, log } = this.#parts;
    // On a cluster its own operators admit keys, and take them out.
    if (server === undefined) log.warn('log.admit-by-hand', { trust: ods, keys: keys.join(' ') });
    else await server.setKeys(ods, keys);
  }

  async stop(): Promise<void> {
    const { connection, server } = this.#parts;
    clearInterval(this.#timer);
    if (this.#isConnected) {
      await this.#ensuring;
      await connection.drain().catch(() => {});
    } else await connection.close();
    await server?.stop();
  }

  #refuseMalformed(name: RpcName, detail: string): object {
    this.#questions.inc({ name, outcome: 'malformed' });
    return { error: { code: 'RPC_MALFORMED', detail } };
  }

  /** An answer that comes after the connection was closed, or is too large for it, is asked for again. */
  #respond(message: Msg, body: object): void {
    try {
      message.respond(JSON.stringify(body));
    } catch (error) {
      if (!this.#parts.connection.isClosed())
        this.#parts.log.error('program.bug', { where: 'rpc/respond', error });
    }
  }

  async #answerOf(name: RpcName, answer: () => object | Promise<object>): Promise<object> {
    try {
      const reply = await answer();
      this.#questions.inc({ name, outcome: 'answered' });
      return reply;
    } catch (error) {
      this.#questions.inc({ name, outcome: 'refused' });
      const isExpected = error instanceof GatewayError;
      if (!isExpected) this.#parts.log.error('program.bug', { where: `rpc/${name}`, error });
      const detail = isExpected ? error.message : 'the hub failed on this; see its log';
      return { error: { code: codeOf(error), detail } };
    }
  }

  async #publish(
    subject: string,
    body: object,
    options: Parameters<JetStreamClient['publish']>[2],
  ): Promise<number> {
    try {
      const ack = await this.#js.publish(subject, JSON.stringify(body), {
        timeout: PUBLISH_MS,
        retries: PUBLISH_RETRIES,
        ...options,
      });
      return ack.seq;
    } catch (cause) {
      const { code } = cause as { code?: number };
      if (code !== undefined && WRONG_LAST_SEQUENCE.includes(code))
        throw new LogError('LOG_CONFLICT', `${subject} was written in between`, { cause });
      throw unavailable(`${subject} could not be written`, cause);
    }
  }

  async #sync(stream: string): Promise<void> {
    if (this.#parts.server !== undefined) await syncStream(this.#parts.directory, stream);
  }

  async #manager(): Promise<JetStreamManager> {
    this.#jsm ??= await jetstreamManager(this.#parts.connection);
    return this.#jsm;
  }

  /** One at a time. */
  #ensure(): Promise<void> {
    this.#ensuring = this.#ensuring.then(async () => {
      const { config, log } = this.#parts;
      const { nats } = config;
      try {
        await ensureStreams(await this.#manager(), {
          trusts: config.trusts.map(({ ods }) => ods),
          retentionDays: nats.retentionDays,
          replicas: 'servers' in nats ? nats.replicas : 1,
        });
      } catch (error) {
        if (this.#isConnected) log.warn('log.streams-unavailable', { error });
      }
    });
    return this.#ensuring;
  }

  async #watch(): Promise<void> {
    const { connection, log } = this.#parts;
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') {
        this.#isConnected = false;
        log.warn('log.disconnected', {});
      } else if (type === 'reconnect') {
        this.#isConnected = true;
        log.info('log.connected', {});
        void this.#ensure();
      }
    }
  }
}

/** Undefined for what is no JSON. */
function parsed(data: Uint8Array): unknown {
  try {
    return data.length === 0 ? {} : JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined;
  }
}

const unavailable = (what: string, cause: unknown): LogError =>
  new LogError('LOG_UNAVAILABLE', what, { cause });
