import t from 'tap';
import { CoercionTag as T } from '../../../../edge/coerce/tags.ts';
import { charsetOf, decodeText } from '../../../../shared/dicom/character-set.ts';
import { encodeText } from '../../../../shared/dicom/encode-text.ts';
import { coerce, dataSet, patientMapping, read, restore } from './coerce-fixture.ts';

t.test('text is written in the set named, and read back the same', (t) => {
  const texts: [string, string][] = [
    ['', 'Smith^John'],
    ['ISO_IR 100', 'Müller^Zoë'],
    ['ISO_IR 101', 'Łukasz^Żółć'],
    ['ISO_IR 144', 'Люкceмбypг'],
    ['ISO_IR 126', 'Διονυσιος'],
    ['ISO_IR 148', 'Çavuşoğlu'],
    ['ISO_IR 13', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
    ['ISO_IR 166', 'สมชาย'],
    ['ISO_IR 192', 'Wang^小东 😀'],
    ['GB18030', 'Wang^小东'],
    ['GBK', '王^小东'],
    ['ISO 2022 IR 100\\ISO 2022 IR 87', 'Müller'],
  ];
  for (const [set, text] of texts) {
    const charset = charsetOf(set);
    const { bytes, isExact } = encodeText(text, charset);
    t.strictSame([isExact, decodeText(bytes, charset)], [true, text], set);
  }
  t.end();
});

t.test('what a set has not becomes what is nearest to it', (t) => {
  const written = (text: string, set: string): string =>
    encodeText(text, charsetOf(set)).bytes.toString('latin1');
  t.equal(written('Łukasz^Đorđe', 'ISO_IR 100'), 'Lukasz^Dorde');
  t.equal(written('Zoë^O’Brien', ''), "Zoe^O'Brien");
  t.equal(written('Zoe\u0308', 'ISO_IR 100'), 'Zo\xeb');
  t.equal(written('王^小', 'ISO_IR 100'), '?^?');
  t.notOk(encodeText('Zoë', charsetOf('')).isExact);
  t.end();
});

const copyOf = async (set: string | null, institution: Buffer, patientName: string) => {
  const bytes = dataSet(
    ...(set === null ? [] : [[T.SpecificCharacterSet, 'CS', set] as const]),
    [T.InstitutionName, 'LO', institution],
    [T.PatientName, 'PN', Buffer.from(set === 'ISO_IR 100' ? 'Fran\xe7ois ' : 'Fred', 'latin1')],
    [T.PatientID, 'LO', 'F99'],
  );
  const copy = await coerce({ bytes }, patientMapping({ patientName }));
  t.strictSame(await restore({ bytes: copy }), bytes);
  return read(copy, [T.SpecificCharacterSet, T.PatientName, T.InstitutionName]);
};

t.test('the object keeps its set when the local name can be written in it', async (t) => {
  const ascii = Buffer.from('Ward');
  t.strictSame(await copyOf(null, ascii, 'Local^Ann'), [undefined, 'Local^Ann', 'Ward']);
  t.strictSame(await copyOf('ISO_IR 100', ascii, 'Zoë'), ['ISO_IR 100', 'Zoë', 'Ward']);
});

t.test('it gets UTF-8 when nothing else in it would change its meaning', async (t) => {
  const ascii = Buffer.from('Ward');
  t.strictSame(await copyOf(null, ascii, 'Zoë'), ['ISO_IR 192', 'Zoë', 'Ward']);
  // The home's name, which is not ASCII, goes with the set that it is in.
  t.strictSame(await copyOf('ISO_IR 100', ascii, 'Łukasz'), ['ISO_IR 192', 'Łukasz', 'Ward']);
  t.strictSame(await copyOf('ISO_IR 999', ascii, '小东'), ['ISO_IR 192', '小东', 'Ward']);
});

t.test('the former name is told in its own set, and as another name in the new one', async (t) => {
  const bytes = dataSet(
    [T.SpecificCharacterSet, 'CS', 'ISO_IR 100'],
    [T.PatientName, 'PN', Buffer.from('Fran\xe7ois ', 'latin1')],
  );
  const copy = await coerce({ bytes }, patientMapping({ patientName: 'Łukasz' }));
  t.strictSame(await read(copy, [T.OtherPatientNames]), ['François']);
  t.ok(copy.includes(Buffer.from('Fran\xe7ois ', 'latin1')), 'the bytes it had');
  t.match(await read(copy, [T.OriginalAttributesSequence]), [
    [{ '04000550': [{ '00080005': 'ISO_IR 100' }] }],
  ]);
});

t.test('other text never changes its meaning for the sake of a name', async (t) => {
  const latin = Buffer.from('Spit\xe4l', 'latin1');
  t.strictSame(await copyOf('ISO_IR 100', latin, 'Łukasz'), ['ISO_IR 100', 'Lukasz', 'Spitäl']);
  const [set, name] = await copyOf(null, latin, 'Zoë');
  t.strictSame([set, name], [undefined, 'Zoe']);
});
