/** The parts of a multipart body, one after the other, while they come in. RFC 2046 §5.1, RFC 2387. */
import type { Readable } from 'node:stream';
import { Dicer } from '@fastify/busboy';
import { DicomWebError } from './dicomweb-error.ts';

/** @returns undefined when there is none */
export function boundaryIn(contentType: string): string | undefined {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  return quoted ?? bare;
}

/**
 * @param take each part in its turn, wholly read when it resolves
 * @throws DicomWebError `MULTIPART_MALFORMED`, and what `take` throws; parts that came before are taken
 */
export function takeParts(
  body: Readable,
  boundary: string,
  take: (part: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const dicer = new Dicer({ boundary });
    let work = Promise.resolve();
    let count = 0;
    const fail = (error: unknown): void => {
      body.unpipe(dicer);
      body.resume();
      reject(error);
    };
    dicer.on('part', (part) => {
      count += 1;
      work = work.then(() => take(part as unknown as AsyncIterable<Buffer>));
      work.catch(fail);
    });
    dicer.on('error', () => fail(malformed('The parts end before their closing boundary.')));
    dicer.on('finish', () => {
      if (count === 0) fail(malformed('There is no part in it.'));
      else work.then(resolve, fail);
    });
    body.on('error', fail);
    body.pipe(dicer);
  });
}

const malformed = (why: string): DicomWebError => new DicomWebError('MULTIPART_MALFORMED', why);
