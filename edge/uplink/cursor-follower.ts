/**
 * Follows how far a hub has committed this edge's events: what it has is dropped here, what it lacks is
 * told again. The broker's acknowledgement alone ends nothing.
 *
 *   cursor ─┬─ of an epoch before, nothing of this one told yet ─► this epoch begins behind it
 *           ├─ explained, moving ─► commitThrough
 *           ├─ stands still though the hub has read all ─► new epoch from there
 *           ├─ null, or below what was dropped ─► new epoch, everything told again
 *           └─ above all that was ever told (this database is an old one) ─► an epoch above it, everything
 */
import type { Clock } from '../../shared/clock.ts';
import type { CursorReply } from '../../shared/contract/rpc.ts';
import type { Log } from '../../shared/log.ts';
import type { Outbox } from '../outbox/outbox.ts';

/** A hub that has read everything and stands still for so long has lost something. */
const STILL_MS = 5_000;
/** Everything is not told again more often than this. */
const ANNOUNCE_EVERY_MS = 30_000;

interface Place {
  readonly epoch: number;
  readonly seq: number;
}

/** Where a hub stands that has nothing. */
const BEFORE_ALL: Place = { epoch: 0, seq: 0 };

export interface FollowerOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** The last row that the broker acknowledged. */
  readonly publishedRow: () => number;
  /** Something of the present epoch may be at the broker. */
  readonly hasBegun: () => boolean;
  /** A new epoch began. */
  readonly onRewind: () => void;
}

export class CursorFollower {
  readonly #options: FollowerOptions;
  /** The cursor as it was when it began to stand still. */
  #still: (Place & { sinceMs: number }) | undefined;
  #announcedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  async take({ cursor, caughtUp }: CursorReply): Promise<void> {
    const { outbox } = this.#options;
    const { epoch, committedRow } = outbox.status();
    if (cursor === null) {
      // A hub that has not read the stream yet will find there what it lacks.
      if (!caughtUp || committedRow === 0)
        return this.#watchStill(BEFORE_ALL, { row: 0, caughtUp });
      this.#still = undefined;
      await this.#announceAll('hub-holds-nothing');
      return;
    }
    if (caughtUp && cursor.epoch < epoch && !this.#options.hasBegun())
      outbox.continueBehind(cursor.epoch, cursor.seq);
    const row = outbox.rowOf(cursor.epoch, cursor.seq);
    if (row === undefined && cursor.epoch < epoch)
      return this.#watchStill(cursor, { row, caughtUp });
    if (row === undefined || !outbox.commitThrough(cursor.epoch, cursor.seq)) {
      await this.#announceAll('hub-knows-more', cursor.epoch);
      return;
    }
    if (row < committedRow && caughtUp) await this.#announceAll('hub-went-back');
    else this.#watchStill(cursor, { row, caughtUp });
  }

  /** Rewinds when the hub has read all there is and still lacks what the broker had acknowledged. */
  #watchStill(
    cursor: Place,
    { row, caughtUp }: { row: number | undefined; caughtUp: boolean },
  ): void {
    const { outbox, clock, publishedRow, onRewind, log } = this.#options;
    const isBehind = row === undefined || row < publishedRow();
    if (!caughtUp || !isBehind) {
      this.#still = undefined;
      return;
    }
    const now = clock.monotonicMs();
    if (this.#still?.epoch !== cursor.epoch || this.#still.seq !== cursor.seq) {
      this.#still = { epoch: cursor.epoch, seq: cursor.seq, sinceMs: now };
      return;
    }
    if (now - this.#still.sinceMs < STILL_MS) return;
    this.#still = undefined;
    const { epoch } = outbox.beginEpoch(row);
    log.warn('uplink.rewound', { reason: 'hub-stands-still', epoch });
    onRewind();
  }

  async #announceAll(reason: string, above = 0): Promise<void> {
    const { outbox, clock, onRewind, log } = this.#options;
    const now = clock.monotonicMs();
    if (now - this.#announcedAtMs < ANNOUNCE_EVERY_MS) return;
    this.#announcedAtMs = now;
    const { epoch } = outbox.beginEpoch(undefined, above);
    log.warn('uplink.rewound', { reason, epoch });
    onRewind();
    await outbox.announceAll();
  }
}
