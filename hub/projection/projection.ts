/**
 * The hub's view of the network, kept from the log and asked again of the edges where it differs.
 *
 *   EDGE_<ods> ─► order ─► rows + cursor, one transaction ─► changes
 *   HUB ─► the aggregates' own apply        HEALTH ─► newest heartbeat
 *   rpc cursor ◄── how far it is committed
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { type HealthEvent, HealthEventSchema } from '../../shared/contract/events.ts';
import type { CursorReply } from '../../shared/contract/rpc.ts';
import { edgeStream, STREAM_HEALTH, STREAM_HUB } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import type { TrustConfig } from '../config.ts';
import type { LogMessage, NetworkLog } from '../log/network-log.ts';
import { applyEvent } from './apply-event.ts';
import type { Change } from './change.ts';
import { completenessOf, type TrustCompleteness } from './completeness.ts';
import { jsonOf, readEvent, type Unreadable } from './read-event.ts';
import { Reannouncer } from './reannounce.ts';
import { projectionSchema } from './schema.ts';
import { type ProjectionStatements, prepareProjection } from './statements.ts';
import { StreamLoop } from './stream-loop.ts';

/** The key of the hubs' own decisions among the cursors. */
const HUB = '@hub';
const MAX_UNREADABLE = 1_000;
const MAX_UNREADABLE_BYTES = 65_536;
/** Days that differ are looked at so often, beside when they are found. */
const DIFFERING_EVERY_MS = 15_000;

/** A decision of a hub: one message of `cdip.hub.<aggregate>.<id>`. */
export interface HubDecision {
  readonly id: string;
  readonly streamSeq: number;
  readonly at: string;
  /** As it was written; null when it is no JSON. */
  readonly body: unknown;
}
export type ApplyDecision = (db: Sqlite, decision: HubDecision) => readonly Change[];

/** @param heardAt RFC 3339, by the broker's clock */
export type HeartbeatListener = (health: HealthEvent, heardAt: string) => void;

