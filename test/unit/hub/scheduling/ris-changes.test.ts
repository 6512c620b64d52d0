/** A booking that the RIS cancels or moves by itself: who learns of it, and what stands. SC-01, SC-13, SC-20, SC-33. */
import t, { type Test } from 'tap';
import { applyRecord, prepareRecords } from '../../../../hub/projection/apply-record.ts';
import { listRequests } from '../../../../hub/scheduling/lists.ts';
import { movedByRis, notBookedOf } from '../../../../hub/scheduling/notices.ts';
import type { ImagingRequest, RequestPatient } from '../../../../hub/scheduling/types.ts';
import type { AppointmentEvent } from '../../../../shared/contract/events.ts';
import {
  BOOKER,
  type SchedulingWorld,
  schedulingWorld,
} from '../../../support/scheduling-in-memory.ts';

const MORNING = '2026-12-01T09:00:00.000Z';
const FRIDAY = '2026-12-11T10:00:00.000Z';
const MONDAY = '2026-12-14T14:30:00.000Z';
const TUESDAY = '2026-12-15T09:00:00.000Z';
const MINUTE_MS = 60_000;

let seq = 0;

const appointment = (given: Partial<AppointmentEvent>): AppointmentEvent => {
  seq += 1;
  return {
    ...{ v: 1, at: MORNING, trust: 'RRK', epoch: 1, seq, kind: 'appointment' },
    ...{ appointmentId: 'A1', status: 'booked', startsAt: FRIDAY, minutes: 30 },
    patient: {
      ...{ patientId: 'M7', issuer: 'RRK', nhsNumber: null, name: 'Made^Up' },
      ...{ birthDate: '19700203', sex: 'F' },
    },
    ...{ procedure: null, resource: 'MR-1', location: null, placerNumber: null },
    ...{ fillerNumber: null, reason: null },
    asOf: new Date(Date.parse(MORNING) + seq * 1_000).toISOString(),
    ...given,
  };
};

/** As the projection would when the edge tells it. */
async function tell(world: SchedulingWorld, event: AppointmentEvent): Promise<void> {
  world.tell(applyRecord(prepareRecords(world.db), event, MORNING));
  await world.scheduling.settle();
}

async function later(world: SchedulingWorld, ms: number): Promise<void> {
  world.clock.ms += ms;
  await world.scheduling.settle();
}

/** Booked in the hub for Friday, and in the RIS as A1. */
async function booked(
  t: Test,
  { patient = {}, given = {} }: { patient?: Partial<RequestPatient>; given?: object } = {},
): Promise<{ world: SchedulingWorld; request: ImagingRequest; bookingId: string }> {
  const world = schedulingWorld(t, MORNING);
  const [slot = ''] = await world.diary('MR-1', [FRIDAY, MONDAY, TUESDAY]);
  const request = await world.request(given, patient);
  const bookingId = await world.book(slot, request.requestId);
  await tell(world, appointment({ placerAppointmentId: bookingId }));
  world.commands.length = 0;
  return { world, request, bookingId };
}

const activeOf = ({ scheduling }: SchedulingWorld, { requestId }: ImagingRequest) =>
  scheduling.bookings.activeOf(requestId);

t.test(
  'a cancellation in the RIS is told to the patient once, who waits in the old turn',
  async (t) => {
    const { world, request, bookingId } = await booked(t);
    const cancelled = { status: 'cancelled', reason: 'scanner down' } as const;
    await tell(world, appointment({ ...cancelled, placerAppointmentId: bookingId }));
    t.match(world.scheduling.bookings.find(bookingId), {
      ...{ state: 'cancelled', reason: 'Cancelled in the RIS: scanner down' },
      notice: { state: 'due' },
    });
    t.strictSame(world.messages, [], 'it may be moved the next moment');
    await later(world, 2 * MINUTE_MS);
    await later(world, 2 * MINUTE_MS);
    t.match(
      world.messages.filter(({ kind }) => kind !== 'offer'),
      [
        {
          kind: 'cancelled',
          to: 'a@example.org',
          text: /Friday 11 December.*10:00.*was cancelled/,
        },
      ],
    );
    t.notMatch(world.messages[0]?.text, /MRI|head|One|scanner/, 'no place, nothing clinical');
    t.match(notBookedOf(world.db, request.requestId), { notice: { state: 'sent' } });
    const waiting = listRequests(world.db, { state: 'waiting' }, { limit: 9, offset: 0 });
    t.match(waiting.requests, [{ request: { since: request.since, breachAt: request.breachAt } }]);
    t.notOk(
      world.commands.some(({ id }) => id.startsWith('cancel-')),
      'the RIS is not told what it said itself',
    );
  },
);

