/**
 * Studies that their home does not hold any more: nobody is shown a copy from that moment on, and the edges that
 * hold one are told to drop it, again and again until they have. Those that held one once are told too, once: it went
 * from their disk, not from the PACS that it was brought to.
 *
 *   the home tells `deleted` ─► withdrawn ─► search, DICOMweb: not there ─► command `withdraw` ─► the copy's row goes
 */
import { createHash } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Change } from '../projection/change.ts';

const LOOK_MS = 60_000;
/** Who held a copy once is told by every hub that starts within so long; edges know commands for as long. */
const ONCE_WITHIN_MS = 30 * 86_400_000;
/** An edge that still has its copy is told again after so long: it may have been down. */
const AGAIN_MS = 600_000;

export interface WithdrawalsOptions {
  readonly db: Sqlite;
  readonly networkLog: Pick<NetworkLog, 'sendCommand'>;
  readonly onChange: (listener: (change: Change) => void) => () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface Held {
  readonly to: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly withdrawnAt: string;
  /** 0: it went since, by itself. */
  readonly isHeld: number;
}

export class Withdrawals {
  readonly #options: WithdrawalsOptions;
  readonly #held;
  /** By command id: when it was sent. */
  readonly #sent = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => {};
  #running: Promise<void> | undefined;

  constructor(options: WithdrawalsOptions) {
    this.#options = options;
    this.#held = options.db.prepare<[string], Held>(
      `SELECT s.trust AS "to", w.study_uid AS studyInstanceUID, w.home AS home,
         w.withdrawn_at AS withdrawnAt, 1 AS isHeld
       FROM withdrawn w JOIN studies s ON s.study_uid = w.study_uid AND s.home = w.home
       WHERE s.trust <> s.home
       UNION ALL
       SELECT DISTINCT f.to_trust, w.study_uid, w.home, w.withdrawn_at, 0
       FROM withdrawn w JOIN fetches f ON f.study_uid = w.study_uid AND f.home = w.home
       WHERE w.withdrawn_at >= ? AND f.to_trust <> w.home
         AND NOT EXISTS (SELECT 1 FROM studies s
           WHERE s.study_uid = w.study_uid AND s.home = w.home AND s.trust = f.to_trust)`,
    );
  }

  start(): void {
    this.#stopListening = this.#options.onChange((change) => {
      if (change.kind === 'study' && change.isWithdrawn === true) this.#begin();
    });
    this.#timer = setInterval(() => this.#begin(), LOOK_MS);
    this.#timer.unref();
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    clearInterval(this.#timer);
    await this.#running;
  }

  #begin(): void {
    this.#running ??= this.look().finally(() => {
      this.#running = undefined;
    });
  }

  /** Tells whoever still holds a copy. Never rejects. */
  async look(): Promise<void> {
    const { networkLog, clock, log } = this.#options;
    const once = rfc3339(clock.now() - ONCE_WITHIN_MS);
    for (const { to, studyInstanceUID, home, withdrawnAt, isHeld } of this.#held.all(once)) {
      const id = idOf([to, studyInstanceUID, home, withdrawnAt]);
      const now = clock.now();
      const sentAt = this.#sent.get(id);
      if (sentAt !== undefined && (isHeld === 0 || now - sentAt < AGAIN_MS)) continue;
      try {
        const at = rfc3339(now);
        await networkLog.sendCommand(to, {
          ...{ v: 1, id, at, kind: 'withdraw', studyInstanceUID, home },
        });
        this.#sent.set(id, now);
      } catch (error) {
        log.warn('fetch.withdrawal-failed', { studyInstanceUID, to, code: codeOf(error) });
      }
    }
  }
}

const idOf = (parts: readonly string[]): string =>
  `withdraw-${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;
