/** Slots that were given back: who is asked, when, by what, and what an answer does. SC-30 to SC-33. */
import t from 'tap';
import { listRequests } from '../../../../hub/scheduling/lists.ts';
import {
  decisionsOfRefill,
  findRefill,
  listOffers,
} from '../../../../hub/scheduling/refill-rows.ts';
import type { Offer } from '../../../../hub/scheduling/types.ts';
import { codeOf } from '../../../../shared/errors.ts';
import {
  BOOKER,
  type SchedulingWorld,
  schedulingWorld,
} from '../../../support/scheduling-in-memory.ts';

const MORNING = '2026-12-01T09:00:00.000Z';
const HOUR = 3_600_000;
const in_ = (hours: number): string => new Date(Date.parse(MORNING) + hours * HOUR).toISOString();

/** A slot that somebody had and gave back, in so many hours. @returns the refill's id */
async function released(world: SchedulingWorld, hours: number, given = {}): Promise<string> {
  const [slot = ''] = await world.diary(`MR-${hours}`, [in_(hours)], given);
  const giver = await world.request({ shortNotice: false });
  const booking = await world.book(slot, giver.requestId);
  await world.scheduling.bookings.cancel(booking, BOOKER, 'cancelled');
  return booking;
}

const offersOf = (world: SchedulingWorld, refillId: string): Offer[] => [
  ...(findRefill(world.db, refillId)?.value.offers ?? []),
];
const look = (world: SchedulingWorld): Promise<void> => world.scheduling.settle();
const secretOf = (link: string | undefined): string => link?.split('/').at(-1) ?? '';
const refused = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', codeOf);

