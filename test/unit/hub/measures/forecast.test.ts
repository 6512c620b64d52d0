/** The waiting list of the coming weeks, from one whose weeks are known; and nobody learns small numbers from it. */
import t from 'tap';
import { build } from '../../../../hub/measures/build.ts';
import { forecastOf } from '../../../../hub/measures/forecast.ts';
import { Store } from '../../../../hub/measures/store.ts';
import { appendTold } from '../../../../hub/measures/take.ts';
import type { ToldRow } from '../../../../hub/measures/told.ts';

const NOW = Date.parse('2026-06-20T12:00:00Z');
const DAY = 86_400_000;
const iso = (daysAgo: number): string => new Date(NOW - daysAgo * DAY).toISOString();
let number = 0;

/** So many asked for so long ago; made so long ago, or still waiting. */
function orders(trust: string, count: number, requestedDays: number, madeDays?: number): ToldRow[] {
  return Array.from({ length: count }, () => {
    number += 1;
    const made = madeDays === undefined ? null : iso(madeDays);
    return {
      ...{
        trust,
        exam: `A${number}`,
        as_of: made ?? iso(requestedDays),
        code: 'MSPIN',
        modality: 'MR',
      },
      ...{ status: made === null ? 'requested' : 'completed', priority: 'ROUTINE' },
      ...{
        setting: 'outpatient',
        requested_at: iso(requestedDays),
        started_at: made,
        ended_at: made,
      },
    };
  });
}

t.test('a list that grows by four a week', async (t) => {
  const store = await Store.open({ directory: t.testdir(), memoryMegabytes: 256, threads: 1 });
  t.teardown(() => store.close());
  const weeks = [0, 1, 2, 3, 4, 5, 6, 7].map((week) => week * 7 + 3.5);
  await appendTold(store, 'order', [
    // Ten a week are asked for, of whom two wait in the last six weeks; six a week of before are made.
    ...weeks.slice(0, 6).flatMap((days) => orders('RRK', 10, days)),
    ...weeks.slice(6).flatMap((days) => orders('RRK', 10, days, 0.1)),
    ...weeks.flatMap((days) => orders('RRK', 6, 100, days)),
    ...orders('RRK', 3, 60),
    ...orders('RJE', 2, 10),
  ]);
  const context = { trusts: ['RRK', 'RJE'], now: NOW };
  await build({ store, ...context });

  const [own, ...others] = await forecastOf(store, context, 'RRK');
  t.strictSame(others, [], 'one test');
  t.strictSame(
    [own?.test, own?.waiting, own?.sixWeeks, own?.addedAWeek, own?.leftAWeek],
    ['Magnetic Resonance Imaging', 63, 3, 10, 8.5],
  );
  const [first, , , , , sixth] = own?.weeks ?? [];
  t.equal(first?.ends, '2026-06-27');
  t.equal(first?.expected, Math.round(63 + 1.5));
  t.ok(
    Number(first?.low) < Number(first?.expected) && Number(first?.high) > Number(first?.expected),
  );
  t.equal(first?.dueBySixWeeks, 13, 'three over six weeks, and ten who are in their sixth');
  t.equal(first?.breaches, Math.round(13 - 8.5));
  t.equal(sixth?.dueBySixWeeks, 63);
  t.equal(own?.firstBreach, '2026-06-27');

  const [network] = await forecastOf(store, context, null);
  t.strictSame([network?.waiting, network?.sixWeeks], [65, null], 'in fives, and no small number');
  const told = network?.weeks.flatMap(({ ends: _, ...of }) => Object.values(of)) ?? [];
  t.ok(told.every((value) => value === null || value % 5 === 0));
  const [other] = await forecastOf(store, context, 'RJE');
  t.equal(other?.waiting, 2, 'the own list is whole');
});
