/**
 * The validations of DIDS version 1, as far as they are public, each as data: what it looks at and when it is
 * broken. A date that is none is told once (005, 026, 036, 045, 061) and compared with nothing.
 */
import { readNhsNumber } from '../../../shared/nhs-number.ts';
import type { DidsField, DidsRecord, DidsReference } from './fields.ts';

/** Days since 1970; NaN for what is no date. */
type Days = number;

export interface Checked {
  readonly record: DidsRecord;
  /** Dates of the record; undefined where the field is empty or no date. */
  readonly days: Readonly<Partial<Record<DidsField, Days>>>;
  readonly reference: DidsReference;
  /** The day of submission, and the first day of its month. */
  readonly submitted: Days;
  readonly month: Days;
}

export interface DidsRule {
  readonly code: string;
  readonly kind: 'reject' | 'warning';
  readonly field: DidsField;
  readonly what: string;
  isBroken(checked: Checked): boolean;
}

const DAY_MS = 86_400_000;

/** `YYYY-MM-DD` to days; NaN for anything else, 31 February too. */
export function daysOf(text: string): Days {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return Number.NaN;
  const ms = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(ms)) return ms;
  return new Date(ms).toISOString().slice(0, 10) === text ? ms / DAY_MS : Number.NaN;
}

/** The same day so many months on; the last of a shorter month. */
export function monthsAfter(days: Days, months: number): Days {
  const date = new Date(days * DAY_MS);
  const target = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months + 1, 0);
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate());
  return Math.min(first, target) / DAY_MS;
}

const reject = (
  code: string,
  field: DidsField,
  what: string,
  isBroken: DidsRule['isBroken'],
): DidsRule => ({ code: `DIDS${code}`, kind: 'reject', field, what, isBroken });
const warn = (
  code: string,
  field: DidsField,
  what: string,
  isBroken: DidsRule['isBroken'],
): DidsRule => ({ code: `DIDS${code}`, kind: 'warning', field, what, isBroken });

const isGiven = (record: DidsRecord, field: DidsField): boolean => record[field] !== '';

/** The first lies after the second; what is not there is in order. */
const isAfter =
  (first: DidsField, second: DidsField) =>
  ({ days }: Checked): boolean => {
    const [a, b] = [days[first], days[second]];
    return a !== undefined && b !== undefined && a > b;
  };

const isNoDate =
  (field: DidsField) =>
  ({ record, days }: Checked): boolean =>
    isGiven(record, field) && days[field] === undefined;

const isNoneOf =
  (field: DidsField, codes: readonly string[]) =>
  ({ record }: Checked): boolean =>
    isGiven(record, field) && !codes.includes(record[field]);

/** Not in the reference data, where there are any. */
const isUnknown =
  (
    field: DidsField,
    known: (reference: DidsReference) => ReadonlyMap<string, unknown> | undefined,
  ) =>
  ({ record, reference }: Checked): boolean =>
    isGiven(record, field) && known(reference)?.has(record[field]) === false;

type Dated = ReadonlyMap<string, { readonly until: string | null }>;

/** Known, and over on the day. @param months so long after its end it is no longer taken at all */
const isOver = (
  { record, reference, days }: Checked,
  given: {
    field: DidsField;
    known: (reference: DidsReference) => Dated | undefined;
    on: readonly DidsField[];
  },
): boolean => {
  const until = given.known(reference)?.get(record[given.field])?.until;
  const on = given.on.map((field) => days[field]).find((day) => day !== undefined);
  return until != null && on !== undefined && on > daysOf(until);
};

/** A code that ended is warned of for six months, then rejected. */
const isRetired = (checked: Checked, field: 'nicip' | 'snomed', isForGood: boolean): boolean => {
  const until = checked.reference[field]?.get(checked.record[field])?.until;
  const test = checked.days.testDate;
  if (until == null || test === undefined || test <= daysOf(until)) return false;
  return test > monthsAfter(daysOf(until), 6) === isForGood;
};

const DEMOGRAPHICS: readonly DidsField[] = [
  ...(['nhsNumber', 'birthDate', 'ethnicCategory', 'gender', 'postcode', 'practice'] as const),
];
/** Postcodes of nobody's home: ZZ99 and what follows. */
const NOWHERE = /^ZZ99/i;
const POSTCODE = /^[A-Z]{1,2}\d[A-Z\d]? {0,2}\d[A-Z]{2}$/i;
/** With or without its space it is the same. */
export const plainPostcode = (text: string): string => text.replaceAll(' ', '').toUpperCase();
const REFERRER = /^([CDGHMNPT]\d{7}|[A-Z]{2}\d{6}|[A-Z]\d{5,8}|R9999981|99)$/i;
const FIRST_BIRTH = daysOf('1900-01-01');
const FIRST_REQUEST = daysOf('1970-01-01');

