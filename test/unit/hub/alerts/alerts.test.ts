/** Alerts: opened in time, told once, raised, closed; what people do about them; what is nobody's fault. hub/alerts. */
import t, { type Test } from 'tap';
import type { HealthEvent } from '../../../../shared/contract/events.ts';
import {
  type AlertWorld,
  alertWorld,
  DAY,
  HOUR,
  heartbeatOf,
  MINUTE,
  SECOND,
} from './alert-world.ts';

const ADMIN = { name: 'Admin', role: 'admin', trust: null };

/** Beats and looks every 15 s. @returns what is open at the end, `signal subject level` */
async function live(
  world: AlertWorld,
  ms: number,
  healthOf: (now: number) => Partial<HealthEvent> | null = () => ({}),
): Promise<string[]> {
  for (const end = world.now + ms; world.now < end; world.now += 15 * SECOND) {
    const more = healthOf(world.now);
    if (more !== null) world.beat(heartbeatOf('RRK', world.now, more));
    await world.alerts.look();
  }
  return world.alerts
    .openOf()
    .map(({ signal, subject, level }) => [signal, subject, level].filter(Boolean).join(' '));
}

const told = ({ sent }: AlertWorld): string[] =>
  sent.flatMap((message) =>
    message.told.map(({ alert, what }) => `${message.trust} ${alert.signal} ${what}`),
  );

t.test(
  'an edge that falls silent warns after a minute, pages after three, and once each',
  async (t) => {
    const world = alertWorld(t, ['RRK']);
    t.strictSame(await live(world, MINUTE), []);
    t.strictSame(
      await live(world, 45 * SECOND, () => null),
      [],
      'three heartbeats are missed now and then',
    );
    t.strictSame(await live(world, 45 * SECOND, () => null), ['edgeSilent warn']);
    t.strictSame(await live(world, 2 * MINUTE, () => null), ['edgeSilent page']);
    t.strictSame(await live(world, 10 * MINUTE, () => null), ['edgeSilent page']);
    t.strictSame(told(world), ['RRK edgeSilent warn', 'RRK edgeSilent page']);
    t.strictSame(await live(world, 3 * MINUTE), [], 'it is back');
    t.strictSame(told(world).at(-1), 'RRK edgeSilent closed');
    t.equal(world.alerts.list({ state: 'closed' }, { limit: 9, offset: 0 }).total, 1);
  },
);

t.test('what is known of a silent edge is old, and changes nothing', async (t) => {
  const world = alertWorld(t, ['RRK']);
  const full = { disk: { freeBytes: 5e10, totalBytes: 1e12, reserveBytes: 2e10, hoursToFull: 5 } };
  await live(world, 12 * MINUTE, () => full);
  t.strictSame(await live(world, 10 * MINUTE, () => null), [
    'edgeSilent page',
    'diskHoursToFull page',
    'diskUsed page',
  ]);
});

t.test('each signal at its limit', async (t) => {
  const now = Date.UTC(2026, 5, 1);
  const queue = { queue: 'delivery' as const, waiting: 3, reason: 'CONNECT_FAILED' };
  const probe = { at: new Date(now).toISOString(), reason: 'CONNECT_FAILED', p95Ms: null };
  const traffic = {
    ...{
      seconds: 300,
      objects: 0,
      bytes: 0,
      notStored: 0,
      associations: 0,
      rejected: 0,
      aborted: 0,
    },
    ...{ acknowledgementMs: null, hl7: 1_000, hl7Refused: 10 },
  };
  const machine = { cpu: 0.2, memory: 0.4, rssBytes: 1, eventLoopMs: 4, files: 0.05 };
  const endsIn = (days: number) => [
    { of: 'DICOM port', endsAt: new Date(now + days * DAY + HOUR).toISOString() },
  ];
  const caller = { callingAETitle: 'NEW', host: '10.0.0.9', known: false, aborted: 0 };
  const cases: [what: string, health: Partial<HealthEvent>, open: string[]][] = [
    ['certificate', { certificates: endsIn(20) }, ['certificateDays DICOM port warn']],
    ['certificate soon', { certificates: endsIn(6) }, ['certificateDays DICOM port page']],
    ['certificate later', { certificates: endsIn(22) }, []],
    [
      'urgent work',
      { queues: [{ ...queue, priority: 'urgent', oldestSeconds: 400 }] },
      ['queueUrgent delivery urgent page'],
    ],
    ['bulk work', { queues: [{ ...queue, priority: 'bulk', oldestSeconds: 400 }] }, []],
    [
      'PACS twice',
      { pacs: [{ peer: 'main', echo: { ...probe, ok: false, failures: 2 }, find: null }] },
      [],
    ],
    [
      'PACS thrice',
      { pacs: [{ peer: 'main', echo: { ...probe, ok: false, failures: 3 }, find: null }] },
      ['pacsFailures main C-ECHO page'],
    ],
    [
      'slow PACS',
      {
        pacs: [
          { peer: 'main', echo: null, find: { ...probe, ok: true, failures: 0, p95Ms: 2_500 } },
        ],
      },
      ['pacsLatency main C-FIND warn'],
    ],
    ['clock', { clock: { offsetMs: -1_200 } }, ['clockOffset page']],
    ['HL7', { traffic, hl7: { feeds: [], dead: 1 } }, ['hl7DeadLetters warn', 'hl7Refused warn']],
    ['memory', { machine: { ...machine, memory: 0.95 } }, ['machineLoad memory page']],
    [
      'new scanner',
      {
        callers: [
          { ...caller, associations: 0, rejected: { 'calling-ae-title-not-recognized': 3 } },
        ],
      },
      ['callerRefused NEW page'],
    ],
    [
      'one abort of many',
      { callers: [{ ...caller, associations: 300, rejected: {}, aborted: 1 }] },
      [],
    ],
    ['behind', { outbox: { waiting: 5, oldestSeconds: 90 } }, ['syncLag warn']],
    ['two patients in one study', { quarantined: 1, otherPatient: 1 }, ['otherPatient warn']],
    ['something else in quarantine', { quarantined: 1 }, []],
    ['another version', { version: '0.0.9' }, ['versionDiffers warn']],
  ];
  for (const [what, health, open] of cases) {
    const world = alertWorld(t, ['RRK']);
    world.now = now;
    t.strictSame((await live(world, 7 * MINUTE, () => health)).sort(), open.sort(), what);
  }
});

