/** Emergency accesses are told to the trusts that review them: at once, again when overdue, and when they are reviewed. */
import t from 'tap';
import { channelsOf, textOf } from '../../../../hub/alerts/channels.ts';
import { AlertsSchema } from '../../../../hub/config-alerts.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Relations } from '../../../../hub/relations/relations.ts';
import { reviewDue } from '../../../../hub/relations/review-due.ts';
import { type AlertWorld, alertWorld, DAY, SECOND } from './alert-world.ts';

const ITO = { name: 'Dr Ito', role: 'clinician', trust: 'RRK', method: 'password' } as const;
const LINKS = {
  hubUrl: () => 'https://hub',
  runbookUrl: (signal: string) => `https://rb/${signal}`,
};
const member = {
  ...{ trust: 'RJE', patientId: 'J7', issuer: 'RJE', nhsNumber: '9434765919', nhsStatus: '01' },
  ...{ name: 'SMITH^ANNA', birthDate: '19580131', sex: 'F', postcode: null, deceased: false },
  ...{ restricted: false, mergedInto: null, isTold: true, by: 'self' as const },
};

async function pass(world: AlertWorld, ms: number, step = 15 * SECOND): Promise<void> {
  for (const end = world.now + ms; world.now < end; world.now += step) await world.alerts.look();
}
const told = ({ sent }: AlertWorld): string[] =>
  sent.flatMap(({ trust, told: all }) => all.map(({ what }) => `${trust} ${what}`)).toSorted();

t.test('both trusts are told within a minute, whatever their edges do', async (t) => {
  const world = alertWorld(t, ['RRK', 'RJE', 'RXK']);
  const clock = { now: () => world.now, monotonicMs: () => world.now };
  const relations = new Relations({ ...world.decisions, clock });
  const words = 'Collapsed in the waiting room';
  const asked = { persons: [{ members: [member] }], reason: 'emergency' as const, words };
  await world.alerts.planMaintenance(
    {
      ...{ trust: 'RJE', from: new Date(world.now).toISOString(), reason: 'new disk' },
      to: new Date(world.now + 30 * DAY).toISOString(),
    },
    { name: 'Admin', role: 'admin', trust: null },
  );
  const { id } = await relations.breakGlass(ITO, asked);
  await pass(world, 45 * SECOND);
  t.strictSame(told(world), ['RJE warn', 'RRK warn'], 'maintenance of an edge or not');
  const texts = world.sent.map((message) => textOf(message, LINKS)).join('\n');
  t.match(texts, 'https://hub/privacy');
  t.notMatch(texts, /SMITH|9434765919|J7|Ito|Collapsed/, 'who and why are behind the sign-in');

  await pass(world, 8 * DAY, 3_600 * SECOND);
  t.strictSame(told(world), ['RJE page', 'RJE warn', 'RRK page', 'RRK warn'], 'overdue');
  const review = { outcome: 'appropriate' as const, words: 'He was there' };
  await relations.review({ name: 'Officer', role: 'privacy', trust: 'RRK' }, id, review);
  await pass(world, 120 * SECOND);
  t.strictSame(
    told(world).filter((one) => one.endsWith('closed')),
    ['RRK closed'],
  );
  t.match(
    world.alerts.openOf().map(({ trust, signal }) => `${trust} ${signal}`),
    ['RJE glassReview'],
    'the other one has still to review it',
  );
});

t.test(
  'of a patient with the S-flag both trusts are told at once to act, until it is reviewed',
  async (t) => {
    const world = alertWorld(t, ['RRK', 'RJE', 'RXK']);
    const clock = { now: () => world.now, monotonicMs: () => world.now };
    const relations = new Relations({ ...world.decisions, clock });
    applyEvent(
      prepareProjection(world.decisions.projection.db),
      {
        ...{ v: 1, kind: 'patient', at: new Date(world.now).toISOString(), trust: 'RXK', epoch: 1 },
        ...{ seq: 1, nhsNumberStatus: '01', postcode: null, deceased: false, restricted: true },
        ...{ deleted: false, mergedInto: null, asOf: new Date(world.now).toISOString() },
        patient: {
          ...{ patientId: 'X1', issuer: 'RXK', nhsNumber: member.nhsNumber, name: member.name },
          ...{ birthDate: member.birthDate, sex: 'F' },
        },
      },
      new Date(world.now).toISOString(),
    );
    const asked = { persons: [{ members: [member] }], reason: 'other' as const, words: 'Asked to' };
    const { id } = await relations.breakGlass(ITO, asked);
    await pass(world, 45 * SECOND);
    const signals = (): string[] =>
      world.alerts.openOf().map(({ trust, signal, level }) => `${trust} ${signal} ${level}`);
    t.strictSame(signals().toSorted(), [
      'RJE glassReview warn',
      'RJE sensitiveAccess page',
      'RRK glassReview warn',
      'RRK sensitiveAccess page',
    ]);
    const texts = world.sent.map((message) => textOf(message, LINKS)).join('\n');
    t.match(texts, /ACT NOW: Emergency access to a patient with the S-flag/);
    t.notMatch(texts, /SMITH|9434765919|J7|X1|Ito|Asked/, 'who and why are behind the sign-in');
    const review = { outcome: 'appropriate' as const, words: 'It was right' };
    await relations.review({ name: 'Officer', role: 'privacy', trust: 'RJE' }, id, review);
    await pass(world, 120 * SECOND);
    t.strictSame(signals().toSorted(), ['RRK glassReview warn', 'RRK sensitiveAccess page']);
  },
);

t.test('five working days: not on Saturdays, Sundays and bank holidays', async (t) => {
  const due = (openedAt: string): string =>
    new Date(reviewDue(openedAt, new Set())).toISOString().slice(0, 10);
  t.equal(due('2026-11-23T10:00:00.000Z'), '2026-11-30', 'a Monday');
  t.equal(due('2026-11-28T10:00:00.000Z'), '2026-12-04', 'a Saturday');
  t.equal(due('2026-12-23T10:00:00.000Z'), '2027-01-04', 'over Christmas and New Year');
});

t.test('privacy officers are told of these alone, from the first on', async (t) => {
  const email = { host: 'mail.example', from: 'hub@example.org', to: ['fleet@example.org'] };
  const privacy = [{ trust: 'RRK', to: ['privacy@example.org'] }];
  const channels = channelsOf(AlertsSchema.parse({ email, privacy }), LINKS);
  t.match(channels, [
    { name: 'email', level: 'page' },
    {
      name: 'privacy RRK',
      level: 'warn',
      trusts: ['RRK'],
      signals: ['glassReview', 'sensitiveAccess'],
    },
  ]);
});
