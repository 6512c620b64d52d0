/**
 * Reads one stream for ever, from where the rows say, and hands messages on in small batches.
 *
 *   state ─► where to begin ─► read ─► batch: what came within one turn of the event loop ─► apply
 */
import { sleep } from '../../shared/backoff.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { LogMessage, NetworkLog, StreamState } from '../log/network-log.ts';

const MAX_BATCH = 500;
const RETRY_MS = 1_000;

export interface LoopOptions {
  readonly stream: string;
  readonly networkLog: NetworkLog;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Where to go on; undefined: at the beginning. */
  readonly position: () => { streamSeq: number; streamCreated: string } | undefined;
  /** Applies in one transaction. What it throws is tried again from the rows' position. */
  readonly apply: (messages: readonly LogMessage[], created: string) => void;
}

export class StreamLoop {
  readonly #options: LoopOptions;
  #running: Promise<void> = Promise.resolve();
  /** How far this stream has been read. */
  #read: { created: string; seq: number } | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when the loop has ended, after `signal` aborted. */
  ended(): Promise<void> {
    return this.#running;
  }

  /** True when the message of this number was read and applied; false before it is known which stream is read. */
  hasReached(streamSeq: number): boolean {
    return this.#read !== undefined && this.#read.seq >= streamSeq;
  }

  /** True when everything that the stream holds was read. */
  hasRead({ created, firstSeq, lastSeq }: StreamState): boolean {
    if (this.#read === undefined || this.#read.created !== created) return false;
    // An emptied stream keeps its last number.
    return this.#read.seq >= lastSeq || firstSeq > lastSeq;
  }

  async #run(): Promise<void> {
    const { signal, log, stream } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#readOnce();
      } catch (error) {
        const code = codeOf(error);
        if (code === 'BUG') log.error('program.bug', { where: `projection/${stream}`, error });
        else log.warn('projection.interrupted', { stream, code });
      }
      await sleep(RETRY_MS, signal);
    }
  }

  async #readOnce(): Promise<void> {
    const { networkLog, stream, signal, position } = this.#options;
    const { created, lastSeq } = await networkLog.streamState(stream);
    const at = position();
    const isSame = at?.streamCreated === created && at.streamSeq <= lastSeq;
    const fromSeq = isSame ? at.streamSeq + 1 : 1;
    this.#read = { created, seq: fromSeq - 1 };
    let batch: LogMessage[] = [];
    let failure: unknown;
    // What can't be applied is not waited over for the next message: who asks for it waits.
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const flush = (): void => {
      const messages = batch;
      batch = [];
      if (messages.length === 0 || failure !== undefined) return;
      try {
        this.#options.apply(messages, created);
        this.#read = { created, seq: messages.at(-1)?.streamSeq ?? 0 };
      } catch (error) {
        failure = error;
        failed.abort();
      }
    };
    for await (const message of networkLog.read(stream, { fromSeq, created, signal: ending })) {
      if (batch.length === 0) setImmediate(flush);
      batch.push(message);
      if (batch.length >= MAX_BATCH) {
        flush();
        // Requests get their turn between batches.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (failure !== undefined) throw failure;
    }
    flush();
    if (failure !== undefined) throw failure;
  }
}
