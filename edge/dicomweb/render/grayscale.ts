/**
 * Stored values to eight bits of grey. PS3.3 C.11.1, C.11.2; PS3.4 N.2.
 *
 *   stored value ─► modality (LUT, or slope and intercept) ─► VOI (window, or LUT) ─► inverted for MONOCHROME1
 *
 * All of it as one table where values have at most 16 bits.
 */
import type { ImageAttributes, LookUp, Window } from './image-attributes.ts';

/** @param pixels native octets, little endian @returns a byte a pixel */
export function renderGrey(pixels: Buffer, image: ImageAttributes, asked?: Window): Uint8Array {
  const values = storedValues(pixels, image);
  const toGrey = greyOf(image, asked, values);
  const grey = new Uint8Array(values.length);
  const { bitsStored, isSigned } = image;
  if (bitsStored > 16 || !Number.isInteger(bitsStored)) {
    for (let at = 0; at < grey.length; at += 1) grey[at] = toGrey(values[at] ?? 0);
    return grey;
  }
  const lowest = isSigned ? -(2 ** (bitsStored - 1)) : 0;
  const table = new Uint8Array(2 ** bitsStored);
  for (let at = 0; at < table.length; at += 1) table[at] = toGrey(lowest + at);
  for (let at = 0; at < grey.length; at += 1) grey[at] = table[(values[at] ?? 0) - lowest] ?? 0;
  return grey;
}

type Values =
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Bits above Bits Stored mean nothing. PS3.5 §8.1.1. */
function storedValues(pixels: Buffer, image: ImageAttributes): Values {
  const { rows, columns, bitsAllocated, bitsStored, isSigned, isFloat } = image;
  const count = rows * columns;
  if (bitsAllocated === 1) return singleBits(pixels, count);
  const copy = (bytes: number): ArrayBuffer => {
    const memory = new ArrayBuffer(count * bytes);
    new Uint8Array(memory).set(pixels.subarray(0, count * bytes));
    return memory;
  };
  if (bitsAllocated === 64) return new Float64Array(copy(8));
  if (bitsAllocated === 32)
    return isFloat
      ? new Float32Array(copy(4))
      : isSigned
        ? new Int32Array(copy(4))
        : new Uint32Array(copy(4));
  const shift = 32 - bitsStored;
  const raw = bitsAllocated === 16 ? new Uint16Array(copy(2)) : new Uint8Array(copy(1));
  const values = isSigned ? new Int16Array(count) : new Uint16Array(count);
  for (let at = 0; at < count; at += 1) {
    const bits = (raw[at] ?? 0) << shift;
    values[at] = isSigned ? bits >> shift : bits >>> shift;
  }
  return values;
}

function singleBits(pixels: Buffer, count: number): Uint8Array {
  const values = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) values[at] = ((pixels[at >> 3] ?? 0) >> (at & 7)) & 1;
  return values;
}

function greyOf(
  image: ImageAttributes,
  asked: Window | undefined,
  values: Values,
): (stored: number) => number {
  const { slope, intercept, modalityLookUp, isInverted } = image;
  const modality = (stored: number): number =>
    modalityLookUp === undefined ? stored * slope + intercept : looked(modalityLookUp, stored);
  const window = asked ?? image.window;
  const voi =
    image.voiLookUp !== undefined && asked === undefined && image.window === undefined
      ? tabled(image.voiLookUp)
      : windowed(window ?? wholeRange(values, image, modality));
  return (stored) => {
    const grey = Math.max(0, Math.min(255, Math.round(voi(modality(stored)) * 255)));
    return isInverted ? 255 - grey : grey;
  };
}

const looked = ({ first, values }: LookUp, value: number): number =>
  values[Math.max(0, Math.min(values.length - 1, value - first))] ?? 0;

const tabled =
  (table: LookUp) =>
  (value: number): number =>
    looked(table, Math.round(value)) / table.largest;

/** PS3.3 C.11.2.1.2, C.11.2.1.3: 0 to 1. */
function windowed({ centre, width, shape }: Window): (value: number) => number {
  if (shape === 'SIGMOID') return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  if (shape === 'LINEAR_EXACT')
    return (value) => (width === 0 ? Number(value > centre) : (value - centre) / width + 0.5);
  if (width <= 1) return (value) => Number(value > centre - 0.5);
  return (value) => (value - (centre - 0.5)) / (width - 1) + 0.5;
}

/** Where no window is given: all values that are there, padding aside. */
function wholeRange(
  values: Values,
  { padding }: ImageAttributes,
  modality: (stored: number) => number,
): Window {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value === padding) continue;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (lowest > highest) return { centre: 0, width: 1, shape: 'LINEAR_EXACT' };
  const [from, to] = [modality(lowest), modality(highest)];
  return { centre: (from + to) / 2, width: Math.abs(to - from) || 1, shape: 'LINEAR_EXACT' };
}
