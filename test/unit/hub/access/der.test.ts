/** DER of integers: the shortest form, positive. X.690 §8.3. */
import t from 'tap';
import { integer } from '../../../../hub/access/der.ts';

t.test('an integer has no byte that says nothing, and is never negative', async (t) => {
  const hex = (...bytes: number[]): string => integer(Buffer.from(bytes)).toString('hex');
  t.equal(hex(0x02), '020102');
  t.equal(hex(0x80), '02020080');
  t.equal(hex(0x00, 0x7f, 0x01), '02027f01');
  t.equal(hex(0x00, 0x00, 0x80), '02020080');
  t.equal(hex(0x00), '020100');
});
