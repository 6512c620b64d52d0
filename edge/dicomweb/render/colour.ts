/** Colour pixels to RGB, a byte a sample, by pixel. PS3.3 C.7.6.3.1.2, C.7.9. */
import type { ImageAttributes, LookUp } from './image-attributes.ts';

/** @param pixels native octets, little endian @returns undefined for what is not known as colour */
export function renderColour(pixels: Buffer, image: ImageAttributes): Uint8Array | undefined {
  const count = image.rows * image.columns;
  if (image.palette !== undefined) return fromPalette(pixels, image, image.palette);
  if (image.samples !== 3) return undefined;
  if (image.photometric === 'YBR_FULL_422') return fromHalved(pixels, count);
  const rgb = byPixel(pixels, image, count);
  if (image.photometric.startsWith('YBR_FULL') || image.photometric.startsWith('YBR_PARTIAL'))
    for (let at = 0; at < rgb.length; at += 3) toRgb(rgb, at);
  return rgb;
}

function byPixel(pixels: Buffer, image: ImageAttributes, count: number): Uint8Array {
  const rgb = new Uint8Array(count * 3);
  const bytes = image.bitsAllocated / 8;
  const shift = Math.max(0, image.bitsStored - 8);
  for (let sample = 0; sample < 3; sample += 1)
    for (let at = 0; at < count; at += 1) {
      const from = (image.isPlanar ? sample * count + at : at * 3 + sample) * bytes;
      const value =
        bytes === 2 ? (pixels[from] ?? 0) | ((pixels[from + 1] ?? 0) << 8) : pixels[from];
      rgb[at * 3 + sample] = (value ?? 0) >> shift;
    }
  return rgb;
}

/** Y1 Y2 CB CR for two pixels. */
function fromHalved(pixels: Buffer, count: number): Uint8Array {
  const rgb = new Uint8Array(count * 3);
  for (let at = 0; at < count; at += 1) {
    const pair = (at >> 1) * 4;
    rgb[at * 3] = pixels[pair + (at & 1)] ?? 0;
    rgb[at * 3 + 1] = pixels[pair + 2] ?? 0;
    rgb[at * 3 + 2] = pixels[pair + 3] ?? 0;
    toRgb(rgb, at * 3);
  }
  return rgb;
}

/** ITU-R BT.601, full range. */
function toRgb(samples: Uint8Array, at: number): void {
  const y = samples[at] ?? 0;
  const blue = (samples[at + 1] ?? 0) - 128;
  const red = (samples[at + 2] ?? 0) - 128;
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  samples[at] = byte(y + 1.402 * red);
  samples[at + 1] = byte(y - 0.344_136 * blue - 0.714_136 * red);
  samples[at + 2] = byte(y + 1.772 * blue);
}

function fromPalette(
  pixels: Buffer,
  { rows, columns, bitsAllocated }: ImageAttributes,
  palette: readonly LookUp[],
): Uint8Array {
  const count = rows * columns;
  const rgb = new Uint8Array(count * 3);
  for (let at = 0; at < count; at += 1) {
    const value = bitsAllocated === 16 ? pixels.readUInt16LE(at * 2) : (pixels[at] ?? 0);
    for (const [sample, { first, values, largest }] of palette.entries()) {
      const entry = values[Math.max(0, Math.min(values.length - 1, value - first))] ?? 0;
      rgb[at * 3 + sample] = largest === 255 ? entry & 0xff : entry >> 8;
    }
  }
  return rgb;
}
