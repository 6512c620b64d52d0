/**
 * The frames of objects: where each lies is found once, when the object has come or at the first look, and kept.
 *
 *   StoredInstance ─► FrameLayout, kept ─► bytes of a frame, as stored │ native
 *                  └► head, read when it is drawn ─► attributes about its pixels
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { canDecode } from '../../shared/pixel-data/decode.ts';
import type { ImagePixels, NativeFrame } from '../../shared/pixel-data/image.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { type CodecThreads, TranscodeError } from '../transcode/codec-threads.ts';
import { DicomWebError } from './dicomweb-error.ts';
import { type FrameLayout, layoutOf } from './frame-layout.ts';
import type { FrameTable } from './frame-table.ts';
import { frameBytes } from './frames.ts';
import type { KeptLayouts } from './kept-layouts.ts';
import { type ObjectHead, readObjectHead } from './object-head.ts';

/** Objects whose layouts are remembered in memory: a few series. */
const MAX_REMEMBERED = 4_000;
/** Modality, image pixel and look-up modules, presentation, functional groups. */
const ABOUT_PIXELS = /^(00080060|0028|2050|5200|7FE0)/;

export interface FrameSource {
  readonly instance: StoredInstance;
  readonly table: FrameTable;
  /** Those about its pixels. */
  attributes(): Promise<JsonDataSet>;
  /** `octets` are what the object's own attributes describe: not where decoding changes the colour space. */
  readonly hasOctets: boolean;
  /** Of a frame, counted from 0. */
  stored(at: number): AsyncGenerator<Buffer>;
  /** Native, little endian. */
  octets(at: number): AsyncGenerator<Buffer>;
  /** @throws DicomWebError `NOT_ACCEPTABLE` without a codec for it, `PIXELS_UNREADABLE` for a broken frame */
  native(at: number): Promise<NativeFrame>;
}

interface Remembered {
  readonly layout: Promise<FrameLayout>;
  attributes?: Promise<JsonDataSet>;
}

type Decoder = Pick<CodecThreads, 'decode'>;

export interface FrameSourceParts {
  readonly spool: Spool;
  readonly decoder: Decoder;
  readonly kept: KeptLayouts;
}

export class FrameSources {
  readonly #spool: Spool;
  readonly #decoder: Decoder;
  readonly #kept: KeptLayouts;
  /** By path: it names content, which never changes. */
  readonly #remembered = new Map<string, Remembered>();

  constructor({ spool, decoder, kept }: FrameSourceParts) {
    this.#spool = spool;
    this.#decoder = decoder;
    this.#kept = kept;
  }

  /** @throws DicomWebError, DicomError, or a system error when the file can't be read */
  async of(instance: StoredInstance): Promise<FrameSource> {
    const file = this.#spool.absolute(instance.path);
    const remembered = this.#remember(instance);
    const { image, table } = await remembered.layout;
    const { bitsAllocated } = image;
    const stored = (at: number) => frameBytes(file, instance, { table, at, bitsAllocated });
    const isNative = table.kind === 'native';
    const native = async (at: number): Promise<NativeFrame> => {
      const frame = await whole(stored(at));
      if (!isNative) return this.#decode(frame, image, instance);
      return { bytes: frame, photometricInterpretation: image.photometricInterpretation };
    };
    const attributes = (): Promise<JsonDataSet> => {
      remembered.attributes ??= readAttributes(file, instance);
      return remembered.attributes;
    };
    return {
      ...{ instance, table, attributes, stored, native },
      hasOctets: isNative || (canDecode(instance.transferSyntaxUID) && staysAsDescribed(image)),
      octets: (at) => (isNative ? stored(at) : bytesOf(native(at))),
    };
  }

  /**
   * Finds where its frames lie, unless that is known.
   *
   * @param head when it has been read
   * @throws DicomWebError `NO_PIXELS`, `PIXELS_UNREADABLE`, which are kept as well; DicomError, or a system error
   */
  async keep(instance: StoredInstance, head?: ObjectHead): Promise<FrameLayout> {
    const known = this.#kept.of(instance);
    if (known !== undefined) return known;
    const file = this.#spool.absolute(instance.path);
    try {
      const layout = await layoutOf(file, instance, head ?? (await readObjectHead(file, instance)));
      this.#kept.keep(instance, layout);
      return layout;
    } catch (error) {
      if (error instanceof DicomWebError) this.#kept.keep(instance, error);
      throw error;
    }
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

  #remember(instance: StoredInstance): Remembered {
    const { path } = instance;
    const known = this.#remembered.get(path);
    const remembered = known ?? { layout: this.keep(instance) };
    this.#remembered.delete(path);
    this.#remembered.set(path, remembered);
    if (known === undefined) remembered.layout.catch(() => this.#remembered.delete(path));
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined)
      this.#remembered.delete(oldest);
    return remembered;
  }
}

async function readAttributes(file: string, instance: StoredInstance): Promise<JsonDataSet> {
  const { attributes } = await readObjectHead(file, instance);
  return Object.fromEntries(Object.entries(attributes).filter(([tag]) => ABOUT_PIXELS.test(tag)));
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