t.test('a move in the RIS is told with the new time, and the new one stands', async (t) => {
  const { world, request, bookingId } = await booked(t);
  const named = { placerAppointmentId: bookingId };
  await tell(world, appointment({ ...named, startsAt: MONDAY }));
  t.match(activeOf(world, request), [{ start: MONDAY, state: 'booked' }]);
  await later(world, 2 * MINUTE_MS);
  t.match(
    world.messages.filter(({ kind }) => kind !== 'offer'),
    [{ kind: 'moved', text: /Friday 11 December.*now on Monday 14 December.*14:30/ }],
  );
  t.equal(notBookedOf(world.db, request.requestId), undefined);
  t.match(movedByRis(world.db, request.requestId), { bookingId, start: FRIDAY });
  t.notOk(
    world.commands.some(({ id }) => id.startsWith('cancel-')),
    'the RIS is not told to cancel what it moved',
  );
});

t.test(
  'what the RIS moved it can move again and cancel, under the number of the hub',
  async (t) => {
    const { world, request, bookingId } = await booked(t);
    const named = { placerAppointmentId: bookingId };
    await tell(world, appointment({ ...named, startsAt: MONDAY }));
    await tell(world, appointment({ ...named, startsAt: TUESDAY }));
    t.match(
      activeOf(world, request),
      [{ start: TUESDAY, state: 'booked' }],
      'one, at the last time',
    );
    await later(world, 2 * MINUTE_MS);
    const told = world.messages.filter(({ kind }) => kind !== 'offer');
    t.ok(
      told.every(({ text }) => text.includes('now on Tuesday 15 December')),
      'never of a time that does not stand',
    );
    await tell(world, appointment({ ...named, startsAt: TUESDAY, status: 'cancelled' }));
    t.strictSame(activeOf(world, request), []);
  },
);

t.test('a RIS that moves by cancelling and booking anew has moved it', async (t) => {
  const { world, request, bookingId } = await booked(t, { given: { orderId: 'ACC9' } });
  await tell(world, appointment({ status: 'cancelled', placerAppointmentId: bookingId }));
  world.clock.ms += 5_000;
  const anew = { appointmentId: 'A2', startsAt: MONDAY, fillerNumber: 'ACC9' };
  await tell(world, appointment(anew));
  t.match(activeOf(world, request), [{ start: MONDAY }]);
  await later(world, 2 * MINUTE_MS);
  t.match(
    world.messages.map(({ kind }) => kind),
    ['moved'],
  );
  t.match(movedByRis(world.db, request.requestId), { bookingId });
});

t.test('who has chosen another time since is told nothing', async (t) => {
  const { world, request, bookingId } = await booked(t);
  await tell(world, appointment({ status: 'cancelled', placerAppointmentId: bookingId }));
  world.clock.ms += 10_000;
  await world.book(`MR-1 ${TUESDAY}`, request.requestId);
  await later(world, 2 * MINUTE_MS);
  t.strictSame(world.messages, []);
  t.match(world.scheduling.bookings.find(bookingId), { notice: { state: 'none' } });
  t.equal(notBookedOf(world.db, request.requestId), undefined);
});

t.test('the other scanner in the next room at the same time is nothing to tell', async (t) => {
  const { world, bookingId } = await booked(t);
  await world.diary('MR-2', [FRIDAY]);
  await tell(world, appointment({ placerAppointmentId: bookingId, resource: 'MR-2' }));
  await later(world, 2 * MINUTE_MS);
  t.strictSame(
    world.messages.filter(({ kind }) => kind !== 'offer'),
    [],
  );
});

t.test('who no message may reach is for staff to phone, until they have', async (t) => {
  const { world, request, bookingId } = await booked(t, { patient: { restricted: true } });
  await tell(world, appointment({ status: 'cancelled', placerAppointmentId: bookingId }));
  await later(world, 2 * MINUTE_MS);
  t.strictSame(world.messages, []);
  const toPhone = () => listRequests(world.db, { isToPhone: true }, { limit: 9, offset: 0 });
  t.match(toPhone(), { total: 1, requests: [{ request: { requestId: request.requestId } }] });
  const stranger = { name: 'booker', role: 'booker', trust: 'RXK' };
  await t.rejects(world.scheduling.bookings.toldByStaff(bookingId, stranger), {
    code: 'TRUST_FORBIDDEN',
  });
  await world.scheduling.bookings.toldByStaff(bookingId, BOOKER);
  t.match(notBookedOf(world.db, request.requestId), {
    notice: { state: 'sent', channel: 'phone' },
  });
  t.equal(toPhone().total, 0);
});

t.test('nobody is told, nor to be phoned, of a patient who has died', async (t) => {
  const { world, request, bookingId } = await booked(t);
  const { patient } = request;
  await world.scheduling.requests.change(
    request.requestId,
    { patient: { ...patient, deceased: true } },
    BOOKER,
  );
  await tell(world, appointment({ status: 'cancelled', placerAppointmentId: bookingId }));
  await later(world, 2 * MINUTE_MS);
  t.strictSame(world.messages, []);
  t.equal(listRequests(world.db, { isToPhone: true }, { limit: 9, offset: 0 }).total, 0);
});