t.test('eight days ahead one is asked after the other, the most urgent first', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const routine = await world.request({ shortNotice: false });
  const urgent = await world.request({ shortNotice: false, band: 'P3' });
  const refillId = await released(world, 8 * 24);
  await look(world);
  const [first] = offersOf(world, refillId);
  t.match(first, {
    requestId: urgent.requestId,
    state: 'open',
    mode: 'sequential',
    channel: 'email',
  });
  t.equal(first?.expiresAt, in_(24), 'with a day to answer');
  t.match(world.messages, [{ to: 'a@example.org', link: /^https:\/\/hub\.example\/offer\// }]);
  t.notMatch(world.messages[0]?.text, /MRI|head|scan/i, 'nothing clinical in the message');
  const slot = findRefill(world.db, refillId)?.value.slotIds[0] ?? '';
  t.equal(
    await refused(world.book(slot, routine.requestId)),
    'SLOT_TAKEN',
    'it is kept for who is asked',
  );
  await world.scheduling.offers.decline(first?.offerId ?? '', BOOKER, { stop: false });
  await look(world);
  t.match(offersOf(world, refillId)[1], { requestId: routine.requestId, state: 'open' });
  world.clock.ms += 25 * HOUR;
  await look(world);
  t.match(offersOf(world, refillId)[1], { state: 'expired' });
  t.equal(
    world.scheduling.requests.find(urgent.requestId).since,
    urgent.since,
    'who declined waits as before',
  );
  t.match(decisionsOfRefill(world.db, refillId)[0]?.considered, [
    { requestId: urgent.requestId, removedBy: [] },
    { requestId: routine.requestId, removedBy: [] },
  ]);
});

t.test('a day ahead several are asked at once, and the first has it', async (t) => {
  const world = schedulingWorld(t, MORNING);
  for (let count = 0; count < 7; count += 1) await world.request();
  const refillId = await released(world, 26);
  await look(world);
  const offers = offersOf(world, refillId);
  t.equal(offers.length, 5);
  t.ok(offers.every(({ mode, expiresAt }) => mode === 'batch' && expiresAt === in_(1)));
  const [first, second] = world.messages;
  const accepts = [first, second].map((message) =>
    refused(world.scheduling.offers.acceptByLink(secretOf(message?.link), '1970-02-03')),
  );
  t.strictSame(await Promise.all(accepts), ['done', 'OFFER_ENDED']);
  t.strictSame(
    offersOf(world, refillId)
      .map(({ state }) => state)
      .sort(),
    [...['accepted', 'superseded', 'superseded', 'superseded', 'superseded']],
  );
  t.match(findRefill(world.db, refillId)?.value, { state: 'filled' });
});

t.test('a link needs the birth date, works once, and bears three wrong ones', async (t) => {
  const world = schedulingWorld(t, MORNING);
  await world.request();
  await world.request();
  await released(world, 26);
  await look(world);
  const [one = '', other = ''] = world.messages.map(({ link }) => secretOf(link));
  const { offers } = world.scheduling;
  t.equal(await refused(offers.open(one, '1970-03-02')), 'BIRTH_DATE_WRONG');
  t.equal(await refused(offers.open('guessed', '1970-02-03')), 'OFFER_UNKNOWN');
  const atOnce = Array.from({ length: 10 }, (_, day) =>
    refused(offers.acceptByLink(other, `1970-01-${10 + day}`)),
  );
  t.equal((await Promise.all(atOnce)).filter((code) => code === 'BIRTH_DATE_WRONG').length, 3);
  t.equal(await refused(offers.acceptByLink(other, '1970-02-03')), 'OFFER_UNKNOWN', 'it is ended');
  t.equal(await refused(offers.acceptByLink(one, '1970-02-03')), 'done');
  t.equal(await refused(offers.acceptByLink(one, '1970-02-03')), 'OFFER_ENDED', 'it was used');
  const [accepted] = listOffers(world.db, { state: 'accepted' }, { limit: 9, offset: 0 }).offers;
  t.notMatch(JSON.stringify(accepted), one, 'the secret stands nowhere');
});

t.test('nobody is asked at night, but those who are phoned', async (t) => {
  const world = schedulingWorld(t, '2026-12-01T21:30:00.000Z');
  await world.request();
  const refillId = await released(world, 48);
  await look(world);
  t.strictSame(offersOf(world, refillId), []);
  const slot = findRefill(world.db, refillId)?.value.slotIds[0] ?? '';
  t.match(world.scheduling.slot(slot), { status: 'free' }, 'until then it is free for everybody');
  world.clock.ms = Date.parse('2026-12-02T08:00:10.000Z');
  await look(world);
  t.match(offersOf(world, refillId), [{ state: 'open' }]);
});

t.test(
  'S-flag, deceased, opted out, no short notice, old address: not asked, and why',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const asked = {
      sensitive: await world.request({}, { restricted: true }),
      deceased: await world.request({}, { deceased: true }),
      'opted-out': await world.request({ optedOut: true }),
      'short-notice': await world.request({ shortNotice: false }),
      'number-old': await world.request({}, { verifiedOn: '2025-11-01' }),
      vetting: await world.request({ safety: { vetted: 'refused' } }),
      consent: await world.request({ trust: 'RJE', consentsElsewhere: false }),
    };
    const refillId = await released(world, 26);
    const willing = await world.request();
    await look(world);
    t.match(offersOf(world, refillId), [{ requestId: willing.requestId }]);
    t.equal(offersOf(world, refillId).length, 1);
    const { considered = [] } = decisionsOfRefill(world.db, refillId)[0] ?? {};
    for (const [rule, { requestId }] of Object.entries(asked)) {
      const removedBy = considered.find((one) => one.requestId === requestId)?.removedBy ?? [];
      t.ok(
        removedBy.some((one) => one.rule === rule && one.reason.length > 10),
        rule,
      );
    }
  },
);

t.test('after STOP nobody is asked again; two offers a day are the most', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const stopped = await world.request();
  const first = await released(world, 26);
  await look(world);
  await world.scheduling.offers.decline(offersOf(world, first)[0]?.offerId ?? '', BOOKER, {
    stop: true,
  });
  t.match(world.scheduling.requests.find(stopped.requestId), { optedOut: true });
  const tired = await world.request();
  for (const hours of [27, 28, 29]) {
    await released(world, hours);
    await look(world);
    const open = listOffers(world.db, { state: 'open' }, { limit: 9, offset: 0 }).offers;
    for (const { offer } of open)
      await world.scheduling.offers.decline(offer.offerId, BOOKER, { stop: false });
  }
  const page = { limit: 9, offset: 0 };
  t.equal(listOffers(world.db, { requestId: tired.requestId }, page).total, 2);
  t.equal(listOffers(world.db, { requestId: stopped.requestId }, page).total, 1);
});

