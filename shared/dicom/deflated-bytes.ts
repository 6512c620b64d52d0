/** The bytes of a deflated data set, inflated and deflated as they stream. PS3.5 §A.5. */
import { Readable, type Transform } from 'node:stream';
import { createDeflateRaw, createInflateRaw } from 'node:zlib';
import { DicomError } from './dicom-error.ts';

/** What follows the end of the deflated stream is padding and is dropped. @throws DicomError `DEFLATE_CORRUPT` */
export async function* inflate(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* through(source, createInflateRaw());
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw cause;
    throw new DicomError('DEFLATE_CORRUPT', 'the deflated data set is broken', { cause });
  }
}

/** Of even length: a zero byte follows where one is needed. */
export async function* deflate(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of through(source, createDeflateRaw({ level: 6 }))) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes % 2 === 1) yield Buffer.alloc(1);
}

/** Stops reading the source as soon as nobody reads the result. */
async function* through(
  source: AsyncIterable<Buffer>,
  transform: Transform,
): AsyncGenerator<Buffer> {
  const feed = Readable.from(source, { objectMode: true, highWaterMark: 2 });
  feed.on('error', (error) => transform.destroy(error));
  feed.pipe(transform);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } finally {
    feed.destroy();
    transform.destroy();
  }
}
