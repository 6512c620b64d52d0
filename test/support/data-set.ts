/** Data sets for tests, encoded apart from the product's own writer. PS3.5 §7.1. */

export interface TestEncoding {
  readonly explicit: boolean;
  readonly bigEndian: boolean;
}

const LONG = /^(OB|OD|OF|OL|OV|OW|SQ|SV|UC|UN|UR|UT|UV)$/;

/** @param length written in place of the value's own */
export function element(
  { explicit, bigEndian }: TestEncoding,
  tag: number,
  vr: string,
  value: Buffer | string = '',
  length?: number,
): Buffer {
  const bytes = typeof value === 'string' ? evenly(Buffer.from(value, 'latin1')) : value;
  const isLong = !explicit || LONG.test(vr);
  const header = Buffer.alloc(explicit && isLong ? 12 : 8);
  const write = (at: number, size: 2 | 4, number: number): void => {
    if (bigEndian) header.writeUIntBE(number, at, size);
    else header.writeUIntLE(number, at, size);
  };
  write(0, 2, tag >>> 16);
  write(2, 2, tag & 0xffff);
  if (explicit && tag >>> 16 !== 0xfffe) header.write(vr, 4, 'latin1');
  if (isLong) write(header.length - 4, 4, length ?? bytes.length);
  else write(6, 2, length ?? bytes.length);
  return Buffer.concat([header, bytes]);
}

/** @param form whether lengths are given or delimiters end it */
export function sequence(
  encoding: TestEncoding,
  tag: number,
  items: readonly Buffer[],
  form: 'defined' | 'undefined' = 'defined',
): Buffer {
  const { bigEndian } = encoding;
  const bare = { explicit: false, bigEndian };
  if (form === 'defined') {
    const all = items.map((item) => element(bare, 0xfffe_e000, '', item));
    return element(encoding, tag, 'SQ', Buffer.concat(all));
  }
  const all = items.map((item) =>
    Buffer.concat([
      element(bare, 0xfffe_e000, '', item, 0xffff_ffff),
      element(bare, 0xfffe_e00d, ''),
    ]),
  );
  const end = element(bare, 0xfffe_e0dd, '');
  return element(encoding, tag, 'SQ', Buffer.concat([...all, end]), 0xffff_ffff);
}

/** A source of bytes that can be opened again, in chunks of a size. */
export function chunksOf(bytes: Buffer, size = 1 << 16): () => AsyncIterable<Buffer> {
  return async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
}

export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const evenly = (bytes: Buffer): Buffer =>
  bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')]);