t.test(
  'who takes an earlier slot frees the later one, which is offered in turn, not for ever',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const slots = await world.diary(
      'CHAIN',
      [10, 12, 14, 16, 18, 20].map((days) => in_(days * 24)),
    );
    const waiting = [];
    for (const [at, slot] of slots.entries()) {
      const since = in_(-24 * (20 - at));
      const request = await world.request({ shortNotice: false, since });
      waiting.push({ request, booking: await world.book(slot, request.requestId) });
    }
    await world.scheduling.bookings.cancel(waiting[0]?.booking ?? '', BOOKER, 'cancelled');
    await world.scheduling.requests.cancel(
      waiting[0]?.request.requestId ?? '',
      BOOKER,
      'well again',
    );
    const chains: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      await look(world);
      const [open] = listOffers(world.db, { state: 'open' }, { limit: 9, offset: 0 }).offers;
      if (open === undefined) break;
      chains.push(open.refill.chain);
      await world.scheduling.offers.accept(open.offer.offerId, BOOKER);
    }
    t.strictSame(chains, [0, 1, 2, 3]);
    for (const { request } of waiting.slice(1)) {
      const active = world.scheduling.bookings.activeOf(request.requestId);
      t.equal(active.length, 1, 'everybody has one booking');
    }
  },
);

t.test('in the last hours staff phone, one after the other', async (t) => {
  const world = schedulingWorld(t, MORNING);
  await world.request();
  const refillId = await released(world, 4);
  await look(world);
  t.match(offersOf(world, refillId), [{ mode: 'staff', channel: 'phone', expiresAt: in_(0.25) }]);
  t.strictSame(world.messages, [], 'nobody is sent a message');
  world.clock.ms += 5 * HOUR;
  await look(world);
  t.match(findRefill(world.db, refillId)?.value, { state: 'ended' });
});

t.test('a trust keeps its slots for its own, also when staff phone', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const own = await world.request();
  const other = await world.request({ trust: 'RJE' });
  const [slot = ''] = await world.diary('MR-4', [in_(4)], { offeredOutShare: 0.2 });
  const { considered } = world.scheduling.callList(slot, BOOKER).decision;
  const rulesOf = ({ requestId }: { requestId: string }) =>
    considered
      .find((one) => one.requestId === requestId)
      ?.removedBy.map(({ rule }) => rule)
      .filter((rule) => rule === 'offered-out' || rule === 'own-p2');
  t.strictSame(rulesOf(own), []);
  t.strictSame(rulesOf(other), ['offered-out'], 'one of one would be all of them');
  await world.request({ band: 'P2' });
  const later = world.scheduling.callList(slot, BOOKER).decision.considered;
  const kept = later.find(({ requestId }) => requestId === other.requestId)?.removedBy;
  t.match(kept, [{ rule: 'offered-out' }, { rule: 'own-p2' }]);
});

t.test('who can only be phoned has a share of what is given back', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const byPhone: string[] = [];
  for (let at = 0; at < 4; at += 1) {
    byPhone.push((await world.request({ channels: ['phone'] })).requestId);
    for (let more = 0; more < 3; more += 1) await world.request({ band: 'P3' });
  }
  const turns: boolean[] = [];
  let phonedFor = '';
  for (let slot = 0; slot < 6; slot += 1) {
    const refillId = await released(world, 26 + slot);
    await look(world);
    const [first] = offersOf(world, refillId);
    const isPhoned = byPhone.includes(first?.requestId ?? '');
    turns.push(isPhoned);
    if (isPhoned) phonedFor = refillId;
    t.match(first, isPhoned ? { channel: 'phone', mode: 'staff' } : { channel: 'email' });
    await world.scheduling.offers.accept(first?.offerId ?? '', BOOKER);
  }
  t.strictSame(turns, [true, false, false, false, false, true], 'four, then three, of 17 wait so');
  const { considered = [] } = decisionsOfRefill(world.db, phonedFor)[0] ?? {};
  t.ok(
    considered.some(({ removedBy }) => removedBy.some(({ rule }) => rule === 'phone-turn')),
    'it is kept why the others were not asked first',
  );
});

t.test('nobody at the telephone wastes no slot: after a while all are asked', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const byPhone: string[] = [];
  for (let at = 0; at < 20; at += 1)
    byPhone.push((await world.request({ channels: ['phone'] })).requestId);
  const others = [(await world.request()).requestId];
  const refillId = await released(world, 26);
  for (let minutes = 0; minutes <= 92; minutes += 2) {
    await look(world);
    world.clock.ms += 2 * 60_000;
  }
  const offers = offersOf(world, refillId);
  t.ok(offers.length > 3);
  t.strictSame(offers.at(-1)?.requestId, others[0]);
  t.ok(offers.slice(0, -1).every(({ requestId }) => byPhone.includes(requestId)));
});

