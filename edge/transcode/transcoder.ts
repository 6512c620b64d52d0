/**
 * Transcodes objects in threads of their own, into files that are gone again after use.
 *
 *   job ─► a free thread, or a new one, or a turn in the queue ─► TranscodedFile ─► remove()
 *
 * A thread in which a codec failed is thrown away: WebAssembly that trapped answers nothing right any more.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { TranscodeJob } from './transcode-file.ts';
import type { TranscodeAnswer } from './worker.ts';

/** A codec that takes longer for one object hangs. */
const MAX_JOB_MS = 600_000;

export class TranscodeError extends GatewayError {
  override readonly name = 'TranscodeError';
  readonly code: string;
  readonly retry: Retry;

  /** @param code of the failure in the thread, or `TRANSCODER_ENDED` */
  constructor(code: string, message: string, retry: Retry) {
    super(message);
    this.code = code;
    this.retry = retry;
  }
}

export interface TranscodedFile {
  readonly file: string;
  /** All of it is the data set. */
  readonly dataSetBytes: number;
  remove(): Promise<void>;
}

interface Waiting {
  readonly job: TranscodeJob;
  resolve(bytes: number): void;
  reject(error: TranscodeError): void;
}

export class Transcoder {
  readonly #directory: string;
  readonly #maxThreads: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Waiting[] = [];

  /** @param directory emptied: what a kill left there is of no use */
  constructor({ directory, maxThreads = 2 }: { directory: string; maxThreads?: number }) {
    this.#directory = directory;
    this.#maxThreads = maxThreads;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** @throws TranscodeError; nothing is left behind then */
  async transcode(job: Omit<TranscodeJob, 'target'>): Promise<TranscodedFile> {
    const file = join(this.#directory, randomUUID());
    const remove = (): Promise<void> => rm(file, { force: true });
    try {
      const dataSetBytes = await new Promise<number>((resolve, reject) => {
        this.#waiting.push({ job: { ...job, target: file }, resolve, reject });
        this.#next();
      });
      return { file, dataSetBytes, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(ended());
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #next(): void {
    const [waiting] = this.#waiting;
    const worker = waiting && (this.#idle.pop() ?? this.#another());
    if (waiting === undefined || worker === undefined) return;
    this.#waiting.shift();
    this.#run(worker, waiting);
  }

  #another(): Worker | undefined {
    if (this.#all.size >= this.#maxThreads) return undefined;
    const worker = new Worker(join(import.meta.dirname, 'worker.ts'));
    worker.unref();
    this.#all.add(worker);
    worker.once('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#next();
    });
    return worker;
  }

  #run(worker: Worker, { job, resolve, reject }: Waiting): void {
    const timer = setTimeout(() => void worker.terminate(), MAX_JOB_MS);
    timer.unref();
    const settle = (): void => {
      clearTimeout(timer);
      worker.removeAllListeners('message');
      worker.removeListener('exit', onExit);
      worker.removeListener('error', onExit);
    };
    const onExit = (): void => {
      settle();
      reject(ended());
    };
    worker.once('exit', onExit);
    // Listened to, so that it does not end the program: the exit follows.
    worker.once('error', () => {});
    worker.on('message', (answer: TranscodeAnswer) => {
      settle();
      if (isSound(answer)) this.#idle.push(worker);
      else void worker.terminate();
      if (answer.kind === 'done') resolve(answer.bytes);
      else {
        const { code, detail, isFinal } = answer;
        reject(new TranscodeError(code, detail, isFinal ? 'never' : 'safe'));
      }
      this.#next();
    });
    worker.postMessage(job);
  }
}

/** False when a codec may have trapped. */
const isSound = (answer: TranscodeAnswer): boolean =>
  answer.kind === 'done' || (answer.isFinal && answer.code !== 'CODEC_FAILED');

const ended = (): TranscodeError =>
  new TranscodeError('TRANSCODER_ENDED', 'the thread that transcodes ended', 'safe');
