/** Whom a question means: the persons behind an NHS number, a local number, a name with date of birth, or a study. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { findIdentity, type Identity, keyText, withNhsNumber } from '../identity/identities.ts';
import { type Person, personOf } from '../identity/persons.ts';
import type { StudyQuery } from '../search/query.ts';
import type { StudyRow } from '../search/rows.ts';
import { searchStudies } from '../search/studies.ts';

/** More persons are no answer to who is meant. */
const MAX_PERSONS = 20;

/** Each once; none when nobody who is known is meant. */
export function personsMeant(db: Sqlite, query: StudyQuery): Person[] {
  const { nhsNumber, patientId, issuer } = query;
  const found: Identity[] = nhsNumber === undefined ? [] : withNhsNumber(db, nhsNumber);
  if (patientId !== undefined && issuer !== undefined) {
    const named = findIdentity(db, { trust: issuer, patientId, issuer });
    if (named !== undefined) found.push(named);
  }
  found.push(...ofStudies(db, query));
  const persons = new Map<string, Person>();
  for (const identity of found) {
    if (persons.size >= MAX_PERSONS) break;
    const isKnown = [...persons.values()].some(({ members }) =>
      members.some((one) => keyText(one) === keyText(identity)),
    );
    if (!isKnown) persons.set(keyText(identity), personOf(db, identity));
  }
  return [...persons.values()];
}

function ofStudies(db: Sqlite, query: StudyQuery): Identity[] {
  const keys = new Map<string, Identity>();
  const choose = (rows: readonly StudyRow[]): readonly StudyRow[] => {
    for (const { trust, patient_id: patientId, patient_issuer: issuer } of rows) {
      const identity = findIdentity(db, { trust, patientId, issuer });
      if (identity !== undefined) keys.set(keyText(identity), identity);
    }
    return [];
  };
  searchStudies(db, query, { limit: 1, offset: 0 }, { choose });
  return [...keys.values()];
}
