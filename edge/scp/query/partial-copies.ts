/**
 * Copies of which only part was brought, or of which more is on its way: the rest is known where the study is at home.
 *
 *   copy ─► brought here: all │ these series ─► all: it is answered from here
 *                                            └─ else counts and series of its home, by the hub
 */
import type { StudyKey } from '../../index/edge-index.ts';
import type { FoundStudy } from './found-study.ts';
import { QUERY_KEYS } from './keys.ts';
import type { Network } from './network.ts';
import { queriedStudies, type RemoteParts } from './remote-studies.ts';

/** Of one query: what is here of further ones is answered as it is. */
export const MAX_PARTIAL = 500;
const PAGE = 100;
const OF_CONTENTS = new Set(
  ['ModalitiesInStudy', 'NumberOfStudyRelatedSeries', 'NumberOfStudyRelatedInstances'].map(
    (keyword) => QUERY_KEYS.find((key) => key.keyword === keyword)?.tag,
  ),
);

/** @param series those that are asked for; absent: all */
export function isWhole(
  { brought }: Pick<Network, 'brought'>,
  study: StudyKey,
  series?: readonly string[],
): boolean {
  const here = brought(study);
  return here === 'all' || (series?.every((uid) => here.has(uid)) ?? false);
}

/**
 * The copies as their homes tell of them, under the patient and accession number that they have here.
 *
 * @returns a copy as it is here, and `isKnown: false`, where the hub does not tell more of it
 */
export async function completed(
  parts: RemoteParts,
  copies: readonly FoundStudy[],
): Promise<{ study: FoundStudy; isKnown: boolean }[]> {
  const told = new Map<string, FoundStudy>();
  for (let at = 0; at < copies.length; at += PAGE) {
    const studyInstanceUIDs = copies.slice(at, at + PAGE).map((copy) => copy.studyInstanceUID);
    const studies = await queriedStudies(parts, studyInstanceUIDs).catch(() => []);
    for (const study of studies) told.set(keyOf(study), study);
  }
  return copies.map((copy) => {
    const home = told.get(keyOf(copy));
    return home === undefined
      ? { study: copy, isKnown: false }
      : { study: joined(copy, home), isKnown: true };
  });
}

const keyOf = ({ studyInstanceUID, home }: StudyKey): string => `${studyInstanceUID} ${home}`;

function joined(copy: FoundStudy, home: FoundStudy): FoundStudy {
  const contents = [...home.values].filter(([tag]) => OF_CONTENTS.has(tag));
  return { ...home, values: new Map([...copy.values, ...contents]) };
}
