/** Frames of grey in the lossless forms that archives keep: JPEG-LS, JPEG 2000, JPEG Lossless. PS3.5 §A.4. */
import { encodeJpegLs } from '../../shared/pixel-data/encode-jpeg-ls.ts';
import { type Codecs, openCodecs } from '../../shared/pixel-data/wasm.ts';
import { type GreyFrame, jpegLossless } from './jpeg-lossless.ts';

export interface Compression {
  readonly transferSyntaxUID: string;
  readonly compress: (frame: GreyFrame) => Buffer;
}

export type Form = 'JPEG-LS' | 'JPEG 2000' | 'JPEG Lossless';

/** Takes a tenth of a second. */
export async function openCompressions(): Promise<Readonly<Record<Form, Compression>>> {
  const codecs = await openCodecs();
  return {
    'JPEG-LS': {
      transferSyntaxUID: '1.2.840.10008.1.2.4.80',
      compress: (frame) => jpegLs(frame, codecs),
    },
    'JPEG 2000': {
      transferSyntaxUID: '1.2.840.10008.1.2.4.90',
      compress: (frame) => jpeg2000(frame, codecs),
    },
    'JPEG Lossless': { transferSyntaxUID: '1.2.840.10008.1.2.4.70', compress: jpegLossless },
  };
}

function jpegLs({ rows, columns, bitsStored, data }: GreyFrame, codecs: Codecs): Buffer {
  const image = {
    ...{ rows, columns, bitsStored, samplesPerPixel: 1, bitsAllocated: 16, frames: 1 },
    ...{ isSigned: false, isPlanar: false, photometricInterpretation: 'MONOCHROME2' },
  };
  return encodeJpegLs(data, { image, codecs });
}

function jpeg2000({ rows, columns, bitsStored, data }: GreyFrame, codecs: Codecs): Buffer {
  const encoder = codecs.j2kEncoder();
  const info = { width: columns, height: rows, bitsPerSample: bitsStored, componentCount: 1 };
  try {
    encoder.getDecodedBuffer({ ...info, isSigned: false }).set(data);
    encoder.setQuality(true, 0);
    encoder.encode();
    return Buffer.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}