t.test(
  'nobody is phoned at night because it is the turn of those who can only be phoned',
  async (t) => {
    const world = schedulingWorld(t, '2026-12-01T21:30:00.000Z');
    await world.request({ channels: ['phone'] });
    const refillId = await released(world, 48);
    await look(world);
    t.strictSame(offersOf(world, refillId), []);
    world.clock.ms = Date.parse('2026-12-02T08:00:20.000Z');
    await look(world);
    t.match(offersOf(world, refillId), [{ state: 'open', channel: 'phone' }]);
  },
);

t.test('a site books whom its call list shows of another trust, and nobody else', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const [slot = '', second = ''] = await world.diary('MR-4', [in_(4), in_(5)]);
  const consents = await world.request({ trust: 'RJE' });
  const hidden = [
    await world.request({ trust: 'RJE', consentsElsewhere: false }),
    await world.request({ trust: 'RJE' }, { restricted: true }),
    await world.request({ trust: 'RJE', shortNotice: false }),
  ];
  const own = await world.request({ shortNotice: false });
  const site = { name: 'site', role: 'booker', trust: 'RRK' };
  const elsewhere = { name: 'other', role: 'booker', trust: 'RXK' };
  const { decision } = world.scheduling.callList(slot, site);
  t.strictSame(
    new Set(decision.considered.map(({ requestId }) => requestId)),
    new Set([consents.requestId, own.requestId]),
    'why others of another trust are not called is not told',
  );
  const bookCalled = (requestId: string, slotId: string, by = site) =>
    refused(world.scheduling.book({ slotId, requestId }, by));
  for (const { requestId } of hidden) t.equal(await bookCalled(requestId, slot), 'TRUST_FORBIDDEN');
  t.equal(await bookCalled(consents.requestId, slot, elsewhere), 'TRUST_FORBIDDEN');
  t.equal(
    await refused(world.scheduling.bookings.book({ slotId: slot, ...consents }, site)),
    'TRUST_FORBIDDEN',
    'only from the call list',
  );
  t.equal(await bookCalled(consents.requestId, slot), 'done');
  t.match(world.scheduling.bookings.activeOf(consents.requestId), [{ trust: 'RRK', by: 'site' }]);
  t.equal(
    await bookCalled(consents.requestId, second),
    'TRUST_FORBIDDEN',
    'who is booked is not shown',
  );
});

t.test(
  'what a RIS does not book after an offer was taken is offered on, and is told',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const first = await world.request({ band: 'P3' });
    const second = await world.request();
    const refillId = await released(world, 8 * 24);
    await look(world);
    const { resource = '', date = '', slotIds = [] } = findRefill(world.db, refillId)?.value ?? {};
    // From now on it is the RIS's.
    world.db.prepare(`UPDATE diaries SET authority = 'ris'`).run();
    const link = secretOf(world.messages[0]?.link);
    const booking = await world.scheduling.offers.acceptByLink(link, '1970-02-03');
    t.match(booking, { state: 'held', awaits: 'ris', requestId: first.requestId });
    await look(world);
    t.match(findRefill(world.db, refillId)?.value, {
      state: 'running',
      offers: [{ state: 'accepted' }],
    });
    const words = (): Promise<string> =>
      world.scheduling.offers.open(link, '1970-02-03').then(
        () => 'open',
        (error: Error) => error.message,
      );
    t.match(await words(), /has still to confirm/);
    const to = { reason: 'Scanner down', by: 'ris', state: 'refused' as const };
    await world.scheduling.bookings.end({ bookingId: booking.bookingId, resource, date }, to);
    await look(world);
    t.match(await words(), /could not book this time.*wait as before/);
    t.match(offersOf(world, refillId), [
      { requestId: first.requestId, state: 'refused' },
      { requestId: second.requestId, state: 'open' },
    ]);
    t.match(world.scheduling.slot(slotIds[0] ?? ''), { status: 'offered', owner: refillId });
    t.strictSame(world.scheduling.bookings.activeOf(first.requestId), [], 'waits as before');
    t.equal(world.scheduling.requests.find(first.requestId).since, first.since);
  },
);

