/**
 * What a program starts it also stops, in reverse order, once.
 *
 *   main.ts ──add(name, stop)──► here ──SIGTERM──► stop of the last added, …, of the first
 */
import type { Log } from './log.ts';

export class Lifecycle {
  readonly #log: Log;
  readonly #parts: { name: string; stop: () => void | Promise<void> }[] = [];
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Registers how to stop a part that has just started. */
  add(name: string, stop: () => void | Promise<void>): void {
    this.#parts.push({ name, stop });
  }

  /** Stops everything in reverse; a part that fails to stop is logged and the others still stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.reverse()) {
      try {
        await part.stop();
      } catch (error) {
        this.#log.error('program.stop-failed', { part: part.name, error });
      }
    }
  }
}

/** Resolves with the name of the first SIGTERM or SIGINT. A second one ends the process at once. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (name: string): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve(name);
    };
    process.on('SIGTERM', () => onSignal('SIGTERM'));
    process.on('SIGINT', () => onSignal('SIGINT'));
  });
}
