/**
 * From which edges a study can be shown, the best first: its home, then copies that hold exactly the
 * home's objects. A silent edge comes last: it may only have lost the broker.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { homeOf } from '../fetch/source.ts';
import { findHolders } from '../search/study.ts';

export interface StudySource {
  readonly home: string;
  /** Never empty. */
  readonly trusts: readonly string[];
}

/**
 * @param home as asked, where several trusts claim the UID
 * @returns undefined when no trust has told of the study
 * @throws FetchError `HOME_AMBIGUOUS`: whose patient it is can't be told
 */
export function studySource(
  db: Sqlite,
  { studyInstanceUID, home: asked }: { studyInstanceUID: string; home: string | undefined },
  isLive: (ods: string) => boolean,
): StudySource | undefined {
  const rows = findHolders(db, studyInstanceUID).filter(({ instances }) => instances > 0);
  if (rows.length === 0) return undefined;
  const home = homeOf(rows, asked);
  const own = rows.find((row) => row.trust === home && row.home === home);
  const same = rows.filter(
    (row) => row.home === home && row !== own && row.setHash === (own ?? row).setHash,
  );
  const trusts = [own, ...same].flatMap((row) => (row === undefined ? [] : [row.trust]));
  return { home, trusts: trusts.toSorted((a, b) => Number(isLive(b)) - Number(isLive(a))) };
}
