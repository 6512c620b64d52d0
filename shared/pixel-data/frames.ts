/**
 * Which bytes of encapsulated Pixel Data are which frame. PS3.5 §A.4.
 *
 *   fragments, offset table ─► one frame ─ all fragments │ one fragment a frame │ by the table │ by their first bytes
 */
import { PixelError } from './image.ts';

export interface Fragment {
  /** Of its item, from the first byte behind the Basic Offset Table: what the table counts. */
  readonly offset: number;
  /** Of its bytes, wherever the caller counts from. */
  readonly start: number;
  readonly length: number;
}

/**
 * @param offsets of the Basic or the Extended Offset Table; may be empty
 * @param firstBytes the first two of a fragment
 * @returns the fragments of each frame
 * @throws PixelError `FRAMES_UNCLEAR`
 */
export function framesOf(
  fragments: readonly Fragment[],
  { frames, offsets }: { readonly frames: number; readonly offsets: readonly number[] },
  firstBytes: (fragment: Fragment) => number,
): Fragment[][] {
  if (frames === 1) return [[...fragments]];
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const found =
    offsets.length === frames
      ? groupsAt(fragments, (fragment) => offsets.includes(fragment.offset))
      : groupsAt(fragments, (fragment) => isStart(firstBytes(fragment)));
  if (found.length !== frames)
    throw new PixelError(
      'FRAMES_UNCLEAR',
      `${frames} frames in ${fragments.length} fragments, without an offset table that tells them apart`,
    );
  return found;
}

/** SOI of JPEG and JPEG-LS, SOC of JPEG 2000. */
const isStart = (bytes: number): boolean => bytes === 0xffd8 || bytes === 0xff4f;

function groupsAt(
  fragments: readonly Fragment[],
  begins: (fragment: Fragment) => boolean,
): Fragment[][] {
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    const last = groups.at(-1);
    if (last === undefined || begins(fragment)) groups.push([fragment]);
    else last.push(fragment);
  }
  return groups;
}
