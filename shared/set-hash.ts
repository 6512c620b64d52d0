/**
 * Digests of sets that do not depend on order and change in one step when a member comes or goes:
 * the XOR of the members' SHA-256. Both sides of the comparison compute them here.
 */
import { createHash } from 'node:crypto';
import type { Nearline } from './held-counts.ts';

/** Digest of the empty set, 64 hexadecimal digits. */
export const EMPTY_SET_HASH = '0'.repeat(64);

/**
 * Adds a member, or takes it away again: the same step.
 *
 * @param set digest of the set, 64 hexadecimal digits
 * @param member from {@link instanceHash} or {@link studyHash}
 */
export function toggleMember(set: string, member: string): string {
  let result = '';
  for (let at = 0; at < 64; at += 8) {
    const word =
      (Number.parseInt(set.slice(at, at + 8), 16) ^
        Number.parseInt(member.slice(at, at + 8), 16)) >>>
      0;
    result += word.toString(16).padStart(8, '0');
  }
  return result;
}

/**
 * An instance as a member of its series' and study's set.
 *
 * @param contentDigest SHA-256 of the data set's bytes as the home trust received them, hexadecimal
 */
export function instanceHash(SOPInstanceUID: string, contentDigest: string): string {
  return createHash('sha256').update(`${SOPInstanceUID}\0${contentDigest}`).digest('hex');
}

/**
 * A study as a member of its acquisition day: the objects that are known, and what the PACS says of the rest.
 *
 * @param study `series` and `instances` as heldCounts gives them
 */
export function studyHash(study: {
  studyInstanceUID: string;
  home: string;
  setHash: string;
  series: number;
  instances: number;
  nearline?: Nearline | null;
}): string {
  const { studyInstanceUID, home, setHash, series, instances, nearline } = study;
  const members = [studyInstanceUID, home, setHash, series, instances];
  if (nearline) members.push(...nearlineMembers(nearline));
  return createHash('sha256').update(members.join('\0')).digest('hex');
}

const nearlineMembers = ({ series, instances, modalities }: Nearline): string[] => [
  `${series ?? ''}`,
  `${instances ?? ''}`,
  modalities.join('\\'),
];
