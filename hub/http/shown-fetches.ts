/**
 * Fetch orders, as one asker may see them: those to their own trust; those of their own trust's studies; for who
 * works for the network all. Where a restricted patient's study goes is where the patient is: that only the
 * receiving trust sees.
 */
import { subjectsOfFetches, subjectsOfStudies } from '../audit/subjects.ts';
import type { FetchRequest, FetchView } from '../fetch/order.ts';
import type { FetchFilter } from '../fetch/rows.ts';
import type { Discloser } from '../relations/disclosure.ts';
import { findStudy } from '../search/study.ts';
import type { Sight } from './audited.ts';
import { requireShown } from './disclosed.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

type Parts = Pick<HttpParts, 'fetches' | 'projection'>;

export function listFetches(
  parts: Parts,
  discloser: Discloser,
  filter: FetchFilter & { limit: number; offset: number },
): { readonly fetches: readonly FetchView[]; readonly total: number } {
  const { trust } = discloser.asker;
  const concerns = trust === null ? {} : { concerns: trust };
  const { fetches, total } = parts.fetches.list({ ...filter, ...concerns });
  const shown = fetches.filter((order) => isFetchShown(parts, discloser, order));
  return { fetches: shown, total: total - (fetches.length - shown.length) };
}

/** @throws HttpProblem `FETCH_UNKNOWN` */
export function requireFetch(
  parts: Parts,
  { discloser, saw }: Pick<Sight, 'discloser' | 'saw'>,
  fetchId: string,
): FetchView {
  const order = parts.fetches.find(fetchId);
  if (order === null || !isFetchShown(parts, discloser, order))
    throw new HttpProblem('FETCH_UNKNOWN', 'There is no such fetch order.');
  saw(subjectsOfFetches(parts.projection.db, [order]));
  return order;
}

export function isFetchShown(
  { projection }: Pick<Parts, 'projection'>,
  discloser: Discloser,
  { studyInstanceUID, home, to }: Pick<FetchView, 'studyInstanceUID' | 'home' | 'to'>,
): boolean {
  const { trust } = discloser.asker;
  if (trust !== null && trust === to.trust) return true;
  if (trust !== null && trust !== home) return false;
  const study = findStudy(projection.db, studyInstanceUID).find((one) => one.home === home);
  return study === undefined || !discloser.isRestricted(study);
}

/**
 * Why the asker may have the study brought; of several that claim the UID, which is meant is decided later.
 *
 * @throws HttpProblem `RELATIONSHIP_NEEDED`, `RESTRICTED`
 */
export function basisOfFetch(
  { projection }: Pick<Parts, 'projection'>,
  { discloser, saw }: Pick<Sight, 'discloser' | 'saw'>,
  request: FetchRequest,
): { readonly basis?: string } {
  const found = findStudy(projection.db, request.studyInstanceUID).filter(
    ({ home }) => request.home === undefined || home === request.home,
  );
  let basis: string | undefined;
  for (const study of found) {
    const decision = discloser.study(study);
    if (decision.kind === 'withheld') {
      saw(subjectsOfStudies([study]));
    }
    requireShown(decision, discloser.asker, () => {
      const detail = 'No trust has told of a study with this UID.';
      return new HttpProblem('STUDY_UNKNOWN', detail);
    });
    if (decision.kind === 'shown') basis = decision.basis;
  }
  return basis === undefined ? {} : { basis };
}
