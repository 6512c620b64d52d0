/** Which contexts are taken, against the list of all SOP classes that pydicom brings. PS3.6 Annex A. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { negotiator } from '../../../../edge/dimse/negotiate.ts';

const negotiate = negotiator();
const UID_DICTIONARY = '/usr/lib/python3/dist-packages/pydicom/_uid_dict.py';
const IMPLICIT = '1.2.840.10008.1.2';

const resultOf = (abstractSyntaxUID: string, ...transferSyntaxUIDs: string[]): string =>
  negotiate({ id: 1, abstractSyntaxUID, transferSyntaxUIDs }).result;

const skip = existsSync(UID_DICTIONARY) ? false : 'python3-pydicom is not installed';

t.test(
  'of the SOP classes of the standard, those of storage and verification',
  { skip },
  async (t) => {
    const lines = readFileSync(UID_DICTIONARY, 'utf8').matchAll(
      /'([\d.]+)': \(['"](.+?)['"], '((?:Meta )?SOP Class)'/g,
    );
    const wrong: string[] = [];
    let count = 0;
    for (const [, uid = '', name = ''] of lines) {
      count += 1;
      const isStorage = /Storage/.test(name) && !/Commitment|Directory/.test(name);
      const isTaken = resultOf(uid, IMPLICIT) === 'accept';
      if (isTaken !== (isStorage || name === 'Verification SOP Class'))
        wrong.push(`${uid} ${name}`);
    }
    t.ok(count > 200, `${count} SOP classes`);
    t.strictSame(wrong, []);
  },
);

t.test("DCMTK's request to shut down is no storage", async (t) => {
  const shutdown = '1.2.276.0.7230010.3.4.1915765545.18030.917282194.11';
  t.equal(resultOf(shutdown, IMPLICIT), 'abstract-syntax-not-supported');
});

t.test('private storage, in private syntaxes, in the one named first', async (t) => {
  const [abstractSyntaxUID, first] = ['1.3.12.2.1107.5.9.1', '1.2.840.113619.5.2'];
  t.strictSame(negotiate({ id: 1, abstractSyntaxUID, transferSyntaxUIDs: [first, IMPLICIT] }), {
    result: 'accept',
    transferSyntaxUID: first,
  });
  t.equal(resultOf('1.2.840.113619.4.026', IMPLICIT), 'accept', 'a leading zero');
});

t.test('what is no UID is passed over', async (t) => {
  const ct = '1.2.840.10008.5.1.4.1.1.2';
  t.match(
    negotiate({
      id: 1,
      abstractSyntaxUID: ct,
      transferSyntaxUIDs: ['', '.', '../1', '1..2', IMPLICIT],
    }),
    { result: 'accept', transferSyntaxUID: IMPLICIT },
  );
  t.equal(resultOf(ct), 'transfer-syntaxes-not-supported');
  t.equal(resultOf(ct, `1.${'2'.repeat(63)}`), 'transfer-syntaxes-not-supported');
  for (const uid of ['', '.', '1', 'x', '1.2.', ' 1.2', `1.${'2'.repeat(63)}`])
    t.equal(resultOf(uid, IMPLICIT), 'abstract-syntax-not-supported', uid);
});
