/** How far a transfer is, told to the hub at most twice a second, with the time to go by the rate so far. */
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';

const TELL_EVERY_MS = 500;
/** No rate is believed before this. */
const LEAST_MS = 1_000;

export class ProgressMeter {
  readonly #parts: Pick<FetchParts, 'store' | 'now'>;
  readonly #row: FetchRow;
  #instances: number;
  #bytes: number;
  #moved = 0;
  readonly #startedAt: number;
  #toldAt = 0;

  /** @param done what was here before */
  constructor(
    parts: Pick<FetchParts, 'store' | 'now'>,
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

  count(): void {
    this.#instances += 1;
    this.#tellSometimes();
  }

  add(bytes: number): void {
    this.#moved += bytes;
    this.#tellSometimes();
  }

  tell(): void {
    const { store, now } = this.#parts;
    this.#toldAt = now();
    const { fetchId, instancesExpected, bytesExpected } = this.#row;
    const bytes = Math.min(this.#bytes + this.#moved, bytesExpected ?? Number.POSITIVE_INFINITY);
    const seconds = (this.#toldAt - this.#startedAt) / 1000;
    const left = (bytesExpected ?? 0) - bytes;
    const isKnown = bytesExpected !== null && seconds * 1000 >= LEAST_MS && this.#moved > 0;
    store.setProgress(fetchId, {
      instances: Math.min(this.#instances, instancesExpected),
      bytes,
      etaSeconds: isKnown ? Math.round((left / this.#moved) * seconds * 10) / 10 : null,
    });
  }

  #tellSometimes(): void {
    if (this.#parts.now() - this.#toldAt >= TELL_EVERY_MS) this.tell();
  }
}
