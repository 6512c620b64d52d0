import t from 'tap';
import {
  codeString,
  date,
  foreignIdentifier,
  identifier,
  longString,
  personName,
} from '../../../../edge/coerce/local-values.ts';

t.test('a name has one value, three groups, five components, 64 characters each', (t) => {
  t.equal(personName('Smith^John^^Dr'), 'Smith^John^^Dr');
  t.equal(personName('Smith^John^^^'), 'Smith^John');
  t.equal(personName('Smith\\Jones^J\u001b\n'), 'Smith Jones^J');
  t.equal(personName('a^b^c^d^e^f^g'), 'a^b^c^d^e f g');
  t.equal(personName('a=b=c=d'), 'a=b=c');
  t.equal(personName('x'.repeat(300)), 'x'.repeat(64));
  t.equal(personName(`${'é'.repeat(63)}😀😀`), `${'é'.repeat(63)}😀`);
  for (const empty of ['', ' ', '^^', '==', '\n', '\\']) t.equal(personName(empty), null);
  t.end();
});

t.test('an identifier is itself or refused, a foreign one stays distinct', (t) => {
  t.equal(identifier(' A 1 '), 'A 1');
  t.equal(identifier('Ł1'), 'Ł1');
  for (const bad of ['', 'A\\B', 'A\u0000B', 'A\u0007'])
    t.throws(() => identifier(bad), { code: 'PATIENT_ID_UNUSABLE' });
  t.equal(foreignIdentifier('RRK-1'), 'RRK-1');
  const formed = ['RRK-A\\B', 'RRK-A\nB', 'RRK-AéB', `RRK-${'é'.repeat(90)}`].map(
    foreignIdentifier,
  );
  t.equal(new Set(formed).size, formed.length);
  for (const id of formed) t.match(id, /^RRK-[A-Z_~0-9a-f]{1,60}$/);
  t.end();
});

t.test('what is no date, code or text is none', (t) => {
  t.strictSame(['19700102', '1970-01-02', ''].map(date), ['19700102', null, null]);
  t.strictSame(['f ', 'M', 'female!', ''].map(codeString), ['F', 'M', null, null]);
  t.strictSame(['RXK', ' ', 'a\\b', 'x'.repeat(99)].map(longString), [
    ...['RXK', null, 'a b', 'x'.repeat(64)],
  ]);
  t.end();
});
