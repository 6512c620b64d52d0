/**
 * What may be asked of the network's studies, read from the texts of a query string.
 *
 *   ?nhsNumber=943 476 5919&modality=CT ──StudyQuerySchema──► StudyQuery ──► studies.ts
 *
 * Every given field narrows. A number that is only unique within an issuer is never searched
 * without it, and a name never without a birth date: either would mix patients.
 */
import * as z from 'zod';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { readDate } from './dates.ts';

/** Faults whose code is more exact than "not valid"; carried in a zod issue's `params.code`. */
export const INVALID_NHS_NUMBER = 'INVALID_NHS_NUMBER';

const Text = (what: string, longest: number) =>
  z.string().trim().min(1, `${what} must not be empty`).max(longest).describe(what);

const DateText = (what: string) =>
  z
    .string()
    .transform((text, context) => {
      const date = readDate(text);
      if (date !== null) return date;
      context.addIssue({ code: 'custom', message: 'a date: YYYY-MM-DD or YYYYMMDD' });
      return z.NEVER;
    })
    .describe(`${what}, YYYY-MM-DD or YYYYMMDD`);

const NhsNumber = z
  .string()
  .transform((text, context) => {
    const digits = readNhsNumber(text);
    if (digits !== null) return digits;
    context.addIssue({
      code: 'custom',
      message: 'not an NHS number: ten digits of which the last is the check digit',
      params: { code: INVALID_NHS_NUMBER },
    });
    return z.NEVER;
  })
  .describe('NHS number, spaces allowed');

const Modalities = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((text) => text.split(/[,\\]/)))
  .pipe(
    z.array(
      z
        .string()
        .trim()
        .toUpperCase()
        .regex(/^[A-Z0-9 _]{1,16}$/, 'a modality: CT, MR …'),
    ),
  )
  .describe('One or more modalities, commas between: the study has a series of one of them');

export const studyQueryShape = {
  nhsNumber: NhsNumber.optional(),
  patientId: Text('Identifier of the patient at one issuer', 64).optional(),
  issuer: Text(
    'Who issued patientId, or accessionNumber: usually the ODS code of a trust',
    64,
  ).optional(),
  patientName: Text(
    'Name, FAMILY^GIVEN or free words; each part matches from its beginning, case and accents do not count, * and ? stand for any',
    324,
  ).optional(),
  birthDate: DateText('Date of birth').optional(),
  accessionNumber: Text('Accession number', 64).optional(),
  studyInstanceUID: Text('Study Instance UID', 128).optional(),
  modality: Modalities.optional(),
  from: DateText('First study date').optional(),
  to: DateText('Last study date').optional(),
} as const;

const KEYS = [
  'nhsNumber',
  'patientId',
  'patientName',
  'accessionNumber',
  'studyInstanceUID',
] as const;

type Given = { readonly [K in keyof typeof studyQueryShape]?: unknown };

/** True when the question names a patient or a study: all others list whole trusts. */
export const hasKey = (query: Given): boolean => KEYS.some((key) => query[key] !== undefined);
export const NEEDS_KEY = `one of ${KEYS.join(', ')} is needed`;

/** Faults of the combination: a key that needs another field beside it. */
export function checkCombination(
  query: Given,
  fault: (path: string, message: string) => void,
): void {
  const has = (key: keyof typeof studyQueryShape): boolean => query[key] !== undefined;
  const keys = KEYS.filter(has);
  if (has('patientId') && !has('issuer'))
    fault('issuer', 'is needed with patientId: the same number names other people elsewhere');
  if (keys.length === 1 && has('patientName') && !has('birthDate'))
    fault('birthDate', 'is needed with patientName');
  if (has('issuer') && !has('patientId') && !has('accessionNumber'))
    fault('issuer', 'goes with patientId or accessionNumber');
  if (typeof query.from === 'string' && typeof query.to === 'string' && query.from > query.to)
    fault('to', 'is before from');
}

export const StudyQuerySchema = z.strictObject(studyQueryShape).superRefine((query, context) => {
  checkCombination(query, (path, message) =>
    context.addIssue({ code: 'custom', path: path === '' ? [] : [path], message }),
  );
});

export type StudyQuery = z.output<typeof StudyQuerySchema>;

/** Which part of a list is wanted. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}
