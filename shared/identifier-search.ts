/**
 * What is known of a patient, ready to be looked for in any text: names in any order and writing, numbers
 * however they are grouped, the birth date as people and programs write it, the words of addresses.
 *
 * Knows nothing of the rules that made the text.
 */

/** What is known of a patient, as it stands in the original. */
export interface KnownIdentifiers {
  readonly names: readonly string[];
  /** Patient IDs, NHS numbers, accession numbers, telephone numbers … */
  readonly numbers: readonly string[];
  /** As stored; YYYYMMDD where it is well written. */
  readonly birthDates: readonly string[];
  readonly addresses: readonly string[];
}

/** What stands where an attribute has to have a value and may say nothing. */
export const DUMMY_DATE = '19000101';
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

/** Shorter words of the Latin, Greek and Cyrillic alphabets stand in every text. */
const MIN_WORD = 3;
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
const MONTHS = [
  ...['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'],
  ...['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'],
];

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
    const condensed = numbers.map(condense).filter((number) => !/^0*$/.test(number));
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

/** Capitals without accents. */
function fold(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whether all is ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toUpperCase();
  return text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
}

/** Letters and digits alone: `943 476-5919` is `9434765919`. */
const condense = (text: string): string => fold(text).replace(/[^\p{L}\p{N}]/gu, '');

const partsOf = (text: string): string[] =>
  fold(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/** Two characters of other scripts are a word as three letters are. */
function wordsIn(text: string): string[] {
  return partsOf(text).filter((word) => word.length >= (isAlphabetic(word) ? MIN_WORD : 2));
}

/** Family and given name, either way round: for those whose names are too short to look for alone. */
function pairsIn(name: string): string[] {
  return name.split('=').flatMap((group) => {
    const [family = [], given = []] = group.split('^').map(partsOf);
    if (family.length === 0 || given.length === 0) return [];
    const gap = family.concat(given).join('').length < MIN_BINARY_WORD ? SOME_GAP : ANY_GAP;
    return [spaced([...family, ...given], gap), spaced([...given, ...family], gap)];
  });
}

const isAlphabetic = (word: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}]*$/u.test(word);

/** What stands between the parts of a name or a date: a space, ^, a comma, a dash. */
const ANY_GAP = '[^\\p{L}\\p{N}]{0,3}';
const SOME_GAP = '[^\\p{L}\\p{N}]{1,3}';

/** Patterns: letters, digits and nothing else is what they are made of, so nothing has to be escaped. */
const exactly = (word: string): string => spaced([word], '');

/** Not as a part of a longer word, but where words are written without spaces. */
function spaced(parts: readonly string[], gap: string): string {
  const pattern = parts.join(gap);
  return parts.every(isAlphabetic) ? `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])` : pattern;
}

function anyOf(patterns: readonly string[]): RegExp | undefined {
  return patterns.length === 0 ? undefined : new RegExp([...new Set(patterns)].join('|'), 'u');
}

/** A date as people and programs write it. @param date YYYYMMDD, or YYYY.MM.DD as old objects have it */
function writingsOf(date: string): string[] {
  const match = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(date.trim());
  // As the dummy, it says nothing.
  if (match === null || match.slice(1).join('') === DUMMY_DATE) return [];
  const [, year = '', month = '', day = ''] = match;
  const days = [day, String(Number(day))];
  const months = [month, String(Number(month))];
  const long = MONTHS[Number(month) - 1];
  const names = long === undefined ? [] : [long.slice(0, 3), long];
  const together = [
    ...[
      [year, month, day],
      [day, month, year],
      [month, day, year],
    ],
    ...names.flatMap((name) =>
      days.flatMap((of) => [
        [of, name, year],
        [name, of, year],
      ]),
    ),
  ];
  const apart = days.flatMap((of) =>
    months.flatMap((as) => [
      [of, as, year],
      [as, of, year],
    ]),
  );
  const short = days.flatMap((of) => months.map((as) => [of, as, year.slice(2)]));
  return [
    ...together.map((parts) => dated(parts.join(ANY_GAP))),
    ...apart.map((parts) => dated(parts.join(SOME_GAP))),
    // With a dot it is a version, with a backslash two values.
    ...short.map((parts) => dated(parts.join('[-/]'))),
    // With the time behind it, as in VR DT.
    dated(`${year}${month}${day}\\d{4}(?:\\d\\d)?`),
  ];
}

/** Not as a part of a longer number; a letter may follow, as in 1947-02-03T10:00. */
const dated = (pattern: string): string => `(?<!\\d)${pattern}(?!\\d)`;
