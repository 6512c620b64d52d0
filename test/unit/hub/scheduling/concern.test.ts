/** Whose requests and bookings are shown to people of a trust: its own patients', and those that come to it. */
import t from 'tap';
import { codeOf } from '../../../../shared/errors.ts';
import { BOOKER, schedulingWorld } from '../../../support/scheduling-in-memory.ts';

const NOW = '2026-12-01T09:00:00.000Z';
const SLOT = '2026-12-10T11:00:00.000Z';

t.test('a third trust reads neither a request nor a booking, whatever id it knows', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('MR-1', [SLOT]);
  const request = await world.request();
  const bookingId = await world.book(slot, request.requestId);
  const { bookings, requests } = world.scheduling;
  const site = bookings.find(bookingId).trust;
  const person = (trust: string | null) => ({ name: 'booker', role: 'booker', trust });
  const refusal = (look: () => unknown): string => {
    try {
      look();
      return 'shown';
    } catch (error) {
      return codeOf(error);
    }
  };
  for (const [trust, expected] of [
    [request.trust, 'shown'],
    [site, 'shown'],
    [null, 'shown'],
    ['RXX', 'TRUST_FORBIDDEN'],
  ] as const) {
    t.equal(
      refusal(() => bookings.findFor(bookingId, person(trust))),
      expected,
      `${trust}`,
    );
    t.equal(
      refusal(() => requests.findFor(request.requestId, person(trust))),
      expected,
    );
  }
});

t.test(
  'another trust is told what is free of a diary, and who comes of its own patients',
  async (t) => {
    const world = schedulingWorld(t, NOW);
    const starts = [SLOT, '2026-12-10T12:00:00.000Z', '2026-12-10T13:00:00.000Z'];
    const [first = '', second = ''] = await world.diary('MR-1', starts);
    const own = await world.request();
    const others = await world.request({ trust: 'RJE', consentsElsewhere: true });
    const ownBooking = await world.book(first, own.requestId);
    const othersBooking = await world.book(second, others.requestId);
    const shownTo = (trust: string | null) => {
      const by = { name: 'booker', role: 'booker', trust };
      const diary = world.scheduling.capacity.diaryFor('MR-1', SLOT.slice(0, 10), by);
      return {
        bookings: diary.bookings.map(({ bookingId }) => bookingId),
        slots: diary.slots.map(({ status, owner }) => `${status} ${owner}`),
      };
    };
    const whole = {
      bookings: [ownBooking, othersBooking],
      slots: [`booked ${ownBooking}`, `booked ${othersBooking}`, 'free null'],
    };
    t.same(shownTo('RRK'), whole, 'the site');
    t.same(shownTo(null), whole, 'the network');
    const reduced = [`booked null`, `booked ${othersBooking}`, 'free null'];
    t.same(shownTo('RJE'), { bookings: [othersBooking], slots: reduced }, 'a trust that sends');
    const none = ['booked null', 'booked null', 'free null'];
    t.same(shownTo('RXX'), { bookings: [], slots: none }, 'a trust that has nobody there');
  },
);

t.test(
  'what a refill was decided on is for the site; why others were not asked is not',
  async (t) => {
    const world = schedulingWorld(t, NOW);
    const [slot = ''] = await world.diary('MR-1', [SLOT]);
    const giver = await world.request({ shortNotice: false });
    await world.request();
    const refused = await world.request({ trust: 'RJE', consentsElsewhere: false });
    const bookingId = await world.book(slot, giver.requestId);
    await world.scheduling.bookings.cancel(bookingId, BOOKER, 'cancelled');
    await world.scheduling.settle();
    const considered = (trust: string | null): string[] =>
      world.scheduling
        .refillFor(bookingId, { name: 'booker', role: 'booker', trust })
        .decisions.flatMap((decision) => decision.considered.map(({ requestId }) => requestId));
    t.ok(considered(null).includes(refused.requestId), 'the network');
    t.ok(considered('RRK').includes(giver.requestId), 'its own patient, and why');
    t.notOk(considered('RRK').includes(refused.requestId), 'why somebody of another trust was not');
    for (const trust of ['RJE', 'RXX'])
      t.throws(() => considered(trust), { code: 'TRUST_FORBIDDEN' });
  },
);