t.test(
  'a slot that is kept for somebody is booked for them as the answer to their offer',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const [slot = ''] = await world.diary('MR-8', [in_(10 * 24)]);
    const given = await world.request();
    const asked = await world.request();
    const bookingId = await world.book(slot, given.requestId);
    await world.scheduling.bookings.cancel(bookingId, BOOKER, 'not needed');
    await look(world);
    const wish = { slotId: slot, requestId: asked.requestId, idempotencyKey: 'k' };
    const booking = await world.scheduling.book(wish, BOOKER);
    t.equal(booking.state, 'booked');
    t.match(offersOf(world, bookingId), [{ requestId: asked.requestId, state: 'accepted' }]);
    t.equal(findRefill(world.db, bookingId)?.value.state, 'filled');
    t.strictSame(
      await world.scheduling.book(wish, BOOKER),
      booking,
      'the same key, the same booking',
    );
  },
);

t.test(
  'where enough people wait, nobody comes from a trust whose people wait no longer; surveillance waits from its due date',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const waitsSince = (day: number): { since: string } => ({ since: in_(-24 * day) });
    for (let own = 0; own < 20; own += 1) await world.request({ band: 'P5', ...waitsSince(20) });
    const other = await world.request({ trust: 'RJE', band: 'P3', ...waitsSince(15) });
    const offered = async (refillId: string): Promise<boolean> => {
      await look(world);
      return offersOf(world, refillId).some(({ requestId }) => requestId === other.requestId);
    };
    const refillId = await released(world, 8 * 24);
    t.notOk(await offered(refillId));
    const [decision] = decisionsOfRefill(world.db, refillId);
    t.match(
      decision?.considered.find(({ requestId }) => requestId === other.requestId)?.removedBy,
      [{ rule: 'no-gain', reason: /RRK people wait as long/ }],
    );
    for (const [at, { request }] of listRequests(
      world.db,
      { trust: 'RRK', state: 'waiting' },
      { limit: 30, offset: 0 },
    ).requests.entries())
      await world.scheduling.requests.change(request.requestId, { dueAt: in_(at - 24) }, BOOKER);
    t.ok(await offered(await released(world, 9 * 24)), 'there people are hardly due');
  },
);

t.test('a slot that is given back twice is offered by what was given back last', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const [slot = ''] = await world.diary('MR-9', [in_(10 * 24)]);
  const { requestId } = await world.request({ shortNotice: false, optedOut: true });
  const freed: string[] = [];
  for (const _ of [1, 2]) {
    const bookingId = await world.book(slot, requestId);
    await world.scheduling.bookings.cancel(bookingId, BOOKER, 'not needed');
    await look(world);
    world.clock.ms += 1_000;
    freed.push(bookingId);
  }
  await look(world);
  const states = freed.map((id) => findRefill(world.db, id)?.value.state);
  t.strictSame(states, ['ended', 'running']);
});

t.test('who took one earlier time is not moved to a later one by another link', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const [own = ''] = await world.diary('MR-OWN', [in_(30 * 24)]);
  const patient = await world.request();
  await world.book(own, patient.requestId);
  const [sooner, later] = [await released(world, 60), await released(world, 72)];
  await look(world);
  const linkFor = (refillId: string): string => {
    const [offer] = offersOf(world, refillId);
    return secretOf(world.messages.find(({ offerId }) => offerId === offer?.offerId)?.link);
  };
  const [first, second] = [linkFor(sooner), linkFor(later)];
  t.match(await world.scheduling.offers.acceptByLink(first, '1970-02-03'), { start: in_(60) });
  await t.rejects(world.scheduling.offers.open(second, '1970-02-03'), {
    code: 'OFFER_ENDED',
    message: /have an earlier time by now, and keep it/,
  });
  t.equal(await refused(world.scheduling.offers.acceptByLink(second, '1970-02-03')), 'OFFER_ENDED');
  const another = await world.request();
  await look(world);
  t.match(
    offersOf(world, later),
    [{ state: 'superseded' }, { requestId: another.requestId, state: 'open' }],
    'and the next are asked at once',
  );
  t.equal(
    await refused(world.scheduling.offers.declineByLink(second, '1970-02-03', { stop: false })),
    'OFFER_ENDED',
  );
});