t.test('limits are what the configuration says', async (t) => {
  const thresholds = { clockOffset: { page: null, warn: 5_000 } };
  const world = alertWorld(t, ['RRK'], { thresholds });
  t.strictSame(await live(world, 3 * MINUTE, () => ({ clock: { offsetMs: 3_000 } })), []);
  t.strictSame(await live(world, 3 * MINUTE, () => ({ clock: { offsetMs: 9_000 } })), [
    'clockOffset warn',
  ]);
});

t.test('a peak is no alert, and one that comes and goes is one', async (t) => {
  const world = alertWorld(t, ['RRK']);
  const offset = (now: number): Partial<HealthEvent> => ({
    clock: { offsetMs: now % (5 * MINUTE) < 30 * SECOND ? 2_000 : 0 },
  });
  t.strictSame(await live(world, 20 * MINUTE, offset), []);
  const flapping = (now: number): Partial<HealthEvent> => ({
    clock: { offsetMs: now % (2 * MINUTE) < 90 * SECOND ? 2_000 : 0 },
  });
  await live(world, 20 * MINUTE, flapping);
  t.strictSame(told(world), ['RRK clockOffset page']);
});

t.test('what comes together is one message, the worst first', async (t) => {
  const world = alertWorld(t, ['RRK']);
  await live(world, 5 * MINUTE, () => ({
    clock: { offsetMs: 300 },
    outbox: { waiting: 1, oldestSeconds: 900 },
  }));
  t.equal(world.sent.length, 1);
  t.equal(world.sent[0]?.told.length, 2);
});

t.test('two hubs tell it once', async (t) => {
  const world = alertWorld(t, ['RRK']);
  world.beat(heartbeatOf('RRK', world.now));
  for (const end = world.now + 6 * MINUTE; world.now < end; world.now += 5 * SECOND)
    await Promise.all([world.alerts.look(), world.otherHub.look()]);
  t.strictSame([...world.sent, ...world.sentByOther].length, 2, 'the warning, and the page');
});

t.test('a channel that takes nothing is tried again', async (t) => {
  const world = alertWorld(t, ['RRK']);
  world.isBroken = true;
  const behind = { outbox: { waiting: 1, oldestSeconds: 900 } };
  await live(world, 4 * MINUTE, () => behind);
  t.strictSame(world.sent, []);
  world.isBroken = false;
  await live(world, 2 * MINUTE, () => behind);
  t.strictSame(told(world), ['RRK syncLag page']);
});

t.test('what somebody looks after is told to nobody, until it gets worse', async (t) => {
  const world = alertWorld(t, ['RRK']);
  await live(world, MINUTE);
  await live(world, 75 * SECOND, () => null);
  const [alert] = world.alerts.openOf();
  const note = 'Power work on ward 7';
  t.match(await world.alerts.acknowledge(alert?.id ?? '', note, ADMIN), {
    acknowledged: { by: 'Admin', note },
  });
  await live(world, 5 * MINUTE, () => null);
  t.match(told(world).at(-1), 'edgeSilent page', 'it got worse');
  t.match(world.alerts.openOf(), [{ acknowledged: null, level: 'page' }]);
});

t.test('snoozed, and in maintenance, nobody is told; afterwards they are', async (t) => {
  for (const rest of ['snooze', 'maintenance'] as const) {
    const world = alertWorld(t, ['RRK']);
    const behind = { outbox: { waiting: 1, oldestSeconds: 900 } };
    await live(world, MINUTE);
    if (rest === 'maintenance') {
      const [from, to] = [world.now, world.now + 10 * MINUTE].map((at) =>
        new Date(at).toISOString(),
      );
      await world.alerts.planMaintenance(
        { trust: 'RRK', from: from ?? '', to: to ?? '', reason: 'disk' },
        ADMIN,
      );
    }
    await live(world, 75 * SECOND, () => behind);
    if (rest === 'snooze') {
      t.equal(world.sent.length, 0);
      await world.alerts.snooze(world.alerts.openOf()[0]?.id ?? '', 8, ADMIN);
    }
    t.match(await live(world, 7 * MINUTE, () => behind), ['syncLag page'], 'it is shown');
    t.match(world.alerts.openOf(), [{ inMaintenance: rest === 'maintenance' }]);
    t.strictSame(told(world), [], rest);
    await live(world, 5 * MINUTE, () => behind);
    t.strictSame(told(world), ['RRK syncLag page'], `after ${rest}`);
  }
});

