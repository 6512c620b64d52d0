/**
 * Studies that their home does not hold any more: nobody is shown a copy from that moment on, and the edges that
 * hold one are told to drop it, again and again until they have.
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
    this.#held = options.db.prepare<[], Held>(
      `SELECT s.trust AS "to", w.study_uid AS studyInstanceUID, w.home AS home,
         w.withdrawn_at AS withdrawnAt
       FROM withdrawn w JOIN studies s ON s.study_uid = w.study_uid AND s.home = w.home
       WHERE s.trust <> s.home`,
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
    for (const { to, studyInstanceUID, home, withdrawnAt } of this.#held.all()) {
      const id = idOf([to, studyInstanceUID, home, withdrawnAt]);
      const now = clock.now();
      if (now - (this.#sent.get(id) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) continue;
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
