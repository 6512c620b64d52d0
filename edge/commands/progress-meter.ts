/** How far a transfer is, told to the hub at most twice a second, with the time to go by the rate so far. */
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';

export const TELL_EVERY_MS = 500;
/** No rate is believed before this. */
const LEAST_MS = 1_000;

export class ProgressMeter {
  readonly #parts: Pick<FetchParts, 'store' | 'now' | 'pace'>;
  readonly #row: FetchRow;
  #instances: number;
  /** Of objects that are here, or on their way in. */
  #bytes: number;
  #moved = 0;
  #staged = 0;
  readonly #startedAt: number;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param done what was here before */
  constructor(
    parts: Pick<FetchParts, 'store' | 'now' | 'pace'>,
    row: FetchRow,
    done: { instances: number; bytes: number },
  ) {
    this.#parts = parts;
    this.#row = row;
    this.#instances = done.instances;
    this.#bytes = done.bytes;
    this.#startedAt = parts.now();
  }

  /** Objects that an earlier try brought. */
  addStaged(objects: readonly { bytes: number }[]): void {
    this.#instances += objects.length;
    this.#bytes += objects.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** One more object is whole. */
  countStaged(): void {
    if (this.#staged === 0) this.#getsOn();
    this.#staged += 1;
    this.#instances += 1;
    this.#tellSometimes();
  }

  /** @param bytes below 0: so many of an object that came in were given up */
  addBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#moved += Math.max(0, bytes);
    this.#tellSometimes();
  }

  tell(): void {
    const { store, now, pace } = this.#parts;
    this.#toldAt = now();
    const { fetchId, bytesExpected } = this.#row;
    const bytes = Math.min(this.#bytes, bytesExpected ?? Number.POSITIVE_INFINITY);
    const elapsedMs = this.#toldAt - this.#startedAt;
    const isKnown = bytesExpected !== null && elapsedMs >= LEAST_MS && this.#moved > 0;
    const left = (bytesExpected ?? 0) - bytes;
    const transferSeconds = (left / this.#moved) * (elapsedMs / 1000);
    const etaSeconds = isKnown ? transferSeconds + pace.secondsAfterTransfer(bytesExpected) : null;
    store.setProgress(fetchId, {
      instances: this.#instances,
      bytes,
      etaSeconds: etaSeconds === null ? null : Math.round(etaSeconds * 10) / 10,
    });
  }

  /** The source works: what it waited for is over. */
  #getsOn(): void {
    const { store } = this.#parts;
    store.setReason(this.#row.fetchId, null);
    store.resetTries(this.#row.fetchId);
  }

  #tellSometimes(): void {
    if (this.#parts.now() - this.#toldAt >= TELL_EVERY_MS) this.tell();
  }
}
