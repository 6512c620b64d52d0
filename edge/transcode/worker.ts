/**
 * The thread that a codec works in: one job at a time.
 *
 *   CodecJob ─► transcodeFile, decodeFrame ─► what it gives │ code and message of what went wrong
 */
import { parentPort } from 'node:worker_threads';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { decodeFrame } from '../../shared/pixel-data/decode.ts';
import type { ImagePixels } from '../../shared/pixel-data/image.ts';
import { openCodecs } from '../../shared/pixel-data/wasm.ts';
import { type TranscodeJob, transcodeFile } from './transcode-file.ts';

export type CodecJob =
  | (TranscodeJob & { readonly kind: 'transcode' })
  | {
      readonly kind: 'decode';
      readonly transferSyntaxUID: string;
      readonly frame: Uint8Array;
      readonly image: ImagePixels;
    };

export type CodecAnswer =
  | { readonly kind: 'transcoded'; readonly bytes: number }
  | {
      readonly kind: 'decoded';
      readonly pixels: Uint8Array;
      readonly photometricInterpretation: string;
      readonly isLossy: boolean;
    }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly detail: string;
      /** It is the object, not the disk or the memory: it would fail again. */
      readonly isFinal: boolean;
    };

const codecs = await openCodecs();

parentPort?.on('message', (job: CodecJob) => parentPort?.postMessage(answerTo(job)));

function answerTo(job: CodecJob): CodecAnswer {
  try {
    if (job.kind === 'transcode') return { kind: 'transcoded', bytes: transcodeFile(job, codecs) };
    const { transferSyntaxUID, image } = job;
    const { bytes, ...about } = decodeFrame(transferSyntaxUID, Buffer.from(job.frame), {
      ...{ image, codecs },
    });
    return { kind: 'decoded', pixels: bytes, ...about };
  } catch (error) {
    if (error instanceof GatewayError)
      return { kind: 'failed', code: error.code, detail: error.message, isFinal: true };
    const detail = 'the object could not be transcoded now';
    return { kind: 'failed', code: codeOf(error), detail, isFinal: false };
  }
}
