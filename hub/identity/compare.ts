/**
 * Whether two trusts' patients are the same person: rules ID-01 to ID-11 of the domain notes. Pure.
 *
 *   A linked │ B linked, sampled │ C a person decides │ D never │ none: nothing speaks for it
 *
 * A local number never counts. What may be a twin, a typing error or a shared number is C before it can be A.
 */
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { givenAgrees, type NameKey, nameKeyOf, surnameAgrees } from './names.ts';

/** The version of these rules, which links are logged with. */
export const RULES_VERSION = 1;

export interface Evidence {
  readonly nhsNumber: string | null;
  /** NHS Number Status Indicator Code; null: not told. */
  readonly nhsStatus: string | null;
  /** As DICOM PN. */
  readonly name: string | null;
  /** YYYYMMDD. */
  readonly birthDate: string | null;
  readonly sex: string | null;
  readonly postcode: string | null;
}

export type IdentityClass = 'A' | 'B' | 'C' | 'D' | 'none';
export type IdentityReason =
  | 'NHS_NUMBER_EQUAL'
  | 'NHS_NUMBERS_DIFFER'
  | 'NHS_NUMBER_UNRESOLVED'
  | 'NHS_NUMBER_NOT_VERIFIED'
  | 'NHS_NUMBER_ABSENT'
  | 'BIRTH_DATES_DIFFER'
  | 'BIRTH_DATE_ABSENT'
  | 'BIRTH_DATES_SIMILAR'
  | 'NAMES_DIFFER'
  | 'SURNAMES_DIFFER'
  | 'SEX_AND_GIVEN_NAME_DIFFER'
  | 'TWINS'
  | 'PLACEHOLDER_NAME'
  | 'DEMOGRAPHICS_AGREE';

export interface Comparison {
  readonly class: IdentityClass;
  readonly reasons: readonly IdentityReason[];
}

interface Pair {
  readonly a: Evidence;
  readonly b: Evidence;
  readonly surname: boolean | undefined;
  readonly given: boolean | undefined;
  /** Undefined: one of them is not known; unknown never counts as agreement. */
  readonly sex: boolean | undefined;
  readonly names: readonly [NameKey, NameKey];
}

const UNRESOLVED: ReadonlySet<string> = new Set(['04', '05']);
const verdict = (kind: IdentityClass, ...reasons: IdentityReason[]): Comparison => ({
  class: kind,
  reasons,
});

export function compareIdentities(a: Evidence, b: Evidence): Comparison {
  const names = [nameKeyOf(a.name), nameKeyOf(b.name)] as const;
  const pair: Pair = {
    ...{ a, b, names },
    surname: surnameAgrees(...names),
    given: givenAgrees(...names),
    sex: isSexKnown(a.sex) && isSexKnown(b.sex) ? a.sex === b.sex : undefined,
  };
  const [numberOfA, numberOfB] = [validNumber(a), validNumber(b)];
  if (numberOfA !== null && numberOfB !== null)
    return numberOfA === numberOfB ? withEqualNumbers(pair) : withDifferentNumbers(pair);
  return withoutNumber(pair);
}

function validNumber({ nhsNumber }: Evidence): string | null {
  return nhsNumber === null ? null : readNhsNumber(nhsNumber);
}

const isSexKnown = (sex: string | null): boolean => sex === 'M' || sex === 'F' || sex === 'O';

function withEqualNumbers(pair: Pair): Comparison {
  const { a, b } = pair;
  if (UNRESOLVED.has(a.nhsStatus ?? '') || UNRESOLVED.has(b.nhsStatus ?? ''))
    return verdict('D', 'NHS_NUMBER_UNRESOLVED');
  const doubt = doubtOf(pair);
  if (doubt !== undefined) return verdict('C', 'NHS_NUMBER_EQUAL', doubt);
  const verified = [a, b].filter(({ nhsStatus }) => nhsStatus === '01').length;
  if (verified === 2 && (pair.surname === true || pair.sex === true))
    return verdict('A', 'NHS_NUMBER_EQUAL');
  if (verified === 1 && pair.surname === true && pair.sex !== false)
    return verdict('B', 'NHS_NUMBER_EQUAL');
  // Images never tell a status, many feeds neither: then everything else has to agree.
  const isUntold = a.nhsStatus === null && b.nhsStatus === null;
  if (isUntold && pair.surname === true && pair.given === true && pair.sex === true)
    return verdict('B', 'NHS_NUMBER_EQUAL', 'DEMOGRAPHICS_AGREE');
  return verdict(
    'C',
    'NHS_NUMBER_EQUAL',
    pair.surname === false ? 'SURNAMES_DIFFER' : 'NHS_NUMBER_NOT_VERIFIED',
  );
}

/** What speaks against two with the same number; a shared or mistyped number shows so. */
function doubtOf(pair: Pair): IdentityReason | undefined {
  const { a, b, surname, given, sex, names } = pair;
  if (a.birthDate === null || b.birthDate === null) return 'BIRTH_DATE_ABSENT';
  if (a.birthDate !== b.birthDate)
    return isSimilarDate(a.birthDate, b.birthDate) ? 'BIRTH_DATES_SIMILAR' : 'BIRTH_DATES_DIFFER';
  if (names.some(({ isPlaceholder }) => isPlaceholder) && given !== true) return 'PLACEHOLDER_NAME';
  if (surname === false && given === false) return 'NAMES_DIFFER';
  if (surname === true && given === false) return 'TWINS';
  if (sex === false && given !== true) return 'SEX_AND_GIVEN_NAME_DIFFER';
  return undefined;
}

function withDifferentNumbers({ a, b }: Pair): Comparison {
  if (a.nhsStatus === '01' && b.nhsStatus === '01') return verdict('D', 'NHS_NUMBERS_DIFFER');
  return verdict('none', 'NHS_NUMBERS_DIFFER');
}

/** Demographics alone never link; with the address they are worth a person's look. */
function withoutNumber({ a, b, surname, given, names }: Pair): Comparison {
  if (surname !== true || given !== true) return verdict('none');
  if (names.some(({ isPlaceholder }) => isPlaceholder)) return verdict('D', 'PLACEHOLDER_NAME');
  const isDateEqual = a.birthDate !== null && a.birthDate === b.birthDate;
  const isPostcodeEqual =
    a.postcode !== null && postcodeKey(a.postcode) === postcodeKey(b.postcode ?? '');
  if (isDateEqual && isPostcodeEqual)
    return verdict('C', 'NHS_NUMBER_ABSENT', 'DEMOGRAPHICS_AGREE');
  return isDateEqual ? verdict('D', 'NHS_NUMBER_ABSENT') : verdict('none');
}

export const postcodeKey = (postcode: string): string => postcode.toUpperCase().replace(/\s/g, '');

/** One digit differs, or day and month are exchanged. */
function isSimilarDate(a: string, b: string): boolean {
  const differing = [...a].filter((digit, at) => digit !== b[at]).length;
  const swapped = `${a.slice(0, 4)}${a.slice(6, 8)}${a.slice(4, 6)}`;
  return differing === 1 || swapped === b;
}
