/**
 * Data sets that fit in memory, of requests and responses: read by tag, sequences too, and made anew.
 *
 *   bytes ─► readSmallDataSet ─► text(tag), items(tag) …        entries ─► writeSmallDataSet ─► bytes
 */
import { type Charset, charsetOf, decodeText } from './character-set.ts';
import { vrOfTag } from './dictionary.ts';
import { ElementReader } from './element-reader.ts';
import { type ElementEncoding, encodeElement, encodeItem, padded } from './encode-element.ts';
import { encodeText } from './encode-text.ts';
import { elementsOfDataSet, type ItemElement, itemsOf } from './items.ts';
import { Tag } from './tag.ts';
import { encodingOf } from './transfer-syntax.ts';

export class SmallDataSet {
  readonly #encoding: ElementEncoding;
  readonly #charset: Charset;
  readonly #elements: ReadonlyMap<number, ItemElement>;

  constructor(elements: readonly ItemElement[], encoding: ElementEncoding, charset: Charset) {
    this.#elements = new Map(elements.map((element) => [element.tag, element]));
    this.#encoding = encoding;
    const own = this.#elements.get(Tag.SpecificCharacterSet)?.value.toString('latin1').trim();
    this.#charset = own === undefined || own === '' ? charset : charsetOf(own);
  }

  get tags(): readonly number[] {
    return [...this.#elements.keys()];
  }

  /** Undefined when it is absent; an element of zero length is ''. */
  text(tag: number): string | undefined {
    const element = this.#elements.get(tag);
    if (element === undefined || isSequence(element)) return undefined;
    return decodeText(element.value, this.#charset)
      .replace(/[\0 ]+$/, '')
      .trimStart();
  }

  /** The value as it stands; undefined when it is absent, or a sequence. */
  bytes(tag: number): Buffer | undefined {
    const element = this.#elements.get(tag);
    return element === undefined || isSequence(element) ? undefined : element.value;
  }

  /** Of a sequence; none when it is absent or empty. */
  items(tag: number): readonly SmallDataSet[] {
    const element = this.#elements.get(tag);
    if (element === undefined || !isSequence(element)) return [];
    const encoding = element.vr === 'UN' ? { explicit: false, bigEndian: false } : this.#encoding;
    return itemsOf(element, encoding).map(
      ({ elements }) => new SmallDataSet(elements, encoding, this.#charset),
    );
  }

  isSequence(tag: number): boolean {
    const element = this.#elements.get(tag);
    return element !== undefined && isSequence(element);
  }
}

const isSequence = ({ vr, tag, length }: ItemElement): boolean =>
  vr === 'SQ' || (vr === 'UN' && (vrOfTag(tag) === 'SQ' || length === 0xffff_ffff));

/** @throws DicomError */
export function readSmallDataSet(transferSyntaxUID: string, bytes: Buffer): SmallDataSet {
  const encoding = encodingOf(transferSyntaxUID);
  if (bytes.length > 0) {
    const reader = new ElementReader(encoding, { element: () => false, value: () => {} });
    reader.write(bytes);
    reader.end();
  }
  return new SmallDataSet(elementsOfDataSet(bytes, encoding), encoding, charsetOf(null));
}

/** An element: text in the VR that PS3.6 gives the tag, a number of VR US, or the items of a sequence. */
export type Entry = readonly [tag: number, value: string | number | readonly (readonly Entry[])[]];

/** @param entries in any order; without Specific Character Set, which is named when text needs it */
export function writeSmallDataSet(transferSyntaxUID: string, entries: readonly Entry[]): Buffer {
  const encoding = encodingOf(transferSyntaxUID);
  const isAscii = textsOf(entries).every((text) => Buffer.byteLength(text) === text.length);
  const all: readonly Entry[] = isAscii
    ? entries
    : [...entries, [Tag.SpecificCharacterSet, 'ISO_IR 192']];
  return Buffer.concat(encodeEntries(encoding, all));
}

function textsOf(entries: readonly Entry[]): string[] {
  return entries.flatMap(([, value]) => {
    if (typeof value === 'string') return value;
    return typeof value === 'number' ? [] : value.flatMap(textsOf);
  });
}

function encodeEntries(encoding: ElementEncoding, entries: readonly Entry[]): Buffer[] {
  return [...entries]
    .sort(([a], [b]) => a - b)
    .map(([tag, value]) => {
      if (typeof value === 'number')
        return encodeElement(encoding, { tag, vr: 'US', value: unsignedShort(encoding, value) });
      if (typeof value !== 'string') {
        const items = value.map((item) => encodeItem(encoding, encodeEntries(encoding, item)));
        return encodeElement(encoding, { tag, vr: 'SQ', value: Buffer.concat(items) });
      }
      const vr = vrOfTag(tag);
      const { bytes } = encodeText(value, { kind: 'encoding', label: 'utf-8' });
      return encodeElement(encoding, { tag, vr, value: padded(bytes, vr === 'UI' ? '\0' : ' ') });
    });
}

function unsignedShort({ bigEndian }: ElementEncoding, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  if (bigEndian) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}
