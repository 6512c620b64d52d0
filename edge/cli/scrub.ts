/**
 * Takes out of text what names a patient: numbers that are NHS numbers, names as DICOM and HL7 write them, and whatever
 * is a patient's number in this edge's index. Logs hold none of it by rule; a bundle that leaves the trust is made sure.
 */

import { readNhsNumber } from '../../shared/nhs-number.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

/** Words of this form may be somebody's number. */
const WORD = /[A-Za-z0-9-]{4,64}/g;
const UID = /^[0-9.]+\.[0-9.]+$/;
/** As people write an NHS number, too. */
const NHS_NUMBER = /(?<![\d.])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d.])/g;
/** Family^Given, PS3.5 §6.2.1.1. */
const PERSON = /[\p{L}'’.-]+\^[\p{L}'’.^ -]*/gu;

export type Scrub = (text: string) => string;

export function openScrub(db: Sqlite | undefined): Scrub {
  const find = db
    ?.prepare<[string, string], number>(
      `SELECT EXISTS (SELECT 1 FROM studies WHERE patient_id = ?)
         OR EXISTS (SELECT 1 FROM known_patients WHERE patient_id = ?)`,
    )
    .pluck();
  const known = new Map<string, boolean>();
  const isSomebodys = (word: string): boolean => {
    if (find === undefined || !/\d/.test(word)) return false;
    const found = known.get(word) ?? find.get(word, word) === 1;
    known.set(word, found);
    return found;
  };
  return (text) => {
    if (UID.test(text)) return text;
    return text
      .replace(PERSON, '[name]')
      .replace(NHS_NUMBER, (number) => (readNhsNumber(number) === null ? number : '[number]'))
      .replace(WORD, (word) => (isSomebodys(word) ? '[number]' : word));
  };
}

/** Every text in it, at any depth; numbers and names of fields stay. */
export function scrubbed(value: unknown, scrub: Scrub): unknown {
  if (typeof value === 'string') return scrub(value);
  if (Array.isArray(value)) return value.map((one) => scrubbed(one, scrub));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, scrubbed(child, scrub)]),
  );
}
