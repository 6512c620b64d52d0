import t from 'tap';
import { charsetOf, decodeText } from '../../../../shared/dicom/character-set.ts';

const decode = (set: string | null, hex: string): string =>
  decodeText(Buffer.from(hex.replace(/\s/g, ''), 'hex'), charsetOf(set));

/** PS3.5 Annexes H, I and J. */
t.test('the examples of the standard', async (t) => {
  t.equal(
    decode(
      '\\ISO 2022 IR 87',
      '59616d6164615e5461726f753d 1b2442 3b334544 1b2842 5e 1b2442 42404f3a 1b2842',
    ),
    'Yamada^Tarou=山田^太郎',
  );
  t.equal(
    decode(
      'ISO 2022 IR 13\\ISO 2022 IR 87',
      'd4cfc0de5ec0dbb33d1b2442 3b334544 1b284a 5e1b2442 4240 4f3a 1b284a',
    ),
    'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎',
  );
  t.equal(
    decode(
      '\\ISO 2022 IR 149',
      '486f6e675e47696c646f6e673d 1b242943 fbf3 5e 1b242943 d1ce d4d7 3d',
    ),
    'Hong^Gildong=洪^吉洞=',
  );
  t.equal(
    decode('ISO_IR 192', '57616e675e5869616f446f6e673de78e8b5ee5b08fe69db1'),
    'Wang^XiaoDong=王^小東',
  );
  t.equal(decode('GB18030', '57616e675e5869616f446f6e673dcdf55ed0a1b6ab'), 'Wang^XiaoDong=王^小东');
});

t.test('one byte a character', async (t) => {
  t.equal(decode('ISO_IR 100', '4a6f73e9'), 'José');
  t.equal(decode('ISO_IR 101', 'bb'), 'ť');
  t.equal(decode('ISO_IR 144', 'bbd4dac0'), 'ЛдкР');
  t.equal(decode('ISO_IR 126', 'c1'), 'Α');
  t.equal(decode('ISO_IR 166', 'a1'), 'ก');
  t.equal(decode('ISO 2022 IR 100\\ISO 2022 IR 144', 'e9 5e 1b2d4c bb 5e e9'), 'é^Л^é');
});

t.test('names of sets as real objects write them', async (t) => {
  for (const name of ['ISO_IR 100', 'ISO-IR 100', 'ISO_IR_100', 'iso_ir 100', 'ISO 2022 IR 100'])
    t.equal(decode(name, '4a6f73e9'), 'José', name);
  t.equal(decode('UTF-8', '4a6f73c3a9'), 'José');
});

t.test('a wrong or missing set loses no letter that can be told', async (t) => {
  t.equal(decode(null, '4a6f73c3a9'), 'José', 'UTF-8 without saying so');
  t.equal(decode(null, '4a6f73e9'), 'José', 'Latin-1 without saying so');
  t.equal(decode('ISO_IR 192', '4a6f73e9'), 'José', 'Latin-1 that says UTF-8');
  t.equal(decode('NO SUCH SET', '4a6f73e9'), 'José');
});
