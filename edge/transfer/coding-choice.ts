/**
 * Whether coding pays on this link, by what is measured on it while it is used.
 *
 * While the reader takes what comes without ever being waited for, it is the coding that is slow: then a
 * stretch is sent as it is, and whichever brought more of the study in a second goes on. On a slow link
 * nothing is tried: there coding is waited for by nobody.
 */

/** Of data sets: a stretch that is measured. */
const STRETCH_BYTES = 24 * 1024 * 1024;
/** The reader is behind for at least this share of the time: the link is the slower part. */
const LINK_BOUND = 0.15;
/** Stretches before the other way is tried again. */
const REST = 16;

export class CodingChoice {
  readonly #nowMs: () => number;
  #isCoding = true;
  #bytes = 0;
  #waitedMs = 0;
  #startedMs: number;
  /** Bytes a millisecond of the last stretch that went the other way. */
  #otherRate: number | undefined;
  #rest = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  get isCoding(): boolean {
    return this.#isCoding;
  }

  /** Hands a chunk on, and counts how long the reader lets it wait for the next. */
  *timed(chunk: Buffer): Generator<Buffer> {
    const before = this.#nowMs();
    yield chunk;
    this.#waitedMs += this.#nowMs() - before;
  }

  /** So many bytes of data sets more are sent. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < STRETCH_BYTES) return;
    const now = this.#nowMs();
    const lastedMs = Math.max(1, now - this.#startedMs);
    this.#decide(this.#bytes / lastedMs, this.#waitedMs / lastedMs);
    this.#bytes = 0;
    this.#waitedMs = 0;
    this.#startedMs = now;
  }

  #decide(rate: number, waited: number): void {
    if (this.#rest > 0) {
      this.#rest -= 1;
      return;
    }
    if (this.#otherRate === undefined) {
      if (this.#isCoding && waited >= LINK_BOUND) return;
      this.#otherRate = rate;
      this.#isCoding = !this.#isCoding;
      return;
    }
    if (this.#otherRate >= rate) this.#isCoding = !this.#isCoding;
    this.#otherRate = undefined;
    this.#rest = REST;
  }
}
