/**
 * A data set in another encoding, element by element as it is read. PS3.5 §7, Annex A.
 *
 *   ElementReader ─► here ─► header in the new encoding, value ─► target
 *
 * Sequences and items get delimiters instead of lengths, so that nothing is held; group lengths go. Always
 * little endian. The bytes of a sequence of unknown VR stay as they are: implicit, PS3.5 §6.2.2 note 2.
 */
import {
  type ElementHeader,
  type ElementVisitor,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import { type ElementEncoding, encodeElementHeader } from '../../shared/dicom/encode-element.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { hasLongForm } from '../../shared/dicom/vr.ts';
import type { ByteSource } from './byte-source.ts';
import type { ImagePlan, NewElement, PlannedPixels } from './plan.ts';
import { DATA_SET } from './survey.ts';
import { explicitVr, MAX_SHORT_BYTES, swapOrder } from './value-bytes.ts';

/** Longer values are copied piece by piece; a multiple of every number's length. */
const PIECE_BYTES = 1_048_576;
const IMPLICIT: ElementEncoding = { explicit: false, bigEndian: false };

export interface DataSetWriterOptions {
  readonly source: ByteSource;
  /** Of the result. */
  readonly explicit: boolean;
  /** The source is in implicit VR. */
  readonly fromImplicit: boolean;
  /** By item. */
  readonly plans: ReadonlyMap<number, ImagePlan>;
  /** Pixels are in two's complement, by item. */
  readonly isSigned: (item: number) => boolean;
  readonly write: (bytes: Buffer) => void;
}

/** An item that is open, the data set being the first. */
interface Open {
  readonly item: number;
  /** Elements that have still to be put in, by tag, ascending. */
  readonly pending: [number, NewElement][];
  readonly encoding: ElementEncoding;
}

export class DataSetWriter implements ElementVisitor {
  readonly #options: DataSetWriterOptions;
  readonly #open: Open[] = [];
  /** Encodings of the open sequences. */
  readonly #inner: ElementEncoding[] = [];
  #items = DATA_SET;
  /** The depth of compressed pixels, which are no sequence. */
  #fragments = -1;

  constructor(options: DataSetWriterOptions) {
    this.#options = options;
    this.#begin(DATA_SET, { explicit: options.explicit, bigEndian: false });
  }

  element(header: ElementHeader): boolean {
    const { tag, depth, vr, length } = header;
    this.#closeItems(depth + 1);
    const { item, encoding } = this.#here();
    this.#putUpTo(tag);
    if ((tag & 0xffff) === 0) return false;
    const plan = this.#options.plans.get(item);
    const change = plan?.changes.get(tag);
    if (change !== undefined) return false;
    if (tag === Tag.PixelData && plan?.pixels !== undefined) {
      if (length === UNDEFINED_LENGTH) this.#fragments = depth;
      this.#putPixels(plan.pixels, encoding);
    } else if (vr === 'SQ' || length === UNDEFINED_LENGTH) this.#beginSequence(header, encoding);
    else this.#copy(header, encoding);
    return false;
  }

  value(): void {}

  item(depth: number): void {
    this.#closeItems(depth + 1);
    this.#items += 1;
    this.#put(itemMark(Tag.Item, UNDEFINED_LENGTH));
    this.#begin(this.#items, this.#inner[depth] ?? this.#here().encoding);
  }

  sequenceEnd(depth: number): void {
    if (depth === this.#fragments) {
      this.#fragments = -1;
      return;
    }
    this.#closeItems(depth + 1);
    this.#put(itemMark(Tag.SequenceDelimitationItem, 0));
    this.#inner.length = depth;
  }

  /** The data set is over. */
  end(): void {
    this.#closeItems(1);
    this.#putUpTo(Number.POSITIVE_INFINITY);
  }

  #begin(item: number, encoding: ElementEncoding): void {
    const changes = this.#options.plans.get(item)?.changes ?? new Map<number, NewElement | null>();
    const pending = [...changes].filter(
      (entry): entry is [number, NewElement] => entry[1] !== null,
    );
    this.#open.push({ item, encoding, pending: pending.sort(([a], [b]) => a - b) });
  }

  #here(): Open {
    const here = this.#open.at(-1);
    if (here === undefined) throw new Error('nothing is open');
    return here;
  }

  /** Ends items until so many are open. */
  #closeItems(count: number): void {
    while (this.#open.length > count) {
      this.#putUpTo(Number.POSITIVE_INFINITY);
      this.#open.pop();
      this.#put(itemMark(Tag.ItemDelimitationItem, 0));
    }
  }

  /** New elements that come before a tag, or in its place. */
  #putUpTo(tag: number): void {
    const { pending, encoding } = this.#here();
    for (let first = pending[0]; first !== undefined && first[0] <= tag; first = pending[0]) {
      const [own, { vr, value }] = first;
      this.#put(encodeElementHeader(encoding, { tag: own, vr, length: value.length }));
      this.#put(value);
      pending.shift();
    }
  }

  #beginSequence({ tag, vr, depth }: ElementHeader, encoding: ElementEncoding): void {
    this.#put(encodeElementHeader(encoding, { tag, vr, length: UNDEFINED_LENGTH }));
    this.#inner[depth] = vr === 'SQ' ? encoding : IMPLICIT;
  }

  #copy(header: ElementHeader, encoding: ElementEncoding): void {
    const { tag, length, valueStart, bigEndian } = header;
    const vr = this.#vrOf(header, encoding);
    this.#put(encodeElementHeader(encoding, { tag, vr, length }));
    for (let at = 0; at < length; at += PIECE_BYTES) {
      const piece = Math.min(PIECE_BYTES, length - at);
      const bytes = Buffer.from(this.#options.source.read(valueStart + at, piece));
      this.#put(bigEndian ? swapOrder(bytes, header.vr) : bytes);
    }
  }

  #vrOf({ tag, vr, length }: ElementHeader, { explicit }: ElementEncoding): string {
    if (!explicit) return vr;
    const { fromImplicit, isSigned } = this.#options;
    const written = fromImplicit ? explicitVr(tag, vr, isSigned(this.#here().item)) : vr;
    // PS3.5 §6.2.2: what is too long for the short form is of VR UN.
    return length > MAX_SHORT_BYTES && !hasLongForm(written) ? 'UN' : written;
  }

  #putPixels({ image, frame, form }: PlannedPixels, encoding: ElementEncoding): void {
    const native = image.bitsAllocated > 8 || !encoding.explicit ? 'OW' : 'OB';
    if (form === 'native') {
      const first = frame(0);
      const bytes = first.length * image.frames;
      const length = bytes + (bytes % 2);
      this.#put(encodeElementHeader(encoding, { tag: Tag.PixelData, vr: native, length }));
      for (let at = 0; at < image.frames; at += 1) this.#put(at === 0 ? first : frame(at));
      if (length > bytes) this.#put(Buffer.alloc(1));
      return;
    }
    const length = UNDEFINED_LENGTH;
    this.#put(encodeElementHeader(encoding, { tag: Tag.PixelData, vr: 'OB', length }));
    // An empty Basic Offset Table: one fragment a frame.
    this.#put(itemMark(Tag.Item, 0));
    for (let at = 0; at < image.frames; at += 1) {
      const bytes = frame(at);
      this.#put(itemMark(Tag.Item, bytes.length + (bytes.length % 2)));
      this.#put(bytes);
      if (bytes.length % 2 === 1) this.#put(Buffer.alloc(1));
    }
    this.#put(itemMark(Tag.SequenceDelimitationItem, 0));
  }

  #put(bytes: Buffer): void {
    this.#options.write(bytes);
  }
}

function itemMark(tag: number, length: number): Buffer {
  return encodeElementHeader(IMPLICIT, { tag, vr: '', length });
}
