/**
 * Looks through a restored object for pseudonyms that would still stand in it, without knowing the rules
 * that restored it: beside the identity they would tell what leads from one to the other.
 */
import type { ElementHeader, ElementVisitor } from '../../shared/dicom/element-reader.ts';
import { formatTag } from '../../shared/dicom/tag.ts';
import type { PseudonymMap } from './pseudonym-map.ts';
import { RestoreError } from './restore-error.ts';

/** Numbers, pixels and waveforms hold no text. */
const NUMBERS = new Set(['AT', 'FD', 'FL', 'OD', 'OF', 'OL', 'OV', 'SL', 'SS', 'UL', 'US']);
const SAMPLES = new Set([0x7fe0_0010, 0x7fe0_0008, 0x7fe0_0009, 0x5400_1010]);
const MAX_VALUE_BYTES = 16 * 1024 * 1024;

export class PseudonymCheck implements ElementVisitor {
  readonly #map: PseudonymMap;
  readonly #words: readonly string[];
  #left: number | undefined;

  constructor(map: PseudonymMap) {
    this.#map = map;
    this.#words = [map.patient, ...map.texts.keys()].filter((word) => word !== '');
  }

  element({ tag, vr, length }: ElementHeader): boolean {
    if (NUMBERS.has(vr) || SAMPLES.has(tag)) return false;
    if (length <= MAX_VALUE_BYTES) return true;
    if (vr !== 'SQ' && length !== 0xffff_ffff) this.#left ??= tag;
    return false;
  }

  value({ tag }: ElementHeader, bytes: Buffer): void {
    const text = bytes.toString('latin1');
    const hasWord = this.#words.some((word) => text.includes(word));
    const uids = text.match(/2\.25\.\d{1,39}/g) ?? [];
    if (hasWord || uids.some((uid) => this.#map.uids.has(uid))) this.#left ??= tag;
  }

  /** @throws RestoreError */
  refuse(): void {
    if (this.#left === undefined) return;
    const where = formatTag(this.#left);
    throw new RestoreError('PSEUDONYM_LEFT', `a pseudonym would still stand in ${where}`);
  }
}
