/** Whom a foreign study may be of among a trust's own patients: for a person to choose from, never to file by. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Evidence } from './compare.ts';
import { type Identity, inForceAt } from './identities.ts';
import { nameKeyOf, surnameAgrees } from './names.ts';

const MAX_SHOWN = 5;

/** Those with the same NHS number first, then those with the same surname and birth date. */
export function localCandidates(
  db: Sqlite,
  trust: string,
  source: Pick<Evidence, 'nhsNumber' | 'name' | 'birthDate'>,
): Identity[] {
  const surname = nameKeyOf(source.name);
  const isSameNumber = ({ nhsNumber }: Evidence): boolean =>
    source.nhsNumber !== null && nhsNumber === source.nhsNumber;
  return inForceAt(db, trust, source)
    .filter((one) => isSameNumber(one) || surnameAgrees(surname, nameKeyOf(one.name)) === true)
    .toSorted((a, b) => Number(isSameNumber(b)) - Number(isSameNumber(a)))
    .slice(0, MAX_SHOWN);
}
