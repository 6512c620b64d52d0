/**
 * The thread that transcodes: one job at a time, so that the event loop of the edge never waits for a codec.
 *
 *   TranscodeJob ─► transcodeFile ─► its length │ code and message of what went wrong
 */
import { parentPort } from 'node:worker_threads';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { openCodecs } from '../../shared/pixel-data/wasm.ts';
import { type TranscodeJob, transcodeFile } from './transcode-file.ts';

export type TranscodeAnswer =
  | { readonly kind: 'done'; readonly bytes: number }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly detail: string;
      /** It is the object, not the disk or the memory: it would fail again. */
      readonly isFinal: boolean;
    };

const codecs = await openCodecs();

parentPort?.on('message', (job: TranscodeJob) => parentPort?.postMessage(answerTo(job)));

function answerTo(job: TranscodeJob): TranscodeAnswer {
  try {
    return { kind: 'done', bytes: transcodeFile(job, codecs) };
  } catch (error) {
    if (error instanceof GatewayError)
      return { kind: 'failed', code: error.code, detail: error.message, isFinal: true };
    const detail = 'the object could not be transcoded now';
    return { kind: 'failed', code: codeOf(error), detail, isFinal: false };
  }
}
