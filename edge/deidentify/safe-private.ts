/**
 * Private elements that hold physics and no identity, by their creator: what quantitative work needs of
 * diffusion and PET. PS3.15 table E.3.10-1 has the like; what is not here goes.
 */
const SAFE: Readonly<Record<string, readonly number[]>> = {
  // b value, diffusion directions
  'SIEMENS MR HEADER': [0x19_0c, 0x19_0d, 0x19_0e, 0x19_27, 0x51_16],
  GEMS_PARM_01: [0x43_39],
  GEMS_ACQU_01: [0x19_bb, 0x19_bc, 0x19_bd],
  'Philips Imaging DD 001': [0x2001_03, 0x2001_04],
  // scale slope and intercept
  'Philips MR Imaging DD 001': [0x2005_0d, 0x2005_0e],
  'Philips MR Imaging DD 005': [0x2005_12, 0x2005_13],
  // SUV scale factor, activity concentration scale factor
  'Philips PET Private Group': [0x7053_00, 0x7053_09],
  'SIEMENS MED NM': [0x55_7e],
  TOSHIBA_MEC_MR3: [0x700d_00],
};

const KEYS = new Set(
  Object.entries(SAFE).flatMap(([creator, elements]) =>
    elements.map((element) => `${creator} ${element}`),
  ),
);
/** All of them are numbers or short codes. */
const MAX_VALUE_BYTES = 256;

type Header = { readonly tag: number; readonly vr: string; readonly length: number };

/** @param creators of the data set or item that it stands in, by the tags that name them */
export function isSafePrivate(
  { tag, vr, length }: Header,
  creators: ReadonlyMap<number, string>,
): boolean {
  // A sequence, or so long a value, is not what the list means.
  if (vr === 'SQ' || length > MAX_VALUE_BYTES) return false;
  return KEYS.has(
    `${creators.get(creatorTagOf(tag)) ?? ''} ${(tag >>> 16) * 0x100 + (tag & 0xff)}`,
  );
}

/** Those creators in whose blocks something may stay: a block of which nothing stays goes with its name. */
export function safeCreators(
  creators: ReadonlyMap<number, string>,
  elements: Iterable<Header>,
): Map<number, string> {
  const safe = new Map<number, string>();
  for (const element of elements) {
    if (isPrivateCreator(element.tag) || !isSafePrivate(element, creators)) continue;
    const tag = creatorTagOf(element.tag);
    safe.set(tag, creators.get(tag) ?? '');
  }
  return safe;
}

export const isPrivate = (tag: number): boolean => ((tag >>> 16) & 1) === 1;

/** True for (gggg,0010) to (gggg,00FF): the elements that name creators. PS3.5 §7.8.1. */
export function isPrivateCreator(tag: number): boolean {
  const element = tag & 0xffff;
  return isPrivate(tag) && element >= 0x10 && element <= 0xff;
}

/** The tag of the creator of a private element's block. */
function creatorTagOf(tag: number): number {
  return ((tag & 0xffff_0000) | ((tag & 0xffff) >>> 8)) >>> 0;
}
