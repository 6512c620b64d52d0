/**
 * An object that was made of pseudonymised ones, with the identity that they stood for. Every other byte
 * stays; what the pseudonyms were is not in it.
 *
 *   data set ─┬─ patient and study ─► as the original has them
 *             ├─ UIDs, moved dates, pseudonyms in text, at any depth ─► their originals
 *             └─ marks of de-identification ─► gone      ─► pseudonym-check.ts, over all that came out
 *
 * Where the identity can't be written in its character set, all of its text becomes UTF-8.
 */
import { type Charset, charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { deflate, inflate } from '../../shared/dicom/deflated-bytes.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import {
  type ElementHeader,
  ElementReader,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import {
  type ElementEncoding,
  encodeElement,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';
import { encodeText } from '../../shared/dicom/encode-text.ts';
import { itemsOf, type SequenceItem } from '../../shared/dicom/items.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import { type DataSetSource, readTopLevel } from '../../shared/dicom/rewrite.ts';
import { formatTag, Tag } from '../../shared/dicom/tag.ts';
import type { TopLevelScan } from '../../shared/dicom/top-level-scan.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import {
  type Choice,
  DataSetTransformer,
  type HeldElement,
  type Insertion,
} from '../../shared/dicom/transform.ts';
import { TEXT_VRS, textsIn, writeCarried } from './carried-elements.ts';
import { encodedItems } from './change-element.ts';
import { MARK_TAGS } from './marks.ts';
import { PseudonymCheck } from './pseudonym-check.ts';
import { IDENTITY_TAGS, type PseudonymMap } from './pseudonym-map.ts';
import { RestoreError } from './restore-error.ts';

const UTF_8: Charset = { kind: 'encoding', label: 'utf-8' };
const UTF_8_TERM = 'ISO_IR 192';
/** Characters. PS3.5 §6.2. */
const MAX_CHARACTERS: Readonly<Record<string, number>> = { SH: 16, LO: 64, PN: 64, ST: 1024 };
/** Of a value whose length has 16 bits. */
const MAX_SHORT_BYTES = 0xfffe;
const SHORT_TEXT = new Set(['LO', 'LT', 'PN', 'SH', 'ST']);
const PIXELS = new Set([0x7fe0_0008, 0x7fe0_0009, 0x7fe0_0010]);

/**
 * @returns the new data set's bytes, in the same transfer syntax
 * @throws RestoreError, DicomError: what came out before is to be thrown away
 */
export async function* restoreObject(
  source: DataSetSource,
  map: PseudonymMap,
): AsyncGenerator<Buffer> {
  const scan = await readTopLevel(source, [Tag.SpecificCharacterSet, ...IDENTITY_TAGS]);
  const restored = restoredBytes(source, new Restorer(map, scan), map);
  if (encodingOf(source.transferSyntaxUID).deflated) yield* deflate(restored);
  else yield* restored;
}

async function* restoredBytes(
  source: DataSetSource,
  restorer: Restorer,
  map: PseudonymMap,
): AsyncGenerator<Buffer> {
  const encoding = encodingOf(source.transferSyntaxUID);
  const transformer = new DataSetTransformer(encoding, restorer);
  const check = new PseudonymCheck(map);
  const checked = new ElementReader(encoding, check);
  const bytes = encoding.deflated ? inflate(source.open()) : source.open();
  for await (const chunk of bytes)
    for (const part of transformer.write(chunk)) {
      checked.write(part);
      yield part;
    }
  for (const part of transformer.end()) {
    checked.write(part);
    yield part;
  }
  checked.end();
  check.refuse();
}

interface Level {
  readonly encoding: ElementEncoding;
  readonly charset: Charset;
}

interface OriginalText {
  readonly bytes: Buffer;
  readonly text: string;
}

class Restorer {
  readonly insert: readonly Insertion[];
  readonly #map: PseudonymMap;
  readonly #level: Level;
  /** Undefined: each text stays in the character set that it has. */
  readonly #into: Charset | undefined;
  readonly #original: Charset;
  readonly #isSame: boolean;
  readonly #patientName: OriginalText;
  readonly #patientId: OriginalText;

  constructor(map: PseudonymMap, { encoding, elements }: TopLevelScan) {
    const [specific] = elements.get(Tag.SpecificCharacterSet) ?? [];
    const named = specific?.value.toString('latin1').trim() ?? '';
    const charset = charsetOf(named);
    this.#map = map;
    this.#level = { encoding, charset };
    this.#original = charsetOf(map.charset);
    const isAscii = map.identity.every((element) => [...textsIn(element)].every(hasAscii));
    this.#isSame = named === map.charset;
    this.#into = isAscii || this.#isSame || isUtf8(charset) ? undefined : UTF_8;
    this.#patientName = this.#originalText(Tag.PatientName);
    this.#patientId = this.#originalText(Tag.PatientID);
    this.insert = this.#insertions(encoding, specific !== undefined);
  }

  choose({ tag, vr, length }: ElementHeader): Choice {
    if (MARK_TAGS.has(tag) || IDENTITY_TAGS.has(tag)) return 'drop';
    if (PIXELS.has(tag)) return 'keep';
    const known = vr === 'UN' ? vrOfTag(tag) : vr;
    const mayChange = known === 'SQ' || known === 'CS' || isReplaced(known);
    return mayChange || length === UNDEFINED_LENGTH ? 'hold' : 'keep';
  }

  change(element: HeldElement): Buffer {
    return this.#changed(element, this.#level);
  }

  #insertions(encoding: ElementEncoding, hasCharset: boolean): Insertion[] {
    const to = this.#into ?? this.#level.charset;
    const text = (value: Buffer): Buffer =>
      this.#isSame || hasAscii(value)
        ? value
        : encodeText(decodeText(value, this.#original), to).bytes;
    const identity = this.#map.identity.map((element) => ({
      tag: element.tag,
      bytes: writeCarried(element, encoding, text),
    }));
    if (this.#into === undefined || hasCharset) return identity;
    const value = Buffer.from(UTF_8_TERM);
    const tag = Tag.SpecificCharacterSet;
    return [...identity, { tag, bytes: encodeElement(encoding, { tag, vr: 'CS', value }) }];
  }

  #originalText(tag: number): OriginalText {
    const element = this.#map.identity.find((each) => each.tag === tag);
    const bytes = Buffer.from(element?.value ?? '', 'base64');
    const text = decodeText(bytes, this.#original)
      .replace(/[\0 ]+$/, '')
      .trimStart();
    return { bytes, text };
  }

  #changed(element: HeldElement, level: Level): Buffer {
    const { tag } = element;
    const vr = element.vr === 'UN' ? vrOfTag(tag) : element.vr;
    if (vr === 'SQ' || element.length === UNDEFINED_LENGTH) return this.#items(element, level);
    if (vr === 'UI') return this.#each(element, level, (uid) => this.#map.uids.get(uid));
    if (vr === 'DA' || vr === 'DT')
      return this.#each(element, level, (date) => this.#map.dates.get(date));
    if (tag === Tag.SpecificCharacterSet && this.#into !== undefined)
      return encoded(element, level, Buffer.from(UTF_8_TERM));
    return TEXT_VRS.has(vr) ? this.#restoredText(element, level, vr) : element.bytes;
  }

  #restoredText(element: HeldElement, level: Level, vr: string): Buffer {
    const { tag, value } = element;
    const text = decodeText(value, level.charset);
    const isWhole = text.trim() === this.#map.patient;
    if (isWhole && this.#isSame && level.charset === this.#level.charset)
      return encoded(element, level, vr === 'PN' ? this.#patientName.bytes : this.#patientId.bytes);
    const restored = this.#text(text, vr);
    if (restored === text && (this.#into === undefined || hasAscii(value))) return element.bytes;
    const max = MAX_CHARACTERS[vr];
    // Of several values, and of the groups of a name, each has its own limit.
    const longest = Math.max(...restored.split(/[\\=]/).map((each) => each.trimEnd().length));
    if (restored !== text && max !== undefined && longest > max)
      throw new RestoreError(
        'PSEUDONYM_LEFT',
        `what stands for ${formatTag(tag)} has no room in it`,
      );
    const { bytes, isExact } = encodeText(restored, this.#into ?? level.charset);
    if (!isExact) throw new RestoreError('PSEUDONYM_LEFT', `${formatTag(tag)} has no such letters`);
    return encoded(element, level, bytes);
  }

  #each(element: HeldElement, level: Level, original: (of: string) => string | undefined): Buffer {
    const values = element.value.toString('latin1').split('\\').map(trimUID);
    const restored = values.map((value) => original(value.trim()) ?? value);
    if (restored.every((value, at) => value === values[at])) return element.bytes;
    return encoded(element, level, Buffer.from(restored.join('\\'), 'latin1'));
  }

  /** Pseudonyms are of letters and digits that no word has; wherever they stand, they are meant. */
  #text(text: string, vr: string): string {
    const { patient, texts, uids } = this.#map;
    let restored = text.replaceAll(
      patient,
      (vr === 'PN' ? this.#patientName : this.#patientId).text,
    );
    for (const [pseudonym, original] of texts) restored = restored.replaceAll(pseudonym, original);
    return restored.replace(/2\.25\.\d{1,39}/g, (uid) => uids.get(uid) ?? uid);
  }

  #items(element: HeldElement, level: Level): Buffer {
    // A sequence of unknown VR is in implicit VR little endian, whatever holds it. PS3.5 §6.2.2 note 2.
    const encoding = element.vr === 'UN' ? { explicit: false, bigEndian: false } : level.encoding;
    const items = itemsOf(element, encoding);
    const changed = items.map((item) => this.#item(item, { ...level, encoding }));
    if (changed.every((bytes, at) => bytes === items[at]?.bytes)) return element.bytes;
    return encodedItems(element, level.encoding, changed);
  }

  #item(item: SequenceItem, outer: Level): Buffer {
    const own = item.elements.find(({ tag }) => tag === Tag.SpecificCharacterSet);
    const charset =
      own === undefined ? outer.charset : charsetOf(own.value.toString('latin1').trim());
    const level = { encoding: outer.encoding, charset };
    const changed = item.elements.map((element) => this.#changed(element, level));
    if (changed.every((bytes, at) => bytes === item.elements[at]?.bytes)) return item.bytes;
    return encodeItem(outer.encoding, changed);
  }
}

const isReplaced = (vr: string): boolean =>
  vr === 'UI' || vr === 'DA' || vr === 'DT' || TEXT_VRS.has(vr);

const hasAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80 && byte !== 0x1b);

const isUtf8 = (charset: Charset): boolean =>
  charset.kind === 'encoding' && charset.label === 'utf-8';

function encoded(element: HeldElement, { encoding }: Level, value: Buffer): Buffer {
  const { tag } = element;
  const vr = element.vr === 'UN' ? vrOfTag(tag) : element.vr;
  const even = padded(value, vr === 'UI' ? '\0' : ' ');
  if (even.length > MAX_SHORT_BYTES && SHORT_TEXT.has(vr))
    throw new RestoreError('PSEUDONYM_LEFT', `${formatTag(tag)} is too large to be changed`);
  return encodeElement(encoding, { tag, vr, value: even });
}
