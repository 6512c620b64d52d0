/**
 * The data set of a file in another transfer syntax, into another file. The original is only read.
 *
 *   source ─► survey: its images ─► plan: what becomes of each ─► DataSetWriter ─► target
 *
 * All at once, without a turn of the event loop: it runs in a thread of its own (worker.ts).
 */
import { closeSync, openSync, rmSync, writevSync } from 'node:fs';
import { ElementReader } from '../../shared/dicom/element-reader.ts';
import { encodingOf, IMPLICIT_VR_LITTLE_ENDIAN } from '../../shared/dicom/transfer-syntax.ts';
import type { Codecs } from '../../shared/pixel-data/wasm.ts';
import { type ByteSource, fileSource, inflatedSource } from './byte-source.ts';
import { DataSetWriter } from './data-set-writer.ts';
import { planOf } from './plan.ts';
import { ImageTag, survey } from './survey.ts';

const READ_BYTES = 262_144;
const WRITE_BYTES = 1_048_576;

export interface TranscodeJob {
  readonly file: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly from: string;
  /** Explicit or implicit VR little endian, or JPEG-LS lossless. */
  readonly to: string;
  /** Gets the data set alone; gone again when this throws. */
  readonly target: string;
}

/** @returns the length of the result @throws DicomError, PixelError */
export function transcodeFile(job: TranscodeJob, codecs: Codecs): number {
  const fd = openSync(job.file, 'r');
  const out = openSync(job.target, 'w', 0o600);
  try {
    const source = fileSource(fd, { start: job.dataSetOffset, length: job.dataSetBytes });
    const isDeflated = encodingOf(job.from).deflated;
    return transcode(isDeflated ? inflatedSource(source) : source, job, { codecs, out });
  } catch (error) {
    rmSync(job.target, { force: true });
    throw error;
  } finally {
    closeSync(fd);
    closeSync(out);
  }
}

function transcode(
  source: ByteSource,
  { from, to }: TranscodeJob,
  { codecs, out }: { readonly codecs: Codecs; readonly out: number },
): number {
  const encoding = encodingOf(from);
  const images = survey(source, encoding);
  const plans = planOf(images, { source, from, to, codecs });
  const sink = new Sink(out);
  const writer = new DataSetWriter({
    ...{ source, plans, explicit: to !== IMPLICIT_VR_LITTLE_ENDIAN },
    fromImplicit: !encoding.explicit,
    isSigned: (item) => images.get(item)?.attributes.number(ImageTag.PixelRepresentation) === 1,
    write: (bytes) => sink.write(bytes),
  });
  const reader = new ElementReader(encoding, writer);
  for (let at = 0; at < source.length; at += READ_BYTES)
    reader.write(source.read(at, Math.min(READ_BYTES, source.length - at)));
  reader.end();
  writer.end();
  return sink.end();
}

/** Gathers small pieces into one write. */
class Sink {
  readonly #fd: number;
  #pieces: Buffer[] = [];
  #held = 0;
  #written = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    if (this.#held >= WRITE_BYTES) this.#flush();
  }

  /** @returns the bytes of all */
  end(): number {
    this.#flush();
    return this.#written;
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pieces);
    for (let at = 0; at < bytes.length; ) at += writevSync(this.#fd, [bytes.subarray(at)]);
    this.#written += bytes.length;
    this.#pieces = [];
    this.#held = 0;
  }
}
