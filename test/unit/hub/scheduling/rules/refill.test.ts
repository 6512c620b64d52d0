import t from 'tap';
import {
  holdUntil,
  isPhoneOnly,
  isQuiet,
  nextWakingMoment,
  offerRefusals,
  type Reachable,
  refillRow,
} from '../../../../../hub/scheduling/rules/refill.ts';
import { ukMoment } from '../../../../../hub/scheduling/rules/uk-time.ts';

const NOW = Date.parse('2026-11-02T10:00:00Z');
const inHours = (hours: number, from = NOW): string =>
  new Date(from + hours * 3_600_000).toISOString();
const iso = (at: number): string => new Date(at).toISOString();

t.test('the mode goes by the time that is left (SC-30)', async (t) => {
  const modes = [200, 168, 167, 48, 47, 6, 5.9, 0.5].map((hours) => {
    const { mode, holdMinutes } = refillRow(inHours(hours), NOW);
    return `${hours}: ${mode} ${holdMinutes}`;
  });
  t.strictSame(modes, [
    '200: sequential 1440',
    '168: sequential 1440',
    '167: sequential 240',
    '48: sequential 240',
    '47: batch 60',
    '6: batch 60',
    '5.9: staff 15',
    '0.5: staff 15',
  ]);
});

t.test('four waking hours end the next morning, and no hold outlives the slot', async (t) => {
  const evening = Date.parse('2026-11-02T18:00:00Z');
  const start = inHours(72, evening);
  t.equal(iso(holdUntil(refillRow(start, evening), start, evening)), '2026-11-03T10:00:00.000Z');
  const soon = inHours(0.1);
  t.equal(holdUntil(refillRow(soon, NOW), soon, NOW), Date.parse(soon));
});

t.test('quiet hours are those of the UK, in summer too (SC-33)', async (t) => {
  t.notOk(isQuiet(Date.parse('2026-07-01T07:00:00Z')), '08:00 British summer time');
  t.ok(isQuiet(Date.parse('2026-07-01T19:00:00Z')));
  t.ok(isQuiet(Date.parse('2026-12-01T07:59:00Z')));
  t.equal(
    iso(nextWakingMoment(Date.parse('2026-10-24T20:00:00Z'))),
    '2026-10-25T08:00:00.000Z',
    'over the night in which the clocks go back',
  );
  t.equal(iso(nextWakingMoment(Date.parse('2026-07-01T02:00:00Z'))), '2026-07-01T07:00:00.000Z');
  t.equal(iso(ukMoment('2026-03-29', 8)), '2026-03-29T07:00:00.000Z');
});

const reachable: Reachable = {
  ...{ offersToday: 0, channels: ['sms', 'phone'], shortNotice: true, verifiedOn: '2026-05-01' },
};
const refusals = (changes: Partial<Reachable>, hours = 24, now = NOW): string[] =>
  offerRefusals({ ...reachable, ...changes }, { start: inHours(hours, now), now }).map(
    ({ rule }) => rule,
  );

t.test(
  'who is not asked: died, sensitive, STOP, no short notice, twice today, old number',
  async (t) => {
    t.strictSame(refusals({}), []);
    t.strictSame(refusals({ deceased: true }), ['deceased']);
    t.strictSame(refusals({ sensitive: true }), ['sensitive']);
    t.strictSame(refusals({ optedOut: true }), ['opted-out']);
    t.strictSame(refusals({ shortNotice: false }), ['short-notice']);
    t.strictSame(refusals({ shortNotice: false }, 200), [], 'eight days are proper notice');
    t.strictSame(refusals({ offersToday: 2 }), ['offers-today']);
    t.strictSame(refusals({ verifiedOn: '2025-10-01' }), ['number-old']);
    const { verifiedOn: _, ...never } = reachable;
    t.match(offerRefusals(never, { start: inHours(24), now: NOW }), [{ rule: 'number-old' }]);
    t.strictSame(refusals({}, 24, Date.parse('2026-11-02T21:00:00Z')), ['quiet-hours']);
  },
);

t.test(
  'who can only be phoned is called by staff, also where no number is verified by message',
  async (t) => {
    const phoneOnly = { channels: ['phone', 'letter'] as const };
    t.ok(isPhoneOnly(phoneOnly));
    t.notOk(isPhoneOnly({ channels: ['phone', 'sms'] }));
    t.strictSame(refusals(phoneOnly), ['channel']);
    t.strictSame(refusals({ ...phoneOnly, verifiedOn: '2020-01-01' }, 3), []);
  },
);
