/** A value in the other order of bytes, and its VR where an implicit data set left it open. PS3.5 §6.2, §7.3. */

/** Bytes of a number, by VR; what is not here has no order. */
const NUMBER_BYTES: Readonly<Record<string, 2 | 4 | 8>> = {
  ...{ US: 2, SS: 2, OW: 2, AT: 2, UL: 4, SL: 4, FL: 4, OF: 4, OL: 4 },
  ...{ FD: 8, OD: 8, OV: 8, SV: 8, UV: 8 },
};

/** In place. A value that is no whole number of numbers keeps its last bytes. */
export function swapOrder(value: Buffer, vr: string): Buffer {
  const bytes = NUMBER_BYTES[vr];
  if (bytes === undefined) return value;
  const whole = value.subarray(0, value.length - (value.length % bytes));
  if (bytes === 2) whole.swap16();
  else if (bytes === 4) whole.swap32();
  else whole.swap64();
  return value;
}

/** US or SS, by Pixel Representation: values of pixels. PS3.3 C.7.6.3, C.11. */
const LIKE_PIXELS: ReadonlySet<number> = new Set([
  ...[0x0028_0104, 0x0028_0105, 0x0028_0106, 0x0028_0107, 0x0028_0108, 0x0028_0109, 0x0028_0110],
  ...[0x0028_0111, 0x0028_0120, 0x0028_0121, 0x0028_1101, 0x0028_1102, 0x0028_1103, 0x0028_3002],
  ...[0x0040_9211, 0x0040_9216, 0x0060_3004, 0x0060_3006],
]);
/** What the short form holds. PS3.5 §7.1.2. */
export const MAX_SHORT_BYTES = 65_534;

/** The VR to write of an element that was read from implicit VR. */
export function explicitVr(tag: number, vr: string, isSigned: boolean): string {
  return isSigned && vr === 'US' && LIKE_PIXELS.has(tag) ? 'SS' : vr;
}
