/**
 * Patients who are planted in what tests send, and the search for them where nobody may be named: logs, numbers at
 * /metrics, heartbeats, support bundles. Names in any order and case, numbers as people group them, dates as people write them.
 */
import { PEOPLE } from '../../demo/trusts.ts';

export interface Planted {
  /** As DICOM writes it. */
  readonly name: string;
  /** YYYYMMDD */
  readonly birthDate: string;
  /** NHS and local numbers. */
  readonly numbers: readonly string[];
}

/** Of fewer digits, a number is as likely a count or a port. */
const TELLING_DIGITS = 8;

/** Of the demo's studies, which most tests send, and of the small objects. */
export const EVERYBODY: readonly Planted[] = [
  ...Object.values(PEOPLE).map(({ name, birthDate, nhsNumber, ids }) => ({
    ...{ name, birthDate, numbers: [nhsNumber, ...Object.values(ids)] },
  })),
  { name: 'Phantom^One', birthDate: '19500102', numbers: [] },
];

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const whole = (pattern: string): string => `(?<![\\p{L}\\d.])${pattern}(?![\\p{L}\\d.])`;

function patternsOf({ name, birthDate, numbers }: Planted): string[] {
  const [family = '', given = ''] = name.split('^');
  const between = '[\\^,\\s_+]|%5E|%20|%2C';
  const date = /^(\d{4})(\d\d)(\d\d)$/.exec(birthDate)?.slice(1) ?? [];
  const [year = '', month = '', day = ''] = date;
  const names = [family, encodeURIComponent(family)].map(escaped);
  const givens = [given, encodeURIComponent(given)].map(escaped);
  return [
    ...names.flatMap((one) => givens.map((other) => `${one}(${between})+${other}`)),
    ...names.flatMap((one) => givens.map((other) => `${other}(${between})+${one}`)),
    ...(family.length < TELLING_DIGITS ? [] : names),
    ...numbers
      .filter((number) => number.length >= TELLING_DIGITS || /\D/.test(number))
      .map((number) => whole(escaped(number))),
    ...numbers
      .filter((number) => /^\d{10}$/.test(number))
      .map((number) => `${number.slice(0, 3)}[ -]${number.slice(3, 6)}[ -]${number.slice(6)}`),
    whole(birthDate),
    `${year}-${month}-${day}`,
    `${day}/${month}/${year}`,
  ];
}

/** One pattern for all of them. */
export const identityPattern = (people: readonly Planted[]): RegExp =>
  new RegExp(people.flatMap(patternsOf).join('|'), 'giu');

/** The lines of a text that name somebody, each with what it names; long ones are cut around it. */
export function linesNaming(text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line) =>
    [...line.matchAll(pattern)].map(({ 0: named, index }) => {
      const around = line.slice(Math.max(0, index - 120), index + named.length + 40);
      return `${named}: ${around}`;
    }),
  );
}
