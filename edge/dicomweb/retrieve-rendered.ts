/**
 * `rendered` and `thumbnail` of a frame, an instance, a series, a study. PS3.18 §10.4.1.1.3, §10.4.1.1.4.
 *
 *   Accept: image/jpeg ─► one image: the frame, else the middle one
 *   Accept: multipart/related; type="image/jpeg" ─► all of the scope, each when its turn comes
 */
import type { StoredInstance } from '../index/types.ts';
import { begun, type WebAnswer, warning } from './answer.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { FrameSource } from './frame-sources.ts';
import { frameCount } from './frames.ts';
import type { Scope } from './held-studies.ts';
import { multipart, type Part } from './multipart.ts';
import { instancePath } from './object-head.ts';
import { renderFrame } from './render/render.ts';
import { type RenderWish, readRenderWish } from './render/render-wish.ts';
import { frameNumbers, type RetrieveParts } from './retrieve.ts';

export interface RenderQuestion {
  readonly accept: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Frames, from 1. */
  readonly list?: string | undefined;
  readonly isThumbnail: boolean;
}

/** @throws DicomWebError */
export async function retrieveRendered(
  parts: RetrieveParts,
  scope: Scope,
  { accept, parameters, list, isThumbnail }: RenderQuestion,
): Promise<WebAnswer> {
  const wish = { ...readRenderWish(accept, parameters), isThumbnail };
  const headers = wish.remarks.length === 0 ? {} : warning(wish.remarks.join(' '));
  if (wish.isMultipart && !isThumbnail) {
    const all = multipart(wish.type, imagesOf(parts, scope, { wish, list }));
    return { status: 200, ...all, headers, body: await begun(all.body) };
  }
  const source = await representative(parts, scope);
  const frames = frameCount(source.table);
  const numbers = list === undefined ? [Math.floor(frames / 2) + 1] : frameNumbers(list, frames);
  const [number = 1, ...others] = numbers;
  if (others.length > 0)
    throw new DicomWebError(
      'NOT_ACCEPTABLE',
      `Several frames are answered as multipart/related; type="${wish.type}".`,
    );
  const body = await renderFrame(source, number - 1, wish);
  return { status: 200, contentType: wish.type, headers, body };
}

type Wish = RenderWish & { readonly isThumbnail: boolean };

/** Each image of the scope that has pixels. @throws DicomWebError `NO_PIXELS` when none has */
async function* imagesOf(
  { held, frames }: RetrieveParts,
  scope: Scope,
  { wish, list }: { wish: Wish; list: string | undefined },
): AsyncGenerator<Part> {
  let count = 0;
  for (const series of held.series(scope))
    for (const instance of held.instances({ ...scope, ...series })) {
      const source = await frames.of(instance).catch(noPixels);
      if (source === undefined) continue;
      for (const part of partsOf(instance, source, { wish, list })) {
        count += 1;
        yield part;
      }
    }
  if (count === 0) throw new DicomWebError('NO_PIXELS', 'Nothing of this has pixels.');
}

function* partsOf(
  instance: StoredInstance,
  source: FrameSource,
  { wish, list }: { wish: Wish; list: string | undefined },
): Generator<Part> {
  const frames = frameCount(source.table);
  const numbers =
    list === undefined
      ? Array.from({ length: frames }, (_, at) => at + 1)
      : frameNumbers(list, frames);
  for (const number of numbers)
    yield {
      contentType: wish.type,
      location: `${instancePath(instance)}/frames/${number}/rendered`,
      body: (async function* () {
        yield await renderFrame(source, number - 1, wish);
      })(),
    };
}

/** Of the first series whose middle, or first, object has pixels. @throws DicomWebError `NO_PIXELS` */
async function representative({ held, frames }: RetrieveParts, scope: Scope): Promise<FrameSource> {
  for (const series of held.series(scope)) {
    const instances = held.instances({ ...scope, ...series });
    for (const instance of [instances[Math.floor(instances.length / 2)], instances[0]]) {
      const source = instance && (await frames.of(instance).catch(noPixels));
      if (source !== undefined) return source;
    }
  }
  throw new DicomWebError('NO_PIXELS', 'Nothing of this has pixels.');
}

function noPixels(error: unknown): undefined {
  if (error instanceof DicomWebError) return undefined;
  throw error;
}
