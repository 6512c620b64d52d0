/** What a person typed into a form: trimmed, empty fields left out, dates in the order of the country. */
import { isoDate, readDate } from '../search/dates.ts';
import { type Fault, HttpProblem } from './problem.ts';

export type Form = Readonly<Record<string, string>>;

/** A fault of a form field, with the words beside it. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** One value a field; what is empty was not given. */
export function readForm(body: unknown): Form {
  const form: Record<string, string> = {};
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>)) {
    const text = String([value].flat()[0] ?? '').trim();
    if (text !== '') form[name] = text;
  }
  return form;
}

/** All values of a field that may come several times. */
export function readList(body: unknown, name: string): string[] {
  const value = ((body ?? {}) as Record<string, unknown>)[name];
  return value === undefined ? [] : [value].flat().map(String).filter(Boolean);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `31/1/1958`, `31.01.1958`, `31 Jan 1958` and ISO, as YYYY-MM-DD; anything else as it was typed. */
export function typedDate(text: string): string {
  const match = /^(\d{1,2})[\s./-]+(\d{1,2}|[a-z]{3,9})[\s./-]+(\d{4})$/i.exec(text);
  if (match === null) return text;
  const [, day = '', month = '', year = ''] = match;
  const byName = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
  const number = /^\d/.test(month) ? month : String(byName);
  return isoDate(readDate(`${year}-${number.padStart(2, '0')}-${day.padStart(2, '0')}`)) ?? text;
}

/** The named fields of a form, of which `dates` are dates. */
export function pick(form: Form, names: readonly string[], dates: readonly string[]): Form {
  const given = names.flatMap((name): [string, string][] => {
    const text = form[name];
    if (text === undefined) return [];
    return [[name, dates.includes(name) ? typedDate(text) : text]];
  });
  return Object.fromEntries(given);
}

const WORDS: Readonly<Record<string, string>> = {
  nhsNumber: 'Enter a valid NHS number: 10 digits',
  patientId: 'Enter the local patient number',
  issuer: 'Enter who issued the number, such as RRK',
  patientName: 'Enter the name',
  birthDate: 'Enter a real date of birth, such as 31/1/1958',
  accessionNumber: 'Enter the accession number',
  modality: 'Enter modalities such as CT, MR',
  from: 'Enter a real date to begin with, such as 31/1/2026',
  to: 'Enter a real date to end with, not before the first',
  priority: 'Choose how soon it is needed',
  purpose: 'Choose what it is for',
};

/** Faults of a problem in the words of a form; others become one without a field. */
export function fieldFaults(
  error: unknown,
  fields: Readonly<Record<string, string>>,
): FieldFault[] {
  if (!(error instanceof HttpProblem) || error.faults.length === 0) throw error;
  const seen = new Set<string>();
  return error.faults.flatMap((fault) => {
    const { field, message } = wordFault(fault, fields);
    if (seen.has(field)) return [];
    seen.add(field);
    return [{ field, message }];
  });
}

function wordFault(fault: Fault, fields: Readonly<Record<string, string>>): FieldFault {
  const path = fault.path.split('.').slice(1).join('.');
  const field = fields[path] ?? path.split('.')[0] ?? '';
  return { field, message: WORDS[field] ?? fault.message };
}

/** By field, for the message beside it. */
export const faultsByField = (faults: readonly FieldFault[]): Record<string, string> =>
  Object.fromEntries(faults.map(({ field, message }) => [field, message]));
