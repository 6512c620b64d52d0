/**
 * A native frame as JPEG-LS, lossless: ISO 14495-1, PS3.5 §8.2.3.
 *
 * Always in as many bits as are allocated: with fewer, bits above Bits Stored are lost, and readers do not
 * extend the sign (GDCM and DCMTK among them). That costs 1 % of the size. Decoded again and compared.
 */
import { decodeFrame } from './decode.ts';
import { type ImagePixels, PixelError } from './image.ts';
import { interleaved } from './samples.ts';
import type { Codecs } from './wasm.ts';

const JPEG_LS_LOSSLESS = '1.2.840.10008.1.2.4.80';

/** Whole pixels of 8 or 16 bits, of one or three full samples. */
export function fitsJpegLs(image: ImagePixels): boolean {
  const { bitsAllocated, samplesPerPixel, photometricInterpretation } = image;
  const isSubsampled = /42[02]$/.test(photometricInterpretation);
  return (
    (bitsAllocated === 8 || bitsAllocated === 16) &&
    (samplesPerPixel === 1 || samplesPerPixel === 3) &&
    !isSubsampled
  );
}

/**
 * @param native as it stands in the object: little endian, by PlanarConfiguration
 * @throws PixelError `CODEC_NOT_EXACT` when it would not come back as it is
 */
export function encodeJpegLs(
  native: Buffer,
  { image, codecs }: { readonly image: ImagePixels; readonly codecs: Codecs },
): Buffer {
  const { rows, columns, samplesPerPixel, bitsAllocated, isPlanar } = image;
  const samples =
    isPlanar && samplesPerPixel > 1
      ? interleaved(native, samplesPerPixel, bitsAllocated / 8)
      : native;
  const encoder = codecs.jpegLsEncoder();
  let encoded: Buffer;
  try {
    const info = {
      ...{ width: columns, height: rows, componentCount: samplesPerPixel },
      bitsPerSample: bitsAllocated,
    };
    encoder.getDecodedBuffer(info).set(samples);
    encoder.setNearLossless(0);
    encoder.setInterleaveMode(samplesPerPixel > 1 ? 2 : 0);
    encoder.encode();
    encoded = Buffer.from(encoder.getEncodedBuffer());
  } catch (cause) {
    // Noise that grows instead of shrinking, for example.
    throw new PixelError('CODEC_FAILED', 'the frame can not be compressed', { cause });
  } finally {
    encoder.delete();
  }
  const again = decodeFrame(JPEG_LS_LOSSLESS, encoded, { image, codecs });
  if (!again.bytes.equals(samples))
    throw new PixelError('CODEC_NOT_EXACT', 'the compressed frame does not give back its pixels');
  return encoded;
}
