/**
 * A generated population for the rules of identity: people with twins, married names, typing errors,
 * missing and shared NHS numbers, as their trusts would tell them. The same seed gives the same people.
 */
import { randomFrom } from '../../demo/phantom/random.ts';
import { compareIdentities, type Evidence } from '../../hub/identity/compare.ts';

/** Two trusts' rows, and whether they are one person. */
export interface KnownPair {
  readonly a: Evidence;
  readonly b: Evidence;
  readonly isSame: boolean;
  readonly kind: string;
}

const SURNAMES = [
  'SMITH',
  'PATEL',
  'KHAN',
  'JONES',
  'BEGUM',
  'OKAFOR',
  'NOWAK',
  "O'BRIEN",
  'LEE',
  'SINGH',
];
const GIVEN = [
  'ANNA',
  'JOHN',
  'MARY',
  'IMRAN',
  'PRIYA',
  'DAVID',
  'SARAH',
  'TOM',
  'AISHA',
  'PETER',
  'LUCY',
  'OMAR',
];

/** A right number below 99: not of the test range. */
export function nhsNumberOf(seed: number): string {
  for (let stem = 400_000_000 + ((seed * 7_919) % 400_000_000); ; stem += 1) {
    const digits = String(stem);
    const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (10 - at), 0);
    const check = (11 - (sum % 11)) % 11;
    if (check < 10) return digits + check;
  }
}

export function* knownPairs(count: number, seed: string): Generator<KnownPair> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const two = (number: number): string => String(number).padStart(2, '0');
  for (let at = 0; at < count; at += 1) {
    const birthDate = `${1930 + Math.floor(random() * 90)}${two(1 + Math.floor(random() * 12))}${two(1 + Math.floor(random() * 28))}`;
    const person: Evidence = {
      ...{
        nhsNumber: nhsNumberOf(at),
        nhsStatus: '01',
        name: `${pick(SURNAMES)}^${pick(GIVEN)}`,
        birthDate,
      },
      ...{ sex: random() < 0.5 ? 'F' : 'M', postcode: `B${at % 90} ${at % 9}AA` },
    };
    const same = (kind: string, over: Partial<Evidence>): KnownPair => ({
      a: person,
      b: { ...person, ...over },
      isSame: true,
      kind,
    });
    const other = (kind: string, over: Partial<Evidence>): KnownPair => ({
      a: person,
      b: { ...person, ...over },
      isSame: false,
      kind,
    });
    const [surname = '', given = ''] = (person.name ?? '').split('^');
    const another = GIVEN[(GIVEN.indexOf(given) + 1) % GIVEN.length];
    yield pick([
      () => same('as told elsewhere', {}),
      () => same('status not told', { nhsStatus: null }),
      () => same('initial only', { name: `${surname}^${given[0]}` }),
      () =>
        same('married name', {
          name: `${SURNAMES[(SURNAMES.indexOf(surname) + 1) % SURNAMES.length]}^${given}`,
        }),
      () =>
        same('typing error in the birth date', {
          birthDate: birthDate.slice(0, 7) + ((Number(birthDate[7]) + 1) % 10),
        }),
      () => same('number missing', { nhsNumber: null, nhsStatus: '07' }),
      () => other("twin under the other's number", { name: `${surname}^${another}` }),
      () =>
        other('twin with a number of their own', {
          nhsNumber: nhsNumberOf(at + 5_000_000),
          name: `${surname}^${another}`,
        }),
      () =>
        other('number of somebody else', {
          name: `${SURNAMES[(SURNAMES.indexOf(surname) + 3) % SURNAMES.length]}^${another}`,
          birthDate: '19610302',
          postcode: 'B1 1AA',
        }),
      () =>
        other('same name and birth date, no number', {
          nhsNumber: null,
          nhsStatus: '07',
          postcode: 'CV1 1AA',
        }),
      () =>
        other('number that trace did not settle', {
          nhsStatus: pick(['04', '05']),
          name: `${surname}^${another}`,
        }),
      () =>
        other('local number and name only', {
          nhsNumber: nhsNumberOf(at + 9_000_000),
          birthDate: '19700101',
        }),
    ])();
  }
}

/** What became of the pairs of one kind. */
export interface KindCounts {
  readonly isSame: boolean;
  linked: number;
  queued: number;
  apart: number;
}

/** The rules over so many pairs, by kind. */
export function linkPopulation(count: number, seed: string): Map<string, KindCounts> {
  const kinds = new Map<string, KindCounts>();
  for (const { a, b, isSame, kind } of knownPairs(count, seed)) {
    const counts = kinds.get(kind) ?? { isSame, linked: 0, queued: 0, apart: 0 };
    kinds.set(kind, counts);
    const rule = compareIdentities(a, b).class;
    if (rule === 'A' || rule === 'B') counts.linked += 1;
    else if (rule === 'C') counts.queued += 1;
    else counts.apart += 1;
  }
  return kinds;
}

/** Over all kinds: pairs of one person, and of two, and what became of each. */
export function totalsOf(kinds: ReadonlyMap<string, KindCounts>) {
  const sum = (isSame: boolean, what: 'linked' | 'queued' | 'apart'): number =>
    [...kinds.values()]
      .filter((counts) => counts.isSame === isSame)
      .reduce((total, counts) => total + counts[what], 0);
  const of = (isSame: boolean) => ({
    linked: sum(isSame, 'linked'),
    queued: sum(isSame, 'queued'),
    apart: sum(isSame, 'apart'),
  });
  return { same: of(true), other: of(false) };
}
