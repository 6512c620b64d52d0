/** Figures once a night, by the clock on the wall. */
import t from 'tap';
import { isNightlyDue } from '../../../../hub/measures/nightly.ts';
import { zoneOf } from '../../../../shared/time-zone.ts';

const London = zoneOf('Europe/London');
const isDue = (builtAt: string, now: string, hour = 2): boolean =>
  isNightlyDue(hour, { builtAt: Date.parse(builtAt), now: Date.parse(now) }, London);

t.test('they are due once, when the hour has come', async (t) => {
  t.notOk(isDue('2026-01-10T02:00:05Z', '2026-01-10T23:59:00Z'), 'not again on the same day');
  t.notOk(isDue('2026-01-10T02:00:05Z', '2026-01-11T01:59:59Z'), 'nor before the hour');
  t.ok(isDue('2026-01-10T02:00:05Z', '2026-01-11T02:00:00Z'));
  t.ok(isDue('2026-01-10T13:00:00Z', '2026-01-11T09:00:00Z'), 'also where the hub was down then');
});

t.test('the hour is that of the wall', async (t) => {
  t.notOk(isDue('2026-06-10T01:00:05Z', '2026-06-11T00:59:00Z'));
  t.ok(isDue('2026-06-10T01:00:05Z', '2026-06-11T01:00:00Z'), '02:00 in summer');
  t.ok(
    isDue('2026-03-28T02:00:05Z', '2026-03-29T02:00:00Z', 1),
    'of the hour that is left out, too',
  );
});