const WHO_RULES: readonly DidsRule[] = [
  reject(
    '001',
    'nhsNumber',
    'the check digit of the NHS number is wrong',
    ({ record }) => /^\d{10}$/.test(record.nhsNumber) && readNhsNumber(record.nhsNumber) === null,
  ),
  reject(
    '002',
    'nhsNumber',
    'an NHS number has ten digits',
    ({ record }) => isGiven(record, 'nhsNumber') && !/^\d{10}$/.test(record.nhsNumber),
  ),
  reject(
    '003',
    'nhsNumberStatus',
    'the status is one of 01 to 08',
    isNoneOf('nhsNumberStatus', ['01', '02', '03', '04', '05', '06', '07', '08']),
  ),
  reject('005', 'birthDate', 'the birth date is no date', isNoDate('birthDate')),
  reject('006', 'birthDate', 'born after the test', isAfter('birthDate', 'testDate')),
  reject('008', 'birthDate', 'born after the report', isAfter('birthDate', 'reportDate')),
  reject(
    '009',
    'birthDate',
    'born on 1900-01-01 or before',
    ({ days }) => days.birthDate !== undefined && days.birthDate <= FIRST_BIRTH,
  ),
  reject(
    '010',
    'birthDate',
    'born more than 6 months after the request',
    ({ days }) =>
      days.birthDate !== undefined &&
      days.requestDate !== undefined &&
      days.birthDate > monthsAfter(days.requestDate, 6),
  ),
  reject(
    '012',
    'ethnicCategory',
    'the ethnic category is none of A to H, J to N, P, R, S, Z, 99',
    isNoneOf('ethnicCategory', [...'ABCDEFGHJKLMNPRSZ', '99']),
  ),
  reject(
    '014',
    'gender',
    'the gender is one of 0, 1, 2, 9',
    isNoneOf('gender', ['0', '1', '2', '9']),
  ),
  reject(
    '016',
    'postcode',
    'the postcode is not in the reference data',
    ({ record, reference }) =>
      isGiven(record, 'postcode') &&
      !NOWHERE.test(record.postcode) &&
      reference.postcodes?.has(plainPostcode(record.postcode)) === false,
  ),
  reject(
    '017',
    'postcode',
    'the postcode has no such form',
    ({ record }) =>
      isGiven(record, 'postcode') &&
      !NOWHERE.test(record.postcode) &&
      !POSTCODE.test(record.postcode),
  ),
  reject(
    '018',
    'practice',
    'the practice is not in the reference data',
    isUnknown('practice', ({ practices }) => practices),
  ),
  reject(
    '073',
    'nhsNumber',
    'nothing of NHS number, birth date, ethnic category, gender, postcode, practice',
    ({ record }) => DEMOGRAPHICS.every((field) => !isGiven(record, field)),
  ),
  reject(
    '074',
    'postcode',
    'a postcode of nowhere is all that is told of the patient',
    ({ record }) =>
      NOWHERE.test(record.postcode) &&
      DEMOGRAPHICS.every((field) => field === 'postcode' || !isGiven(record, field)),
  ),
];

const REQUEST_RULES: readonly DidsRule[] = [
  reject(
    '020',
    'sourceSetting',
    'the source setting is missing',
    ({ record }) => !isGiven(record, 'sourceSetting'),
  ),
  reject(
    '021',
    'sourceSetting',
    'the source setting is one of 01 to 07',
    isNoneOf('sourceSetting', ['01', '02', '03', '04', '05', '06', '07']),
  ),
  warn(
    '023',
    'referrer',
    'the referrer code has no such form, and will become 99',
    ({ record }) => isGiven(record, 'referrer') && !REFERRER.test(record.referrer),
  ),
  reject(
    '024',
    'referringOrganisation',
    'the referring organisation is not in the reference data',
    isUnknown('referringOrganisation', ({ referringOrganisations }) => referringOrganisations),
  ),
  reject('026', 'requestDate', 'the request date is no date', isNoDate('requestDate')),
  reject(
    '027',
    'requestDate',
    'requested after it was received',
    isAfter('requestDate', 'receivedDate'),
  ),
  warn(
    '028',
    'requestDate',
    'requested more than a year before the test',
    ({ days }) =>
      days.requestDate !== undefined &&
      days.testDate !== undefined &&
      monthsAfter(days.requestDate, 12) < days.testDate,
  ),
  reject(
    '031',
    'requestDate',
    'requested before 1970-01-01',
    ({ days }) => days.requestDate !== undefined && days.requestDate < FIRST_REQUEST,
  ),
  reject('034', 'requestDate', 'requested after the test', isAfter('requestDate', 'testDate')),
  reject(
    '035',
    'reportDate',
    'reported before it was requested',
    isAfter('requestDate', 'reportDate'),
  ),
  reject('036', 'receivedDate', 'the received date is no date', isNoDate('receivedDate')),
  warn(
    '038',
    'receivedDate',
    'received more than a year before the test',
    ({ days }) =>
      days.receivedDate !== undefined &&
      days.testDate !== undefined &&
      monthsAfter(days.receivedDate, 12) < days.testDate,
  ),
  reject(
    '040',
    'receivedDate',
    'received more than 6 months before the birth',
    ({ days }) =>
      days.receivedDate !== undefined &&
      days.birthDate !== undefined &&
      monthsAfter(days.receivedDate, 6) < days.birthDate,
  ),
  reject(
    '041',
    'receivedDate',
    'received before 1970-01-01',
    ({ days }) => days.receivedDate !== undefined && days.receivedDate < FIRST_REQUEST,
  ),
  reject('043', 'receivedDate', 'received after the test', isAfter('receivedDate', 'testDate')),
  reject('044', 'receivedDate', 'received after the report', isAfter('receivedDate', 'reportDate')),
  warn('079', 'referringOrganisation', 'the referring organisation was closed then', (checked) =>
    isOver(checked, {
      field: 'referringOrganisation',
      known: ({ referringOrganisations }) => referringOrganisations,
      on: ['requestDate', 'testDate'],
    }),
  ),
  warn('080', 'practice', 'the practice was closed then', (checked) =>
    isOver(checked, { field: 'practice', known: ({ practices }) => practices, on: ['testDate'] }),
  ),
];

