/** A booking at another trust: the referral goes there with the priors, and is taken, or comes back. SC-13. */
import t from 'tap';
import { schedulingWorld } from '../../../support/scheduling-in-memory.ts';

const NOW = '2026-12-01T09:00:00.000Z';
const LATER = '2026-12-20T10:00:00.000Z';
const at = (trust: string) => ({ name: 'booker', role: 'booker', trust });

t.test('the other trust is asked once, with the priors on their way, and takes it', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('MR1', [LATER]);
  const { requestId } = await world.request({ trust: 'RJE' });
  const booking = await world.book(slot, requestId);
  await world.scheduling.settle();
  await world.scheduling.settle();
  t.strictSame(world.brought, [{ requestId, to: 'RRK' }]);
  const { transfers, requests, bookings } = world.scheduling;
  t.match(requests.find(requestId).transfer, { to: 'RRK', state: 'asked', bookingId: booking });
  const yes = { isAccepted: true, reason: null };
  await t.rejects(transfers.answer(booking, at('RJE'), yes), { code: 'TRUST_FORBIDDEN' });
  await transfers.answer(booking, at('RRK'), yes);
  t.match(requests.find(requestId).transfer, { state: 'accepted' });
  t.match(bookings.find(booking), { state: 'booked' });
  await t.rejects(transfers.answer(booking, at('RRK'), yes), { code: 'TRANSFER_ENDED' });
});

t.test('what it refuses ends, with the reason, and the patient waits as before', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('MR1', [LATER]);
  const request = await world.request({ trust: 'RJE' });
  const booking = await world.book(slot, request.requestId);
  await world.scheduling.settle();
  const no = { isAccepted: false, reason: 'coil is broken' };
  await world.scheduling.transfers.answer(booking, at('RRK'), no);
  const { state, reason } = world.scheduling.bookings.find(booking);
  t.match(
    { state, reason },
    { state: 'cancelled', reason: /does not take the referral: coil is broken/ },
  );
  t.equal(world.scheduling.requests.find(request.requestId).since, request.since);
});

t.test('a booking at the own trust is no transfer', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('MR1', [LATER]);
  const { requestId } = await world.request();
  await world.book(slot, requestId);
  await world.scheduling.settle();
  t.equal(world.scheduling.requests.find(requestId).transfer, null);
  t.strictSame(world.brought, []);
});
