/** What a frame's pixels mean, by the attributes of its object; of enhanced ones by the frame's functional groups. PS3.3 C.7.6.3, C.7.6.16. */
import type { JsonDataSet } from '../../../shared/dicom/dicom-json.ts';

export interface Window {
  readonly centre: number;
  readonly width: number;
  /** PS3.3 C.11.2.1.2. */
  readonly shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
}

/** A table that maps values from `first` on. PS3.3 C.11.1.1.1. */
export interface LookUp {
  readonly first: number;
  readonly values: readonly number[] | Uint8Array | Uint16Array;
  /** What the largest output is. */
  readonly largest: number;
}

export interface ImageAttributes {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly isSigned: boolean;
  readonly isPlanar: boolean;
  /** Float Pixel Data, Double Float Pixel Data. */
  readonly isFloat: boolean;
  readonly photometric: string;
  readonly isInverted: boolean;
  readonly slope: number;
  readonly intercept: number;
  readonly modalityLookUp: LookUp | undefined;
  readonly window: Window | undefined;
  readonly voiLookUp: LookUp | undefined;
  readonly palette: readonly LookUp[] | undefined;
  readonly padding: number | undefined;
}

/** @param frame counted from 0 */
export function imageAttributes(attributes: JsonDataSet, frame: number): ImageAttributes {
  const find = finderOf(attributes, frame);
  const number = (tag: string): number | undefined => asNumber(find(tag)?.Value?.[0]);
  const text = (tag: string): string => String(find(tag)?.Value?.[0] ?? '').trim();
  const photometric = text('00280004') || 'MONOCHROME2';
  const bitsAllocated = number('00280100') ?? 8;
  const isSigned = number('00280103') === 1;
  const [centre, width] = [number('00281050'), number('00281051')];
  return {
    rows: number('00280010') ?? 0,
    columns: number('00280011') ?? 0,
    samples: number('00280002') ?? 1,
    bitsAllocated,
    bitsStored: number('00280101') ?? bitsAllocated,
    isSigned,
    isPlanar: number('00280006') === 1,
    isFloat: '7FE00008' in attributes || '7FE00009' in attributes,
    photometric,
    isInverted:
      (photometric === 'MONOCHROME1') !==
      (text('20500020') === 'INVERSE' && photometric !== 'MONOCHROME1'),
    slope: number('00281053') ?? 1,
    intercept: number('00281052') ?? 0,
    modalityLookUp: lookUpOf(find('00283000')?.Value?.[0], isSigned),
    window:
      centre === undefined || width === undefined
        ? undefined
        : { centre, width, shape: shapeOf(text('00281056')) },
    voiLookUp: lookUpOf(find('00283010')?.Value?.[0], isSigned),
    palette: photometric === 'PALETTE COLOR' ? paletteOf(attributes) : undefined,
    padding: number('00280120'),
  };
}

type Finder = (tag: string) => JsonDataSet[string] | undefined;

/** The data set's own, else the frame's groups, else the shared ones. */
function finderOf(attributes: JsonDataSet, frame: number): Finder {
  const groups = [
    attributes['52009230']?.Value?.[frame] as JsonDataSet | undefined,
    attributes['52009229']?.Value?.[0] as JsonDataSet | undefined,
  ].flatMap((group) => Object.values(group ?? {}));
  const items = groups.map((sequence) => sequence.Value?.[0] as JsonDataSet | undefined);
  return (tag) => {
    const own = attributes[tag];
    if (own?.Value !== undefined) return own;
    return items.find((item) => item?.[tag]?.Value !== undefined)?.[tag] ?? own;
  };
}

const shapeOf = (text: string): Window['shape'] =>
  text === 'SIGMOID' || text === 'LINEAR_EXACT' ? text : 'LINEAR';

const asNumber = (value: unknown): number | undefined => {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

/** A LUT item: descriptor (entries, first, bits) and data. */
function lookUpOf(item: unknown, isSigned: boolean): LookUp | undefined {
  const dataSet = item as JsonDataSet | undefined;
  const [entries, first, bits] = descriptor(dataSet?.['00283002'], isSigned);
  const data = dataSet?.['00283006'];
  if (entries === undefined || data === undefined) return undefined;
  const values =
    data.InlineBinary === undefined
      ? (data.Value ?? []).map(Number)
      : words(Buffer.from(data.InlineBinary, 'base64'));
  if (values.length === 0) return undefined;
  return { first: first ?? 0, values: values.slice(0, entries), largest: 2 ** (bits ?? 16) - 1 };
}

function paletteOf(attributes: JsonDataSet): readonly LookUp[] | undefined {
  const channels = [1, 2, 3].map((channel): LookUp | undefined => {
    const [entries, first, bits] = descriptor(attributes[`0028110${channel}`], false);
    const inline = attributes[`0028120${channel}`]?.InlineBinary;
    if (entries === undefined || inline === undefined) return undefined;
    const bytes = Buffer.from(inline, 'base64');
    const isBytes = bits === 8 && bytes.length < entries * 2;
    const values = isBytes ? new Uint8Array(bytes) : words(bytes);
    return {
      first: first ?? 0,
      values: values.slice(0, entries),
      largest: isBytes || bits === 8 ? 255 : 65_535,
    };
  });
  const found = channels.filter((channel) => channel !== undefined);
  return found.length === 3 ? found : undefined;
}

/** 0 entries are 65536. PS3.3 C.11.1.1. */
function descriptor(
  element: JsonDataSet[string] | undefined,
  isSigned: boolean,
): readonly (number | undefined)[] {
  const [entries, first, bits] = (element?.Value ?? []).map(asNumber);
  if (entries === undefined) return [];
  const start = isSigned && first !== undefined && first > 32_767 ? first - 65_536 : first;
  return [entries === 0 ? 65_536 : entries & 0xffff, start, bits];
}

function words(bytes: Buffer): Uint16Array {
  const found = new Uint16Array(bytes.length >> 1);
  for (let at = 0; at < found.length; at += 1) found[at] = bytes.readUInt16LE(at * 2);
  return found;
}
