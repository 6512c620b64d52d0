/** The VR of a tag, for implicit VR. PS3.6; PS3.5 §6.2.2 note 2 for what is not in it. */
import { TAGS_BY_VR } from './dictionary.generated.ts';

const VR_OF_TAG = new Map<number, string>();
for (const [vr, tags] of Object.entries(TAGS_BY_VR)) {
  for (let at = 0; at < tags.length; at += 8)
    VR_OF_TAG.set(Number.parseInt(tags.slice(at, at + 8), 16), vr);
}

/** True for what PS3.6 lists, repeating groups included. */
export function isKnownTag(tag: number): boolean {
  return VR_OF_TAG.has(tag) || VR_OF_TAG.has(repeatingTag(tag));
}

/** Repeating groups 50xx and 60xx stand in the dictionary once. */
function repeatingTag(tag: number): number {
  const group = tag >>> 16;
  const isRepeating = (group & 0xff00) === 0x6000 || (group & 0xff00) === 0x5000;
  return isRepeating ? ((group & 0xff00) * 0x1_0000 + (tag & 0xffff)) >>> 0 : tag;
}

/** @returns `UN` for a private or unknown tag */
export function vrOfTag(tag: number): string {
  const vr = VR_OF_TAG.get(tag);
  if (vr !== undefined) return vr;
  if ((tag & 0xffff) === 0) return 'UL';
  const group = tag >>> 16;
  // Private creators: (gggg,0010-00FF) with gggg odd. PS3.5 §7.8.1.
  if ((group & 1) === 1 && (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff) return 'LO';
  return VR_OF_TAG.get(repeatingTag(tag)) ?? 'UN';
}
