/**
 * Asks a trust to tell again the days that differ: each day not more often than it can help.
 *
 *   differing days ─► due? ─► command `reannounce` ─► study events and a digest with members
 */
import { createHash } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { NetworkLog } from '../log/network-log.ts';

const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;
/** A command stays small; the others are asked for when these are equal. */
const MAX_DAYS = 500;

export class Reannouncer {
  readonly #parts: { networkLog: NetworkLog; clock: Clock; log: Log };
  /** By trust and day: when it may be asked again, and how long to wait after that. */
  readonly #asked = new Map<string, { dueMs: number; waitMs: number }>();

  constructor(parts: { networkLog: NetworkLog; clock: Clock; log: Log }) {
    this.#parts = parts;
  }

  /** These days of the trust differ now; of those asked before only what is due is asked again. */
  async ask(trust: string, differing: readonly string[]): Promise<void> {
    const { clock, networkLog, log } = this.#parts;
    this.#forgetEqual(trust, differing);
    const nowMs = clock.monotonicMs();
    const days = differing
      .filter((day) => (this.#asked.get(`${trust} ${day}`)?.dueMs ?? 0) <= nowMs)
      .slice(0, MAX_DAYS);
    if (days.length === 0) return;
    const at = rfc3339(clock.now());
    const id = createHash('sha256')
      .update([trust, at, ...days].join('\0'))
      .digest('hex');
    try {
      await networkLog.sendCommand(trust, {
        ...{ v: 1, kind: 'reannounce', id: `reannounce-${id.slice(0, 32)}`, at },
        days: [...days],
      });
    } catch (error) {
      log.warn('projection.reannounce-failed', { trust, code: codeOf(error) });
      return;
    }
    for (const day of days) this.#remember(`${trust} ${day}`, nowMs);
    log.warn('projection.differs', { trust, days: days.length });
  }

  #remember(key: string, nowMs: number): void {
    const waitMs = Math.min(
      LONGEST_WAIT_MS,
      (this.#asked.get(key)?.waitMs ?? FIRST_WAIT_MS / 2) * 2,
    );
    this.#asked.set(key, { dueMs: nowMs + waitMs, waitMs });
  }

  #forgetEqual(trust: string, differing: readonly string[]): void {
    const still = new Set(differing.map((day) => `${trust} ${day}`));
    for (const key of this.#asked.keys())
      if (key.startsWith(`${trust} `) && !still.has(key)) this.#asked.delete(key);
  }
}
