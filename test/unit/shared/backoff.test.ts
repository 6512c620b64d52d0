/** Waiting times: they grow, they end, they differ from peer to peer. */
import t from 'tap';
import { backoffMs, sleep } from '../../../shared/backoff.ts';

t.test('waits double up to the cap and never fall below half of it', async (t) => {
  const waits = (random: number) =>
    [0, 1, 2, 10, 1_000].map((attempt) =>
      backoffMs(attempt, { firstMs: 100, maxMs: 1_000, random: () => random }),
    );
  t.same(waits(0), [50, 100, 200, 500, 500]);
  t.same(waits(1), [100, 200, 400, 1_000, 1_000]);
});

t.test(
  'a wait is whole milliseconds, so that a moment reckoned from it can be stored',
  async (t) => {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const wait = backoffMs(attempt, { firstMs: 333, maxMs: 9_999, random: Math.random });
      t.ok(Number.isInteger(wait), `${wait}`);
    }
  },
);

t.test('a sleep ends at once when it is called off', async (t) => {
  const stop = new AbortController();
  const before = performance.now();
  const slept = sleep(60_000, stop.signal);
  stop.abort();
  await slept;
  await sleep(60_000, stop.signal);
  t.ok(performance.now() - before < 10_000);
});
