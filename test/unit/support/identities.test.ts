/** The search for planted patients finds them however they are written, and nobody in what is harmless. */
import t from 'tap';
import { EVERYBODY, identityPattern, linesNaming } from '../../support/identities.ts';

const pattern = identityPattern([
  { name: 'Ždanūta^Xanthippe', birthDate: '19370419', numbers: ['7719034465', 'QX88'] },
]);

t.test('a patient is found however the name, a number or the date is written', async (t) => {
  for (const text of [
    'PatientName=Ždanūta^Xanthippe',
    'of Xanthippe Ždanūta here',
    'XANTHIPPE, ŽDANŪTA',
    `?patientName=${encodeURIComponent('Ždanūta^Xanthippe')}`,
    'NHS 771 903 4465',
    '{"nhs":"7719034465"}',
    '/patients/7719034465',
    'qx88',
    'born 1937-04-19',
    'born 19/04/1937',
    '"birthDate":"19370419"',
  ])
    t.equal(linesNaming(text, pattern).length, 1, text);
});

t.test('what is no patient is none', async (t) => {
  for (const text of ['2.999.7719034465.1', '17719034465', '{"bytes":193704190}', 'QX880'])
    t.strictSame(linesNaming(text, pattern), [], text);
  t.strictSame(
    linesNaming('{"program":"edge","event":"program.started"}', identityPattern(EVERYBODY)),
    [],
  );
});
