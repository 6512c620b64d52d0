/** Figures by e-mail, over a real mail server, real accounts and a real audit trail: who gets what, when, once. */
import t, { type Test } from 'tap';
import { Access } from '../../../../hub/access/access.ts';
import { accessSchema } from '../../../../hub/access/schema.ts';
import { parseHubConfig } from '../../../../hub/config.ts';
import { MEASURES } from '../../../../hub/measures/all-measures.ts';
import type { Question } from '../../../../hub/measures/answer.ts';
import type { MeasureAnswer } from '../../../../hub/measures/measures.ts';
import { openSubscriptions } from '../../../../hub/measures/subscriptions/open-subscriptions.ts';
import { periodOf } from '../../../../hub/measures/subscriptions/periods.ts';
import type { Subscriptions } from '../../../../hub/measures/subscriptions/subscriptions.ts';
import type { AuditEntry } from '../../../../shared/audit/entry.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { startSmtpReceiver } from '../../../support/smtp-receiver.ts';
import { startFakeHub } from '../http/fake-hub.ts';

const DAY = 86_400_000;
/** A Wednesday. */
const WEDNESDAY = Date.parse('2026-03-04T12:00:00Z');
const ANALYST = { name: 'Ana Lyst', role: 'analyst', trust: 'RRK', method: 'password' } as const;
const ASKED = { by: ['trust'], from: '2026-01', to: null, where: { modality: 'CT' } } as const;

const measure = MEASURES.find(({ id }) => id === 'BI-14');

/** Own figures whole, those of others as the network may see them. */
function answerTo({ own, by }: Question): MeasureAnswer {
  if (measure === undefined) throw new Error('there is no BI-14');
  const row = (trust: string, reported: number | null) => ({
    ...(by.includes('trust') ? { trust } : {}),
    ...{ exams: reported, reported, within28Days: reported, over28Days: 0, unreported: 0 },
    ...{ unreportedOver28Days: 0, shareWithin28Days: reported && 0.971, medianHours: 12.5 },
    ...{ p90Hours: 40, p95Hours: 60, suppressed: reported === null },
  });
  return {
    ...{
      measure,
      asOf: '2026-03-09T06:00:00.000Z',
      from: '2026-01',
      to: '2026-03',
      isSampled: false,
    },
    rows: [row('RRK', own === 'RRK' ? 3 : null), row('=RJE', 4_120)],
    coverage: [
      {
        trust: 'RRK',
        name: '',
        lastToldAt: '2026-03-09T05:00:00Z',
        exams: 3,
        shareMapped: 1,
        shareWithReport: 1,
      },
      {
        trust: 'RJE',
        name: '',
        lastToldAt: null,
        exams: 0,
        shareMapped: null,
        shareWithReport: null,
      },
    ],
  };
}

async function world(t: Test, directory = t.testdir()) {
  const receiver = await startSmtpReceiver();
  const clock = { ms: WEDNESDAY, now: () => clock.ms, monotonicMs: () => clock.ms };
  const access = new Access(openSqlite(':memory:', accessSchema), clock);
  access.invite({ name: 'Ana Lyst', role: 'analyst', trust: 'RRK' });
  const audit: AuditEntry[] = [];
  const { measures: config } = parseHubConfig({
    dataDirectory: directory,
    measures: {
      email: {
        ...{ host: '127.0.0.1', port: receiver.port, requireTls: false },
        ...{ from: 'cdip@example.nhs.uk', domains: ['example.nhs.uk', 'nhs.net'] },
      },
    },
  });
  const open = (): Subscriptions =>
    openSubscriptions(directory, {
      ...{ config: config.email, clock, log: silentLog, hubUrl: () => 'https://hub.example' },
      audit: { append: (entry) => void audit.push(entry) },
      measures: { definitions: MEASURES, answer: async (_, question) => answerTo(question) },
      people: {
        find: (name) => access.accounts.find(name),
        refusal: (person) => access.refuse(person, 'measure'),
      },
    });
  t.teardown(() => receiver.stop());
  return { receiver, clock, access, audit, open };
}

