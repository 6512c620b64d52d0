/**
 * What is wanted of a rendered image, read from Accept and the query. PS3.18 §8.3.5.1, §8.7.4.
 *
 *   ?viewport=100,100&window=40,400,linear&quality=80 ─► RenderWish
 */
import { acceptedTypes, admits } from '../../../shared/dicomweb/accept.ts';
import { DicomWebError } from '../dicomweb-error.ts';
import type { Window } from './image-attributes.ts';

export interface RenderWish {
  readonly type: 'image/jpeg' | 'image/png';
  readonly isMultipart: boolean;
  readonly window: Window | undefined;
  readonly viewport: Viewport | undefined;
  readonly quality: number;
  /** What is not done as it was asked, in words. */
  readonly remarks: readonly string[];
}

/** The image fits into it. */
export interface Viewport {
  readonly width: number;
  readonly height: number;
  /** Of the image, in its pixels; absent: all of it. */
  readonly region?: Region;
}

export interface Region {
  readonly left: number;
  readonly top: number;
  /** Undefined: to the image's edge. Negative: mirrored. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

const QUALITY = 90;
const TYPES = ['image/jpeg', 'image/png'] as const;

/** @throws DicomWebError `NOT_ACCEPTABLE`, `INVALID_QUERY` */
export function readRenderWish(
  accept: string | undefined,
  parameters: Readonly<Record<string, unknown>>,
): RenderWish {
  // Whoever takes anything gets one image, not a part of several.
  const chosen = acceptedTypes(accept)
    .filter(({ isMultipart, type }) => !(isMultipart && type === '*/*'))
    .flatMap(({ type: accepted, isMultipart }) =>
      TYPES.filter((type) => admits(accepted, type)).map((type) => ({ type, isMultipart })),
    )[0];
  if (chosen === undefined)
    throw new DicomWebError('NOT_ACCEPTABLE', 'This is answered as image/jpeg or image/png.');
  return {
    ...chosen,
    window: windowOf(parameters['window']),
    viewport: viewportOf(parameters['viewport']),
    quality: qualityOf(parameters['quality']),
    remarks: remarksOn(parameters),
  };
}

/** Neither is anything written into an image here, nor are its colours made others. */
function remarksOn({ annotation, iccprofile = 'no' }: Readonly<Record<string, unknown>>): string[] {
  const remarks = [];
  if (annotation !== undefined)
    remarks.push('The annotation parameter is not supported. Nothing is written into the image.');
  if (iccprofile !== 'no')
    remarks.push('The iccprofile parameter is not supported. The colours are as stored.');
  return remarks;
}

/** `centre,width,linear|linear-exact|sigmoid`. PS3.18 §8.3.5.1.4; the least widths PS3.3 C.11.2.1.2. */
function windowOf(given: unknown): Window | undefined {
  if (given === undefined) return undefined;
  const [centre = '', width = '', shape = 'linear'] = String(given).split(',');
  const known = { linear: 'LINEAR', 'linear-exact': 'LINEAR_EXACT', sigmoid: 'SIGMOID' } as const;
  const found = known[shape.toLowerCase() as keyof typeof known];
  const numbers = [Number(centre), Number(width)] as const;
  const isWide = found === 'LINEAR' ? numbers[1] >= 1 : numbers[1] > 0;
  if (centre === '' || !numbers.every(Number.isFinite) || found === undefined || !isWide)
    throw new DicomWebError(
      'INVALID_QUERY',
      'window is centre,width,linear (or linear-exact, sigmoid); the width at least 1.',
    );
  return { centre: numbers[0], width: numbers[1], shape: found };
}

/** `width,height`, and of which part: `,left,top,width,height`, each with a default. PS3.18 §8.3.5.1.3. */
function viewportOf(given: unknown): Viewport | undefined {
  if (given === undefined) return undefined;
  const texts = String(given).split(',');
  const [width = 0, height = 0, ...source] = texts.map((text) =>
    text.trim() === '' ? undefined : Number(text),
  );
  const isSize = [width, height].every((size) => Number.isInteger(size) && size > 0 && size < 1e5);
  const isKnown = source.every((number) => number === undefined || Number.isFinite(number));
  const [left = 0, top = 0, regionWidth, regionHeight] = source;
  const isRegion = left >= 0 && top >= 0 && regionWidth !== 0 && regionHeight !== 0;
  if (![2, 6].includes(texts.length) || !isSize || !isKnown || !isRegion)
    throw new DicomWebError(
      'INVALID_QUERY',
      'viewport is width,height in pixels, or width,height,left,top,width,height for a part of the image.',
    );
  if (source.length === 0) return { width, height };
  return { width, height, region: { left, top, width: regionWidth, height: regionHeight } };
}

function qualityOf(given: unknown): number {
  if (given === undefined) return QUALITY;
  const quality = Number(given);
  if (Number.isInteger(quality) && quality >= 1 && quality <= 100) return quality;
  throw new DicomWebError('INVALID_QUERY', 'quality is a whole number from 1 to 100.');
}
