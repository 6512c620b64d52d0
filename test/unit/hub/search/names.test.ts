/** Names as people and workstations ask for them, against names as DICOM writes them. PS3.4 §C.2.2.2. */
import t from 'tap';
import { nameMatcher } from '../../../../hub/search/names.ts';

const OWEN = 'Llewellyn^Owen^Rhys';

t.test('a star stands for anything, nothing too', async (t) => {
  const found = [
    ...['Llewellyn*', 'LLEWELLYN^OWEN*', 'llewellyn*^owen^rhys*', '*', 'Llew*', 'L*n', 'Ll**n^*'],
    ...['*llyn*', 'Llewellyn*^*', 'owen* llewellyn*'],
  ];
  for (const asked of found) t.ok(nameMatcher(asked)(OWEN), asked);
  for (const asked of ['Llewellyns*', 'Llewellyn*^Rhys*', '*x*', 'Owen*^Llewellyn*'])
    t.notOk(nameMatcher(asked)(OWEN), asked);
});

t.test('a question mark stands for one character', async (t) => {
  for (const asked of ['Llewell?n', 'Llewellyn^Ow?n', '?lewellyn*'])
    t.ok(nameMatcher(asked)(OWEN), asked);
  for (const asked of ['Llewellyn?', 'Llewe?n']) t.notOk(nameMatcher(asked)(OWEN), asked);
});

t.test('case, accents and order of words do not count; each part is its beginning', async (t) => {
  t.ok(nameMatcher('muller jo')('Müller^Jörg'));
  t.ok(nameMatcher('Müller, J')('MULLER^JORG'));
  t.ok(nameMatcher('Nair')('Nair^Priya=奈^普=ナイル^プリヤ'));
  t.notOk(nameMatcher('Muller^Jan')('Müller^Jörg'));
});