t.test("people of a trust look after their own edge's alerts", async (t) => {
  const world = alertWorld(t, ['RRK']);
  await live(world, 5 * MINUTE, () => ({ clock: { offsetMs: 5_000 } }));
  const id = world.alerts.openOf()[0]?.id ?? '';
  const other = { name: 'Engineer', role: 'fleet', trust: 'RJE' };
  await t.rejects(world.alerts.acknowledge(id, '', other), { code: 'ALERT_FORBIDDEN' });
  await t.rejects(world.alerts.acknowledge('none', '', ADMIN), { code: 'ALERT_UNKNOWN' });
  await t.resolves(world.alerts.acknowledge(id, '', { ...other, trust: 'RRK' }));
});

t.test('time in which the hub did not listen is nobody’s silence', async (t) => {
  const world = alertWorld(t, ['RRK']);
  await live(world, MINUTE);
  world.now += HOUR;
  t.strictSame(await live(world, 30 * SECOND, () => null), [], 'it was stopped, or asleep');
  world.decisions.isConnected = false;
  t.strictSame(await live(world, 10 * MINUTE, () => null), [], 'it hears nobody');
  t.notOk(world.alerts.isWatching(), 'and does not call the dead man’s switch');
  world.decisions.isConnected = true;
  t.strictSame(await live(world, 45 * SECOND, () => null), [], 'it hears again since just now');
  t.ok(world.alerts.isWatching());
  t.strictSame(await live(world, 3 * MINUTE, () => null), ['edgeSilent page']);
});

/** A CT that sends every twelve minutes from 8 to 18 on weekdays: when it last did. */
function ctAt(now: number): number {
  for (let at = now - (now % (12 * MINUTE)); ; at -= 12 * MINUTE) {
    const local = new Date(at + HOUR);
    const [day, hour] = [local.getUTCDay(), local.getUTCHours()];
    if (day >= 1 && day <= 5 && hour >= 8 && hour < 18) return at;
  }
}

async function runCt(
  t: Test,
  { from, until, silentFrom }: { from: number; until: number; silentFrom: number },
): Promise<{ world: AlertWorld; openedAt: number | undefined }> {
  const world = alertWorld(t, ['RRK']);
  world.now = from;
  let openedAt: number | undefined;
  for (; world.now < until; world.now += 5 * MINUTE) {
    const lastObjectAt = new Date(ctAt(Math.min(world.now, silentFrom))).toISOString();
    const modality = { aeTitle: 'CT1', peer: 'ct1', role: 'modality', modality: 'CT', objects: 1 };
    world.beat(heartbeatOf('RRK', world.now, { modalities: [{ ...modality, lastObjectAt }] }));
    await world.alerts.look();
    if (world.alerts.openOf().some(({ level }) => level === 'page')) openedAt ??= world.now;
  }
  return { world, openedAt };
}

t.test('a CT that falls silent in its hours is paged within the hour', async (t) => {
  const silentFrom = Date.UTC(2026, 5, 23, 9, 0);
  const { world, openedAt } = await runCt(t, {
    // Mondays; British Summer Time.
    ...{ from: Date.UTC(2026, 5, 1), silentFrom, until: silentFrom + 3 * HOUR },
  });
  t.ok(openedAt !== undefined && openedAt - silentFrom <= 70 * MINUTE, 'after about an hour');
  t.match(world.alerts.openOf(), [{ signal: 'modalitySilent', subject: 'CT1', level: 'page' }]);
  t.strictSame(
    told(world).filter((one) => /page/.test(one)),
    ['RRK modalitySilent page'],
  );
});

t.test('after a hub was away, what is old is not taken for silence', async (t) => {
  const silentFrom = Date.UTC(2026, 5, 30);
  const { world } = await runCt(t, {
    ...{ from: Date.UTC(2026, 5, 1), silentFrom, until: Date.UTC(2026, 5, 16) },
  });
  world.now += 2 * DAY + 11 * HOUR;
  t.strictSame(await live(world, MINUTE, () => null), [], 'no heartbeat has come yet');
});

t.test('one that has closed for the night, or for a bank holiday, is not silent', async (t) => {
  // From Friday evening over the weekend and the bank holiday of 31 August to Tuesday morning.
  const silentFrom = Date.UTC(2026, 7, 28, 16, 50);
  const { world } = await runCt(t, {
    ...{ from: Date.UTC(2026, 7, 10), silentFrom, until: Date.UTC(2026, 8, 1, 7, 10) },
  });
  t.strictSame(told(world), []);
});
