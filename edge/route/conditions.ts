/**
 * Whether an object is what a rule asks for, and if not, what is not so. The words name the condition,
 * never the object's value: they are shown, and a value may name a patient.
 */
import { tagOfName } from '../../shared/dicom/keywords.ts';
import type { RouteCondition, RouteRange, RouteRule } from '../config-routes.ts';
import type { ObjectFacts } from './facts.ts';
import { isWithin, windowText } from './windows.ts';

/** @returns undefined: all of it is so */
export function whyNot(condition: RouteCondition, facts: ObjectFacts): string | undefined {
  const { callers, attributes, received, objectBytes, studyBytes, studyObjects } = condition;
  if (callers !== undefined && !callers.some((pattern) => matches(pattern, facts.callingAETitle)))
    return `the caller is none of ${callers.join(', ')}`;
  for (const [name, wanted] of Object.entries(attributes ?? {}))
    if (!hasValue(facts.text(tagOfName(name) ?? 0), wanted))
      return `${name} is not ${said(wanted)}`;
  if (received !== undefined && !isWithin(received, facts.receivedAt))
    return `it was not received from ${windowText(received)}`;
  const sizes: readonly (readonly [string, number, RouteRange | undefined])[] = [
    ['the object has not bytes', facts.dataSetBytes, objectBytes],
    ['the study has not bytes', facts.studyBytes, studyBytes],
    ['the study has not objects', facts.studyObjects, studyObjects],
  ];
  for (const [what, size, range] of sizes)
    if (range !== undefined && !isInRange(size, range)) return `${what} ${said(range)}`;
  return undefined;
}

/** The tags that the conditions of rules name. */
export function tagsOf(rules: readonly RouteRule[]): Set<number> {
  const conditions = rules.flatMap(({ when, unless }) => [when, unless ?? {}]);
  const names = conditions.flatMap(({ attributes }) => Object.keys(attributes ?? {}));
  return new Set(names.map(tagOfName).filter((tag) => tag !== undefined));
}

type Wanted = NonNullable<RouteCondition['attributes']>[string];

/** Of several values one is enough. */
function hasValue(text: string, wanted: Wanted): boolean {
  const values = text.split('\\').map((value) => value.trim());
  if (typeof wanted === 'string') return values.some((value) => matches(wanted, value));
  if (Array.isArray(wanted))
    return wanted.some((pattern) => values.some((value) => matches(pattern, value)));
  const range = wanted as RouteRange;
  return values.some((value) => value !== '' && isInRange(Number(value), range));
}

const isInRange = (size: number, { min = -Infinity, max = Infinity }: RouteRange): boolean =>
  size >= min && size <= max;

function matches(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'is').test(value);
}

function said(wanted: Wanted): string {
  if (typeof wanted === 'string') return `"${wanted}"`;
  if (Array.isArray(wanted)) return `one of ${wanted.map((pattern) => `"${pattern}"`).join(', ')}`;
  const { min, max } = wanted as RouteRange;
  if (max === undefined) return `from ${min}`;
  return min === undefined ? `up to ${max}` : `from ${min} to ${max}`;
}
