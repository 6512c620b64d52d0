/** multipart/related answers. RFC 2387, PS3.18 §8.6.1.2. */
import { randomUUID } from 'node:crypto';

export interface Part {
  readonly contentType: string;
  readonly location: string;
  /** Read when its turn comes. */
  readonly body: AsyncIterable<Buffer>;
}

export interface Multipart {
  /** Of the whole. */
  readonly contentType: string;
  readonly body: AsyncGenerator<Buffer>;
}

type Parts = Iterable<Part> | AsyncIterable<Part>;

/** @param type of the parts, without parameters */
export function multipart(type: string, parts: Parts): Multipart {
  const boundary = `cdip-${randomUUID()}`;
  return {
    contentType: `multipart/related; type="${type}"; boundary=${boundary}`,
    body: bytesOf(parts, boundary),
  };
}

async function* bytesOf(parts: Parts, boundary: string): AsyncGenerator<Buffer> {
  let lead = '';
  for await (const { contentType, location, body } of parts) {
    // A part that can't be made fails before it is begun: of the first one the answer's status tells.
    const chunks = body[Symbol.asyncIterator]();
    try {
      const first = await chunks.next();
      yield Buffer.from(
        `${lead}--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Location: ${location}\r\n\r\n`,
      );
      if (!first.done) yield first.value;
      yield* { [Symbol.asyncIterator]: () => chunks };
    } finally {
      await chunks.return?.();
    }
    lead = '\r\n';
  }
  yield Buffer.from(`${lead}--${boundary}--\r\n`);
}