const TEST_RULES: readonly DidsRule[] = [
  reject('045', 'testDate', 'the test date is no date', isNoDate('testDate')),
  reject('048', 'reportDate', 'reported before the test', isAfter('testDate', 'reportDate')),
  warn(
    '049',
    'testDate',
    'tested more than 3 months before the month of submission',
    ({ days, month }) =>
      days.testDate !== undefined &&
      days.testDate < monthsAfter(month, -3) &&
      days.testDate >= monthsAfter(month, -6),
  ),
  reject(
    '050',
    'testDate',
    'the test date is missing',
    ({ record }) => !isGiven(record, 'testDate'),
  ),
  reject(
    '051',
    'testDate',
    'tested after the submission',
    ({ days, submitted }) => days.testDate !== undefined && days.testDate > submitted,
  ),
  reject(
    '055',
    'testDate',
    'tested more than 6 months before the month of submission',
    ({ days, month }) => days.testDate !== undefined && days.testDate < monthsAfter(month, -6),
  ),
  reject(
    '056',
    'nicip',
    'neither a NICIP nor a SNOMED CT code',
    ({ record }) => !isGiven(record, 'nicip') && !isGiven(record, 'snomed'),
  ),
  reject(
    '057',
    'nicip',
    'the NICIP code is not valid',
    (checked) =>
      isUnknown('nicip', ({ nicip }) => nicip)(checked) || isRetired(checked, 'nicip', true),
  ),
  reject(
    '059',
    'snomed',
    'the SNOMED CT code is not valid',
    (checked) =>
      isUnknown('snomed', ({ snomed }) => snomed)(checked) || isRetired(checked, 'snomed', true),
  ),
  reject('061', 'reportDate', 'the report date is no date', isNoDate('reportDate')),
  warn(
    '062',
    'reportDate',
    'reported more than a month after the test',
    ({ days }) =>
      days.reportDate !== undefined &&
      days.testDate !== undefined &&
      days.reportDate > monthsAfter(days.testDate, 1),
  ),
  reject(
    '066',
    'reportDate',
    'reported after the submission',
    ({ days, submitted }) => days.reportDate !== undefined && days.reportDate > submitted,
  ),
  reject('067', 'site', 'the site of imaging is missing', ({ record }) => !isGiven(record, 'site')),
  reject(
    '068',
    'site',
    'the site of imaging is not in the reference data',
    (checked) =>
      /^[A-Z0-9]{5,12}$/i.test(checked.record.site) &&
      isUnknown('site', ({ sites }) => sites)(checked),
  ),
  reject(
    '069',
    'site',
    'a site code has 5 to 12 letters and digits',
    ({ record }) => isGiven(record, 'site') && !/^[A-Z0-9]{5,12}$/i.test(record.site),
  ),
  reject(
    '070',
    'accession',
    'the accession number is missing',
    ({ record }) => !isGiven(record, 'accession'),
  ),
  reject(
    '072',
    'accession',
    'an accession number has at most 20 characters, of ASCII',
    ({ record }) => isGiven(record, 'accession') && !/^[\x20-\x7e]{1,20}$/.test(record.accession),
  ),
  warn('077', 'nicip', 'the NICIP code is no longer in use', (checked) =>
    isRetired(checked, 'nicip', false),
  ),
  warn('078', 'snomed', 'the SNOMED CT code is no longer in use', (checked) =>
    isRetired(checked, 'snomed', false),
  ),
  warn('081', 'site', 'the site was closed then', (checked) =>
    isOver(checked, { field: 'site', known: ({ sites }) => sites, on: ['testDate'] }),
  ),
  reject(
    '082',
    'nicip',
    'the NICIP code does not map to the SNOMED CT code',
    ({ record, reference }) => {
      const known = reference.nicip?.get(record.nicip);
      return (
        isGiven(record, 'nicip') &&
        isGiven(record, 'snomed') &&
        known !== undefined &&
        known.snomed !== null &&
        known.snomed !== record.snomed
      );
    },
  ),
];

export const DIDS_RULES: readonly DidsRule[] = [...WHO_RULES, ...REQUEST_RULES, ...TEST_RULES];
