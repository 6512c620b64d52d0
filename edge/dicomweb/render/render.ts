/**
 * A frame as an image that any browser shows: `rendered` and `thumbnail`. PS3.18 §8.3.5, §10.4.1.1.3.
 *
 *   FrameSource, frame ─► native pixels ─► grey or RGB ─► size ─► JPEG, PNG
 */
import type { Sharp } from 'sharp';
import { DicomWebError } from '../dicomweb-error.ts';
import type { FrameSource } from '../frame-sources.ts';
import { renderColour } from './colour.ts';
import { renderGrey } from './grayscale.ts';
import { imageAttributes } from './image-attributes.ts';
import type { Region, RenderWish, Viewport } from './render-wish.ts';

const THUMBNAIL = { width: 256, height: 256 };
/** Images are made no larger than this, or than they are. */
const MAX_SIDE = 4_096;
/** What one request may take of the memory. */
const MAX_PIXELS = 100_000_000;

/** @param at frame, from 0 @throws DicomWebError */
export async function renderFrame(
  source: FrameSource,
  at: number,
  { type, window, viewport, quality, isThumbnail }: RenderWish & { isThumbnail: boolean },
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
  fit(picture, raw, { viewport, isThumbnail });
  return type === 'image/png' ? picture.png().toBuffer() : picture.jpeg({ quality }).toBuffer();
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The part that is wanted, as large as fits. PS3.18 §8.3.5.1.3. */
function fit(
  picture: Sharp,
  image: Size,
  { viewport, isThumbnail }: { viewport: Viewport | undefined; isThumbnail: boolean },
): void {
  if (viewport?.region !== undefined) cut(picture, image, viewport.region);
  if (viewport === undefined) {
    if (isThumbnail) picture.resize({ ...THUMBNAIL, fit: 'inside', withoutEnlargement: true });
    return;
  }
  const width = Math.min(viewport.width, Math.max(MAX_SIDE, image.width));
  const height = Math.min(viewport.height, Math.max(MAX_SIDE, image.height));
  picture.resize({ width, height, fit: 'inside' });
}

/** @throws DicomWebError `INVALID_QUERY` for a part that the image does not have */
function cut(picture: Sharp, image: Size, region: Region): void {
  const [left, top] = [Math.floor(region.left), Math.floor(region.top)];
  const width = Math.round(Math.abs(region.width ?? image.width - left));
  const height = Math.round(Math.abs(region.height ?? image.height - top));
  if (width < 1 || height < 1 || left + width > image.width || top + height > image.height)
    throw new DicomWebError(
      'INVALID_QUERY',
      `The image has ${image.width} columns and ${image.height} rows.`,
    );
  picture.extract({ left, top, width, height });
  if ((region.width ?? 1) < 0) picture.flop();
  if ((region.height ?? 1) < 0) picture.flip();
}
