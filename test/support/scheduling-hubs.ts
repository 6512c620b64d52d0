/**
 * Several hubs' scheduling on one log in memory, which can fail as a cluster does: an answer that is lost before or
 * after the decision was written, hubs that read late, a hub that is killed between two steps. Chance comes from the
 * caller, so that a run can be repeated.
 *
 *   hub ─► append ─► lost │ written, answer lost │ conflict │ written ─► each hub reads it when it is its turn
 */
import { LogError } from '../../hub/log/network-log.ts';
import type { Change } from '../../hub/projection/change.ts';
import type { ApplyDecision } from '../../hub/projection/projection.ts';
import { projectionSchema } from '../../hub/projection/schema.ts';
import { Scheduling } from '../../hub/scheduling/scheduling.ts';
import { codeOf } from '../../shared/errors.ts';
import { silentLog } from '../../shared/log.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';

/** Of one append: nothing goes wrong, it never arrives, it is written and the answer never arrives. */
export type AppendFault = 'none' | 'lost' | 'answer-lost';

export interface LogEntry {
  readonly subject: string;
  readonly body: object;
  readonly at: string;
}

export class SharedLog {
  readonly entries: LogEntry[] = [];
  readonly clock: { ms: number };
  readonly #heads = new Map<string, number>();
  readonly #fault: () => AppendFault;
  readonly #onWritten: () => void;

  constructor(clock: { ms: number }, fault: () => AppendFault, onWritten: () => void) {
    this.clock = clock;
    this.#fault = fault;
    this.#onWritten = onWritten;
  }

  /** @throws LogError `LOG_CONFLICT`, `LOG_UNAVAILABLE` */
  async append(subject: string, body: object, expectedLastSeq: number): Promise<number> {
    const fault = this.#fault();
    await new Promise(setImmediate);
    if (fault === 'lost') throw new LogError('LOG_UNAVAILABLE', 'the broker did not answer');
    if ((this.#heads.get(subject) ?? 0) !== expectedLastSeq)
      throw new LogError('LOG_CONFLICT', `${subject} was written in between`);
    const written = JSON.parse(JSON.stringify(body)) as object;
    this.entries.push({ subject, body: written, at: new Date(this.clock.ms).toISOString() });
    this.#heads.set(subject, this.entries.length);
    this.#onWritten();
    await new Promise(setImmediate);
    if (fault === 'answer-lost') throw new LogError('LOG_UNAVAILABLE', 'the answer was lost');
    return this.entries.length;
  }
}

export class SchedulingHub {
  readonly db: Sqlite = openSqlite(':memory:', projectionSchema);
  readonly #log: SharedLog;
  #aggregates = new Map<string, ApplyDecision>();
  #listeners = new Set<(change: Change) => void>();
  #cursor = 0;
  #life = 0;
  scheduling: Scheduling;

  constructor(log: SharedLog) {
    this.#log = log;
    this.scheduling = this.#begun();
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Reads what the log has, up to a decision; null: all of it. */
  read(upTo: number | null = null): void {
    const end = Math.min(upTo ?? this.#log.entries.length, this.#log.entries.length);
    while (this.#cursor < end) {
      const { subject, body, at } = this.#log.entries[this.#cursor] as LogEntry;
      this.#cursor += 1;
      const [, , aggregate = '', id = ''] = subject.split('.');
      const decision = { id, streamSeq: this.#cursor, at, body };
      const apply = this.#aggregates.get(aggregate);
      const changes = this.db.transaction(() => apply?.(this.db, decision) ?? []).immediate();
      for (const change of changes) for (const listener of this.#listeners) listener(change);
    }
  }

  /** Killed and started again: what it was doing is not gone on with; its rows are as they were. */
  kill(): void {
    this.#life += 1;
    this.scheduling = this.#begun();
  }

  close(): void {
    this.#life += 1;
    this.db.close();
  }

  #begun(): Scheduling {
    const life = this.#life;
    const requireAlive = (): void => {
      if (life !== this.#life) throw new LogError('LOG_UNAVAILABLE', 'this hub was killed');
    };
    this.#aggregates = new Map();
    this.#listeners = new Set();
    return new Scheduling({
      trusts: [
        { ods: 'RRK', name: 'One', postcode: 'B15 2GW' },
        { ods: 'RJE', name: 'Other', postcode: 'ST4 6QG' },
      ],
      projection: {
        db: this.db,
        registerHubAggregate: (aggregate, apply) => void this.#aggregates.set(aggregate, apply),
        untilDecided: async (streamSeq) => {
          requireAlive();
          this.read(streamSeq);
        },
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      networkLog: {
        append: async (subject, body, { expectedLastSeq }) => {
          requireAlive();
          try {
            return await this.#log.append(subject, body, expectedLastSeq);
          } catch (error) {
            // What overtook it is on its way to this hub.
            if (codeOf(error) === 'LOG_CONFLICT') this.read();
            throw error;
          } finally {
            requireAlive();
          }
        },
        sendCommand: async () => {},
      },
      ...{ travel: null, bringPriors: async () => {} },
      messages: { publicUrl: () => 'https://hub.example', ports: [] },
      clock: { now: () => this.#log.clock.ms, monotonicMs: () => this.#log.clock.ms },
      log: silentLog,
    });
  }
}
