/** Whose requests and bookings are shown to people of a trust: its own patients', and those that come to it. */
import t from 'tap';
import { codeOf } from '../../../../shared/errors.ts';
import { schedulingWorld } from '../../../support/scheduling-in-memory.ts';

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
