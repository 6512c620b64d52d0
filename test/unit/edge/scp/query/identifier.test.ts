/** Identifiers of queries: what is read is what was asked, and every answer can be read by the asker. */
import t from 'tap';
import { readIdentifier, writeIdentifier } from '../../../../../edge/scp/query/identifier.ts';

const SYNTAXES = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2'];
const PATIENT_NAME = 0x0010_0010;

t.test('comes back as it was written, in each syntax', async (t) => {
  const values = new Map([
    [0x0008_0052, 'STUDY'],
    [PATIENT_NAME, 'Phantom^Peter'],
    [0x0020_000d, '2.25.1'],
    [0x0020_1208, '3'],
  ]);
  for (const syntax of SYNTAXES) {
    const { values: read } = readIdentifier(syntax, writeIdentifier(syntax, values, ''));
    t.strictSame(read, values, syntax);
  }
});

t.test("the asker's set where it can write the answer, else UTF-8", async (t) => {
  const [, syntax = ''] = SYNTAXES;
  const answered = (name: string, asked: string): string =>
    readIdentifier(syntax, writeIdentifier(syntax, new Map([[PATIENT_NAME, name]]), asked))
      .charsetName;
  t.equal(answered('Plain^Name', ''), '');
  t.equal(answered('Plain^Name', 'ISO_IR 100'), 'ISO_IR 100');
  t.equal(answered('Ångström^Zoë', 'ISO_IR 100'), 'ISO_IR 100');
  t.equal(answered('Ångström^Zoë', ''), 'ISO_IR 192');
  t.equal(answered('Plain^Name', 'NONSENSE'), '', 'which is no character set');
  t.equal(answered('Łukasz^Żak', 'ISO_IR 100'), 'ISO_IR 192');
  const { values } = readIdentifier(
    syntax,
    writeIdentifier(syntax, new Map([[PATIENT_NAME, 'Łukasz^Żak']]), 'ISO_IR 100'),
  );
  t.equal(values.get(PATIENT_NAME), 'Łukasz^Żak');
});

t.test('damaged ones are refused', async (t) => {
  const [, syntax = ''] = SYNTAXES;
  for (const bytes of [Buffer.from('nonsense'), Buffer.from('0800520043530a00', 'hex')])
    t.throws(() => readIdentifier(syntax, bytes), { code: 'IDENTIFIER_MALFORMED' });
  t.strictSame(readIdentifier(syntax, Buffer.alloc(0)).values, new Map());
  const [implicit = ''] = SYNTAXES;
  const long = writeIdentifier(implicit, new Map([[PATIENT_NAME, 'A'.repeat(300_000)]]), '');
  t.throws(
    () => readIdentifier(implicit, long),
    { code: 'IDENTIFIER_MALFORMED', message: /00100010/ },
    'a key that is too long would match everything',
  );
});
