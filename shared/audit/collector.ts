/**
 * Passes the trail on to a collector: syslog over TLS, RFC 5425. The trail itself is the queue, over outages of any
 * length.
 *
 *   rows behind the cursor ─► frames ─► TLS ─► collector          cursor ◄─ the connection stood some seconds longer
 *
 * Syslog acknowledges nothing: what was written a moment before a connection broke may be lost, so it is sent again.
 * A message may come twice, never not at all; its sequence number tells.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { backoffMs, sleep } from '../backoff.ts';
import { codeOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { Gauge, type Registry } from '../metrics.ts';
import type { Collector } from './collector-config.ts';
import { syslogFrame } from './message.ts';
import type { AuditTrail } from './trail.ts';

const CONNECT_MS = 10_000;
const BACKOFF = { firstMs: 1_000, maxMs: 60_000, random: Math.random } as const;
const TOGETHER = 100;
/** How soon a new row goes. */
const LOOK_MS = 500;
/** What was written is taken for received when the connection stands so long after. */
const SETTLED_MS = 5_000;
const KEEP_ALIVE_MS = 20_000;

export interface CollectorOptions {
  readonly collector: Collector;
  readonly dataDirectory: string;
  /** Whose trail it is: HUB, or an ODS code. */
  readonly of: string;
  /** Of an edge. */
  readonly aeTitle?: string;
  readonly trail: Pick<AuditTrail, 'after' | 'head'>;
  readonly log: Log;
  readonly metrics: Registry;
  /** Tests shorten it. */
  readonly settledMs?: number;
}

interface Sent {
  readonly seq: number;
  readonly atMs: number;
}

export class AuditCollector {
  readonly #options: CollectorOptions;
  readonly #file: string;
  readonly #ending = new AbortController();
  #cursor: number;
  #running: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#file = join(options.dataDirectory, 'audit.sent');
    this.#cursor = this.#readCursor();
    const unsent = (): number => options.trail.head().seq - this.#cursor;
    new Gauge({
      name: 'cdip_audit_unsent',
      help: 'Rows of the audit trail that the collector does not have for sure',
      registers: [options.metrics],
      collect() {
        this.set(unsent());
      },
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, collector } = this.#options;
    const { signal } = this.#ending;
    const about = { host: collector.host, port: collector.port };
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        const socket = await this.#connect();
        if (this.#hasFailed) log.info('audit.collector-works', about);
        this.#hasFailed = false;
        tries = 0;
        await this.#send(socket).finally(() => socket.destroy());
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#hasFailed) log.warn('audit.collector-failed', { ...about, code: codeOf(error) });
        this.#hasFailed = true;
      }
      await sleep(backoffMs(tries, BACKOFF), signal);
    }
  }

  #connect(): Promise<TLSSocket> {
    const { host, port, caFile, keyFile, certificateFile } = this.#options.collector;
    return new Promise((resolve, reject) => {
      const socket = connect({
        ...{ host, port, minVersion: 'TLSv1.2', timeout: CONNECT_MS },
        // RFC 6066 §3: an address is no name.
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
        ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
        ...(certificateFile === undefined ? {} : { cert: readFileSync(certificateFile) }),
      });
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.once('error', fail);
      socket.once('timeout', () => fail(Object.assign(new Error('silent'), { code: 'ETIMEDOUT' })));
      socket.once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
      socket.once('secureConnect', () => {
        socket.setTimeout(0);
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        // A collector says nothing; what it says is read, so that its end is noticed.
        socket.resume();
        resolve(socket);
      });
      this.#ending.signal.addEventListener('abort', () => socket.destroy(), { once: true });
    });
  }

  /** Until the connection breaks. */
  async #send(socket: TLSSocket): Promise<void> {
    const { trail, of, aeTitle, settledMs = SETTLED_MS } = this.#options;
    const source = {
      ...{ of, hostname: hostname(), pid: process.pid },
      ...(aeTitle === undefined ? {} : { aeTitle }),
    };
    const broken = new AbortController();
    for (const event of ['close', 'error', 'end']) socket.once(event, () => broken.abort());
    const either = AbortSignal.any([broken.signal, this.#ending.signal]);
    const sent: Sent[] = [];
    let next = this.#cursor;
    while (!either.aborted) {
      const events = trail.after(next, TOGETHER);
      for (const event of events)
        if (!socket.write(syslogFrame(event, source))) await drained(socket, either);
      const last = events.at(-1);
      if (last !== undefined && !either.aborted) {
        next = last.seq;
        sent.push({ seq: next, atMs: performance.now() });
      }
      this.#settle(sent, performance.now() - settledMs);
      if (events.length < TOGETHER) await sleep(Math.min(LOOK_MS, settledMs), either);
    }
  }

  /** What was written by then is taken for received. */
  #settle(sent: Sent[], byMs: number): void {
    const settled = sent.findLast(({ atMs }) => atMs <= byMs);
    if (settled === undefined) return;
    const { seq } = settled;
    sent.splice(0, sent.indexOf(settled) + 1);
    this.#cursor = seq;
    writeFileSync(`${this.#file}.new`, `${seq}\n`, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** A file that is not there, or that a power cut spoilt: from the beginning, so that nothing is missed. */
  #readCursor(): number {
    try {
      const seq = Number(readFileSync(this.#file, 'utf8'));
      return Number.isSafeInteger(seq) && seq >= 0 ? seq : 0;
    } catch {
      return 0;
    }
  }
}

async function drained(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    socket.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
