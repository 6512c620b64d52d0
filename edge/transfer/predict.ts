/**
 * The predictor of the transport compression: what a sample differs from what its neighbours say.
 *
 *   samples ─► (3·left + 3·above − 2·above left) / 4 ─► difference, zigzag ─► low bytes, high bytes ─► zstd
 *
 * Any bytes round-trip: the shape only steers what is compared with what. The first row of a block knows
 * its left neighbours alone, so that a block stands by itself.
 */

/** How the samples of native pixel data lie. PS3.3 C.7.6.3. */
export interface SampleShape {
  readonly sampleBytes: 1 | 2;
  /** To the left neighbour of the same colour, in samples. */
  readonly distance: number;
  readonly rowSamples: number;
  /** Pixel Representation 1: the neighbours of zero must not seem far apart. */
  readonly isSigned: boolean;
}

/**
 * Differences of whole samples; of those of two bytes all low bytes come first.
 *
 * @param bytes a whole number of samples
 * @param out as long as `bytes`
 */
export function predict(bytes: Uint8Array, shape: SampleShape, out: Uint8Array): void {
  if (shape.sampleBytes === 1) predictBytes(bytes, shape, out);
  else predictWords(wordsOf(bytes), shape, out);
}

/**
 * What {@link predict} was given.
 *
 * @param out as long as `differences`, at an even offset of its buffer
 */
export function restore(differences: Uint8Array, shape: SampleShape, out: Uint8Array): void {
  if (shape.sampleBytes === 1) restoreBytes(differences, shape, out);
  else restoreWords(differences, shape, wordsOf(out));
}

/** A view; where the bytes do not lie as one needs them, a copy. */
function wordsOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % 2 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function predictWords(words: Uint16Array, shape: SampleShape, out: Uint8Array): void {
  const bias = shape.isSigned ? 0x8000 : 0;
  const planes = planesOf(out, words.length);
  eachRun(words.length, shape, (run) => {
    if (run.left === 1 && run.above > 0) predictGreyWords(words, run, planes, bias);
    else predictAnyWords(words, run, planes, bias);
  });
}

function predictAnyWords(
  words: Uint16Array,
  { from, to, left, above }: Run,
  { low, high }: Planes,
  bias: number,
): void {
  for (let at = from; at < to; at += 1) {
    const guess = guessWord(words, at, left, above, bias);
    const difference = ((((words[at] as number) ^ bias) - guess) << 16) >> 16;
    const zigzag = (difference << 1) ^ (difference >> 15);
    low[at] = zigzag;
    high[at] = zigzag >> 8;
  }
}

/** Of most images nearly all samples: what was just read is the next one's neighbour. */
function predictGreyWords(
  words: Uint16Array,
  { from, to, above }: Run,
  { low, high }: Planes,
  bias: number,
): void {
  let left = ((words[from - 1] as number) ^ bias) & 0xffff;
  let corner = ((words[from - 1 - above] as number) ^ bias) & 0xffff;
  for (let at = from; at < to; at += 1) {
    const up = ((words[at - above] as number) ^ bias) & 0xffff;
    const sample = ((words[at] as number) ^ bias) & 0xffff;
    const difference = ((sample - ((3 * (left + up) - 2 * corner) >> 2)) << 16) >> 16;
    const zigzag = (difference << 1) ^ (difference >> 15);
    low[at] = zigzag;
    high[at] = zigzag >> 8;
    left = sample;
    corner = up;
  }
}

function restoreWords(differences: Uint8Array, shape: SampleShape, words: Uint16Array): void {
  const bias = shape.isSigned ? 0x8000 : 0;
  const planes = planesOf(differences, words.length);
  eachRun(words.length, shape, (run) => {
    if (run.left === 1 && run.above > 0) restoreGreyWords(planes, run, words, bias);
    else restoreAnyWords(planes, run, words, bias);
  });
}

