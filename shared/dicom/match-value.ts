/**
 * Attribute matching, by VR. PS3.4 C.2.2.2.
 *
 *   key, VR ─► matcher ─► true for a value that matches
 *
 * An empty key, and a key of asterisks, matches everything; an unknown value matches nothing but those.
 * Names are compared without case and accents, everything else as it stands.
 */
import { foldGroups } from './person-name.ts';

/** @param value text, several values with backslashes between; '' when there is none */
export type Matcher = (value: string) => boolean;

/** Wildcards mean something in these only. PS3.4 C.2.2.2.4. */
const WITH_WILDCARDS = new Set(['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
const RANGES = new Set(['DA', 'TM', 'DT']);
const NUMBERS = new Set(['IS', 'DS']);

/** @returns undefined for universal matching */
export function matcherFor(key: string, vr: string): Matcher | undefined {
  const trimmed = key.trim();
  if (trimmed === '' || /^\*+$/.test(trimmed)) return undefined;
  if (vr === 'UI') return listMatcher(trimmed);
  if (RANGES.has(vr)) return rangeMatcher(trimmed, vr);
  if (NUMBERS.has(vr)) return (value) => value !== '' && Number(value) === Number(trimmed);
  if (vr === 'PN') return nameMatcher(trimmed);
  return anyOf(trimmed.split('\\').map((part) => textMatcher(part.trim(), vr)));
}

/** Of a value with several, one has to match. */
function anyOf(matchers: readonly Matcher[]): Matcher {
  return (value) =>
    value.split('\\').some((one) => matchers.some((matches) => matches(one.trim())));
}

function textMatcher(key: string, vr: string): Matcher {
  if (!WITH_WILDCARDS.has(vr)) return (value) => value === key;
  const isLike = likeness(key);
  return (value) => (value === '' ? key === '' : isLike(value));
}

/** One component group is looked for in each; several, each where it stands. PS3.5 §6.2.1. */
function nameMatcher(key: string): Matcher {
  const [first = '', ...others] = foldGroups(key);
  if (others.every((group) => group === '')) {
    const isLike = likeness(first);
    return (value) => foldGroups(value).some((group) => group !== '' && isLike(group));
  }
  const asked = [first, ...others].map((group) => (group === '' ? undefined : likeness(group)));
  return (value) => {
    const groups = foldGroups(value);
    return asked.every((isLike, at) => isLike === undefined || isLike(groups[at] ?? ''));
  };
}

/**
 * `*` any number of characters, `?` one. A character of the value is looked at once for each `*` at most: a
 * regular expression would go through all ways to share the value among them.
 */
function likeness(key: string): (value: string) => boolean {
  const pattern = [...key];
  return (value) => {
    const characters = [...value];
    let [at, next] = [0, 0];
    /** Behind the last `*`, and where what is behind it was last tried. */
    let star: { readonly next: number; at: number } | undefined;
    while (at < characters.length) {
      if (pattern[next] === '*') {
        next += 1;
        star = { next, at };
      } else if (pattern[next] === '?' || pattern[next] === characters[at]) {
        next += 1;
        at += 1;
      } else if (star !== undefined) {
        star.at += 1;
        [at, next] = [star.at, star.next];
      } else return false;
    }
    return pattern.slice(next).every((character) => character === '*');
  };
}

function listMatcher(key: string): Matcher {
  const uids = new Set(key.split('\\').map((uid) => uid.trim()));
  return (value) => uids.has(value);
}

export interface Range {
  /** '' when it is open. */
  readonly from: string;
  readonly to: string;
}

/** `a-b`, `-b`, `a-`, `a`, in the form of the VR, without the punctuation of older ones. @returns undefined for what is none */
export function rangeOf(key: string, vr: string): Range | undefined {
  const text = (vr === 'DA' ? key.replaceAll('.', '') : key.replaceAll(':', '')).replaceAll(
    ' ',
    '',
  );
  if (!/^[\d.+-]+$/.test(text) || !/\d/.test(text)) return undefined;
  const at = text.indexOf('-');
  if (at < 0 || vr === 'DT') return { from: text, to: text };
  return { from: text.slice(0, at), to: text.slice(at + 1) };
}

/**
 * Compared as far as both go: the 10th hour is all of it. A range of times that ends before it begins goes over
 * midnight.
 */
function rangeMatcher(key: string, vr: string): Matcher {
  const range = rangeOf(key, vr);
  if (range === undefined) return () => false;
  const { from, to } = range;
  const common = Math.min(from.length, to.length);
  const isOverMidnight = vr === 'TM' && from.slice(0, common) > to.slice(0, common) && to !== '';
  return (value) => {
    const text = vr === 'DA' ? value.replaceAll('.', '') : value.replaceAll(':', '');
    if (text === '') return false;
    const isAfter = from === '' || text.slice(0, from.length) >= from.slice(0, text.length);
    const isBefore = to === '' || text.slice(0, to.length) <= to.slice(0, text.length);
    return isOverMidnight ? isAfter || isBefore : isAfter && isBefore;
  };
}
