/** HL7 messages for tests, and a sender of them over MLLP that waits for each answer. */
import { connect, type Socket } from 'node:net';
import { parseEdgeConfig } from '../../edge/config.ts';
import { openEdgeDatabase } from '../../edge/database.ts';
import { Hl7Inbox } from '../../edge/hl7/inbox.ts';
import { type Hl7Listener, startHl7Listener } from '../../edge/hl7/listener.ts';
import { MllpReader } from '../../edge/hl7/mllp.ts';
import { EdgeIndex } from '../../edge/index/edge-index.ts';
import { Records } from '../../edge/index/records/records.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import type { RecordEventBody } from '../../shared/contract/events.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { temporaryDirectory } from './storage-fixture.ts';

export interface Hl7World {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly records: Records;
  readonly inbox: Hl7Inbox;
  /** What the hub would be told. */
  readonly events: RecordEventBody[];
  /** Milliseconds since the epoch; set by the test. */
  readonly clock: { now: number };
  /** Takes one message. @returns the code of MSA-1, or '' for no answer */
  send(text: string): Promise<string>;
  listen(): Promise<Hl7Listener>;
}

/** @param hl7 keys of edge.yaml's `hl7` */
export function hl7World(
  t: { teardown(done: () => void | Promise<void>): void },
  hl7: Record<string, unknown> = {},
): Hl7World {
  const directory = temporaryDirectory(t);
  const db = openEdgeDatabase(directory, furtherParts);
  t.teardown(() => void db.close());
  const config = parseEdgeConfig({
    trust: 'RRK',
    dataDirectory: directory,
    hl7: { port: 0, ...hl7 },
  });
  const events: RecordEventBody[] = [];
  const records = new Records(db, (body) => events.push(body));
  const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
  const clock = { now: Date.parse('2026-11-26T12:00:00Z') };
  const log = silentLog;
  const inbox = new Hl7Inbox({
    ...{ config, db, records, log },
    clock: { now: () => clock.now, monotonicMs: () => clock.now },
    onOutcome: () => {},
  });
  return {
    ...{ db, index, records, inbox, events, clock },
    async send(text) {
      const [answer = ''] = await inbox.take({ bytes: Buffer.from(text, 'utf8'), host: 'test' });
      return /\rMSA\|(\w\w)/.exec(answer)?.[1] ?? '';
    },
    async listen() {
      const listener = await startHl7Listener({
        ...{ config: config.hl7, inbox, log },
        metrics: openMetrics({}),
      });
      t.teardown(() => listener.stop());
      return listener;
    },
  };
}

export interface MessageParts {
  readonly type: string;
  readonly controlId?: string;
  /** MSH-7. */
  readonly at?: string;
  readonly facility?: string;
  readonly segments: readonly string[];
}

let made = 0;

/** Segments joined behind an MSH. */
export function hl7Message({
  type,
  controlId,
  at = '20261126110000',
  facility = 'RRK',
  segments,
}: MessageParts): string {
  made += 1;
  const id = controlId ?? `T${made}`;
  return [`MSH|^~\\&|RIS|${facility}|CDIP|RRK|${at}||${type}|${id}|P|2.4`, ...segments, ''].join(
    '\r',
  );
}

export const PID =
  'PID|1||MRN1^^^RRK^MR~9434765919^^^NHS^NH||Phantom^One||19500102|F|||1 High St^^Town^^B1 1AA';

/** A connection that sends as it is told, in any pieces. */
export class Hl7Sender {
  readonly socket: Socket;
  readonly #reader = new MllpReader(50_000_000);
  readonly #answers: string[] = [];
  readonly #waiting: ((answer: string | undefined) => void)[] = [];
  #isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      for (const frame of this.#reader.push(chunk))
        if (frame.kind === 'frame') this.#arrived(frame.bytes.toString('utf8'));
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    });
  }

  static open(port: number): Promise<Hl7Sender> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Hl7Sender(socket)));
    });
  }

  /** Undefined when the connection was ended. */
  answer(): Promise<string | undefined> {
    const arrived = this.#answers.shift();
    if (arrived !== undefined || this.#isClosed) return Promise.resolve(arrived);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(message: Buffer | string): Promise<string | undefined> {
    this.socket.write(
      Buffer.concat([
        Buffer.from([0x0b]),
        Buffer.from(message as string),
        Buffer.from([0x1c, 0x0d]),
      ]),
    );
    return this.answer();
  }

  end(): void {
    this.socket.destroy();
  }

  #arrived(answer: string): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#answers.push(answer);
    else next(answer);
  }
}
