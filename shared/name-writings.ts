/**
 * The words of names and addresses, as people and programs write them: without accents or with the letters that stand
 * for them, in one with what stood between, in any order.
 *
 *   name as stored ─► wordsIn, pairsIn ─► patterns for text that was folded
 */

/** Letters that no accent can be taken from. */
const PLAIN: Readonly<Record<string, string>> = {
  ...{ Ł: 'L', Ø: 'O', Đ: 'D', Ð: 'D', Þ: 'TH', Ħ: 'H', Ŧ: 'T', Æ: 'AE', Œ: 'OE', ẞ: 'SS' },
};
/** As those write who have no accents. */
const SPELT: Readonly<Record<string, string>> = { Ä: 'AE', Ö: 'OE', Ü: 'UE', Ø: 'OE', Å: 'AA' };
/** Nobody is called so, whatever their record says. */
const TITLES = new Set([
  ...['MRS', 'MISS', 'MSTR', 'PROF', 'REV', 'ESQ', 'OBE', 'MBE', 'CBE', 'PHD', 'JNR', 'SNR'],
]);
/** Shorter words of the Latin, Greek and Cyrillic alphabets stand in every text. */
const MIN_WORD = 3;
/** From here on a digit beside it is no part of it. */
const MIN_BESIDE_DIGITS = 4;
/** So long that it stands in no other word by chance. */
const MIN_WITHIN_WORDS = 8;
/** Of two names together, that need nothing between them. */
const MIN_JOINED = 5;

/** Capitals without accents. */
export function fold(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whether all is ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toUpperCase();
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
  return plain.replace(/[ŁØĐÐÞĦŦÆŒẞ]/g, (letter) => PLAIN[letter] ?? letter);
}

/** Letters and digits alone: `943 476-5919` is `9434765919`. */
export const condense = (text: string): string => fold(text).replace(/[^\p{L}\p{N}]/gu, '');

const partsOf = (text: string): string[] =>
  fold(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/** `O'Malley` is written `OMALLEY`, too, and `Müller` `MUELLER`. */
export function wordsIn(text: string): string[] {
  const joined = text.split(/[\s^=,;/\\]+/).map(condense);
  const spelt = spellings(text).flatMap(partsOf);
  const words = new Set([...partsOf(text), ...joined, ...spelt]);
  return [...words].filter((word) => isWord(word) && !TITLES.has(word));
}

function spellings(text: string): string[] {
  const capitals = text.normalize('NFC').toUpperCase();
  const spelt = capitals.replace(/[ÄÖÜØÅ]/g, (letter) => SPELT[letter] ?? letter);
  const unspelt = capitals.replace(/([AOU])E/g, '$1');
  return [spelt, unspelt].filter((one) => one !== capitals);
}

/** Two characters of other scripts are a word as three letters are. */
const isWord = (word: string): boolean => word.length >= (isAlphabetic(word) ? MIN_WORD : 2);

/** Family and given name, either way round: for those whose names are too short to look for alone. */
export function pairsIn(name: string): string[] {
  return name.split('=').flatMap((group) => {
    const [family = [], given = []] = group.split('^').map(partsOf);
    if (family.length === 0 || given.length === 0) return [];
    const gap = family.concat(given).join('').length < MIN_JOINED ? SOME_GAP : ANY_GAP;
    return [spaced([...family, ...given], gap), spaced([...given, ...family], gap)];
  });
}

const isAlphabetic = (word: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}]*$/u.test(word);

/** What stands between the parts of a name: a space, ^, a comma, a dash. */
const ANY_GAP = '[^\\p{L}\\p{N}]{0,3}';
const SOME_GAP = '[^\\p{L}\\p{N}]{1,3}';

/** Patterns: letters, digits and nothing else is what they are made of, so nothing has to be escaped. */
export function exactly(word: string): string {
  if (!isAlphabetic(word) || /\p{N}/u.test(word) || word.length < MIN_BESIDE_DIGITS)
    return spaced([word], '');
  return word.length < MIN_WITHIN_WORDS ? `(?<!\\p{L})${word}(?!\\p{L})` : word;
}

/** Not as a part of a longer word, but where words are written without spaces. */
function spaced(parts: readonly string[], gap: string): string {
  const pattern = parts.join(gap);
  return parts.every(isAlphabetic) ? `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])` : pattern;
}

const POSTCODE = /(?<![A-Z\d])[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}(?![A-Z\d])/g;

/** Of addresses in the United Kingdom. */
export const postcodesIn = (address: string): string[] => fold(address).match(POSTCODE) ?? [];
