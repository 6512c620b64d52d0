/** Randomness that is the same on every machine: a phantom is a function of its seed. */
import { createHash } from 'node:crypto';

/** Uniform numbers in [0, 1), mulberry32. */
export function randomFrom(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A table of normally distributed values (mean 0, deviation 1): far cheaper a pixel than drawing each. */
export function noiseTable(random: () => number, size = 65_536): Float32Array {
  const table = new Float32Array(size);
  for (let at = 0; at < size; at += 1) {
    table[at] = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }
  return table;
}

/** A UID under 2.25 that depends on nothing but `seed`. PS3.5 Annex B.2. */
export function uidFrom(seed: string): string {
  const digest = createHash('sha256').update(seed).digest('hex').slice(0, 32);
  return `2.25.${BigInt(`0x${digest}`)}`;
}
