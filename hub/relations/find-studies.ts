/** A search, as one asker may see it: what is withheld is in no page and no total, and said as far as it may be. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { isNetworkMachine } from '../access/decide.ts';
import { hasKey, type Page, type StudyQuery } from '../search/query.ts';
import type { StudyRow } from '../search/rows.ts';
import {
  type Condition,
  type SearchOptions,
  type StudyPage,
  searchStudies,
} from '../search/studies.ts';
import type { Discloser, WithheldNote } from './disclosure.ts';
import { ROW_IS_RESTRICTED } from './restrictions.ts';

export interface DisclosedPage extends StudyPage {
  readonly withheld: WithheldNote;
}

const NOTHING: WithheldNote = { unrelated: 0, restricted: [] };

export interface DisclosedQuestion extends Pick<SearchOptions, 'identities'> {
  readonly query: StudyQuery;
  readonly page: Page;
  /** Looks at those alone that the asker may see: nobody learns by it what the others say. */
  readonly matches?: ((row: StudyRow) => boolean) | undefined;
}

/** @throws SearchError */
export function findDisclosed(
  db: Sqlite,
  discloser: Discloser,
  { query, page, matches, identities = [] }: DisclosedQuestion,
): DisclosedPage {
  if (!hasKey(query)) return browse(db, discloser, { query, page, matches });
  let withheld = NOTHING;
  const choose = (rows: readonly StudyRow[]): readonly StudyRow[] => {
    const chosen = discloser.chooseRows(rows);
    withheld = chosen.withheld;
    return matches === undefined ? chosen.shown : chosen.shown.filter(matches);
  };
  const { studies, total } = searchStudies(db, query, page, { identities, choose });
  return { studies: studies.map((study) => discloser.masked(study)), total, withheld };
}

/**
 * Whole trusts: millions, which are not looked at one by one. A page is looked at all the same: who is restricted
 * under another number of theirs is left out of it.
 */
function browse(
  db: Sqlite,
  discloser: Discloser,
  { query, page, matches }: DisclosedQuestion,
): DisclosedPage {
  const { asker } = discloser;
  const also = isNetworkMachine(asker) ? UNRESTRICTED : heldBy(asker.trust ?? '');
  const choose = matches && ((rows: readonly StudyRow[]) => rows.filter(matches));
  const { studies, total } = searchStudies(db, query, page, { also, ...(choose && { choose }) });
  const shown = studies.filter((study) => discloser.study(study).kind === 'shown');
  return { studies: shown.map((study) => discloser.masked(study)), total, withheld: NOTHING };
}

const heldBy = (trust: string): Condition => ({
  sql: `EXISTS (SELECT 1 FROM studies x WHERE x.trust = ? AND x.study_uid = k.study_uid AND x.home = k.home)`,
  values: [trust],
});

/** By any number that the study stands under, at its home or in a copy. */
const UNRESTRICTED: Condition = {
  sql: `NOT EXISTS (SELECT 1 FROM studies x WHERE x.study_uid = k.study_uid AND x.home = k.home AND (${ROW_IS_RESTRICTED}))
    AND NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.study_uid = k.study_uid AND r.trust = k.home
      AND r.level <> 'N')`,
  values: [],
};
