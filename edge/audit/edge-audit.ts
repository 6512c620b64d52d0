/**
 * The audit trail of an edge: what its own people, machines and other edges do with what the trust holds. The same
 * files, chain and `audit verify` as the hub's. shared/audit.
 *
 *   page, DICOMweb, transfer ─► record, durable before the answer        association, delivery ─► soon, together
 *
 * A trust works alone: an association is never refused because its summary can't be written.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../shared/audit/entry.ts';
import { ownDoing } from '../../shared/audit/own-doing.ts';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';

/** What ends is written so soon; all that ended meanwhile with one fsync. */
const SOON_MS = 500;
/** The same look again within this is the same look: a viewer asks for each image. */
const SAME_LOOK_MS = 600_000;

export type EdgeEntry = Pick<AuditEntry, 'event' | 'action' | 'user' | 'role' | 'what'> &
  Partial<AuditEntry>;

export class EdgeAudit {
  readonly #trail: AuditTrail;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #looks = new Map<string, number>();
  #waiting: AuditEntry[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(trail: AuditTrail, { clock, log }: { clock: Clock; log: Log }) {
    this.#trail = trail;
    this.#clock = clock;
    this.#log = log;
  }

  /** Durable when it returns. @throws SQLite's error */
  record(entry: EdgeEntry): void {
    this.#trail.append(whole(entry));
  }

  /** As {@link record}, unless the same stands there from the last minutes. @throws SQLite's error */
  recordOnce(entry: EdgeEntry): void {
    const { event, user, what, code = null, studies = [], patients = [] } = entry;
    const key = JSON.stringify([event, user, what, code, studies, patients]);
    const now = this.#clock.now();
    if ((this.#looks.get(key) ?? Number.NEGATIVE_INFINITY) > now - SAME_LOOK_MS) return;
    this.record(entry);
    for (const [old, at] of this.#looks) if (at <= now - SAME_LOOK_MS) this.#looks.delete(old);
    this.#looks.set(key, now);
  }

  /** Written within a moment; a failure is logged and stops nothing. */
  soon(entry: EdgeEntry): void {
    this.#waiting.push(whole(entry));
    this.#timer ??= setTimeout(() => this.#flush(), SOON_MS);
  }

  /** What the edge is configured as, when that is not what it was. */
  configured(config: object): void {
    const digest = createHash('sha256').update(JSON.stringify(config)).digest('hex');
    const user = 'edge.yaml';
    const [last] = this.#trail.find({ user }, { limit: 1, offset: 0 }).events;
    if (last?.query['digest'] === digest) return;
    this.record({
      ...{ event: 'configuration', action: 'U', user, role: 'system', what: 'start' },
      query: { digest },
    });
  }

  /** Writes what waits, and that the edge ends. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.push(ownDoing('edge', 'stop'));
    this.#flush();
  }

  #flush(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      if (waiting.length > 0) this.#trail.appendAll(waiting);
    } catch (error) {
      this.#log.error('audit.not-written', { entries: waiting.length, error });
    }
  }
}

function whole(entry: EdgeEntry): AuditEntry {
  return {
    ...{ outcome: 0, code: null, trust: null, address: null, purpose: null, query: {} },
    ...{ patients: [], studies: [], homes: [] },
    ...entry,
  };
}
