/**
 * What the markers of a JPEG stream say, and a stream whose markers say what its colours are. ITU-T T.81 Annex B.
 *
 * A decoder takes three components for YCbCr unless a marker says otherwise. DICOM says it in Photometric
 * Interpretation, which it does not see; so it is written where it looks.
 */
import { PixelError } from './image.ts';

export interface JpegHead {
  /** The marker of the frame header: C0 to C2 lossy, C3 lossless, F7 JPEG-LS. T.81 table B.1. */
  readonly process: number;
  readonly precision: number;
  readonly components: number;
  /** Some components have fewer samples than others: only YCbCr does. */
  readonly isSubsampled: boolean;
  /** Of the Adobe marker: 0 no transform, 1 YCbCr. */
  readonly adobeTransform: number | undefined;
  readonly isJfif: boolean;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP14 = 0xee;
/** SOF0 to SOF15 without DHT, JPG and DAC, and SOF55 of JPEG-LS. */
const isFrameHeader = (marker: number): boolean =>
  (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;

interface Segment {
  readonly marker: number;
  readonly start: number;
  readonly end: number;
}

/** Up to the first scan. */
function* segmentsOf(stream: Buffer): Generator<Segment> {
  if (stream.length < 4 || stream[0] !== 0xff || stream[1] !== SOI)
    throw new PixelError('CODEC_FAILED', 'the frame is no JPEG stream');
  for (let at = 2; at + 4 <= stream.length; ) {
    if (stream[at] !== 0xff) throw new PixelError('CODEC_FAILED', 'a JPEG marker is broken');
    const marker = stream[at + 1] ?? 0;
    // Fill bytes. T.81 B.1.1.2.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const end = at + 2 + stream.readUInt16BE(at + 2);
    yield { marker, start: at, end };
    if (marker === SOS) return;
    at = end;
  }
}

/** @throws PixelError `CODEC_FAILED` for what is no JPEG stream */
export function readJpegHead(stream: Buffer): JpegHead {
  let frame: Segment | undefined;
  let adobeTransform: number | undefined;
  let isJfif = false;
  for (const segment of segmentsOf(stream)) {
    const { marker, start } = segment;
    const text = (bytes: number): string => stream.toString('latin1', start + 4, start + 4 + bytes);
    if (isFrameHeader(marker)) frame = segment;
    else if (marker === APP0 && text(4) === 'JFIF') isJfif = true;
    else if (marker === APP14 && text(5) === 'Adobe') adobeTransform = stream[start + 15];
  }
  if (frame === undefined || frame.start + 10 > stream.length)
    throw new PixelError('CODEC_FAILED', 'the JPEG stream has no frame header');
  const components = stream[frame.start + 9] ?? 0;
  const sampling = Array.from({ length: components }, (_, at) => {
    return stream[(frame?.start ?? 0) + 11 + 3 * at];
  });
  return {
    process: frame.marker,
    ...{ precision: stream[frame.start + 4] ?? 0, components, adobeTransform, isJfif },
    isSubsampled: new Set(sampling).size > 1,
  };
}

/** False for a stream that was cut short: a decoder would fill up what is missing and say nothing. T.81 B.1.1.3. */
export function hasEnd(stream: Buffer): boolean {
  const end = stream.lastIndexOf(Buffer.from([0xff, EOI]));
  // At most a byte of padding follows, whatever it is.
  return end >= 0 && end >= stream.length - 3;
}

/** True when the stream itself says that it is YCbCr, or leaves it to Photometric Interpretation, which does. */
export function isYCbCr(head: JpegHead, photometricInterpretation: string): boolean {
  if (head.components !== 3) return false;
  if (head.adobeTransform !== undefined) return head.adobeTransform === 1;
  if (head.isJfif || head.isSubsampled) return true;
  return photometricInterpretation.startsWith('YBR');
}

/** The stream with one marker that says what its three components are, in place of those that it has. */
export function withColours(stream: Buffer, isYCbCr: boolean): Buffer {
  const parts: Buffer[] = [stream.subarray(0, 2), adobeMarker(isYCbCr)];
  let from = 2;
  for (const { marker, start, end } of segmentsOf(stream)) {
    if (marker !== APP0 && marker !== APP14) continue;
    parts.push(stream.subarray(from, start));
    from = end;
  }
  return Buffer.concat([...parts, stream.subarray(from)]);
}

function adobeMarker(isYCbCr: boolean): Buffer {
  const marker = Buffer.alloc(16);
  marker.writeUInt16BE(0xff00 | APP14, 0);
  marker.writeUInt16BE(14, 2);
  marker.write('Adobe', 4, 'latin1');
  marker.writeUInt16BE(100, 9);
  marker[15] = isYCbCr ? 1 : 0;
  return marker;
}
