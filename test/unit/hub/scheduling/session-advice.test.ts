/** How trusts stand, counted from their requests and diaries. SC-22. */
import t from 'tap';
import { sessionAdvice } from '../../../../hub/scheduling/session-advice.ts';
import { BOOKER, schedulingWorld } from '../../../support/scheduling-in-memory.ts';

const NOW = '2026-12-01T09:00:00.000Z';
const DAY_MS = 86_400_000;
const ago = (days: number): string => new Date(Date.parse(NOW) - days * DAY_MS).toISOString();
const days = (count: number, each: number): string[] =>
  Array.from({ length: count * each }, (_, at) => {
    const start = Date.parse(NOW) + (1 + Math.floor(at / each)) * DAY_MS + (at % each) * 3_600_000;
    return new Date(start).toISOString();
  });

t.test('waits, referrals and slots of each trust, and the session that is missing', async (t) => {
  const world = schedulingWorld(t, NOW);
  await world.diary('HERE', days(20, 1));
  await world.diary('THERE', days(20, 6), { trust: 'RJE' });
  await world.diary('CT', days(20, 6), { trust: 'RJE', modality: 'CT' });
  const [waiting, recent] = [
    Array.from({ length: 24 }, (_, n) => ago(60 - n)),
    Array.from({ length: 20 }, () => ago(20)),
  ];
  for (const since of [...waiting, ...recent]) await world.request({ since });
  const ended = await world.request({ since: ago(3) });
  await world.scheduling.cancelRequest(ended.requestId, BOOKER, 'not needed');
  const { standings, moves } = sessionAdvice(world.db, 'MR', Date.parse(NOW));
  t.match(standings, [
    { trust: 'RJE', waiting: 0, medianWaitDays: 0, slotsAWeek: 30, referralsAWeek: 0 },
    { trust: 'RRK', waiting: 44, slotsAWeek: 5, referralsAWeek: 5 },
  ]);
  t.ok(Math.abs((standings[1]?.medianWaitDays ?? 0) - 39) <= 1, 'the middle of those who wait');
  t.match(moves, [{ from: 'RJE', to: 'RRK', sessionsAWeek: 1, slotsAWeek: 4 }]);
  t.strictSame(sessionAdvice(world.db, 'CT', Date.parse(NOW)).moves, [], 'nobody waits for a CT');
});
