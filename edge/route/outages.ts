/**
 * What keeps a part of routing from its work, such as a full disk: said once when it begins and once when it is
 * over, tried again less and less often, and shown in between. Nothing is lost by it: all is in the database.
 *
 *   a look fails ─► failed ─► isWaiting, for 1 s to 30 s ─► looks again ─┬─ failed
 *                                                                        └─ worked
 */
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';

export type RoutePart = 'rules' | 'de-identification' | 'results';

export interface Outage {
  readonly part: RoutePart;
  readonly code: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly failures: number;
  readonly nextAt: number;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export class Outages {
  readonly #outages = new Map<RoutePart, Outage>();

  /** It failed a short time ago. A clock that was set back makes nobody wait. */
  isWaiting(part: RoutePart, now: number): boolean {
    const nextAt = this.#outages.get(part)?.nextAt ?? 0;
    return nextAt > now && nextAt - now <= LONGEST_MS;
  }

  failed(part: RoutePart, error: unknown, { now, log }: { now: number; log: Log }): void {
    const known = this.#outages.get(part);
    const code = codeOf(error);
    const failures = (known?.failures ?? 0) + 1;
    const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
    const nextAt = now + waitMs;
    this.#outages.set(part, { part, code, since: known?.since ?? now, failures, nextAt });
    if (known?.code !== code) log.error('route.look-failed', { part, code, error });
  }

  worked(part: RoutePart, { now, log }: { now: number; log: Log }): void {
    const known = this.#outages.get(part);
    if (known === undefined) return;
    this.#outages.delete(part);
    log.info('route.works-again', { part, seconds: Math.round((now - known.since) / 1000) });
  }

  list(): readonly Outage[] {
    return [...this.#outages.values()];
  }
}