export interface ProjectionOptions {
  readonly dataDirectory: string;
  readonly trusts: readonly TrustConfig[];
  readonly networkLog: NetworkLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

const fileOf = (dataDirectory: string): string => join(dataDirectory, 'projection.sqlite');

/** Forgets everything; the next start builds it again. No hub may run on the directory. */
export function dropProjection(dataDirectory: string): void {
  for (const suffix of ['', '-wal', '-shm'])
    rmSync(`${fileOf(dataDirectory)}${suffix}`, { force: true });
}

/** A file that can't be used is made anew: nothing in it is the only copy. */
function openRows({ dataDirectory, log }: ProjectionOptions): Sqlite {
  try {
    return openSqlite(fileOf(dataDirectory), projectionSchema, { copiesBefore: false });
  } catch (error) {
    log.error('projection.dropped', { error });
    dropProjection(dataDirectory);
    return openSqlite(fileOf(dataDirectory), projectionSchema);
  }
}

export class Projection {
  readonly db: Sqlite;
  readonly #options: ProjectionOptions;
  readonly #statements: ProjectionStatements;
  readonly #aggregates = new Map<string, ApplyDecision>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #heartbeatListeners = new Set<HeartbeatListener>();
  readonly #loops = new Map<string, StreamLoop>();
  readonly #ending = new AbortController();
  readonly #reannouncer: Reannouncer;
  readonly #events: Counter;
  readonly #waiting = new Set<{ streamSeq: number; resolve: () => void }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProjectionOptions) {
    this.#options = options;
    this.db = openRows(options);
    this.#statements = prepareProjection(this.db);
    this.#reannouncer = new Reannouncer(options);
    const registers = [options.metrics];
    this.#events = new Counter({
      name: 'cdip_projection_events_total',
      help: 'Events of trusts by what became of them',
      labelNames: ['trust', 'outcome'],
      registers,
    });
    this.#openGauges();
  }

  /** Decisions on `cdip.hub.<aggregate>.*` are applied by this. Before `start`. */
  registerHubAggregate(aggregate: string, apply: ApplyDecision): void {
    this.#aggregates.set(aggregate, apply);
  }

  start(): void {
    const { trusts, networkLog } = this.#options;
    for (const { ods } of trusts)
      this.#begin(edgeStream(ods), {
        position: () => this.#statements.cursor.get(ods),
        apply: (messages, created) => this.#applyEvents(ods, messages, created),
      });
    this.#begin(STREAM_HUB, {
      position: () => this.#statements.cursor.get(HUB),
      apply: (messages, created) => this.#applyDecisions(messages, created),
    });
    this.#begin(STREAM_HEALTH, {
      position: () => undefined,
      apply: (messages) => this.#applyHealth(messages),
    });
    networkLog.answer('cursor', (ods) => this.cursorOf(ods));
    this.#timer = setInterval(() => this.#askDiffering(), DIFFERING_EVERY_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#ending.abort();
    await Promise.all([...this.#loops.values()].map((loop) => loop.ended()));
    this.db.close();
  }

  /** @returns how to stop listening */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called with each heartbeat, and when the broker had it; those of the last minutes come again after a start. */
  onHeartbeat(listener: HeartbeatListener): void {
    this.#heartbeatListeners.add(listener);
  }

  completeness(): readonly TrustCompleteness[] {
    return this.#options.trusts.map(({ ods, name }) =>
      completenessOf(this.#statements, { trust: ods, name }),
    );
  }

  /** True while events of the log are being applied. */
  connected(): boolean {
    return this.#loops.size > 0 && this.#options.networkLog.connected();
  }

  /** How far a trust's events are committed here. */
  async cursorOf(ods: string): Promise<CursorReply> {
    const loop = this.#loops.get(edgeStream(ods));
    const state = await this.#options.networkLog.streamState(edgeStream(ods));
    const row = this.#statements.cursor.get(ods);
    return {
      cursor: row === undefined ? null : { epoch: row.epoch, seq: row.seq },
      caughtUp: loop?.hasRead(state) ?? false,
      at: rfc3339(this.#options.clock.now()),
    };
  }

  /** Resolves when a decision that was appended as `streamSeq` stands in the rows. */
  untilDecided(streamSeq: number): Promise<void> {
    // Not by the rows' cursor: it may be of a stream that was made anew, or lost its end, until that is read.
    if (this.#loops.get(STREAM_HUB)?.hasReached(streamSeq) === true) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ streamSeq, resolve }));
  }

  #begin(
    stream: string,
    how: {
      position: () => { streamSeq: number; streamCreated: string } | undefined;
      apply: (messages: readonly LogMessage[], created: string) => void;
    },
  ): void {
    const { networkLog, log } = this.#options;
    const loop = new StreamLoop({ stream, networkLog, log, signal: this.#ending.signal, ...how });
    this.#loops.set(stream, loop);
    loop.start();
  }

  #applyEvents(trust: string, messages: readonly LogMessage[], created: string): void {
    const now = rfc3339(this.#options.clock.now());
    const changes: Change[] = [];
    const differing = new Set<string>();
    const outcomes = { applied: 0, repeat: 0, gap: 0, unreadable: 0 };
    this.db
      .transaction(() => {
        for (const message of messages) {
          const outcome = this.#applyOne({ trust, message, created, now });
          outcomes[outcome.kind] += 1;
          changes.push(...outcome.changes);
          for (const day of outcome.differing) differing.add(day);
        }
      })
      .immediate();
    for (const [outcome, count] of Object.entries(outcomes))
      if (count > 0) this.#events.inc({ trust, outcome }, count);
    this.#tell(changes);
    if (differing.size > 0) this.#askDiffering();
  }

  #applyOne({
    trust,
    message,
    created,
    now,
  }: {
    trust: string;
    message: LogMessage;
    created: string;
    now: string;
  }): {
    kind: 'applied' | 'repeat' | 'gap' | 'unreadable';
    changes: readonly Change[];
    differing: readonly string[];
  } {
    const cursor = this.#statements.cursor.get(trust) ?? null;
    const nothing = { changes: [], differing: [] };
    const read = readEvent(message.data, { trust, cursor });
    if (read.kind === 'unreadable') {
      this.#keepUnreadable(edgeStream(trust), message, read.fault);
      if (cursor !== null) this.#move(trust, { ...cursor, ...placeOf(message, created) });
      return { kind: 'unreadable', ...nothing };
    }
    if (read.kind === 'passed-over') {
      // What lies between stays out; the edge tells it again when it sees the cursor stand still.
      if (cursor !== null) this.#move(trust, { ...cursor, ...placeOf(message, created) });
      return { kind: read.order, ...nothing };
    }
    const { epoch, seq, at: eventAt } = read.kind === 'event' ? read.event : read.envelope;
    this.#move(trust, { epoch, seq, eventAt, appliedAt: now, ...placeOf(message, created) });
    if (read.kind === 'body-unreadable') {
      this.#keepUnreadable(edgeStream(trust), message, read.fault);
      return { kind: 'unreadable', ...nothing };
    }
    return { kind: 'applied', ...applyEvent(this.#statements, read.event, now) };
  }

  #move(trust: string, cursor: object): void {
    this.#statements.setCursor.run({ trust, ...cursor });
  }

  #applyDecisions(messages: readonly LogMessage[], created: string): void {
    const now = rfc3339(this.#options.clock.now());
    const changes: Change[] = [];
    this.db
      .transaction(() => {
        for (const message of messages) changes.push(...this.#applyDecision(message));
        const last = messages.at(-1);
        if (last === undefined) return;
        const { streamSeq, at } = last;
        const place = { epoch: 1, seq: streamSeq, eventAt: at, appliedAt: now };
        this.#move(HUB, { ...place, ...placeOf(last, created) });
      })
      .immediate();
    const reached = messages.at(-1)?.streamSeq ?? 0;
    for (const one of [...this.#waiting]) {
      if (one.streamSeq > reached) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
    this.#tell(changes);
  }

  #applyDecision(message: LogMessage): readonly Change[] {
    const [, , aggregate = '', id = ''] = message.subject.split('.');
    const apply = this.#aggregates.get(aggregate);
    if (apply === undefined) return [];
    const body = jsonOf(message.data) ?? null;
    const { streamSeq, at } = message;
    try {
      return apply(this.db, { id, streamSeq, at, body });
    } catch (error) {
      // A disk that is full or a file that can't be read is no fault of the decision: it comes again.
      if (isOfTheDatabase(error)) throw error;
      this.#options.log.error('projection.decision-refused', { subject: message.subject, error });
      this.#keepUnreadable(STREAM_HUB, message, { code: 'BODY_REFUSED', detail: 'not applied' });
      return [];
    }
  }

  #applyHealth(messages: readonly LogMessage[]): void {
    const changes: Change[] = [];
    for (const { subject, data, at: heardAt } of messages) {
      const trust = subject.split('.')[2] ?? '';
      const health = HealthEventSchema.safeParse(jsonOf(data)).data;
      if (health?.trust !== trust) continue;
      this.#statements.health.run(trust, health.at, JSON.stringify(health), heardAt);
      for (const listener of this.#heartbeatListeners) listener(health, heardAt);
      changes.push({ kind: 'completeness', trust });
    }
    this.#tell(changes);
  }

  #keepUnreadable(stream: string, message: LogMessage, { code, detail }: Unreadable): void {
    const { streamSeq, at, data } = message;
    const body = Buffer.from(data).subarray(0, MAX_UNREADABLE_BYTES);
    this.#statements.unreadable.run(stream, streamSeq, at, code, detail, body);
    this.#statements.dropOldUnreadable.run(stream, stream, MAX_UNREADABLE);
    this.#options.log.error('projection.unreadable', { stream, streamSeq, code, detail });
  }

  #askDiffering(): void {
    for (const { ods } of this.#options.trusts) {
      const days = this.#statements.differing.pluck().all(ods) as string[];
      void this.#reannouncer.ask(ods, days);
    }
  }

  #tell(changes: readonly Change[]): void {
    for (const change of changes) for (const listener of this.#listeners) listener(change);
  }

  #openGauges(): void {
    const { metrics } = this.#options;
    const count = this.db.prepare('SELECT count(*) FROM studies').pluck();
    const unreadable = this.db.prepare('SELECT count(*) FROM unreadable').pluck();
    for (const [name, help, statement] of [
      ['cdip_projection_studies', 'Studies held, copies included', count],
      ['cdip_projection_unreadable', 'Messages that could not be read and are kept', unreadable],
    ] as const) {
      new Gauge({
        name,
        help,
        registers: [metrics],
        collect() {
          this.set(statement.get() as number);
        },
      });
    }
  }
}

/** Not for what breaks a rule of its table: that would break it each time. */
const isOfTheDatabase = (error: unknown): boolean => {
  const code = codeOf(error);
  return code.startsWith('SQLITE_') && !code.startsWith('SQLITE_CONSTRAINT');
};

const placeOf = ({ streamSeq }: LogMessage, streamCreated: string): object => ({
  streamSeq,
  streamCreated,
});
