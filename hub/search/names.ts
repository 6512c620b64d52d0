/**
 * Whether a name is the one that was asked for. PS3.4 §C.2.2.2.4 (wildcards), §C.2.2.2.1 (case and
 * accents of PN may be ignored), with one freedom more: each part matches from its beginning.
 *
 * Component groups (alphabetic, ideographic, phonetic) are each tried.
 */

/** Upper case, without accents; what is neither letter, digit nor wildcard becomes a space. */
function nameText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .replace(/[øØ]/g, 'o')
    .replace(/[łŁ]/g, 'l')
    .replace(/[đĐ]/g, 'd')
    .replace(/[æÆ]/g, 'ae')
    .toUpperCase()
    .replace(/['’`]/g, '')
    .replace(/[^\p{L}\p{N}*?]+/gu, ' ')
    .trim();
}

/**
 * @param asked as a person or a peer wrote it: `SMITH^JO`, `Smith, Jo`, `jo smith`, `Sm?th*`
 * @returns a test of names as DICOM PN
 */
export function nameMatcher(asked: string): (name: string) => boolean {
  const componentwise = /[\^]/.test(asked) || asked.includes(',');
  const parts = asked
    .replace(',', '^')
    .split('^')
    .map((part) => nameText(part));
  if (componentwise) {
    const patterns = parts.map(beginsLike);
    return (name) =>
      groupsOf(name).some((components) =>
        patterns.every((pattern, at) => pattern.test(components[at] ?? '')),
      );
  }
  const words = (parts[0] ?? '').split(' ').map(beginsLike);
  return (name) => groupsOf(name).some((components) => everyWordFits(words, wordsOf(components)));
}

const groupsOf = (name: string): string[][] =>
  name.split('=').map((group) => group.split('^').map(nameText));
const wordsOf = (components: readonly string[]): string[] =>
  components.flatMap((component) => component.split(' ')).filter((word) => word !== '');

/** Each word of the question begins another word of the name; at most a handful, so trying all is quick. */
function everyWordFits(patterns: readonly RegExp[], words: readonly string[]): boolean {
  const [first, ...rest] = patterns;
  if (first === undefined) return true;
  return words.some((word, at) => first.test(word) && everyWordFits(rest, words.toSpliced(at, 1)));
}

/** Runs of `*` become one, so that a pattern full of them cannot make the match slow. */
function beginsLike(part: string): RegExp {
  const pattern = part
    .replace(/\*+/g, '*')
    .replace(/[.+(){}[\]|\\^$/-]/g, '\\$&')
    .replaceAll('?', '.')
    .replaceAll('*', '.*?');
  return new RegExp(`^${pattern}`, 'u');
}
