/** Requests follow the orders of the trusts' RIS. SC-12, SC-15. */
import t, { type Test } from 'tap';
import { applyRecord, prepareRecords } from '../../../../hub/projection/apply-record.ts';
import type { Change } from '../../../../hub/projection/change.ts';
import { bandOf, requestIdOfOrder } from '../../../../hub/scheduling/request-of-order.ts';
import type { OrderEvent } from '../../../../shared/contract/events.ts';
import {
  BOOKER,
  type SchedulingWorld,
  schedulingWorld,
} from '../../../support/scheduling-in-memory.ts';

const MORNING = '2026-12-01T09:00:00.000Z';
let minute = 0;

function order(given: Partial<OrderEvent> = {}): OrderEvent {
  minute += 1;
  return {
    ...{ v: 1, at: MORNING, trust: 'RRK', epoch: 1, seq: minute, kind: 'order' },
    ...{ orderId: 'ACC7', accessionNumber: 'ACC7', accessionIssuer: null, placerNumber: 'PLC7' },
    patient: {
      ...{ patientId: 'M7', issuer: 'RRK', nhsNumber: null, name: 'Made^Up' },
      ...{ birthDate: '19610302', sex: 'F' },
    },
    ...{ fillerNumber: 'FIL7', status: 'requested', modality: null, priority: 'R' },
    procedure: { code: 'MSKUH', text: 'MRI head', system: 'NICIP' },
    ...{ scheduledAt: null, requestedAt: '2026-11-30T08:00:00.000Z', referrer: 'Dr Made' },
    ...{ location: null, reason: null, studyInstanceUID: null },
    asOf: new Date(Date.parse(MORNING) + minute * 60_000).toISOString(),
    ...given,
  };
}

/** As the projection would when the edge tells it. */
async function tell(world: SchedulingWorld, event: OrderEvent): Promise<void> {
  world.tell(applyRecord(prepareRecords(world.db), event, MORNING) satisfies Change);
  await world.scheduling.settle();
}

const requestOf = (world: SchedulingWorld, orderId = 'ACC7') =>
  world.scheduling.requests.find(requestIdOfOrder({ trust: 'RRK', orderId }));

function world(t: Test): SchedulingWorld {
  return schedulingWorld(t, MORNING);
}

t.test('an order is a request that waits, with its code, band, dates and numbers', async (t) => {
  const at = world(t);
  await tell(at, order({ priority: 'A' }));
  t.match(requestOf(at), {
    ...{ trust: 'RRK', band: 'P2', orderId: 'ACC7', accessionNumber: 'ACC7', referrer: 'Dr Made' },
    ...{ since: '2026-11-30T08:00:00.000Z', breachAt: '2026-12-28T08:00:00.000Z' },
    examination: { code: 'MSKUH', modality: 'MR' },
    patient: { patientId: 'M7', birthDate: '1961-03-02' },
    ...{ consentsElsewhere: false, cancelled: null },
  });
  await tell(
    at,
    order({ priority: 'A', orderId: 'ACC8', patient: { ...order().patient, birthDate: null } }),
  );
  t.throws(() => requestOf(at, 'ACC8'), 'without a date of birth there is nobody to book');
});

t.test('a change of the order changes what it told, and leaves what staff set', async (t) => {
  const at = world(t);
  await tell(at, order());
  const { requestId } = requestOf(at);
  await at.scheduling.requests.change(requestId, { safety: { vetted: true }, band: 'P3' }, BOOKER);
  await tell(at, order({ referrer: 'Dr Other' }));
  t.match(requestOf(at), { band: 'P3', safety: { vetted: true }, referrer: 'Dr Other' });
  await tell(at, order({ priority: 'A' }));
  t.match(requestOf(at), { band: 'P2', breachAt: '2026-12-28T08:00:00.000Z' });
  await tell(at, order({ priority: 'A', procedure: { code: 'MKNEL', text: null, system: null } }));
  t.match(
    requestOf(at),
    { examination: { code: 'MKNEL' }, safety: { vetted: false } },
    'another examination has to be vetted itself',
  );
  const stale = order({ referrer: 'Dr Stale', asOf: MORNING });
  await tell(at, stale);
  t.not(requestOf(at).referrer, 'Dr Stale', 'what is older changes nothing');
});

t.test(
  'an order that is cancelled gives the booking back; asked for again, it waits again',
  async (t) => {
    const at = world(t);
    const [slot = ''] = await at.diary('MR-1', ['2026-12-11T10:00:00.000Z']);
    await tell(at, order());
    const { requestId } = requestOf(at);
    const mri = {
      pacemaker: 'none',
      implant: 'none',
      aneurysmClip: false,
      metalInEye: false,
    } as const;
    await at.scheduling.requests.change(requestId, { safety: { vetted: true, mri } }, BOOKER);
    const bookingId = await at.book(slot, requestId);
    await tell(at, order({ status: 'cancelled' }));
    t.match(requestOf(at).cancelled, { reason: 'Cancelled in the RIS of RRK' });
    t.equal(at.scheduling.bookings.find(bookingId).state, 'cancelled');
    await tell(at, order());
    t.equal(requestOf(at).cancelled, null);
  },
);

t.test('what the RIS has booked or made by itself waits here no longer', async (t) => {
  const at = world(t);
  await tell(at, order());
  await tell(at, order({ status: 'scheduled', scheduledAt: '2026-12-20T10:00:00.000Z' }));
  t.match(requestOf(at).cancelled, { reason: 'Booked in the RIS of RRK' });
  await tell(at, order({ orderId: 'ACC9', status: 'scheduled' }));
  t.throws(() => requestOf(at, 'ACC9'), 'nor does it begin to');
  await tell(at, order({ orderId: 'ACC10' }));
  await tell(at, order({ orderId: 'ACC10', status: 'completed' }));
  t.match(requestOf(at, 'ACC10').cancelled, { reason: 'The examination was made' });
});

t.test('an order of a request that came another way is not a second request', async (t) => {
  const at = world(t);
  const { requestId } = await at.request({ orderId: 'PLC7' });
  await tell(at, order());
  t.throws(() => requestOf(at));
  await tell(at, order({ status: 'cancelled' }));
  t.match(at.scheduling.requests.find(requestId).cancelled, { reason: /RIS of RRK/ });
});

t.test('the band is what the priority says; what is not understood counts as urgent', async (t) => {
  const band = (given: Partial<OrderEvent>): string => bandOf(order(given));
  t.strictSame(
    ['S', 'A', 'R', 'P5', '2WW', null, 'PRE-OP'].map((priority) => band({ priority })),
    ['P1', 'P2', 'P4', 'P5', 'P2', 'P4', 'P3'],
  );
  t.equal(band({ patientClass: 'I' }), 'P1', 'who lies in a ward is not offered slots');
  t.equal(
    band({ scheduledAt: '2027-03-01T09:00:00.000Z' }),
    'P5',
    'wanted in three months: planned',
  );
});
