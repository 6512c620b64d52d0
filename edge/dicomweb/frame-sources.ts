/**
 * The frames of objects that are being looked at: where each lies is found once and remembered.
 *
 *   StoredInstance ─► head, FrameTable (kept while used) ─► bytes of a frame, as stored │ native
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { canDecode } from '../../shared/pixel-data/decode.ts';
import type { ImagePixels, NativeFrame } from '../../shared/pixel-data/image.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { type CodecThreads, TranscodeError } from '../transcode/codec-threads.ts';
import { DicomWebError } from './dicomweb-error.ts';
import { type FrameTable, frameTableOf } from './frame-table.ts';
import { frameBytes } from './frames.ts';
import { numberOf, readObjectHead } from './object-head.ts';

/** Objects whose tables are remembered: a few series. */
const MAX_KEPT = 4_000;
/** Modality, image pixel and look-up modules, presentation, functional groups. */
const ABOUT_PIXELS = /^(00080060|0028|2050|5200|7FE0)/;

export interface FrameSource {
  readonly instance: StoredInstance;
  readonly attributes: JsonDataSet;
  readonly table: FrameTable;
  /** `octets` are what the object's own attributes describe: not where decoding changes the colour space. */
  readonly hasOctets: boolean;
  /** Of a frame, counted from 0. */
  stored(at: number): AsyncGenerator<Buffer>;
  /** Native, little endian. */
  octets(at: number): AsyncGenerator<Buffer>;
  /** @throws DicomWebError `NOT_ACCEPTABLE` without a codec for it, `PIXELS_UNREADABLE` for a broken frame */
  native(at: number): Promise<NativeFrame>;
}

interface Kept {
  readonly attributes: JsonDataSet;
  readonly table: FrameTable;
}

type Decoder = Pick<CodecThreads, 'decode'>;

export class FrameSources {
  readonly #spool: Spool;
  readonly #decoder: Decoder;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(spool: Spool, decoder: Decoder) {
    this.#spool = spool;
    this.#decoder = decoder;
  }

  /** @throws DicomWebError, DicomError, or a system error when the file can't be read */
  async of(instance: StoredInstance): Promise<FrameSource> {
    const file = this.#spool.absolute(instance.path);
    const { attributes, table } = await this.#find(file, instance);
    const bitsAllocated = numberOf(attributes, '00280100') ?? 8;
    const stored = (at: number) => frameBytes(file, instance, { table, at, bitsAllocated });
    const isNative = table.kind === 'native';
    const image = imagePixels(attributes);
    const native = async (at: number): Promise<NativeFrame> => {
      const frame = await whole(stored(at));
      if (!isNative) return this.#decode(frame, image, instance);
      return { bytes: frame, photometricInterpretation: image.photometricInterpretation };
    };
    return {
      ...{ instance, attributes, table, stored, native },
      hasOctets: isNative || (canDecode(instance.transferSyntaxUID) && staysAsDescribed(image)),
      octets: (at) => (isNative ? stored(at) : bytesOf(native(at))),
    };
  }

  async #decode(
    frame: Buffer,
    image: ImagePixels,
    { transferSyntaxUID }: StoredInstance,
  ): Promise<NativeFrame> {
    try {
      return await this.#decoder.decode({ transferSyntaxUID, frame, image });
    } catch (cause) {
      if (!(cause instanceof TranscodeError) || cause.retry !== 'never') throw cause;
      if (cause.code === 'CODEC_UNSUPPORTED')
        throw new DicomWebError(
          'NOT_ACCEPTABLE',
          'This object can not be decoded here; retrieve it as it is stored.',
          { cause },
        );
      throw new DicomWebError('PIXELS_UNREADABLE', 'Its compressed pixels are broken.', { cause });
    }
  }

  /** A path names content, which never changes. */
  #find(file: string, instance: StoredInstance): Promise<Kept> {
    const known = this.#kept.get(instance.path);
    const kept = known ?? readTable(file, instance);
    this.#kept.delete(instance.path);
    this.#kept.set(instance.path, kept);
    if (known === undefined) kept.catch(() => this.#kept.delete(instance.path));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}

async function readTable(file: string, instance: StoredInstance): Promise<Kept> {
  const head = await readObjectHead(file, instance);
  const attributes = Object.fromEntries(
    Object.entries(head.attributes).filter(([tag]) => ABOUT_PIXELS.test(tag)),
  );
  return { attributes, table: await frameTableOf(file, instance, head) };
}

async function whole(frame: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of frame) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* bytesOf(frame: Promise<NativeFrame>): AsyncGenerator<Buffer> {
  yield (await frame).bytes;
}

/** Decoded colours are RGB, or YBR_FULL, pixel by pixel, whatever they were. */
const staysAsDescribed = ({ samplesPerPixel, photometricInterpretation, isPlanar }: ImagePixels) =>
  samplesPerPixel === 1 || (photometricInterpretation === 'RGB' && !isPlanar);

function imagePixels(attributes: JsonDataSet): ImagePixels {
  const number = (tag: string, otherwise: number): number => numberOf(attributes, tag) ?? otherwise;
  const bitsAllocated = number('00280100', 8);
  return {
    rows: number('00280010', 0),
    columns: number('00280011', 0),
    samplesPerPixel: number('00280002', 1),
    bitsAllocated,
    bitsStored: number('00280101', bitsAllocated),
    isSigned: number('00280103', 0) === 1,
    photometricInterpretation: String(attributes['00280004']?.Value?.[0] ?? '').trim(),
    isPlanar: number('00280006', 0) === 1,
    frames: number('00280008', 1),
  };
}
