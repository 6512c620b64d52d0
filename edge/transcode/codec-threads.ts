/**
 * The threads in which codecs work, so that the event loop of the edge never waits for one.
 *
 *   CodecJob ─► a free thread, or a new one, or a turn in the queue ─► what the job gives
 *
 * A thread in which a codec failed is thrown away: WebAssembly that trapped answers nothing right any more.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { DecodedFrame } from '../../shared/pixel-data/decode.ts';
import type { ImagePixels } from '../../shared/pixel-data/image.ts';
import type { TranscodeJob } from './transcode-file.ts';
import type { CodecAnswer, CodecJob } from './worker.ts';

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

export interface FrameJob {
  readonly transferSyntaxUID: string;
  readonly frame: Buffer;
  readonly image: ImagePixels;
}

interface Waiting {
  readonly job: CodecJob;
  resolve(answer: CodecAnswer & { kind: 'transcoded' | 'decoded' }): void;
  reject(error: TranscodeError): void;
}

export class CodecThreads {
  readonly #maxThreads: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Waiting[] = [];

  /** None is started before there is work. */
  constructor({ maxThreads = 2 }: { maxThreads?: number } = {}) {
    this.#maxThreads = maxThreads;
  }

  /** @returns the bytes of the new data set @throws TranscodeError */
  async transcode(job: TranscodeJob): Promise<number> {
    const answer = await this.#ask({ kind: 'transcode', ...job });
    return answer.kind === 'transcoded' ? answer.bytes : 0;
  }

  /** @throws TranscodeError, with the code of the PixelError */
  async decode(job: FrameJob): Promise<DecodedFrame> {
    const answer = await this.#ask({ kind: 'decode', ...job });
    if (answer.kind !== 'decoded') throw new Error('a frame was asked for');
    const { pixels, photometricInterpretation, isLossy } = answer;
    const bytes = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.length);
    return { bytes, photometricInterpretation, isLossy };
  }

  async stop(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(ended());
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #ask(job: CodecJob): Promise<CodecAnswer & { kind: 'transcoded' | 'decoded' }> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#next();
    });
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
    // Listened to, so that it does not end the program: the exit follows.
    worker.on('error', () => {});
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
    };
    const onExit = (): void => {
      settle();
      reject(ended());
    };
    worker.once('exit', onExit);
    worker.on('message', (answer: CodecAnswer) => {
      settle();
      if (isSound(answer)) this.#idle.push(worker);
      else void worker.terminate();
      if (answer.kind !== 'failed') resolve(answer);
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
const isSound = (answer: CodecAnswer): boolean =>
  answer.kind !== 'failed' || (answer.isFinal && answer.code !== 'CODEC_FAILED');

const ended = (): TranscodeError =>
  new TranscodeError('TRANSCODER_ENDED', 'the thread that transcodes ended', 'safe');
