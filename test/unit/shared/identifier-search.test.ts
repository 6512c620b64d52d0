/** What is known of a patient is found however it is written; what only looks like it is not. */
import t from 'tap';
import { Aliases } from '../../../edge/deidentify/aliases.ts';
import {
  IdentifierSearch,
  type KnownIdentifiers,
  type TextKind,
} from '../../../shared/identifier-search.ts';

const TEXT: TextKind = {
  ...{ isNumeric: false, isCode: false, isUID: false, isBinary: false, isDateThatStays: false },
};
const known = (some: Partial<KnownIdentifiers>): KnownIdentifiers => ({
  ...{ names: [], numbers: [], birthDates: [], addresses: [], ...some },
});
const search = new IdentifierSearch(
  known({
    names: [
      'Müller-Lüdenscheidt^Änne^^Dr',
      '山田^太郎',
      'Ng^Li',
      "O'Malley^Łucja^^Mrs",
      'Koehler^Ida',
    ],
    numbers: ['943 476 5919', 'A12', 'MRN-0012345'],
    birthDates: ['19610417'],
    addresses: ['17 Acacia Avenue\\Plumpton\\BN7 3AB'],
  }),
);

const FOUND: readonly (readonly [string, Partial<TextKind>, string])[] = [
  ['seen by MULLER', {}, 'name'],
  ['lu\u0308denscheidt', {}, 'name'],
  ['anne_muller', {}, 'name'],
  ['検査山田様', {}, 'name'],
  ['MUELLER', {}, 'name'],
  ['Köhler', {}, 'name'],
  ['OMALLEY', {}, 'name'],
  ['lucja', {}, 'name'],
  ['muller1961', {}, 'name'],
  ['XLUEDENSCHEIDTX', {}, 'name'],
  ['NG, LI', {}, 'name'],
  ['Li Ng', {}, 'name'],
  ['NHS 9434765919.', {}, 'number'],
  ['943-476-5919', {}, 'number'],
  ['x mrn0012345 y', {}, 'number'],
  ['A12', {}, 'number'],
  ['17.04.1961', {}, 'birth date'],
  ['4/17/1961', {}, 'birth date'],
  ['17 April 1961', {}, 'birth date'],
  ['Apr 17, 1961', {}, 'birth date'],
  ['17-4-61', {}, 'birth date'],
  ['17.04.61', {}, 'birth date'],
  ['17 04 61', {}, 'birth date'],
  ['the 17th of April, 1961', {}, 'birth date'],
  ['April 17th 1961', {}, 'birth date'],
  ['19610417', {}, 'birth date'],
  ['born 1961-04-17T00:00', {}, 'birth date'],
  ['196104171011', {}, 'birth date'],
  ['ACACIA', {}, 'address'],
  ['BN73AB', {}, 'number'],
  ['1.2.840.9434765919.3', { isUID: true }, 'number'],
  ['9434765919', { isNumeric: true }, 'number'],
  ['\0\x01Plumpton\x02', { isBinary: true }, 'address'],
];
for (const [text, kind, what] of FOUND)
  t.test(`${JSON.stringify(text)} holds a ${what}`, async (t) => {
    t.ok(search.find(text, { ...TEXT, ...kind }).includes(what as never));
  });

const HARMLESS: readonly (readonly [string, Partial<TextKind>])[] = [
  ['MULLERIAN DUCT', {}],
  ['MRS_PRESS', {}],
  ['MRS', {}],
  ['IDA2', {}],
  ['LINGUAL', {}],
  ['Avenue', {}],
  ['A123', {}],
  ['A12', { isCode: true }],
  ['19610418', {}],
  ['17\\4\\61', {}],
  ['2.25.943476591919610417', { isUID: true }],
  ['1.17.4.1961.2', { isUID: true }],
  ['19610417', { isDateThatStays: true }],
  ['\x01ann\x02', { isBinary: true }],
  ['ANONYMIZED', {}],
];
for (const [text, kind] of HARMLESS)
  t.test(`${JSON.stringify(text)} says nothing of anybody`, async (t) => {
    t.strictSame(search.find(text, { ...TEXT, ...kind }), []);
  });

t.test('no identifiers, no pattern that finds everything', async (t) => {
  const nothing = new IdentifierSearch(
    known({ names: ['', '^^', 'Anonymous'], numbers: ['0', '000'] }),
  );
  t.strictSame(nothing.find('Anonymous 0 000', TEXT), []);
});

const whom = (nhsNumber: string | null, localKey: string, names: readonly string[]) => ({
  ...{ nhsNumber, localKey, identifiers: known({ names }) },
});

t.test('who shares a number is one patient, whichever object says so first', async (t) => {
  const objects = [
    whom(null, 'id RRK 1', ['A']),
    whom(null, 'id RJE 9', ['B']),
    whom('9434765919', 'id RRK 1', ['C']),
    whom('9434765919', 'id RJE 9', ['D']),
    whom(null, 'id RXK 5', ['E']),
  ];
  for (const order of [objects, [...objects].reverse()]) {
    const aliases = new Aliases();
    for (const object of order) aliases.add(object);
    const keys = objects.map((object) => aliases.keyOf(object));
    t.strictSame(new Set(keys.slice(0, 4)), new Set(['nhs 9434765919']));
    t.equal(keys[4], 'id RXK 5');
    for (const object of objects.slice(0, 4))
      t.strictSame(aliases.identifiersOf(object).identifiers.names.toSorted(), [
        'A',
        'B',
        'C',
        'D',
      ]);
  }
});

t.test('a local number with two NHS numbers stands for neither', async (t) => {
  const aliases = new Aliases();
  const [one, other, none] = [
    whom('9434765919', 'id RRK 1', []),
    whom('9434765870', 'id RRK 1', []),
    whom(null, 'id RRK 1', []),
  ];
  for (const object of [one, other, none]) aliases.add(object);
  t.strictSame(
    [one, other, none].map((object) => aliases.keyOf(object)),
    ['nhs 9434765919', 'nhs 9434765870', 'id RRK 1'],
  );
});
