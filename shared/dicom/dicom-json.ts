/**
 * A data set as DICOM JSON, made while its bytes stream by. PS3.18 Annex F.
 *
 *   bytes ─► ElementReader ─► DicomJsonBuilder ─► { "00100010": { vr, Value }, … }
 *
 * Ends at the pixel data: what lies behind it is not looked at. Binary values that are not small stand as
 * BulkDataURI, whose path names the element: `tag`, or `tag/item/tag` within sequences.
 */
import { type Charset, charsetOf } from './character-set.ts';
import { vrOfTag } from './dictionary.ts';
import { type ElementHeader, type ElementVisitor, UNDEFINED_LENGTH } from './element-reader.ts';
import { isBinaryVr, jsonValues } from './json-values.ts';
import { Tag } from './tag.ts';

export interface JsonElement {
  readonly vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}
/** By tag, eight capital hexadecimal digits. */
export type JsonDataSet = { [tag: string]: JsonElement };

/** Binary up to so many bytes stands inline. */
const INLINE_BYTES = 1_024;
/** Of these a viewer needs every image's: palettes, LUTs, offset tables. */
const INLINE_LUT_BYTES = 256 * 1024;
const TEXT_BYTES = 64 * 1024;
const PIXEL_DATA: ReadonlySet<number> = new Set([0x7fe0_0008, 0x7fe0_0009, Tag.PixelData]);
/** US or SS by Pixel Representation, which implicit VR does not tell. PS3.6. */
const SIGNED_BY_REPRESENTATION: ReadonlySet<number> = new Set([
  ...[0x0028_0106, 0x0028_0107, 0x0028_0108, 0x0028_0109, 0x0028_0110, 0x0028_0111],
  ...[0x0028_0120, 0x0028_0121],
]);

export const tagName = (tag: number): string => tag.toString(16).toUpperCase().padStart(8, '0');

interface Level {
  readonly dataSet: JsonDataSet;
  readonly charset: Charset;
  /** Of the elements in it. */
  readonly path: string;
  /** The sequence in it that is being walked. */
  sequence: { readonly items: unknown[]; readonly tag: string } | undefined;
}

export interface JsonOptions {
  readonly explicit: boolean;
  /** The BulkDataURI of an element, by its path. */
  readonly bulkDataURI: (path: string) => string;
}

export class DicomJsonBuilder implements ElementVisitor {
  readonly #options: JsonOptions;
  readonly #levels: Level[] = [
    { dataSet: {}, charset: charsetOf(null), path: '', sequence: undefined },
  ];
  #isSigned = false;
  /** Of the data set's own pixel data, once it was reached. */
  pixelData: ElementHeader | undefined;

  constructor(options: JsonOptions) {
    this.#options = options;
  }

  get dataSet(): JsonDataSet {
    return this.#levels[0]?.dataSet ?? {};
  }

  element(header: ElementHeader): boolean {
    const level = this.#levels[header.depth];
    if (this.pixelData !== undefined || level === undefined) return false;
    const { tag, length } = header;
    const name = tagName(tag);
    level.sequence = undefined;
    // Group lengths say nothing in JSON; of an element that stands twice the first counts.
    if ((tag & 0xffff) === 0 || name in level.dataSet) return false;
    const vr = this.#vrOf(header);
    const element: JsonElement = { vr };
    level.dataSet[name] = element;
    const isPixelData = header.depth === 0 && PIXEL_DATA.has(tag);
    if (isPixelData) this.pixelData = header;
    if (vr === 'SQ') {
      const items: unknown[] = [];
      level.sequence = { items, tag: name };
      return false;
    }
    if (isPixelData || length === UNDEFINED_LENGTH || length > limitOf(tag, vr)) {
      element.BulkDataURI = this.#options.bulkDataURI(level.path + name);
      return false;
    }
    return true;
  }

  value(header: ElementHeader, bytes: Buffer): void {
    const level = this.#levels[header.depth];
    const element = level?.dataSet[tagName(header.tag)];
    if (level === undefined || element === undefined || bytes.length === 0) return;
    if (isBinaryVr(element.vr)) {
      element.InlineBinary = bytes.toString('base64');
      return;
    }
    if (header.tag === Tag.SpecificCharacterSet) {
      this.#levels[header.depth] = { ...level, charset: charsetOf(bytes.toString('latin1')) };
      element.Value = ['ISO_IR 192'];
      return;
    }
    const { charset } = level;
    const values = jsonValues(element.vr, bytes, { charset, bigEndian: header.bigEndian });
    if (values.length > 0) element.Value = values;
    if (header.tag === 0x0028_0103 && header.depth === 0) this.#isSigned = values[0] === 1;
  }

  item(depth: number): void {
    const level = this.#levels[depth];
    this.#levels.length = depth + 1;
    if (level?.sequence === undefined || this.pixelData !== undefined) return;
    const { items, tag } = level.sequence;
    const dataSet: JsonDataSet = {};
    items.push(dataSet);
    const element = level.dataSet[tag];
    if (element !== undefined) element.Value = items;
    const path = `${level.path}${tag}/${items.length}/`;
    this.#levels.push({ dataSet, charset: level.charset, path, sequence: undefined });
  }

  #vrOf({ tag, vr, length }: ElementHeader): string {
    if (vr === 'UN' && length === UNDEFINED_LENGTH) return 'SQ';
    const known = vr === 'UN' ? vrOfTag(tag) : vr;
    // A sequence in an unknown VR of defined length is bytes to the reader.
    if (vr === 'UN' && known === 'SQ') return 'UN';
    if (known === 'US' && this.#isSigned && !this.#options.explicit)
      return SIGNED_BY_REPRESENTATION.has(tag) ? 'SS' : known;
    return known;
  }
}

function limitOf(tag: number, vr: string): number {
  if (!isBinaryVr(vr)) return TEXT_BYTES;
  const isTable = (tag & 0xffff_ff00) >>> 0 === 0x0028_1200 || tag === 0x0028_3006;
  return isTable || tag >>> 16 === 0x7fe0 ? INLINE_LUT_BYTES : INLINE_BYTES;
}
