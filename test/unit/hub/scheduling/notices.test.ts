/** What was answered as being confirmed, and the RIS does not book: who is told, and what stands. SC-01, SC-31. */
import t from 'tap';
import { notBookedOf } from '../../../../hub/scheduling/notices.ts';
import type { Booking } from '../../../../hub/scheduling/types.ts';
import {
  BOOKER,
  type SchedulingWorld,
  schedulingWorld,
} from '../../../support/scheduling-in-memory.ts';

const MORNING = '2026-12-01T09:00:00.000Z';
const START = '2026-12-11T10:00:00.000Z';
const LATE_MS = 20_000;

/** Held in a diary of the RIS, whose word has not come when the booker was answered. */
async function held(world: SchedulingWorld, requestId: string): Promise<Booking> {
  const [slotId = ''] = await world.diary('RIS-1', [START]);
  world.db.prepare(`UPDATE diaries SET authority = 'ris' WHERE resource = 'RIS-1'`).run();
  return world.scheduling.bookings.book({ slotId, requestId }, BOOKER);
}

const refuse = (world: SchedulingWorld, booking: Booking): Promise<Booking> =>
  world.scheduling.bookings.end(booking, {
    ...{ state: 'refused', reason: 'The RIS refused it: no such room', by: 'ris', endedBy: 'ris' },
  });

t.test(
  'a rebooking that a RIS refuses late keeps the old booking, and the patient is told once',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const [own = ''] = await world.diary('MR-1', ['2026-12-20T10:00:00.000Z']);
    const { requestId } = await world.request();
    const old = await world.book(own, requestId);
    const booking = await held(world, requestId);
    t.match(booking, { state: 'held', replaces: old });
    world.clock.ms += LATE_MS;
    await refuse(world, booking);
    t.equal(world.scheduling.slot(booking.slotIds[0] ?? '').status, 'free', 'the slot is free');
    t.match(world.scheduling.bookings.activeOf(requestId), [{ bookingId: old, state: 'booked' }]);
    await world.scheduling.settle();
    await world.scheduling.settle();
    t.match(world.messages, [
      { kind: 'not-booked', to: 'a@example.org', text: /keep the appointment/ },
    ]);
    t.notMatch(world.messages[0]?.text, /MRI|head|One|Other/, 'no place, and nothing clinical');
    t.match(notBookedOf(world.db, requestId), { notice: { state: 'sent', channel: 'email' } });
    const [another = ''] = await world.diary('MR-2', ['2026-12-15T10:00:00.000Z']);
    world.clock.ms += 1_000;
    await world.book(another, requestId);
    t.equal(notBookedOf(world.db, requestId), undefined, 'what is newer takes its place');
  },
);

t.test(
  'a RIS that says nothing for a minute has not booked, and the patient is told',
  async (t) => {
    const world = schedulingWorld(t, MORNING);
    const { requestId } = await world.request();
    const booking = await held(world, requestId);
    world.clock.ms += 61_000;
    await world.scheduling.settle();
    t.equal(world.scheduling.bookings.find(booking.bookingId).state, 'expired');
    t.match(world.messages, [{ text: /no appointment yet, and keep your place/ }]);
  },
);

t.test('who no message may reach is for staff to phone; nobody is messaged at night', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const sensitive = await world.request({}, { restricted: true });
  const booking = await held(world, sensitive.requestId);
  world.clock.ms += LATE_MS;
  await refuse(world, booking);
  await world.scheduling.settle();
  t.strictSame(world.messages, []);
  t.match(notBookedOf(world.db, sensitive.requestId), { notice: { state: 'staff' } });
  const { requestId } = await world.request();
  world.clock.ms = Date.parse('2026-12-01T21:00:00.000Z');
  const late = await world.scheduling.bookings.book(
    { slotId: booking.slotIds[0] ?? '', requestId },
    BOOKER,
  );
  world.clock.ms += LATE_MS;
  await refuse(world, late);
  await world.scheduling.settle();
  t.strictSame(world.messages, []);
  world.clock.ms = Date.parse('2026-12-02T08:01:00.000Z');
  await world.scheduling.settle();
  t.equal(world.messages.length, 1, 'in the morning');
});

t.test('a refusal that was the answer itself is not told again', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const { requestId } = await world.request();
  const booking = await held(world, requestId);
  world.clock.ms += 1_000;
  await refuse(world, booking);
  await world.scheduling.settle();
  t.strictSame(world.messages, []);
  t.equal(notBookedOf(world.db, requestId), undefined);
});
