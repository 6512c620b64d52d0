/** The options of the Basic Profile that may be asked for, and the codes by which an object says so. PS3.15 §E.3, PS3.16 CID 7050. */

export interface ProfileOption {
  /** As on the command line. */
  readonly name: string;
  /** Its column in the table of the profile; null: it changes pixels, not elements. */
  readonly column: string | null;
  readonly code: string;
  readonly meaning: string;
}

export const BASIC_PROFILE = {
  code: '113100',
  meaning: 'Basic Application Confidentiality Profile',
} as const;

/** In falling order of strength: where two change one attribute, the first one's action counts. */
export const PROFILE_OPTIONS: readonly ProfileOption[] = [
  {
    ...{ name: 'retain-full-dates', column: 'full-dates', code: '113106' },
    meaning: 'Retain Longitudinal Temporal Information Full Dates Option',
  },
  {
    ...{ name: 'retain-modified-dates', column: 'modified-dates', code: '113107' },
    meaning: 'Retain Longitudinal Temporal Information Modified Dates Option',
  },
  {
    ...{ name: 'retain-uids', column: 'uids', code: '113110' },
    meaning: 'Retain UIDs Option',
  },
  {
    ...{ name: 'retain-device', column: 'device', code: '113109' },
    meaning: 'Retain Device Identity Option',
  },
  {
    ...{ name: 'retain-institution', column: 'institution', code: '113112' },
    meaning: 'Retain Institution Identity Option',
  },
  {
    ...{ name: 'retain-patient-characteristics', column: 'patient-characteristics' },
    ...{ code: '113108', meaning: 'Retain Patient Characteristics Option' },
  },
  {
    ...{ name: 'retain-safe-private', column: 'safe-private', code: '113111' },
    meaning: 'Retain Safe Private Option',
  },
  {
    ...{ name: 'clean-descriptors', column: 'descriptors', code: '113105' },
    meaning: 'Clean Descriptors Option',
  },
  {
    ...{ name: 'clean-structured-content', column: 'structured-content', code: '113104' },
    meaning: 'Clean Structured Content Option',
  },
  {
    ...{ name: 'clean-graphics', column: 'graphics', code: '113103' },
    meaning: 'Clean Graphics Option',
  },
  {
    ...{ name: 'clean-pixel-data', column: null, code: '113101' },
    meaning: 'Clean Pixel Data Option',
  },
];

/** Dates as they are, and dates moved: an object can't have both. PS3.15 §E.3.6. */
const EXCLUSIVE = ['retain-full-dates', 'retain-modified-dates'];

/** @returns the options, in their order; or why they can't be had */
export function readOptions(
  names: readonly string[],
): { options: readonly ProfileOption[] } | { fault: string } {
  const known = PROFILE_OPTIONS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return { fault: `unknown option ${unknown.join(', ')}; there are ${known.join(', ')}` };
  if (EXCLUSIVE.every((name) => names.includes(name)))
    return { fault: `${EXCLUSIVE.join(' and ')} exclude each other` };
  return { options: PROFILE_OPTIONS.filter(({ name }) => names.includes(name)) };
}
