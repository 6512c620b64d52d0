/**
 * The HL7 port: MLLP over TCP and, where configured, TLS. HL7 2.5 Appendix C.
 *
 *   socket ─► MllpReader ─► Hl7Inbox, in order ─► answer
 *
 * A connection's answers come in the order of its messages. One that sends ahead is read no further
 * while its messages wait; one that leaves a message unfinished is ended.
 */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Log } from '../../shared/log.ts';
import { Counter, Gauge, Histogram, type Registry } from '../../shared/metrics.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Hl7Inbox } from './inbox.ts';
import { type MllpFrame, MllpReader, mllpFrame } from './mllp.ts';
import type { Hl7Config } from './source.ts';

/** Messages of one connection that may wait. */
const MAX_AHEAD = 50;
const KEEP_ALIVE_MS = 30_000;

export interface Hl7ListenerOptions {
  readonly config: Hl7Config;
  readonly inbox: Hl7Inbox;
  readonly log: Log;
  readonly metrics: Registry;
}

export interface Hl7Listener {
  readonly port: number;
  readonly tlsPort: number | undefined;
  connections(): number;
  /** Answers what was read, then closes. */
  stop(): Promise<void>;
}

/** @throws a Node system error such as EADDRINUSE */
export async function startHl7Listener(options: Hl7ListenerOptions): Promise<Hl7Listener> {
  const { config, metrics } = options;
  const open = new Set<Connection>();
  const answered = openHistogram(metrics, open);
  const accept = (socket: Socket): void => {
    const connection = new Connection(socket, {
      ...options,
      answered,
      ended: () => open.delete(connection),
    });
    open.add(connection);
  };
  const plain = await listen(createServer({ noDelay: true }, accept), config, options.log);
  const tls =
    config.tls &&
    (await listen(
      tlsServer(config.tls, accept),
      { ...config, port: config.tls.port },
      options.log,
    ));
  return {
    port: portOf(plain),
    tlsPort: tls && portOf(tls),
    connections: () => open.size,
    async stop() {
      const closed = [plain, tls].map(
        (server) => server && new Promise((done) => server.close(done)),
      );
      await Promise.all([...open].map((connection) => connection.end()));
      await Promise.all(closed);
    },
  };
}

function openHistogram(metrics: Registry, open: ReadonlySet<Connection>): Histogram {
  new Gauge({
    name: 'cdip_hl7_connections',
    help: 'Open HL7 connections',
    registers: [metrics],
    collect() {
      this.set(open.size);
    },
  });
  return new Histogram({
    name: 'cdip_hl7_answer_seconds',
    help: 'From the end of an HL7 message to its answer',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [metrics],
  });
}

function tlsServer(tls: NonNullable<Hl7Config['tls']>, accept: (socket: Socket) => void): Server {
  const { keyFile, certificateFile, caFile, requireClientCertificate } = tls;
  return createTlsServer(
    {
      key: readFileSync(keyFile),
      cert: readFileSync(certificateFile),
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      requestCert: requireClientCertificate,
      rejectUnauthorized: requireClientCertificate,
      minVersion: 'TLSv1.2',
      noDelay: true,
    },
    accept,
  ).on('tlsClientError', () => {});
}

function listen(
  server: Server,
  { host, port, maxConnections }: Hl7Config,
  log: Log,
): Promise<Server> {
  server.maxConnections = maxConnections;
  server.on('drop', (data) =>
    log.warn('hl7.connection-refused', { host: data?.remoteAddress ?? '' }),
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

interface ConnectionOptions extends Hl7ListenerOptions {
  readonly answered: Histogram;
  readonly ended: () => void;
}

class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader: MllpReader;
  readonly #host: string;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();
  #frameTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new MllpReader(options.config.maxMessageBytes);
    this.#host = socket.remoteAddress ?? '';
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(this.#frameTimer);
      options.ended();
    });
  }

  async end(): Promise<void> {
    this.#socket.pause();
    await this.#tail;
    this.#socket.destroySoon();
  }

  #read(chunk: Buffer): void {
    for (const frame of this.#reader.push(chunk)) this.#take(frame);
    clearTimeout(this.#frameTimer);
    if (!this.#reader.isOpen) return;
    this.#frameTimer = setTimeout(() => this.#giveUp(), this.#options.config.frameSeconds * 1000);
    this.#frameTimer.unref();
  }

  /** It was never acknowledged, so its sender has it still. */
  #giveUp(): void {
    this.#options.log.warn('hl7.unfinished', { host: this.#host });
    this.#socket.destroy();
  }

  #take(frame: MllpFrame): void {
    const begin = performance.now();
    const answers = this.#options.inbox.take(this.#incoming(frame));
    this.#waiting += 1;
    if (this.#waiting >= MAX_AHEAD) this.#socket.pause();
    this.#tail = this.#tail.then(async () => {
      const messages = await answers;
      this.#waiting -= 1;
      if (this.#waiting < MAX_AHEAD) this.#socket.resume();
      this.#options.answered.observe((performance.now() - begin) / 1000);
      if (this.#socket.writable && frame.kind !== 'cut')
        this.#socket.write(Buffer.concat(messages.map(mllpFrame)));
    });
  }

  #incoming(frame: MllpFrame): { bytes: Buffer; host: string; fault?: Hl7Error } {
    const host = this.#host;
    if (frame.kind === 'frame') return { bytes: frame.bytes, host };
    const fault =
      frame.kind === 'cut'
        ? new Hl7Error(
            'HL7_CUT',
            'another message began before it ended: only its beginning is kept',
          )
        : new Hl7Error(
            'HL7_TOO_LARGE',
            'it is longer than hl7.maxMessageBytes: only its beginning is kept',
          );
    return { bytes: frame.begin, host, fault };
  }
}

/** The counter behind {@link Hl7Inbox}'s `onOutcome`. */
export function openHl7Counter(metrics: Registry): (outcome: string) => void {
  const counter = new Counter({
    name: 'cdip_hl7_messages_total',
    help: 'HL7 messages by what became of them',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  return (outcome) => counter.inc({ outcome });
}
