/**
 * The free space that is kept: ingest stops before the disk is full, so that the index, the outbox
 * and the log can still be written.
 *
 *   write-instance.ts ──claim(bytes)──► here ──once a second, and every 8 MB──► statfs
 *
 * Between two looks at the disk, what was claimed since is taken off.
 */
import { statfsSync } from 'node:fs';
import type { Clock } from '../../shared/clock.ts';

const LOOK_AGAIN_MS = 1_000;
/** … or after so much was claimed: the database grows too, and nobody claims that. */
const LOOK_AGAIN_BYTES = 8 * 1024 * 1024;
/** While the reserve is reached we look more often, so that ingest resumes soon after space is made. */
const LOOK_AGAIN_REACHED_MS = 100;

export interface ReserveStatus {
  readonly freeBytes: number;
  readonly reserveBytes: number;
  readonly reached: boolean;
}

export interface ReserveOptions {
  readonly reserveBytes: number;
  readonly clock: Clock;
  /** Bytes that the disk still takes. */
  readonly freeBytes: () => number;
  /** Called when the reserve becomes reached, and when it no longer is. */
  readonly onChange?: (status: ReserveStatus) => void;
}

export class DiskReserve {
  readonly #options: ReserveOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #free = 0;
  #claimed = 0;
  #reached = false;

  constructor(options: ReserveOptions) {
    this.#options = options;
  }

  /** True when `bytes` more may be written; they count as written from now on. */
  claim(bytes: number): boolean {
    this.#look();
    const fits = this.#free - bytes >= this.#options.reserveBytes;
    this.#setReached(!fits && this.#free <= this.#options.reserveBytes + bytes);
    if (fits) {
      this.#free -= bytes;
      this.#claimed += bytes;
    }
    return fits;
  }

  status(): ReserveStatus {
    this.#look();
    this.#setReached(this.#free <= this.#options.reserveBytes);
    return this.#current();
  }

  #current(): ReserveStatus {
    const { reserveBytes } = this.#options;
    return { freeBytes: Math.max(0, this.#free), reserveBytes, reached: this.#reached };
  }

  #look(): void {
    const now = this.#options.clock.monotonicMs();
    const wait = this.#reached ? LOOK_AGAIN_REACHED_MS : LOOK_AGAIN_MS;
    if (now - this.#lookedAt < wait && this.#claimed < LOOK_AGAIN_BYTES) return;
    this.#lookedAt = now;
    this.#claimed = 0;
    this.#free = this.#options.freeBytes();
  }

  #setReached(reached: boolean): void {
    if (reached === this.#reached) return;
    this.#reached = reached;
    this.#options.onChange?.(this.#current());
  }
}

/** What a process without privileges may still write to the disk of `directory`. */
export function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
