/** Bookings through the hub's API, on a real log: one slot is booked once, whoever asks at once. SC-02. */
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type Hub, startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import {
  addRequest,
  type BookingAnswer,
  book,
  dayAhead,
  diaryOf,
  putDiary,
  putResource,
} from '../support/scheduling-world.ts';

const skip = missingPeer('nats-server');
const TRUSTS = ['RRK', 'RJE'];
const DAY = dayAhead(10);

/** A second hub on the log of the first. */
async function startSecondHub(directory: string, first: Hub): Promise<Hub> {
  return startHub({
    ...{ directory, trusts: TRUSTS },
    config: {
      nats: {
        servers: [`nats://127.0.0.1:${first.natsPort}`],
        credentialsSeedFile: join(first.dataDirectory, 'nats', 'hub.seed'),
        replicas: 1,
      },
    },
  });
}

const requestsOf = (hub: Hub, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => addRequest(hub)));

t.test('bookings', { skip, timeout: 240_000 }, async (t) => {
  const directory = t.testdir();
  const hub = await startHub({ directory: join(directory, 'one'), trusts: TRUSTS });
  t.teardown(() => hub.stop());
  t.equal((await putResource(hub, 'MR1')).status, 200);

  await t.test('200 bookings of one slot at once: one is booked, 199 are told so', async (t) => {
    t.match(await putDiary(hub, 'MR1'), { status: 200, body: { authority: 'cdip' } });
    const requests = await requestsOf(hub, 200);
    const answers = await Promise.all(requests.map((request) => book(hub, 'MR1-0', request)));
    const won = answers.filter(({ status }) => status === 201);
    t.equal(won.length, 1);
    t.match(won[0]?.body, { state: 'booked', slotId: 'MR1-0' });
    t.equal(
      answers.filter(({ status, body }) => status === 409 && body.code === 'SLOT_TAKEN').length,
      199,
    );
    const { slots } = await diaryOf(hub, 'MR1', DAY);
    t.match(slots[0], { status: 'booked', owner: won[0]?.body.id });
  });

  await t.test('the same key is the same booking; with another wish it is refused', async (t) => {
    const [request = '', other = ''] = await requestsOf(hub, 2);
    const [first, again] = await Promise.all(
      [1, 2].map(() => book(hub, 'MR1-1', request, { key: 'k1' })),
    );
    t.match([first?.status, again?.status], [201, 201]);
    t.equal(first?.body.id, again?.body.id);
    t.match(await book(hub, 'MR1-2', other, { key: 'k1' }), {
      ...{ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } },
    });
  });

  await t.test(
    'a request that is booked again has the new slot, then the old is free',
    async (t) => {
      await putDiary(hub, 'MR1', { date: dayAhead(11), prefix: 'again-' });
      const [request = ''] = await requestsOf(hub, 1);
      const before = await book(hub, 'again-0', request);
      const after = await book(hub, 'again-1', request);
      t.match(after, { status: 201, body: { state: 'booked', replaces: before.body.id } });
      const { slots } = await diaryOf(hub, 'MR1', dayAhead(11));
      t.match(slots, [{ status: 'free' }, { status: 'booked', owner: after.body.id }]);
      t.match(await hub.api(`/api/bookings/${before.body.id}`), {
        body: { state: 'cancelled', reason: `Rebooked as ${after.body.id}` },
      });
      const taken = await addRequest(hub);
      await book(hub, 'again-2', taken);
      t.match(await book(hub, 'again-2', request), { status: 409, body: { code: 'SLOT_TAKEN' } });
      const still = await hub.api(`/api/bookings/${after.body.id}`);
      t.match(still, { body: { state: 'booked' } }, 'the new one failed, the old one stays');
    },
  );

  await t.test('what is held is nobody else’s, and is booked, or let go', async (t) => {
    await putDiary(hub, 'MR1', { date: dayAhead(12), prefix: 'hold-' });
    const [one = '', other = ''] = await requestsOf(hub, 2);
    const held = await book(hub, 'hold-0', one, { hold: true });
    t.match(held, { status: 201, body: { state: 'held' } });
    t.match(await book(hub, 'hold-0', other), { status: 409, body: { code: 'SLOT_TAKEN' } });
    const confirmed = await hub.api(`/api/bookings/${held.body.id}/confirm`, { method: 'POST' });
    t.match(confirmed, { status: 200, body: { state: 'booked' } });
    const cancelled = await hub.api(`/api/bookings/${held.body.id}`, { method: 'DELETE' });
    t.match(cancelled, { status: 200, body: { state: 'cancelled' } });
    t.match(await book(hub, 'hold-0', other), { status: 201 });
  });

  await t.test(
    'an Appointment changes by the version that was read, and in its status only',
    async (t) => {
      const date = dayAhead(14);
      await putDiary(hub, 'MR1', { date, prefix: 'fhir-' });
      const [requestId = ''] = await requestsOf(hub, 1);
      interface Resource {
        readonly id: string;
        readonly status: string;
        readonly slot: readonly object[];
        readonly cancelationReason?: { readonly text: string };
      }
      const send = (path: string, method: string, body: object, tag?: string | null) =>
        hub.api<Resource>(path, {
          ...{ method, body: JSON.stringify(body) },
          headers: {
            'content-type': 'application/fhir+json',
            ...(typeof tag === 'string' ? { 'if-match': tag } : {}),
          },
        });
      const wish = {
        ...{ resourceType: 'Appointment', status: 'pending' },
        slot: [{ reference: 'Slot/fhir-0' }],
        basedOn: [{ reference: `ServiceRequest/${requestId}` }],
      };
      const more = [...wish.slot, { reference: 'Slot/fhir-2' }];
      const two = await send('/fhir/Appointment', 'POST', { ...wish, slot: more });
      t.equal(two.status, 400, 'two slots that were named would be one');
      const stale = await send('/fhir/Appointment', 'POST', wish, 'W/"1"');
      t.equal(stale.status, 412);
      const { body: held, status, headers } = await send('/fhir/Appointment', 'POST', wish);
      t.match({ status, held }, { status: 201, held: { status: 'pending' } });
      const etag = headers.get('etag');
      const put = (changed: object, tag: string | null = etag) =>
        send(`/fhir/Appointment/${held.id}`, 'PUT', { ...held, ...changed }, tag);
      t.match(
        await put({}),
        { status: 200, body: { status: 'pending' } },
        'as it is, it stays held',
      );
      t.equal((await put({ status: 'booked' }, null)).status, 428);
      t.equal((await put({ status: 'booked' }, 'W/"1"')).status, 412);
      const slot = [{ reference: 'Slot/fhir-1' }];
      t.equal((await put({ status: 'booked', slot })).status, 400, 'it is not moved unsaid');
      const basedOn = [{ reference: 'ServiceRequest/another' }];
      t.equal((await put({ status: 'booked', basedOn })).status, 400);
      t.equal((await put({ status: 'booked', id: 'another' })).status, 400);
      const strong = etag?.replace('W/', '') ?? '';
      const booked = await put({ status: 'booked' }, strong);
      t.match(booked, { status: 200, body: { status: 'booked' } });
      const cancelationReason = { coding: [{ code: 'pat', display: 'Patient' }] };
      const gone = { status: 'cancelled', cancelationReason };
      t.equal((await put(gone)).status, 412, 'by what was read before it was booked');
      const cancelled = await put(gone, booked.headers.get('etag'));
      t.match(cancelled.body, { status: 'cancelled', cancelationReason: { text: 'Patient' } });
    },
  );

  await t.test('a diary that is planned anew keeps what is booked', async (t) => {
    const date = dayAhead(13);
    await putDiary(hub, 'MR1', { date, prefix: 'plan-' });
    const request = await addRequest(hub);
    await book(hub, 'plan-0', request);
    const anew = await putDiary(hub, 'MR1', { date, prefix: 'other-', count: 1 });
    t.match(anew, { status: 409, body: { code: 'DIARY_CONFLICT' } }, 'they would overlap');
    const slots: object[] = [];
    const emptied = await hub.api(`/api/diaries/MR1/${date}`, {
      ...{ method: 'PUT', body: JSON.stringify({ slots }) },
    });
    t.match(emptied, { status: 200, body: { slots: [{ id: 'plan-0', status: 'booked' }] } });
  });

  await t.test(
    'two hubs on one log, one killed in the middle: one booking a slot, none lost',
    async (t) => {
      const second = await startSecondHub(join(directory, 'two'), hub);
      t.teardown(() => second.stop());
      const date = dayAhead(20);
      await putDiary(hub, 'MR1', { date, count: 8, prefix: 'two-' });
      const requests = await requestsOf(hub, 160);
      await eventually('the second hub knows the diary', async () => {
        const { slots } = await diaryOf(second, 'MR1', date);
        const last = await second.api(`/api/requests/${requests.at(-1)}`);
        return slots?.length === 8 && last.status === 200;
      });
      const attempts = requests.map(async (request, at) => {
        const at_ = at % 2 === 0 ? hub : second;
        return book(at_, `two-${at % 8}`, request).catch(() => undefined);
      });
      setTimeout(() => void second.kill9(), 150);
      const answers = await Promise.all(attempts);
      const told = answers.flatMap((answer): BookingAnswer[] =>
        answer?.status === 201 ? [answer.body] : [],
      );
      const { slots, bookings } = await diaryOf(hub, 'MR1', date);
      const active = bookings.filter(({ state }) => state === 'booked');
      t.equal(new Set(active.map(({ slotId }) => slotId)).size, active.length, 'none twice');
      for (const { id } of told)
        t.ok(
          active.some((one) => one.id === id || (one as { bookingId?: string }).bookingId === id),
        );
      t.equal(slots.filter(({ status }) => status === 'booked').length, active.length);
      await second.start();
      await eventually('the hub that was killed says the same', async () => {
        const again = await diaryOf(second, 'MR1', date);
        return JSON.stringify(again.slots) === JSON.stringify(slots);
      });
    },
  );

  await t.test('a hub that lost its rows has them again from the log', async (t) => {
    const before = await diaryOf(hub, 'MR1', DAY);
    await hub.stop();
    await hub.rebuild();
    await hub.start();
    await eventually('the diary is there', async () => {
      const after = await diaryOf(hub, 'MR1', DAY);
      return JSON.stringify(after) === JSON.stringify(before);
    });
    t.pass();
  });
});
