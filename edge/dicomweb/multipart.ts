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

/** @param type of the parts, without parameters */
export function multipart(type: string, parts: Iterable<Part>): Multipart {
  const boundary = `cdip-${randomUUID()}`;
  return {
    contentType: `multipart/related; type="${type}"; boundary=${boundary}`,
    body: bytesOf(parts, boundary),
  };
}

async function* bytesOf(parts: Iterable<Part>, boundary: string): AsyncGenerator<Buffer> {
  let lead = '';
  for (const { contentType, location, body } of parts) {
    yield Buffer.from(
      `${lead}--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Location: ${location}\r\n\r\n`,
    );
    yield* body;
    lead = '\r\n';
  }
  yield Buffer.from(`${lead}--${boundary}--\r\n`);
}
