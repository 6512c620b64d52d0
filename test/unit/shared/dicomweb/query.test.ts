/** What a QIDO question may name. PS3.18 §8.3.4. */
import t from 'tap';
import { readQidoQuery } from '../../../../shared/dicomweb/query.ts';

t.test('a name that is no attribute is refused, whatever objects of JavaScript have', async (t) => {
  for (const name of ['constructor', 'toString', 'valueOf', 'Colour'])
    t.match(readQidoQuery({ [name]: 'x' }), { fault: `${name} is no attribute` }, name);
  t.match(readQidoQuery({ StudyDate: '20260101', includefield: 'constructor,StudyID' }), {
    query: { filters: new Map([[0x0008_0020, '20260101']]) },
  });
});
