/** Queries by another clock: IS-14 of the domain notes. */
import t from 'tap';
import { aroundDays, askerZone, byClock } from '../../../../../edge/scp/query/asker-zone.ts';
import { zoneOf } from '../../../../../shared/time-zone.ts';

const [DATE, TIME] = [0x0008_0020, 0x0008_0030];
const LONDON = zoneOf('Europe/London');
const at = (date: string, time: string) =>
  new Map([
    [DATE, date],
    [TIME, time],
  ]);

t.test(
  'half past midnight in summer is the day before by UTC, and the day itself here',
  async (t) => {
    const study = at('20260601', '003000');
    t.strictSame(byClock(study, 0, LONDON), at('20260531', '233000'));
    t.strictSame(byClock(study, 60, LONDON), study);
    t.strictSame(byClock(study, -300, LONDON), at('20260531', '183000'));
  },
);

t.test('in winter local time is UTC; fractions stay', async (t) => {
  t.strictSame(byClock(at('20260115', '120000.25'), 0, LONDON), at('20260115', '120000.25'));
  t.strictSame(byClock(at('20261231', '233000'), 60, LONDON), at('20270101', '003000'));
});

t.test('a date without a time is nobody’s moment, and stays', async (t) => {
  for (const study of [at('20260601', ''), at('', '003000'), at('2026', '1')])
    t.strictSame(byClock(study, 0, LONDON), study);
});

t.test('a day is looked for with those around it', async (t) => {
  const around = (date: string) => aroundDays(new Map([[DATE, date]])).get(DATE);
  t.equal(around('20260601'), '20260531-20260602');
  t.equal(around('20260601-'), '20260531-');
  t.equal(around('-20260601'), '-20260602');
  t.equal(around(''), '');
});

t.test('what is no offset is told apart from none', async (t) => {
  t.strictSame(askerZone(undefined), { kind: 'local' });
  t.strictSame(askerZone('+0100'), { kind: 'offset', minutes: 60 });
  t.strictSame(askerZone('-0330 '), { kind: 'offset', minutes: -210 });
  for (const text of ['Z', '0100', '+2500', '-0000', '+0160'])
    t.strictSame(askerZone(text), { kind: 'malformed' }, text);
});
