/** When a destination that failed is tried again. edge/deliver/breaker.ts. */
import t from 'tap';
import { Breaker } from '../../../../edge/deliver/breaker.ts';

const backoff = { firstMs: 1_000, maxMs: 60_000, random: () => 1 };

t.test('waits longer after each failure, up to a minute, and is forgiven at once', async (t) => {
  const breaker = new Breaker(backoff, 0);
  t.notOk(breaker.isProbing);
  const waits = Array.from({ length: 8 }, () => breaker.fail());
  t.strictSame(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  t.ok(breaker.isProbing);
  t.ok(breaker.succeed(), 'it is back');
  t.notOk(breaker.succeed(), 'and was before');
  t.equal(breaker.fail(), 1_000);
});

t.test('goes on where it was after a restart of the edge', async (t) => {
  const breaker = new Breaker(backoff, 5);
  t.ok(breaker.isProbing);
  t.equal(breaker.fail(), 32_000);
});
