/**
 * Blanks rectangles of native pixels while they stream by; every other byte stays. PS3.15 §E.3.1.
 *
 *   rectangles, layout ─► spans of one frame ─► each chunk, in each frame ─► filled with black
 */
import type { Overwrite } from '../../shared/dicom/transform.ts';
import type { Rectangle } from './masks.ts';
import type { PixelLayout } from './pixel-layout.ts';

/** Bytes of a frame that are filled with a pattern from their first one on. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly pattern: Buffer;
}

export function maskOverwrite(
  layout: PixelLayout,
  rectangles: readonly Rectangle[],
  bigEndian: boolean,
): Overwrite {
  const spans = rectangles.flatMap((rectangle) => spansOf(layout, rectangle, bigEndian));
  const { frameBytes, frames } = layout;
  return (bytes, at) => {
    const last = Math.min(frames - 1, Math.floor((at + bytes.length - 1) / frameBytes));
    let masked: Buffer | undefined;
    for (let frame = Math.floor(at / frameBytes); frame <= last; frame += 1) {
      const offset = frame * frameBytes - at;
      for (const span of spans) {
        if (span.start + offset >= bytes.length || span.end + offset <= 0) continue;
        masked ??= Buffer.from(bytes);
        fill(masked, span, offset);
      }
    }
    return masked ?? bytes;
  };
}

/** @param offset of the frame's first byte in the bytes; negative when it came before */
function fill(bytes: Buffer, { start, end, pattern }: Span, offset: number): void {
  const last = Math.min(end + offset, bytes.length);
  for (let at = Math.max(0, start + offset); at < last; at += 1)
    bytes[at] = pattern[(at - start - offset) % pattern.length] ?? 0;
}

function spansOf(layout: PixelLayout, rectangle: Rectangle, bigEndian: boolean): Span[] {
  const { rows, columns, samples, bytesPerSample, isPlanar, isSubsampled, black } = layout;
  // Pixels that share their colour are blanked together.
  const left = isSubsampled ? rectangle.x & ~1 : rectangle.x;
  const right = Math.min(columns, rectangle.x + rectangle.width + (isSubsampled ? 1 : 0));
  const end = isSubsampled ? right & ~1 : right;
  const bottom = Math.min(rows, rectangle.y + rectangle.height);
  const planes = isPlanar ? black.map((value) => [value]) : [black];
  const pattern = isSubsampled
    ? [Buffer.of(...[black[0], black[0], black[1], black[2]].map(Number))]
    : planes.map((values) =>
        Buffer.concat(values.map((value) => sample(value, bytesPerSample, bigEndian))),
      );
  const pixelBytes = isSubsampled ? 2 : bytesPerSample * (isPlanar ? 1 : samples);
  const planeBytes = rows * columns * pixelBytes;
  return pattern.flatMap((bytes, plane) =>
    Array.from({ length: Math.max(0, bottom - rectangle.y) }, (_, row) => {
      const first = plane * planeBytes + (rectangle.y + row) * columns * pixelBytes;
      const [start, stop] = [first + left * pixelBytes, first + end * pixelBytes];
      return { start, end: stop, pattern: bytes };
    }).filter((span) => span.end > span.start),
  );
}

function sample(value: number, bytes: number, bigEndian: boolean): Buffer {
  const encoded = Buffer.alloc(bytes);
  if (bigEndian) encoded.writeUIntBE(value, 0, bytes);
  else encoded.writeUIntLE(value, 0, bytes);
  return encoded;
}
