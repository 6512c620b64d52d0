/** Damage to bytes as broken writers, broken lines and attackers do it. A function of its random numbers. */

/** Values that lengths and counts break at. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_fffe];
const MAX_BYTES = 65_536;

export interface Dice {
  /** A whole number below `n`. */
  upTo(n: number): number;
}

type Damage = (bytes: Buffer, dice: Dice, other: Buffer) => Buffer;

const DAMAGES: readonly Damage[] = [
  (bytes, dice) => {
    if (bytes.length > 0) bytes[dice.upTo(bytes.length)] = dice.upTo(256);
    return bytes;
  },
  (bytes, dice) => {
    const at = dice.upTo(bytes.length + 1);
    if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.upTo(8));
    return bytes;
  },
  // A length, of two or four bytes, either way round.
  (bytes, dice) => {
    const size = dice.upTo(2) === 0 ? 2 : 4;
    if (bytes.length < size) return bytes;
    const at = dice.upTo(bytes.length - size + 1);
    const value = (EDGES[dice.upTo(EDGES.length)] ?? 0) % 2 ** (8 * size);
    if (dice.upTo(2) === 0) bytes.writeUIntBE(value, at, size);
    else bytes.writeUIntLE(value, at, size);
    return bytes;
  },
  (bytes, dice) => bytes.subarray(0, dice.upTo(bytes.length + 1)),
  (bytes, dice) => {
    const [at, length] = [dice.upTo(bytes.length + 1), dice.upTo(16)];
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  },
  (bytes, dice) => {
    const at = dice.upTo(bytes.length + 1);
    const noise = Buffer.from(Array.from({ length: dice.upTo(16) }, () => dice.upTo(256)));
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
  // A piece twice, and a piece of something else.
  (bytes, dice) => {
    const [at, end] = [dice.upTo(bytes.length + 1), dice.upTo(bytes.length + 1)];
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  (bytes, dice, other) =>
    Buffer.concat([
      bytes.subarray(0, dice.upTo(bytes.length + 1)),
      other.subarray(dice.upTo(other.length + 1)),
    ]),
];

/** A damaged copy: one to four damages, most often one. */
export function mutate(bytes: Buffer, dice: Dice, other: Buffer): Buffer {
  let damaged: Buffer = Buffer.from(bytes);
  for (let left = 1 + dice.upTo(2) * dice.upTo(4); left > 0; left -= 1) {
    const damage = DAMAGES[dice.upTo(DAMAGES.length)];
    if (damage !== undefined) damaged = damage(damaged, dice, other).subarray(0, MAX_BYTES);
  }
  return damaged;
}
