/**
 * Looks through the note of a teaching file for its patient, as de-identified objects are looked through. Asked at the
 * hub when it is written, and at the study's home, which knows more.
 */
import type { TeachingNote } from './contract/teaching.ts';
import type { IdentifierSearch, LeakKind, TextKind } from './identifier-search.ts';
import { readNhsNumber } from './nhs-number.ts';

const FREE_TEXT: TextKind = {
  ...{ isNumeric: false, isCode: false, isUID: false, isBinary: false },
  isDateThatStays: false,
};
/** Ten digits as people group them, not as a part of a longer number. */
const TEN_DIGITS = /(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)/g;

export interface NoteFault {
  readonly field: keyof TeachingNote;
  readonly what: LeakKind | 'NHS number';
}

/** @returns what must not stand there; an NHS number is somebody's, whoever's it is */
export function faultsOfNote(note: TeachingNote, search: IdentifierSearch): NoteFault[] {
  const texts: readonly (readonly [keyof TeachingNote, string | null])[] = [
    ['title', note.title],
    ['question', note.question],
    ['answer', note.answer],
    ...note.keywords.map((keyword) => ['keywords', keyword] as const),
    ['category', note.category],
  ];
  return texts.flatMap(([field, text]) => {
    if (text === null) return [];
    const isNumbered = (text.match(TEN_DIGITS) ?? []).some((digits) => readNhsNumber(digits));
    const found: NoteFault['what'][] = search.find(text, FREE_TEXT);
    if (isNumbered) found.push('NHS number');
    return [...new Set(found)].map((what) => ({ field, what }));
  });
}

/** In words that say the kind and the place, never the value. */
export const noteFaultText = (faults: readonly NoteFault[]): string =>
  `${faults
    .map(({ field, what }) => `the ${field} would show ${ARTICLE[what]} ${what}`)
    .join(', ')}: write it without`;

const ARTICLE: Readonly<Record<NoteFault['what'], string>> = {
  ...{ name: 'a', number: 'a', 'birth date': 'the', address: 'an', 'NHS number': 'an' },
};
