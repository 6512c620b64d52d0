/** Ends a retrieve of which nothing more comes, that takes too long, or that nobody waits for. */
import { RetrieveError } from './retrieve-error.ts';

export class Watchdog {
  readonly #ending = new AbortController();
  readonly #stallMs: number;
  readonly #deadline: NodeJS.Timeout;
  #stall: NodeJS.Timeout;
  #error: RetrieveError | undefined;

  constructor({ stallMs, deadlineMs }: { stallMs: number; deadlineMs: number }) {
    this.#stallMs = stallMs;
    const minutes = Math.round(deadlineMs / 60_000);
    this.#deadline = setTimeout(
      () => this.end('RETRIEVE_DEADLINE', `not done within ${minutes} minutes`),
      deadlineMs,
    );
    this.#stall = this.#newStall();
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Why it was ended; undefined: it was not. */
  get error(): RetrieveError | undefined {
    return this.#error;
  }

  /** Something came. */
  alive(): void {
    clearTimeout(this.#stall);
    if (this.#error === undefined) this.#stall = this.#newStall();
  }

  end(code: 'RETRIEVE_DEADLINE' | 'RETRIEVE_STALLED' | 'RETRIEVE_CANCELLED', detail: string): void {
    this.#error ??= new RetrieveError(code, detail);
    this.#ending.abort();
  }

  stop(): void {
    clearTimeout(this.#stall);
    clearTimeout(this.#deadline);
  }

  #newStall(): NodeJS.Timeout {
    const seconds = Math.round(this.#stallMs / 1000);
    const detail = `nothing came from the PACS for ${seconds} seconds`;
    return setTimeout(() => this.end('RETRIEVE_STALLED', detail), this.#stallMs);
  }
}
