/** Attribute matching by VR. PS3.4 C.2.2.2; IS-12 of the domain notes. */
import t from 'tap';
import { keyFault } from '../../../../shared/dicom/key-fault.ts';
import { matcherFor } from '../../../../shared/dicom/match-value.ts';

/** Key, VR, and values that match and that do not. */
const CASES: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  // Single value, as it stands.
  ['ABC', 'LO', ['ABC'], ['abc', 'ABCD', '']],
  ['CT\\MR', 'CS', ['CT', 'MR\\SR'], ['US', '']],
  ['CT', 'CS', ['SR\\CT'], ['SR']],
  // Wildcards.
  ['AB*', 'LO', ['AB', 'ABC'], ['XAB', 'ab']],
  ['A?C', 'SH', ['ABC'], ['AC', 'ABBC']],
  ['*+*', 'LO', ['a+b'], ['ab']],
  // Whoever asks like this does not hold up everybody else.
  [`${'*A'.repeat(30)}*B`, 'LO', [`${'A'.repeat(60)}B`], ['A'.repeat(64)]],
  ['2026*', 'DA', [], ['20260101']],
  // Names: neither case nor accents, nor empty components behind.
  ['SMITH^JOHN', 'PN', ['Smith^John^^^', 'smith^john'], ['Smith', 'Smith^Johnny']],
  ['smith*', 'PN', ['SMITH^JOHN', 'Smithson'], ['Blacksmith']],
  ['ANGSTROM^ZOE', 'PN', ['Ångström^Zoë'], ['Angstrom']],
  ['山田*', 'PN', ['Yamada^Tarou=山田^太郎=やまだ^たろう'], ['Yamada^Tarou']],
  ['Yamada*', 'PN', ['Yamada^Tarou=山田^太郎'], ['Tanaka^Jiro']],
  ['=山田*', 'PN', ['Yamada^Tarou=山田^太郎'], ['山田^太郎', 'Yamada^Tarou']],
  ['YAMADA*=山田*', 'PN', ['Yamada^Tarou=山田^太郎'], ['Yamada^Tarou=田中', 'Yamada^Tarou']],
  // Dates and times.
  ['20260314', 'DA', ['20260314', '2026.03.14'], ['20260313', '']],
  ['20260301-20260331', 'DA', ['20260301', '20260331'], ['20260401', '20260228', '']],
  ['-20260331', 'DA', ['19000101', '20260331'], ['20260401']],
  ['20260301-', 'DA', ['20260301', '20991231'], ['20260228']],
  ['10-12', 'TM', ['100000', '1259', '12'], ['095959', '130000']],
  ['1015', 'TM', ['101500', '101559.123'], ['101600']],
  ['2200-0100', 'TM', ['233000', '22', '0059', '010030'], ['0101', '215959', '1200']],
  ['233000-003000.5', 'TM', ['235959', '000000', '003000'], ['003001', '1200']],
  ['20260301 - 20260331', 'DA', ['20260301'], ['20260401']],
  ['yesterday', 'DA', [], ['20260314']],
  // UIDs.
  ['1.2\\1.3', 'UI', ['1.2', '1.3'], ['1.2.3', '']],
  ['1.2.*', 'UI', [], ['1.2.3']],
  // Numbers.
  ['007', 'IS', ['7', '07'], ['70', '']],
];

for (const [key, vr, yes, no] of CASES)
  t.test(`${vr} ${key}`, async (t) => {
    const matches = matcherFor(key, vr);
    for (const value of yes) t.equal(matches?.(value), true, value);
    for (const value of no) t.equal(matches?.(value), false, `not ${value}`);
  });

t.test('an empty key, and one of asterisks, is universal', async (t) => {
  for (const key of ['', '  ', '*', '**']) t.equal(matcherFor(key, 'PN'), undefined);
});

t.test('what nothing could match is told from what nothing matches', async (t) => {
  const faulty: [string, string][] = [
    ...(['yesterday', '2026*', '20260230', '20260302-20260301', '-'] as const).map(
      (key): [string, string] => [key, 'DA'],
    ),
    ...[['25', 'TM'] as [string, string], ['10-11-12', 'TM'] as [string, string]],
    ...[['1.2.*', 'UI'] as [string, string], ['1\\2', 'IS'] as [string, string]],
  ];
  for (const [key, vr] of faulty) t.type(keyFault(key, vr), 'string', `${vr} ${key}`);
  const fine: [string, string][] = [
    ...CASES.filter(([key]) => !/yesterday|2026\*|1\.2\.\*/.test(key)).map(
      ([key, vr]): [string, string] => [key, vr],
    ),
    ...[['', 'DA'] as [string, string], ['*', 'UI'] as [string, string]],
  ];
  for (const [key, vr] of fine) t.equal(keyFault(key, vr), undefined, `${vr} ${key}`);
});
