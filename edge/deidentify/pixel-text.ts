/**
 * Text between pixels: what a program left in a corner or behind the last row, in letters of one byte, or of
 * two. Only whole words and numbers that are known of the patient count: a grey area has the values of letters.
 *
 *   bytes ─► here and there: two letters or digits? ─► the run around them ─► is it one that is known?
 */
/** Longer than any of them; of two bytes a letter. */
const OVERLAP_BYTES = 128;

const IS_TEXT = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Za-z]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class PixelText {
  readonly #known: ReadonlySet<string>;
  /** Every run that may be one of them is met by steps of this length. */
  readonly #shortest: number;
  #tail: Buffer = Buffer.alloc(0);
  isFound = false;

  /** @param known in capitals, at least five letters or digits each */
  constructor(known: ReadonlySet<string>) {
    this.#known = known;
    this.#shortest = Math.min(...[...known].map(({ length }) => length));
  }

  /** @param bytes what follows, in any portions */
  write(bytes: Buffer): void {
    if (this.isFound || this.#known.size === 0) return;
    if (this.#tail.length > 0)
      this.#look(Buffer.concat([this.#tail, bytes.subarray(0, OVERLAP_BYTES)]));
    this.#look(bytes);
    const kept = bytes.length < OVERLAP_BYTES ? Buffer.concat([this.#tail, bytes]) : bytes;
    this.#tail = Buffer.from(kept.subarray(-OVERLAP_BYTES));
  }

  #look(bytes: Buffer): void {
    const shortest = this.#shortest;
    // Of two bytes a letter, at even and at odd places.
    for (const [step, lane] of [
      [1, 0],
      [2, 0],
      [2, 1],
    ] as const)
      for (const [from, to] of runsIn(bytes, { step, lane, shortest })) {
        const text = bytes.toString('latin1', from, to).replaceAll('\0', '').toUpperCase();
        if (this.#known.has(text)) this.isFound = true;
      }
  }
}

interface Lane {
  /** Bytes of a letter; of two, a zero is the second. */
  readonly step: 1 | 2;
  /** Of the first letter. */
  readonly lane: 0 | 1;
  /** Letters of a run that counts. */
  readonly shortest: number;
}

/**
 * Two letters side by side are looked for, in steps that no run which counts falls between: in words of two bytes
 * one of the two is hardly ever a letter's, and what is always the same way costs little.
 *
 * @returns where runs begin and end
 */
function runsIn(bytes: Buffer, { step, lane, shortest }: Lane): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  const stride = (shortest - 1) * step;
  const end = bytes.length - (step - 1);
  for (let at = lane + stride; at < end; at += stride) {
    const pair =
      (IS_TEXT[bytes[at] as number] as number) & (IS_TEXT[bytes[at - step] as number] as number);
    if (pair === 0 || (step === 2 && (bytes[at + 1] as number) !== 0)) continue;
    let from = at;
    while (from >= 0 && isLetter(bytes, from, step)) from -= step;
    while (at < end && isLetter(bytes, at, step)) at += step;
    if (at - from > shortest * step) runs.push([from + step, at]);
  }
  return runs;
}

const isLetter = (bytes: Buffer, at: number, step: number): boolean =>
  IS_TEXT[bytes[at] as number] === 1 && (step === 1 || bytes[at + 1] === 0);