t.test('at night nobody is told; in the morning they are', async (t) => {
  const { world, bookingId } = await booked(t);
  world.clock.ms = Date.parse('2026-12-01T21:30:00.000Z');
  await tell(world, appointment({ status: 'cancelled', placerAppointmentId: bookingId }));
  await later(world, 2 * MINUTE_MS);
  t.strictSame(world.messages, []);
  await later(world, Date.parse('2026-12-02T08:00:00.000Z') - world.clock.ms);
  t.match(
    world.messages.filter(({ kind }) => kind !== 'offer'),
    [{ kind: 'cancelled' }],
  );
});

t.test(
  'a referral that the trust had taken stays taken when its RIS moves the appointment',
  async (t) => {
    const { world, request, bookingId } = await booked(t, { given: { trust: 'RJE' } });
    const yes = { isAccepted: true, reason: null };
    await world.scheduling.transfers.answer(bookingId, { ...BOOKER, trust: 'RRK' }, yes);
    await tell(world, appointment({ placerAppointmentId: bookingId, startsAt: MONDAY }));
    await later(world, MINUTE_MS);
    const [now] = activeOf(world, request);
    t.match(world.scheduling.requests.find(request.requestId).transfer, {
      ...{ state: 'accepted', to: 'RRK', bookingId: now?.bookingId },
    });
    t.equal(world.brought.length, 2, 'the priors by the new time');
  },
);

t.test(
  'what the RIS moves to a place that has no diary here is told, and frees its slot',
  async (t) => {
    const { world, request, bookingId } = await booked(t);
    const away = { startsAt: MONDAY, resource: 'VAN-7', resources: ['VAN-7', 'Car park'] };
    await tell(world, appointment(away));
    const stands = activeOf(world, request);
    t.match(stands, [
      {
        ...{ start: MONDAY, slotIds: [], state: 'booked' },
        reason: 'Booked in the RIS at VAN-7, Car park, which has no diary here',
      },
    ]);
    t.match(
      world.scheduling.bookings.find(bookingId),
      { state: 'cancelled' },
      'the old time is free',
    );
    await later(world, 2 * MINUTE_MS);
    const told = world.messages.filter(({ kind }) => kind !== 'offer');
    t.match(told, [{ kind: 'moved', text: /now on Monday 14 December/ }]);
    await tell(world, appointment({ startsAt: MONDAY }));
    t.equal(activeOf(world, request)[0]?.slotIds.length, 1, 'and back here, it has a slot');
    t.equal(activeOf(world, request).length, 1);
    t.notOk(
      world.commands.some(({ id }) => id.startsWith('cancel-')),
      'the RIS is told nothing of what it did itself',
    );
  },
);

t.test('a name that no resource has moves nothing as long as the hour is the same', async (t) => {
  const { world, bookingId } = await booked(t);
  await tell(world, appointment({ resource: 'Scan room one' }));
  t.match(world.scheduling.bookings.find(bookingId), { state: 'booked' });
});

t.test('what has several resources is in the diary of the one that is known', async (t) => {
  const world = schedulingWorld(t, MORNING);
  const [slot = ''] = await world.diary('MR-1', [FRIDAY]);
  const resources = ['Radiographer 4', 'MR-1'];
  await tell(world, appointment({ resource: 'Radiographer 4', resources }));
  await t.rejects(async () => world.book(slot, (await world.request()).requestId), {
    code: 'SLOT_TAKEN',
  });
});

t.test('what the RIS makes longer takes the next slot too, unless somebody has it', async (t) => {
  const { world, request, bookingId } = await booked(t);
  const LATER = '2026-12-11T10:30:00.000Z';
  const [, next = ''] = await world.diary('MR-1', [FRIDAY, LATER]);
  await tell(world, appointment({ minutes: 60 }));
  t.match(activeOf(world, request), [{ start: FRIDAY, minutes: 60, slotIds: { length: 2 } }]);
  await t.rejects(async () => world.book(next, (await world.request()).requestId), {
    code: 'SLOT_TAKEN',
  });
  await later(world, 2 * MINUTE_MS);
  t.strictSame(world.messages, [], 'the patient comes at the same hour');
  t.match(world.scheduling.bookings.find(bookingId), { state: 'cancelled' });
});

t.test('what becomes longer than the gap before the next patient keeps what it has', async (t) => {
  const { world, request, bookingId } = await booked(t);
  const [, next = ''] = await world.diary('MR-1', [FRIDAY, '2026-12-11T10:30:00.000Z']);
  const other = await world.book(next, (await world.request()).requestId);
  await tell(world, appointment({ minutes: 60 }));
  t.match(world.scheduling.bookings.find(bookingId), { state: 'booked' });
  t.match(world.scheduling.bookings.find(other), { state: 'booked' });
  t.equal(activeOf(world, request).length, 1);
});