const given = (every: 'week' | 'month', email = 'ana@example.nhs.uk') => ({
  ...{ measure: 'BI-14', asked: ASKED, every, email },
});

t.test(
  'figures are due from seven on Mondays and first days of months, by the clock on the wall',
  async (t) => {
    const at = (text: string, every: 'week' | 'month'): string =>
      periodOf(Date.parse(text), every, 7);
    t.equal(at('2026-03-09T06:59:00Z', 'week'), '2026-03-02');
    t.equal(at('2026-03-09T07:00:00Z', 'week'), '2026-03-09');
    t.equal(at('2026-03-15T23:00:00Z', 'week'), '2026-03-09', 'a Sunday night');
    t.equal(at('2026-07-01T05:59:00Z', 'month'), '2026-06', 'an hour earlier in summer');
    t.equal(at('2026-07-01T06:00:00Z', 'month'), '2026-07');
  },
);

t.test(
  'what a person looked at comes when the next period begins, once, as text, table and link',
  async (t) => {
    const { receiver, clock, audit, open } = await world(t);
    const subscriptions = open();
    t.teardown(() => subscriptions.stop());
    subscriptions.add(ANALYST, given('week'));
    t.equal(await subscriptions.sendDue(), 0, 'not in the week in which it began');
    clock.ms += 5 * DAY;
    t.equal(await subscriptions.sendDue(), 1);
    t.equal(await subscriptions.sendDue(), 0, 'once');
    const [mail] = receiver.mails;
    t.strictSame(mail?.to, ['ana@example.nhs.uk']);
    const text = mail?.part('text/plain') ?? '';
    t.match(text, /Report turnaround \(BI-14, version 2\)/);
    t.match(text, /Months: 2026-01 to 2026-03; only modality CT/);
    t.match(text, /Data as of 2026-03-09T06:00:00.000Z; 1 of 2 trusts reporting/);
    t.match(text, /RRK: Share within 28 days 97.1 %; Examinations 3/, 'their own trust is whole');
    t.match(
      text,
      /https:\/\/hub\.example\/measures\/BI-14\?by=trust&modality=CT&from=2026-01\r?\n/,
    );
    const csv = mail?.part('text/csv') ?? '';
    t.match(csv, /^trust,exams,reported/);
    t.match(csv, /'=RJE,4120/, 'a spreadsheet takes it for no formula');
    t.match(audit, [
      {
        ...{ event: 'export', outcome: 0, user: 'Ana Lyst', role: 'analyst', trust: 'RRK' },
        query: {
          measure: 'BI-14',
          by: ['trust'],
          email: 'ana@example.nhs.uk',
          period: '2026-03-09',
        },
      },
    ]);
  },
);

t.test(
  'who may see less when it is sent gets less; who has no account or no such role gets nothing',
  async (t) => {
    const { receiver, clock, access, open } = await world(t);
    const subscriptions = open();
    t.teardown(() => subscriptions.stop());
    subscriptions.add(ANALYST, given('week'));
    access.invite({ name: 'Ana Lyst', role: 'analyst', trust: 'RJE' });
    clock.ms += 7 * DAY;
    await subscriptions.sendDue();
    t.match(
      receiver.mails[0]?.part('text/plain'),
      /RRK: Share within 28 days withheld; Examinations withheld/,
    );
    access.invite({ name: 'Ana Lyst', role: 'clinician', trust: 'RJE' });
    clock.ms += 7 * DAY;
    t.equal(await subscriptions.sendDue(), 0);
    t.strictSame(
      subscriptions.list(ANALYST),
      [],
      'it has ended, also for a later account of that name',
    );
    access.invite({ name: 'Ana Lyst', role: 'analyst', trust: 'RRK' });
    subscriptions.add(ANALYST, given('month'));
    access.accounts.drop('Ana Lyst');
    clock.ms += 40 * DAY;
    t.equal(await subscriptions.sendDue(), 0);
    t.strictSame(subscriptions.list(ANALYST), []);
  },
);

t.test(
  'of people whom an identity provider lets in, what it said last counts, for ninety days',
  async (t) => {
    const { clock, open } = await world(t);
    const subscriptions = open();
    t.teardown(() => subscriptions.stop());
    const person = { ...ANALYST, name: 'Smart Card', method: 'oidc' } as const;
    subscriptions.add(person, given('month'));
    clock.ms += 80 * DAY;
    subscriptions.saw(person);
    clock.ms += 80 * DAY;
    t.equal(await subscriptions.sendDue(), 1);
    clock.ms += 11 * DAY;
    await subscriptions.sendDue();
    t.strictSame(subscriptions.list(person), [], 'nobody knows whether they are still here');
  },
);

t.test(
  'a mail server that takes nothing is tried again, over a restart; what was missed comes once',
  async (t) => {
    const { receiver, clock, audit, open } = await world(t);
    const before = open();
    before.add(ANALYST, given('week'));
    clock.ms += 26 * DAY;
    receiver.refuses = true;
    t.equal(await before.sendDue(), 0);
    t.match(before.list(ANALYST), [{ fault: /did not take the e-mail/, sentAt: null }]);
    t.match(audit.at(-1), { outcome: 12, code: 'MAIL_NOT_SENT' });
    await before.stop();
    const after = open();
    t.teardown(() => after.stop());
    receiver.refuses = false;
    t.equal(await after.sendDue(), 0, 'not at once');
    clock.ms += 5 * 60_000;
    t.equal(await after.sendDue(), 1);
    t.equal(receiver.mails.length, 1, 'one for the weeks that were missed');
    t.match(after.list(ANALYST), [{ fault: null, donePeriod: '2026-03-30' }]);
  },
);

t.test('figures go to addresses of the network alone', async (t) => {
  const { open } = await world(t);
  const subscriptions = open();
  t.teardown(() => subscriptions.stop());
  for (const email of [
    'ana@gmail.example',
    'ana@notnhs.net',
    'a@nhs.net, b@x.example',
    'nhs.net',
    '',
  ])
    t.throws(() => subscriptions.add(ANALYST, given('week', email)), {
      code: 'SUBSCRIPTION_ADDRESS',
    });
  t.ok(
    subscriptions.add(ANALYST, given('week', 'ana@trust.NHS.net')),
    'a domain below one of them',
  );
});

t.test(
  'a link in the e-mail stops it by one click without signing in; opening it alone does not',
  async (t) => {
    const { receiver, clock, open } = await world(t);
    const subscriptions = open();
    t.teardown(() => subscriptions.stop());
    const hub = await startFakeHub({ subscriptions });
    t.teardown(() => hub.stop());
    subscriptions.add(ANALYST, given('week'));
    clock.ms += 7 * DAY;
    await subscriptions.sendDue();
    const [mail] = receiver.mails;
    t.equal(mail?.header('list-unsubscribe-post'), 'List-Unsubscribe=One-Click');
    const link =
      /<https:\/\/hub\.example(.*)>/.exec(mail?.header('list-unsubscribe') ?? '')?.[1] ?? '';
    const looked = await fetch(hub.url + link);
    t.match(await looked.text(), /Stop these figures\?/);
    t.equal(subscriptions.list(ANALYST).length, 1, 'a mail server that opens links stops nothing');
    const stopped = await fetch(hub.url + link, {
      method: 'POST',
      body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
    });
    t.equal(stopped.status, 200);
    t.strictSame(subscriptions.list(ANALYST), []);
    const { events } = hub.audit.find({}, { limit: 10, offset: 0 });
    t.notOk(
      JSON.stringify(events).includes(link.split('/').at(-1) ?? link),
      'the secret stands in no record',
    );
    t.match(events[0], { event: 'export', query: { person: 'Ana Lyst', measure: 'BI-14' } });
  },
);
