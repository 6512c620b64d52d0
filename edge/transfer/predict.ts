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
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function predictWords(words: Uint16Array, shape: SampleShape, out: Uint8Array): void {
  const { length } = words;
  const bias = shape.isSigned ? 0x8000 : 0;
  for (const { from, to, left, above } of runsOf(length, shape)) {
    for (let at = from; at < to; at += 1) {
      const guess = guessWord(words, at, left, above, bias);
      const difference = ((((words[at] as number) ^ bias) - guess) << 16) >> 16;
      const zigzag = (difference << 1) ^ (difference >> 15);
      out[at] = zigzag;
      out[length + at] = zigzag >> 8;
    }
  }
}

function restoreWords(differences: Uint8Array, shape: SampleShape, words: Uint16Array): void {
  const { length } = words;
  const bias = shape.isSigned ? 0x8000 : 0;
  for (const { from, to, left, above } of runsOf(length, shape)) {
    for (let at = from; at < to; at += 1) {
      const zigzag = (differences[at] as number) | ((differences[length + at] as number) << 8);
      const guess = guessWord(words, at, left, above, bias);
      words[at] = (((zigzag >> 1) ^ -(zigzag & 1)) + guess) ^ bias;
    }
  }
}

function predictBytes(bytes: Uint8Array, shape: SampleShape, out: Uint8Array): void {
  for (const { from, to, left, above } of runsOf(bytes.length, shape)) {
    for (let at = from; at < to; at += 1) {
      const guess = guessByte(bytes, at, left, above);
      const difference = (((bytes[at] as number) - guess) << 24) >> 24;
      out[at] = (difference << 1) ^ (difference >> 7);
    }
  }
}

function restoreBytes(differences: Uint8Array, shape: SampleShape, bytes: Uint8Array): void {
  for (const { from, to, left, above } of runsOf(bytes.length, shape)) {
    for (let at = from; at < to; at += 1) {
      const zigzag = differences[at] as number;
      bytes[at] = ((zigzag >> 1) ^ -(zigzag & 1)) + guessByte(bytes, at, left, above);
    }
  }
}

/** Samples that are guessed from the same neighbours; 0: from none there. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly above: number;
}

function* runsOf(length: number, { distance, rowSamples }: SampleShape): Generator<Run> {
  for (let row = 0; row < length; row += rowSamples) {
    const end = Math.min(row + rowSamples, length);
    const inner = Math.min(row + distance, end);
    const above = row === 0 ? 0 : rowSamples;
    yield { from: row, to: inner, left: 0, above };
    yield { from: inner, to: end, left: distance, above };
  }
}

function guessWord(
  words: Uint16Array,
  at: number,
  left: number,
  above: number,
  bias: number,
): number {
  if (above === 0) return left === 0 ? 0 : (words[at - left] as number) ^ bias;
  const up = (words[at - above] as number) ^ bias;
  if (left === 0) return up;
  const corner = (words[at - above - left] as number) ^ bias;
  return (3 * (((words[at - left] as number) ^ bias) + up) - 2 * corner) >> 2;
}

function guessByte(bytes: Uint8Array, at: number, left: number, above: number): number {
  if (above === 0) return left === 0 ? 0 : (bytes[at - left] as number);
  const up = bytes[at - above] as number;
  if (left === 0) return up;
  return (3 * ((bytes[at - left] as number) + up) - 2 * (bytes[at - above - left] as number)) >> 2;
}
