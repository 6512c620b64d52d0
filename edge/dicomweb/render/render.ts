/**
 * A frame as an image that any browser shows: `rendered` and `thumbnail`. PS3.18 §8.3.5, §10.4.1.1.3.
 *
 *   FrameSource, frame ─► native pixels ─► grey or RGB ─► size ─► JPEG, PNG
 */
import { acceptedTypes, admits } from '../../../shared/dicomweb/accept.ts';
import type { WebAnswer } from '../answer.ts';
import { DicomWebError } from '../dicomweb-error.ts';
import type { FrameSource } from '../frame-sources.ts';
import { renderColour } from './colour.ts';
import { renderGrey } from './grayscale.ts';
import { imageAttributes, type Window } from './image-attributes.ts';

export interface RenderWish {
  readonly accept: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Wanted {
  readonly type: 'image/jpeg' | 'image/png';
  readonly window: Window | undefined;
  /** The image is made no larger than this. */
  readonly viewport: { readonly width: number; readonly height: number } | undefined;
  readonly quality: number;
}

const THUMBNAIL = { width: 256, height: 256 };
const QUALITY = 90;
/** What one request may take of the memory. */
const MAX_PIXELS = 100_000_000;

/** @param at frame, from 0 @throws DicomWebError */
export async function renderFrame(
  source: FrameSource,
  at: number,
  { isThumbnail, ...wish }: RenderWish & { isThumbnail: boolean },
): Promise<WebAnswer> {
  const { viewport, ...wanted } = wantedOf(wish);
  const body = await imageOf(source, at, {
    ...wanted,
    viewport: viewport ?? (isThumbnail ? THUMBNAIL : undefined),
  });
  return { status: 200, contentType: wanted.type, body };
}

async function imageOf(
  source: FrameSource,
  at: number,
  { type, window, viewport, quality }: Wanted,
): Promise<Buffer> {
  const described = imageAttributes(await source.attributes(), at);
  if (described.rows * described.columns > MAX_PIXELS)
    throw new DicomWebError('NOT_ACCEPTABLE', 'This image is too large to be rendered here.');
  const { bytes: pixels, photometricInterpretation } = await source.native(at);
  const isDecoded = source.table.kind === 'encapsulated';
  const image = isDecoded
    ? { ...described, photometric: photometricInterpretation, isPlanar: false }
    : described;
  const colour = renderColour(pixels, image);
  const raw = {
    width: image.columns,
    height: image.rows,
    channels: colour === undefined ? (1 as const) : (3 as const),
  };
  const bytes = colour ?? renderGrey(pixels, image, window);
  // Loaded at the first picture: it costs an edge 18 MB, and most never draw one.
  const { default: sharp } = await import('sharp');
  const picture = sharp(bytes, { raw });
  if (viewport !== undefined)
    picture.resize({ ...viewport, fit: 'inside', withoutEnlargement: true });
  return type === 'image/png' ? picture.png().toBuffer() : picture.jpeg({ quality }).toBuffer();
}

function wantedOf({ accept, parameters }: RenderWish): Wanted {
  const accepted = acceptedTypes(accept).filter(({ isMultipart }) => !isMultipart);
  const types = ['image/jpeg', 'image/png'] as const;
  const type = accepted.flatMap((one) => types.filter((own) => admits(one.type, own)))[0];
  if (type === undefined)
    throw new DicomWebError('NOT_ACCEPTABLE', 'This is answered as image/jpeg or image/png.');
  return {
    type,
    window: windowOf(parameters['window']),
    viewport: viewportOf(parameters['viewport']),
    quality: qualityOf(parameters['quality']),
  };
}

/** `centre,width,linear|linear-exact|sigmoid`. PS3.18 §8.3.5.1.4. */
function windowOf(given: unknown): Window | undefined {
  if (given === undefined) return undefined;
  const [centre = '', width = '', shape = 'linear'] = String(given).split(',');
  const known = { linear: 'LINEAR', 'linear-exact': 'LINEAR_EXACT', sigmoid: 'SIGMOID' } as const;
  const found = known[shape.toLowerCase() as keyof typeof known];
  const numbers = [Number(centre), Number(width)] as const;
  if (centre === '' || width === '' || !numbers.every(Number.isFinite) || found === undefined)
    throw new DicomWebError(
      'INVALID_QUERY',
      'window is centre,width,linear (or linear-exact, sigmoid).',
    );
  return { centre: numbers[0], width: numbers[1], shape: found };
}

/** `width,height`. PS3.18 §8.3.5.1.3; a part of the image can't be asked for. */
function viewportOf(given: unknown): Wanted['viewport'] {
  if (given === undefined) return undefined;
  const match = /^(\d{1,5}),(\d{1,5})$/.exec(String(given));
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (!(width > 0 && height > 0))
    throw new DicomWebError('INVALID_QUERY', 'viewport is width,height in pixels.');
  return { width, height };
}

function qualityOf(given: unknown): number {
  if (given === undefined) return QUALITY;
  const quality = Number(given);
  if (Number.isInteger(quality) && quality >= 1 && quality <= 100) return quality;
  throw new DicomWebError('INVALID_QUERY', 'quality is a whole number from 1 to 100.');
}
