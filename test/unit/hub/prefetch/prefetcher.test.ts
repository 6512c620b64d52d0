import t from 'tap';
import type { FetchRequest } from '../../../../hub/fetch/order.ts';
import { Prefetcher } from '../../../../hub/prefetch/prefetcher.ts';
import { relevantPriors } from '../../../../hub/prefetch/relevant.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Disclosure } from '../../../../hub/relations/disclosure.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { ACCESS } from '../http/fake-hub.ts';
import { seedStudy } from '../http/seed-study.ts';

const NOW = Date.parse('2026-03-01T10:00:00Z');
const AT = '2026-03-01T10:00:00.000Z';
const CLOCK = { now: () => NOW, monotonicMs: () => 0 };
const RULES = { yearsBack: 5, newest: 3, daysAhead: 14 };
const ANNA = {
  patientId: 'A1',
  issuer: 'RRK',
  nhsNumber: '9434765919',
  name: 'SMITH^ANNA',
  birthDate: '19580131',
  sex: 'F',
};

const prior = (uid: string, studyDate: string, ...modalities: string[]) => ({
  ...{ studyInstanceUID: uid, home: 'RJE', studyDate, modalities },
});

t.test('the newest of those that are related, within the years', async (t) => {
  const priors = [
    prior('old', '2019-01-01', 'CT'),
    prior('ct1', '2024-01-01', 'CT', 'SR'),
    prior('ct2', '2025-01-01', 'CT'),
    prior('mr', '2025-06-01', 'MR'),
    prior('us', '2025-07-01', 'US'),
    prior('ct3', '2025-08-01', 'CT'),
    prior('sr', '2025-09-01', 'SR'),
  ];
  const of = (modality: string | null): string[] =>
    relevantPriors(priors, { modality, on: AT }, RULES).map(
      ({ studyInstanceUID }) => studyInstanceUID,
    );
  t.strictSame(of('CT'), ['ct3', 'mr', 'ct2']);
  t.strictSame(of('US'), ['us', 'mr']);
  t.strictSame(of('RAD'), ['ct3', 'us', 'mr'], 'a section of a department is no modality');
});

function world() {
  const db = openSqlite(':memory:', projectionSchema);
  const statements = prepareProjection(db);
  const asked: FetchRequest[] = [];
  const cancelled: string[] = [];
  const prefetcher = new Prefetcher({
    disclosure: new Disclosure({ db, clock: CLOCK, config: ACCESS }),
    ...{ db, rules: RULES, log: silentLog, clock: CLOCK },
    fetches: {
      async request(request) {
        asked.push(request);
        const body = JSON.stringify(request);
        db.prepare('INSERT INTO fetches VALUES (?, 1, ?, ?, ?, ?, ?, 0, ?)').run(
          ...([
            `F${asked.length}`,
            request.studyInstanceUID,
            request.home,
            request.to.trust,
            'RJE',
            AT,
            body,
          ] as const),
        );
      },
      cancel: async (fetchId) => void cancelled.push(fetchId),
    },
  });
  let seq = 0;
  const tell = (trust: string, event: object): void => {
    seq += 1;
    applyEvent(statements, { v: 1, at: AT, trust, epoch: 1, seq, ...event } as OrderedEvent, AT);
  };
  const told = (trust: string, over: object, restricted: boolean): void =>
    tell(trust, {
      ...{ kind: 'patient', patient: { ...ANNA, ...over }, nhsNumberStatus: '01', postcode: null },
      ...{ deceased: false, restricted, deleted: false, mergedInto: null, asOf: AT },
    });
  const patient = (trust: string, over: object = {}): void => told(trust, over, false);
  const flag = (trust: string, over: object): void => told(trust, over, true);
  const order = (status: string): void =>
    tell('RRK', {
      ...{
        kind: 'order',
        orderId: 'ACC1',
        patient: ANNA,
        accessionNumber: 'ACC1',
        accessionIssuer: null,
      },
      ...{
        placerNumber: null,
        fillerNumber: null,
        status,
        procedure: null,
        modality: 'CT',
        priority: null,
      },
      ...{
        scheduledAt: '2026-03-05T09:00:00.000Z',
        requestedAt: null,
        referrer: null,
        location: null,
      },
      ...{ reason: null, studyInstanceUID: null, asOf: AT },
    });
  return { db, asked, cancelled, prefetcher, patient, order, flag };
}

