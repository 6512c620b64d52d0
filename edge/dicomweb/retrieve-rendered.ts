/** `rendered` and `thumbnail` of a frame, an instance, a series, a study. PS3.18 §10.4.1.1.3, §10.4.1.1.4. */
import type { WebAnswer } from './answer.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { FrameSource } from './frame-sources.ts';
import { frameCount } from './frames.ts';
import type { Scope } from './held-studies.ts';
import { type RenderWish, renderFrame } from './render/render.ts';
import { frameNumbers, type RetrieveParts } from './retrieve.ts';

/** @param list the frame, from 1; absent: the middle one of the scope's middle image */
export async function retrieveRendered(
  parts: RetrieveParts,
  scope: Scope,
  wish: RenderWish & { readonly list?: string | undefined; readonly isThumbnail: boolean },
): Promise<WebAnswer> {
  const source = await representative(parts, scope);
  const frames = frameCount(source.table);
  const numbers =
    wish.list === undefined ? [Math.floor(frames / 2) + 1] : frameNumbers(wish.list, frames);
  const [number = 1, ...others] = numbers;
  if (others.length > 0)
    throw new DicomWebError('INVALID_QUERY', 'One frame at a time is rendered.');
  return renderFrame(source, number - 1, wish);
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
