/** The short run of `npm run fuzz`: only typed errors come of damaged bytes, and memory does not grow. */
import t from 'tap';
import { runFuzz } from './fuzz-run.ts';

const ROUNDS = 200_000;
/** Of one that grows by 100 bytes a round, 20 MB would be left. */
const MAX_GROWTH_BYTES = 10_000_000;

t.test(`${ROUNDS} damaged PDUs, requests and objects`, { timeout: 280_000 }, async (t) => {
  const { bugs, outcomes, heapAtFirst, heapAtLast } = await runFuzz({ rounds: ROUNDS, seed: 'ci' });
  t.strictSame(bugs, []);
  t.ok((outcomes['fine'] ?? 0) > ROUNDS / 10, 'some of it can still be read');
  t.ok(Object.keys(outcomes).length > 5, 'and much is refused in different ways');
  const growth = heapAtLast - heapAtFirst;
  t.ok(growth < MAX_GROWTH_BYTES, `${Math.round(growth / 1e6)} MB more at the end`);
});