t.test(
  "an order brings the person's priors of other trusts, once, and its cancellation stops them",
  async (t) => {
    const { db, asked, cancelled, prefetcher, patient, order } = world();
    patient('RRK');
    patient('RJE', { patientId: 'J7', issuer: 'RJE' });
    seedStudy(db, { trust: 'RJE', uid: '1.2.1', patientId: 'J7', date: '20250101' });
    seedStudy(db, { trust: 'RRK', uid: '1.2.2', patientId: 'A1', date: '20250101' });
    order('scheduled');
    await prefetcher.look();
    t.match(asked, [
      {
        ...{ studyInstanceUID: '1.2.1', home: 'RJE', to: { trust: 'RRK' }, priority: 'scheduled' },
        ...{ purpose: 'prefetch', neededBy: '2026-03-05T09:00:00.000Z' },
        localPatient: { patientId: 'A1', issuer: 'RRK' },
      },
    ]);
    await prefetcher.look();
    t.equal(asked.length, 1);
    order('cancelled');
    await prefetcher.look();
    t.strictSame(cancelled, ['F1']);
  },
);

t.test(
  'what followed a booking elsewhere stops when that ends, and goes on when it is only moved there',
  async (t) => {
    const { db, cancelled, prefetcher } = world();
    const fetched = db.prepare(
      `INSERT INTO fetches VALUES (?, 1, '1.2.1', 'RRK', ?, 'RRK', ?, 0, ?)`,
    );
    const body = JSON.stringify({ purpose: 'referral', reason: 'booking B1' });
    fetched.run('F1', 'RJE', AT, body);
    fetched.run('F2', 'RXK', AT, body);
    const booking = db.prepare(
      `INSERT OR REPLACE INTO bookings (booking_id, request_id, trust, resource, date, start, state, by, at,
         stream_seq, body) VALUES (?, 'R1', 'RJE', 'MR1', '2026-03-05', ?, ?, 'ris', ?, 1, '{}')`,
    );
    booking.run('B1', AT, 'booked', AT);
    await prefetcher.look();
    t.strictSame(cancelled, [], 'booked');
    booking.run('B1', AT, 'cancelled', AT);
    booking.run('B2', AT, 'booked', AT);
    await prefetcher.look();
    t.strictSame(cancelled, [], 'moved');
    booking.run('B2', AT, 'cancelled', AT);
    await prefetcher.look();
    t.strictSame(cancelled, ['F1'], 'what another trust asked for under the same words is not its');
  },
);

t.test('what is restricted is not brought by itself', async (t) => {
  const { db, asked, prefetcher, patient, order, flag } = world();
  patient('RRK');
  patient('RJE', { patientId: 'J7', issuer: 'RJE' });
  seedStudy(db, { trust: 'RJE', uid: '1.2.1', patientId: 'J7', date: '20250101' });
  flag('RJE', { patientId: 'J7', issuer: 'RJE' });
  order('scheduled');
  await prefetcher.look();
  t.strictSame(asked, []);
});

t.test('nobody who may be somebody else is prefetched', async (t) => {
  const { db, asked, prefetcher, patient, order } = world();
  patient('RRK');
  patient('RJE', { patientId: 'J7', issuer: 'RJE', birthDate: '19580113' });
  patient('RXK', { issuer: 'RXK', nhsNumber: '4010232137' });
  seedStudy(db, {
    trust: 'RJE',
    uid: '1.2.1',
    patientId: 'J7',
    date: '20250101',
    birthDate: '19580113',
  });
  seedStudy(db, {
    trust: 'RXK',
    uid: '1.2.3',
    patientId: 'A1',
    date: '20250101',
    nhsNumber: '4010232137',
  });
  order('scheduled');
  await prefetcher.look();
  t.strictSame(asked, []);
});
