/**
 * A frame of grey as JPEG Lossless, selection value 1: each sample as its difference from the one before it.
 * ITU-T T.81 Annex H; PS3.5 §8.2.1, table 8.2.1-1.
 */

/** By the number of bits of a difference, 0 to 16: the code lengths of T.81 table K.3, going on as they end. */
const CODE_LENGTHS = [2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
const CODES = codesOf(CODE_LENGTHS);

export interface GreyFrame {
  readonly rows: number;
  readonly columns: number;
  /** At most 16. */
  readonly bitsStored: number;
  /** Unsigned, little endian, two bytes each. */
  readonly data: Buffer;
}

/** @returns the whole stream, SOI to EOI */
export function jpegLossless(frame: GreyFrame): Buffer {
  const bits = new BitWriter();
  const { rows, columns, bitsStored, data } = frame;
  const at = (row: number, column: number): number =>
    data.readUInt16LE((row * columns + column) * 2);
  const predicted = (row: number, column: number): number => {
    if (column > 0) return at(row, column - 1);
    return row > 0 ? at(row - 1, 0) : 2 ** (bitsStored - 1);
  };
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      writeDifference(bits, at(row, column) - predicted(row, column));
  return Buffer.concat([...headOf(frame), bits.end(), Buffer.from([0xff, 0xd9])]);
}

function writeDifference(bits: BitWriter, difference: number): void {
  const size = 32 - Math.clz32(Math.abs(difference));
  bits.write(CODES[size] ?? 0, CODE_LENGTHS[size] ?? 0);
  bits.write(difference < 0 ? difference + 2 ** size - 1 : difference, size);
}

/** SOI, frame header SOF3, the table, scan header. T.81 B.2. */
function headOf({ rows, columns, bitsStored }: GreyFrame): Buffer[] {
  const frame = Buffer.from([bitsStored, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(rows, 1);
  frame.writeUInt16BE(columns, 3);
  const counts = Array.from(
    { length: 16 },
    (_, at) => CODE_LENGTHS.filter((length) => length === at + 1).length,
  );
  const table = Buffer.from([0x00, ...counts, ...CODE_LENGTHS.keys()]);
  return [
    Buffer.from([0xff, 0xd8]),
    segment(0xc3, frame),
    segment(0xc4, table),
    segment(0xda, Buffer.from([1, 1, 0x00, 1, 0, 0])),
  ];
}

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** Canonical: each code is the one before it and one more, longer ones with zeros behind. T.81 Annex C. */
function codesOf(lengths: readonly number[]): number[] {
  let code = 0;
  return lengths.map((length, at) => {
    if (at > 0) code = (code + 1) << (length - (lengths[at - 1] ?? length));
    return code;
  });
}

class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #count = 0;

  write(value: number, bits: number): void {
    for (let at = bits - 1; at >= 0; at -= 1) {
      this.#held = (this.#held << 1) | ((value >> at) & 1);
      this.#count += 1;
      if (this.#count === 8) this.#put();
    }
  }

  /** The last byte is filled with ones. T.81 F.1.2.3. */
  end(): Buffer {
    while (this.#count > 0) this.write(1, 1);
    return Buffer.from(this.#bytes);
  }

  #put(): void {
    this.#bytes.push(this.#held);
    // A byte of FF would be a marker. T.81 F.1.2.3.
    if (this.#held === 0xff) this.#bytes.push(0);
    this.#held = 0;
    this.#count = 0;
  }
}
