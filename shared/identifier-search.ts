/**
 * What is known of a patient, ready to be looked for in any text: names in any order and writing, numbers
 * however they are grouped, the birth date as people and programs write it, the words of addresses.
 *
 * Knows nothing of the rules that made the text.
 */
import { writingsOf } from './date-writings.ts';
import { condense, exactly, fold, pairsIn, postcodesIn, wordsIn } from './name-writings.ts';

/** What is known of a patient, as it stands in the original. */
export interface KnownIdentifiers {
  readonly names: readonly string[];
  /** Patient IDs, NHS numbers, accession numbers, telephone numbers … */
  readonly numbers: readonly string[];
  /** As stored; YYYYMMDD where it is well written. */
  readonly birthDates: readonly string[];
  readonly addresses: readonly string[];
}

/** Words that say nothing of anybody, though somebody's record may have them for a name. */
export const DUMMY_WORDS: ReadonlySet<string> = new Set(['ANONYMIZED', 'ANONYMOUS']);

export type LeakKind = 'name' | 'number' | 'birth date' | 'address';

/** How a text is looked at. */
export interface TextKind {
  /** Numbers of many digits that mean nothing: a part of one is not looked for. */
  readonly isNumeric: boolean;
  /** A few letters of a list. */
  readonly isCode: boolean;
  /** UIDs: numbers between dots, in which a date means nothing. */
  readonly isUID: boolean;
  /** Bytes that may be anything: short words stand in them by chance. */
  readonly isBinary: boolean;
  /** A date of the examination may be that of the birth. */
  readonly isDateThatStays: boolean;
}

/** In what need not be text. */
const MIN_BINARY_WORD = 5;
/** Shorter numbers count only where they are the whole of a text. */
const MIN_NUMBER = 5;
/** In pixels, whose values are those of letters and digits now and then. */
const MIN_UNLIKELY_WORD = 5;
const MIN_UNLIKELY_NUMBER = 7;
/** Words of addresses that are no one's. */
const COMMON = new Set([
  ...['THE', 'ROAD', 'STREET', 'LANE', 'AVENUE', 'DRIVE', 'CLOSE', 'HOUSE', 'FLAT'],
  ...['UNITED', 'KINGDOM', 'ENGLAND'],
]);
export class IdentifierSearch {
  readonly #names: RegExp | undefined;
  readonly #longNames: RegExp | undefined;
  readonly #addresses: RegExp | undefined;
  readonly #longAddresses: RegExp | undefined;
  readonly #dates: RegExp | undefined;
  readonly #numbers: readonly string[];
  readonly #wholes: ReadonlySet<string>;
  /** In capitals, each so long that it does not stand between other bytes by chance. */
  readonly unlikely: ReadonlySet<string>;

  constructor({ names, numbers, birthDates, addresses }: KnownIdentifiers) {
    const nameWords = names.flatMap(wordsIn).filter(isDistinct);
    const addressWords = addresses.flatMap(wordsIn).filter((word) => !COMMON.has(word));
    this.#names = anyOf([...nameWords.map(exactly), ...names.flatMap(pairsIn)]);
    this.#longNames = anyOf(nameWords.filter(isLong).map(exactly));
    this.#addresses = anyOf(addressWords.filter(isDistinct).map(exactly));
    this.#longAddresses = anyOf(addressWords.filter(isLong).map(exactly));
    this.#dates = anyOf(birthDates.flatMap(writingsOf));
    const postcodes = addresses.flatMap(postcodesIn);
    const condensed = [...numbers, ...postcodes]
      .map(condense)
      .filter((number) => !/^0*$/.test(number));
    this.#numbers = condensed.filter((number) => number.length >= MIN_NUMBER);
    this.#wholes = new Set(condensed);
    this.unlikely = new Set([
      ...[...nameWords, ...addressWords].filter((word) => word.length >= MIN_UNLIKELY_WORD),
      ...condensed.filter((number) => number.length >= MIN_UNLIKELY_NUMBER),
    ]);
  }

  /** @returns what stands in the text */
  find(text: string, kind: TextKind): LeakKind[] {
    const folded = fold(text);
    const found: LeakKind[] = [];
    const [names, addresses] = kind.isBinary
      ? [this.#longNames, this.#longAddresses]
      : [this.#names, this.#addresses];
    if (names?.test(folded) === true) found.push('name');
    if (addresses?.test(folded) === true) found.push('address');
    if (!kind.isUID && !kind.isDateThatStays && this.#dates?.test(folded) === true)
      found.push('birth date');
    if (this.#hasNumber(folded, kind)) found.push('number');
    return found;
  }

  #hasNumber(folded: string, { isNumeric, isCode, isUID, isBinary }: TextKind): boolean {
    // New UIDs are random digits, in which anything stands now and then.
    if (isUID && /^\s*2\.25\./.test(folded)) return false;
    const parts = folded.split(isUID ? /[.\\]/ : '\\').map(condense);
    // Alone, a short number stands in every object: an instance number, a count.
    const isWhole = ({ length }: string): boolean =>
      length >= MIN_NUMBER || !(isNumeric || isCode || isUID || isBinary);
    if (parts.some((part) => isWhole(part) && this.#wholes.has(part))) return true;
    if (isNumeric || isUID) return false;
    const condensed = condense(folded);
    return this.#numbers.some((number) => condensed.includes(number));
  }
}

const isLong = (word: string): boolean => word.length >= MIN_BINARY_WORD;
const isDistinct = (word: string): boolean => !DUMMY_WORDS.has(word);

function anyOf(patterns: readonly string[]): RegExp | undefined {
  return patterns.length === 0 ? undefined : new RegExp([...new Set(patterns)].join('|'), 'u');
}
