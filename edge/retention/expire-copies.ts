/**
 * Copies go when nobody has used them for `storage.copyRetentionDays`, and earlier, the one that was not
 * used for longest first, when the disk comes near its reserve. Studies of the trust's own never go here.
 *
 *   every minute ─► expired? ─► removeStudy ─► the hub is told, files go
 *
 * A copy that a fetch or a delivery is busy with stays. For want of space only copies go that have
 * reached their destination: of the others this is the only one that the trust has.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { EdgeIndex, StudyKey } from '../index/edge-index.ts';
import { removeStudy } from '../index/remove-study.ts';
import type { Spool } from '../spool/spool.ts';
import type { Copies, Copy } from './copies.ts';

const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Somebody may still be reading what was used a moment ago. */
const IN_USE_MS = 600_000;
/** Room is made when less than the reserve and this share of it is free. */
const NEAR_RESERVE = 1.25;
const CHUNK = 100;

export type RemovalReason = 'expired' | 'space';

export interface CopyExpiryOptions {
  readonly copies: Copies;
  /** Told before each goes. */
  readonly onRemoval: (copy: StudyKey) => void;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly copyRetentionDays: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

export class CopyExpiry {
  readonly #options: CopyExpiryOptions;
  readonly #removed: Counter<'why'>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CopyExpiryOptions) {
    this.#options = options;
    this.#removed = new Counter({
      name: 'cdip_copies_removed_total',
      help: 'Copies of studies of other trusts that were removed: expired, or to make space',
      labelNames: ['why'],
      registers: [options.metrics],
    });
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.#passOrReport());
    }, EVERY_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Removes what may go now. */
  async pass(): Promise<void> {
    const { copies, clock, copyRetentionDays } = this.#options;
    const expiredBefore = clock.now() - copyRetentionDays * DAY_MS;
    for (;;) {
      const expired = copies.unused(expiredBefore, { deliveredOnly: false, limit: CHUNK });
      if (expired.length === 0) break;
      for (const copy of expired) await this.#remove(copy, 'expired');
    }
    while (this.#isNearReserve()) {
      const before = clock.now() - IN_USE_MS;
      const [oldest] = copies.unused(before, { deliveredOnly: true, limit: 1 });
      if (oldest === undefined) return;
      await this.#remove(oldest, 'space');
    }
  }

  #isNearReserve(): boolean {
    const { freeBytes, reserveBytes } = this.#options.spool.reserve.status();
    return freeBytes < reserveBytes * NEAR_RESERVE;
  }

  /** Gives way to ingest afterwards. */
  async #remove(copy: Copy, why: RemovalReason): Promise<void> {
    const { copies, index, spool, onRemoval, log } = this.#options;
    onRemoval(copy);
    const { studyInstanceUID, home, bytes } = copy;
    const files = removeStudy({ index, spool }, copy);
    copies.forget(copy);
    this.#removed.inc({ why });
    log.info('copy.removed', { studyInstanceUID, home, bytes, files, why });
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #passOrReport(): Promise<void> {
    try {
      await this.pass();
    } catch (error) {
      this.#options.log.error('copy.expiry-failed', { error });
    }
  }
}
