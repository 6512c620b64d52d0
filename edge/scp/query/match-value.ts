/**
 * Attribute matching, by VR. PS3.4 C.2.2.2.
 *
 *   key, VR ─► matcher ─► true for a value that matches
 *
 * An empty key, and a key of asterisks, matches everything; an unknown value matches nothing but those.
 * Names are compared without case and accents, everything else as it stands.
 */
import { foldGroups, foldName } from '../../../shared/dicom/person-name.ts';

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
  const pattern = WITH_WILDCARDS.has(vr) ? patternOf(key) : undefined;
  if (pattern === undefined) return (value) => value === key;
  return (value) => value !== '' && pattern.test(value);
}

function nameMatcher(key: string): Matcher {
  const folded = foldName(key);
  const pattern = patternOf(folded);
  const matches = (group: string): boolean => pattern?.test(group) ?? group === folded;
  return (value) => foldGroups(value).some(matches);
}

/** `*` any number of characters, `?` one. @returns undefined when there is none of them */
function patternOf(key: string): RegExp | undefined {
  if (!/[*?]/.test(key)) return undefined;
  const source = key
    .replace(/[.+^${}()|[\]\\/-]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'su');
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
  const text = vr === 'DA' ? key.replaceAll('.', '') : key.replaceAll(':', '');
  if (!/^[\d.+-]+$/.test(text) || !/\d/.test(text)) return undefined;
  const at = text.indexOf('-');
  if (at < 0 || vr === 'DT') return { from: text, to: text };
  return { from: text.slice(0, at), to: text.slice(at + 1) };
}

/** Compared as far as both go: the 10th hour is all of it. */
function rangeMatcher(key: string, vr: string): Matcher {
  const range = rangeOf(key, vr);
  if (range === undefined) return () => false;
  const { from, to } = range;
  return (value) => {
    const text = vr === 'DA' ? value.replaceAll('.', '') : value.replaceAll(':', '');
    if (text === '') return false;
    const isAfter = from === '' || text.slice(0, from.length) >= from.slice(0, text.length);
    return isAfter && (to === '' || text.slice(0, to.length) <= to.slice(0, text.length));
  };
}