function restoreAnyWords(
  { low, high }: Planes,
  { from, to, left, above }: Run,
  words: Uint16Array,
  bias: number,
): void {
  for (let at = from; at < to; at += 1) {
    const zigzag = (low[at] as number) | ((high[at] as number) << 8);
    const guess = guessWord(words, at, left, above, bias);
    words[at] = (((zigzag >> 1) ^ -(zigzag & 1)) + guess) ^ bias;
  }
}

function restoreGreyWords(
  { low, high }: Planes,
  { from, to, above }: Run,
  words: Uint16Array,
  bias: number,
): void {
  let left = ((words[from - 1] as number) ^ bias) & 0xffff;
  let corner = ((words[from - 1 - above] as number) ^ bias) & 0xffff;
  for (let at = from; at < to; at += 1) {
    const up = ((words[at - above] as number) ^ bias) & 0xffff;
    const zigzag = (low[at] as number) | ((high[at] as number) << 8);
    const guess = (3 * (left + up) - 2 * corner) >> 2;
    const sample = (((zigzag >> 1) ^ -(zigzag & 1)) + guess) & 0xffff;
    words[at] = sample ^ bias;
    left = sample;
    corner = up;
  }
}

/** The bytes of differences of two bytes. */
interface Planes {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
}

/** Never a Buffer: loops that meet one kind of array are twice as fast. */
function planesOf({ buffer, byteOffset }: Uint8Array, length: number): Planes {
  return {
    low: new Uint8Array(buffer, byteOffset, length),
    high: new Uint8Array(buffer, byteOffset + length, length),
  };
}

function predictBytes(bytes: Uint8Array, shape: SampleShape, out: Uint8Array): void {
  eachRun(bytes.length, shape, ({ from, to, left, above }) => {
    for (let at = from; at < to; at += 1) {
      const guess = guessByte(bytes, at, left, above);
      const difference = (((bytes[at] as number) - guess) << 24) >> 24;
      out[at] = (difference << 1) ^ (difference >> 7);
    }
  });
}

function restoreBytes(differences: Uint8Array, shape: SampleShape, bytes: Uint8Array): void {
  eachRun(bytes.length, shape, ({ from, to, left, above }) => {
    for (let at = from; at < to; at += 1) {
      const zigzag = differences[at] as number;
      bytes[at] = ((zigzag >> 1) ^ -(zigzag & 1)) + guessByte(bytes, at, left, above);
    }
  });
}

/** Samples that are guessed from the same neighbours; 0: from none there. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly above: number;
}

/** A callback: a generator would take as long as a fifth of the work. */
function eachRun(
  length: number,
  { distance, rowSamples }: SampleShape,
  work: (run: Run) => void,
): void {
  for (let row = 0; row < length; row += rowSamples) {
    const end = Math.min(row + rowSamples, length);
    const inner = Math.min(row + distance, end);
    const above = row === 0 ? 0 : rowSamples;
    work({ from: row, to: inner, left: 0, above });
    work({ from: inner, to: end, left: distance, above });
  }
}

function guessWord(
  words: Uint16Array,
  at: number,
  left: number,
  above: number,
  bias: number,
): number {
  if (above === 0) return left === 0 ? 0 : ((words[at - left] as number) ^ bias) & 0xffff;
  const up = ((words[at - above] as number) ^ bias) & 0xffff;
  if (left === 0) return up;
  const before = ((words[at - left] as number) ^ bias) & 0xffff;
  const corner = ((words[at - above - left] as number) ^ bias) & 0xffff;
  return (3 * (before + up) - 2 * corner) >> 2;
}

function guessByte(bytes: Uint8Array, at: number, left: number, above: number): number {
  if (above === 0) return left === 0 ? 0 : (bytes[at - left] as number);
  const up = bytes[at - above] as number;
  if (left === 0) return up;
  return (3 * ((bytes[at - left] as number) + up) - 2 * (bytes[at - above - left] as number)) >> 2;
}
