/** Names as identity is compared by: ID-10 of the domain notes. */
import { foldName } from '../../shared/dicom/person-name.ts';

const TITLES = /^(MR|MRS|MS|MISS|MX|DR|PROF|SIR|REV|MASTER)$/;
/** Names that babies and unknown patients carry until they have one. */
const PLACEHOLDER =
  /^(BABY|BOY|GIRL|INFANT|TWIN|TRIPLET|MALE|FEMALE|UNKNOWN|UNNAMED|BABYBOY|BABYGIRL|NEWBORN|NOTKNOWN)([0-9IVX]*)$/;

export interface NameKey {
  /** '' when there is none. */
  readonly surname: string;
  readonly given: string;
  readonly isPlaceholder: boolean;
}

/** @param name DICOM PN */
export function nameKeyOf(name: string | null): NameKey {
  const [family = '', given = ''] = foldName(name ?? '').split('^');
  const words = given.split(/[\s-]+/).filter((word) => word !== '' && !TITLES.test(word));
  const surname = lettersOf(family);
  const key = lettersOf(words.join(''));
  const isPlaceholder = [surname, key, ...words.map(lettersOf)].some((part) =>
    PLACEHOLDER.test(part),
  );
  return { surname, given: key, isPlaceholder };
}

const lettersOf = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, '');

/** An initial, or a first name of several, agrees with the whole; undefined: one of them is not known. */
export function givenAgrees(a: NameKey, b: NameKey): boolean | undefined {
  if (a.given === '' || b.given === '') return undefined;
  return a.given.startsWith(b.given) || b.given.startsWith(a.given);
}

/** Undefined: one of them is not known. */
export function surnameAgrees(a: NameKey, b: NameKey): boolean | undefined {
  if (a.surname === '' || b.surname === '') return undefined;
  return a.surname === b.surname;
}
