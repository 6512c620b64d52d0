import t from 'tap';
import { paced } from '../../../shared/paced.ts';

t.test('what takes a second to read is read once in fifty', async (t) => {
  const clock = { ms: 0, monotonicMs: () => clock.ms };
  let reads = 0;
  const read = paced(() => {
    clock.ms += 1_000;
    reads += 1;
    return reads;
  }, clock);
  t.equal(read(), 1);
  clock.ms += 49_000;
  t.equal(read(), 1, 'the last one again');
  clock.ms += 1_000;
  t.equal(read(), 2);
});

t.test('what costs nothing is always fresh', async (t) => {
  let value = 0;
  const read = paced(() => value, { monotonicMs: () => 0 });
  t.equal(read(), 0);
  value = 7;
  t.equal(read(), 7);
});
