import t from 'tap';
import { compareIdentities, type Evidence } from '../../../../hub/identity/compare.ts';
import { linkPopulation, totalsOf } from '../../../support/population.ts';

const ANNA: Evidence = {
  ...{ nhsNumber: '9434765919', nhsStatus: '01', name: 'SMITH^ANNA', birthDate: '19580131' },
  ...{ sex: 'F', postcode: 'B15 2GW' },
};
type Case = readonly [what: string, a: Partial<Evidence>, b: Partial<Evidence>, expected: string];

const CASES: readonly Case[] = [
  ['both verified, all equal', {}, {}, 'A'],
  ['a married name, the rest equal', {}, { name: 'JONES^ANNA' }, 'A'],
  ['accents, case and titles', {}, { name: 'Smíth^Mrs Anna' }, 'A'],
  ['one verified, surname and sex equal', {}, { nhsStatus: '03' }, 'B'],
  ['one verified, sex unknown', {}, { nhsStatus: '02', sex: null }, 'B'],
  ['nobody tells a status, everything agrees', { nhsStatus: null }, { nhsStatus: null }, 'B'],
  ['nobody tells a status, sex unknown', { nhsStatus: null }, { nhsStatus: null, sex: null }, 'C'],
  ['nobody verified', { nhsStatus: '02' }, { nhsStatus: '03' }, 'C'],
  ['birth dates differ', {}, { birthDate: '19600302' }, 'C'],
  ['day and month exchanged', { birthDate: '19580201' }, { birthDate: '19580102' }, 'C'],
  ['one digit of the birth date', {}, { birthDate: '19580130' }, 'C'],
  ['birth date not known', {}, { birthDate: null }, 'C'],
  ['surname and given name differ', {}, { name: 'JONES^MARY' }, 'C'],
  ['twins: one number, other given name', {}, { name: 'SMITH^MARY' }, 'C'],
  ['sex and given name differ', {}, { name: 'JONES^PETER', sex: 'M' }, 'C'],
  ['a baby that has a name now', { name: 'SMITH^BABY' }, {}, 'C'],
  ['trace did not settle the number', {}, { nhsStatus: '04' }, 'D'],
  ['the number needs resolving', { nhsStatus: '05' }, { nhsStatus: '05' }, 'D'],
  ['different verified numbers, all else equal', {}, { nhsNumber: '4010232137' }, 'D'],
  ['different numbers, one not verified', {}, { nhsNumber: '4010232137', nhsStatus: '02' }, 'none'],
  ['no number on one side, name, birth date and postcode', {}, { nhsNumber: null }, 'C'],
  ['only name and birth date', {}, { nhsNumber: null, postcode: 'CV1 1AA' }, 'D'],
  [
    'babies without a number',
    { nhsNumber: null, name: 'SMITH^TWIN 1' },
    { nhsNumber: null, name: 'SMITH^TWIN 1' },
    'D',
  ],
  [
    'ten times the same digit is no number',
    { nhsNumber: '0000000000' },
    { nhsNumber: '0000000000', postcode: null },
    'D',
  ],
  ['only the name', { nhsNumber: null }, { nhsNumber: null, birthDate: '19700101' }, 'none'],
];

for (const [what, a, b, expected] of CASES)
  t.test(`${what}: ${expected}`, async (t) => {
    const pair = [
      { ...ANNA, ...a },
      { ...ANNA, ...b },
    ] as const;
    t.equal(compareIdentities(...pair).class, expected);
    t.equal(compareIdentities(pair[1], pair[0]).class, expected, 'either way round');
  });

t.test(
  'in a population with twins, typing errors and shared numbers nobody is linked who is not the same',
  async (t) => {
    const kinds = linkPopulation(60_000, 'identity');
    const { same, other } = totalsOf(kinds);
    t.comment(JSON.stringify({ same, other }));
    for (const [kind, { isSame, linked }] of kinds) if (!isSame) t.equal(linked, 0, kind);
    t.equal(same.apart, 0, 'whoever is the same is linked or looked at');
    t.ok(kinds.size >= 12);
  },
);
