/**
 * Diaries that a RIS owns, or speaks into: SIU of two RIS stand-ins over real MLLP into real edges, and a
 * FHIR client, on the same diaries. SC-01, SC-02.
 */
import { createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { MllpReader, mllpFrame } from '../../edge/hl7/mllp.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import type { Hub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import {
  addRequest,
  type BookingAnswer,
  book,
  type DiaryAnswer,
  dayAhead,
  diaryOf,
  putDiary,
  putResource,
} from '../support/scheduling-world.ts';

const skip = missingPeer('nats-server');
const DAY = dayAhead(10);

/** A RIS that takes SIU and answers as it is told; a stand-in, since no RIS runs here. */
class RisStandIn {
  readonly messages: string[] = [];
  /** AA, AE, AR; null: it says nothing. */
  answer: string | null = 'AA';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((socket) => {
      const reader = new MllpReader(1_000_000);
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        for (const frame of reader.push(chunk))
          if (frame.kind === 'frame') this.#take(socket, frame.bytes.toString('utf8'));
      });
    }).listen(port, '127.0.0.1');
  }

  /** Messages of one event, such as S12. */
  of(event: string): string[] {
    return this.messages.filter((text) => text.includes(`|SIU^${event}^`));
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #take(socket: Socket, text: string): void {
    this.messages.push(text);
    if (this.answer === null) return;
    const id = text.split('|')[9];
    const head = 'MSH|^~\\&|RIS|RRK|CDIP|RRK|20261126110000||ACK|A1|P|2.5';
    socket.write(mllpFrame(`${head}\rMSA|${this.answer}|${id}|no such room\r`));
  }
}

interface Siu {
  readonly event: string;
  readonly id: string;
  readonly resource: string;
  readonly minutesAfterTen: number;
  readonly placer?: string;
  readonly status?: string;
}

interface RequestAnswer {
  readonly id: string;
  readonly state: string;
  readonly band: string;
  readonly orderId: string | null;
  readonly referrer: string | null;
  readonly movedByRis: BookingAnswer | null;
  readonly notBooked: (BookingAnswer & { notice?: { state: string } }) | null;
}

const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

let told = Date.now();

/** A booking of the RIS itself. */
function siu(
  facility: string,
  { event, id, resource, minutesAfterTen, placer = '', status = 'Booked' }: Siu,
): string {
  told += 1_000;
  const start = stamp(Date.parse(`${DAY}T10:00:00Z`) + minutesAfterTen * 60_000);
  return hl7Message({
    ...{ type: `SIU^${event}`, facility, at: stamp(told) },
    segments: [
      `SCH|${placer}|${id}||||||MSKUH^MRI head|30|min|^^30^${start}||||||||||||||${status}`,
      `PID|1||R${id}^^^${facility}^MR||Ris^Patient||19610302|M`,
      'RGS|1',
      `AIS|1||MSKUH^MRI head^NICIP|${start}|||30|min`,
      `AIG|1||${resource}`,
    ],
  });
}

/** Books by FHIR: reads the slot, then posts with its ETag. */
async function bookByFhir(hub: Hub, slotId: string, requestId: string) {
  const slot = await hub.api<{ status: string }>(`/fhir/Slot/${slotId}`);
  const body = JSON.stringify({
    ...{ resourceType: 'Appointment', status: 'booked' },
    slot: [{ reference: `Slot/${slotId}` }],
    basedOn: [{ reference: `ServiceRequest/${requestId}` }],
  });
  return hub.api<{ id: string; status: string; resourceType: string }>('/fhir/Appointment', {
    ...{ method: 'POST', body },
    headers: {
      'if-match': slot.headers.get('etag') ?? '',
      'content-type': 'application/fhir+json',
    },
  });
}

/** Both diaries, once every appointment of the RIS stands in them and nothing waits; else false. */
async function settled(
  hub: Hub,
): Promise<{ diaries: DiaryAnswer[]; byRisSeen: BookingAnswer[] } | false> {
  const diaries = [await diaryOf(hub, 'MR1', DAY), await diaryOf(hub, 'MR2', DAY)];
  const all = diaries.flatMap(({ bookings }) => bookings);
  const byRisSeen = all.filter(({ id }) => /^ris-R(RK|JE)-R(RK|JE)-/.test(id));
  return (
    byRisSeen.length === 12 && all.every(({ state }) => state !== 'held') && { diaries, byRisSeen }
  );
}

/** Those who were told that they have an Appointment, and are not told now how it really is, and why. */
async function untrue(
  hub: Hub,
  answers: readonly { status: number; body: { id: string } }[],
): Promise<string[]> {
  const wrong: string[] = [];
  for (const { status, body } of answers) {
    if (status !== 201) continue;
    const shown = await hub.api<{ status: string }>(`/fhir/Appointment/${body.id}`);
    const { state, reason } = (await hub.api<BookingAnswer>(`/api/bookings/${body.id}`)).body;
    const isTrue = shown.body.status === (state === 'booked' ? 'booked' : 'cancelled');
    if (!isTrue || (state !== 'booked' && reason === null)) wrong.push(`${body.id} ${state}`);
  }
  return wrong;
}

/** Slots that two bookings have, or that are not taken though one has them. */
function takenTwice({ slots, bookings }: DiaryAnswer): string[] {
  const taken = bookings.flatMap(({ state, slotIds }) => (state === 'booked' ? slotIds : []));
  const free = slots.filter(({ id, status }) => taken.includes(id) && status !== 'booked');
  return [...taken.filter((id, at) => taken.indexOf(id) !== at), ...free.map(({ id }) => id)];
}

t.test('diaries and the RIS', { skip, timeout: 400_000 }, async (t) => {
  const risPort = await freePort();
  const ris = new RisStandIn(risPort);
  t.teardown(() => ris.stop());
  const network = await startNetwork({
    ...{ directory: t.testdir(), trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: (trust): Record<string, object> =>
      trust === 'RRK' ? { ris: { host: '127.0.0.1', port: risPort } } : {},
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const sender = async (trust: string): Promise<Hl7Sender> => {
    const open = await Hl7Sender.open(network.site(trust).edge.hl7Port);
    t.teardown(() => open.end());
    return open;
  };
  const [rrk, rje] = [await sender('RRK'), await sender('RJE')];
  await putResource(hub, 'MR1', { risName: 'MRI-ONE' });
  await putResource(hub, 'MR2', { trust: 'RJE' });
  await putResource(hub, 'MR3');
  await putDiary(hub, 'MR1', { authority: 'ris', count: 6 });
  await putDiary(hub, 'MR2', { authority: 'cdip', count: 6 });
  await putDiary(hub, 'MR3', { authority: 'ris' });
  const stateOf = async (id: string): Promise<BookingAnswer> =>
    (await hub.api<BookingAnswer>(`/api/bookings/${id}`)).body;

  await t.test('a booking is held until the RIS has taken it', async (t) => {
    const { status, body } = await book(hub, 'MR1-0', await addRequest(hub));
    t.equal(status, 201);
    await eventually('it is booked', async () => (await stateOf(body.id)).state === 'booked');
    const [message = ''] = ris.of('S12');
    t.match(message, `SCH|${body.id}|`, 'with the number of the booking');
    t.match(message, '|MRI-ONE|', 'for the resource as the RIS names it');
    t.equal(ris.of('S12').length, 1);
    const cancelled = await hub.api(`/api/bookings/${body.id}`, { method: 'DELETE' });
    t.match(cancelled, { status: 200, body: { state: 'cancelled' } });
    await eventually('the RIS is told the end', () => ris.of('S15').length === 1);
    t.match(ris.of('S15')[0], `SCH|${body.id}|`);
  });

  await t.test('what the RIS refuses is free again, and the reason is told', async (t) => {
    ris.answer = 'AE';
    const answer = await book(hub, 'MR1-1', await addRequest(hub));
    if (answer.status === 201) {
      const state = () => stateOf(answer.body.id);
      await eventually('it is refused', async () => (await state()).state === 'refused');
      t.match(await state(), { reason: 'The RIS refused it: no such room' });
    } else t.match(answer, { status: 409, body: { code: 'RIS_REFUSED', detail: /no such room/ } });
    t.match((await diaryOf(hub, 'MR1', DAY)).slots[1], { status: 'free' });
    ris.answer = 'AA';
  });

  await t.test('what the RIS books, moves and cancels is so in the diary', async (t) => {
    const at = { id: 'A1', resource: 'MRI-ONE' };
    await rrk.send(siu('RRK', { ...at, event: 'S12', minutesAfterTen: 60 }));
    const slots = async () => (await diaryOf(hub, 'MR1', DAY)).slots.map(({ status }) => status);
    await eventually('the slot is taken', async () => (await slots())[2] === 'booked');
    t.match(await book(hub, 'MR1-2', await addRequest(hub)), {
      ...{ status: 409, body: { code: 'SLOT_TAKEN' } },
    });
    await rrk.send(siu('RRK', { ...at, event: 'S13', minutesAfterTen: 90 }));
    await eventually('it moved', async () => {
      const now = await slots();
      return now[2] === 'free' && now[3] === 'booked';
    });
    await rrk.send(siu('RRK', { ...at, event: 'S15', minutesAfterTen: 90, status: 'Cancelled' }));
    await eventually('it is free', async () => (await slots())[3] === 'free');
    t.pass();
  });

  await t.test('a cancellation in the RIS ends a booking of the hub', async (t) => {
    const { body } = await book(hub, 'MR3-0', await addRequest(hub));
    await eventually('it is booked', async () => (await stateOf(body.id)).state === 'booked');
    const at = { id: 'OWN-7', resource: 'MR3', minutesAfterTen: 0, placer: body.id };
    await rrk.send(siu('RRK', { ...at, event: 'S15', status: 'Cancelled' }));
    await eventually('it ended', async () => (await stateOf(body.id)).state === 'cancelled');
    t.match(await stateOf(body.id), { reason: 'Cancelled in the RIS' });
    const { requestId } = await stateOf(body.id);
    t.match((await hub.api<RequestAnswer>(`/api/requests/${requestId}`)).body, {
      ...{ state: 'waiting', notBooked: { id: body.id, state: 'cancelled' } },
    });
  });

  await t.test('what the RIS moves it may move again, and cancel', async (t) => {
    const { body } = await book(hub, 'MR3-0', await addRequest(hub));
    await eventually('it is booked', async () => (await stateOf(body.id)).state === 'booked');
    const { requestId } = await stateOf(body.id);
    const shown = async () => (await hub.api<RequestAnswer>(`/api/requests/${requestId}`)).body;
    const slots = async () => (await diaryOf(hub, 'MR3', DAY)).slots.map(({ status }) => status);
    const at = { id: 'OWN-8', resource: 'MR3', placer: body.id };
    for (const [slot, minutesAfterTen] of [30, 60].entries()) {
      await rrk.send(siu('RRK', { ...at, event: 'S13', minutesAfterTen }));
      await eventually('it stands there alone', async () => {
        const taken = (await slots()).flatMap((status, index) =>
          status === 'booked' ? index : [],
        );
        return taken.join() === `${slot + 1}`;
      });
    }
    t.match(await shown(), { state: 'booked', notBooked: null });
    t.ok((await shown()).movedByRis, 'staff see that it was elsewhere');
    await rrk.send(siu('RRK', { ...at, event: 'S15', minutesAfterTen: 60, status: 'Cancelled' }));
    await eventually('it ended', async () => (await shown()).state === 'waiting');
    t.ok(
      ris.of('S15').every((text) => !text.includes(body.id) && !text.includes('OWN-8')),
      'the RIS is not told to cancel what it moved',
    );
  });

  await t.test(
    'two RIS and a FHIR client at once: no slot twice, all told the truth',
    async (t) => {
      ris.messages.length = 0;
      const requests = await Promise.all(Array.from({ length: 12 }, () => addRequest(hub)));
      const byRis = [rrk, rje].map(async (open, which) => {
        const [facility, resource] = which === 0 ? ['RRK', 'MRI-ONE'] : ['RJE', 'MR2'];
        for (const [at, n] of [0, 1, 2, 3, 4, 5].entries()) {
          const one = { event: 'S12', id: `${facility}-${n}`, minutesAfterTen: at * 30 };
          await open.send(siu(facility ?? '', { ...one, resource: resource ?? '' }));
        }
      });
      const answers = await Promise.all(
        requests.map((request, at) => bookByFhir(hub, `MR${1 + (at % 2)}-${at >> 1}`, request)),
      );
      await Promise.all(byRis);
      for (const { status, body } of answers) {
        t.ok([201, 409, 412].includes(status), `${status}`);
        t.equal(body.resourceType, status === 201 ? 'Appointment' : 'OperationOutcome');
      }
      const { diaries, byRisSeen } = await eventually('all is settled', () => settled(hub), {
        timeoutMs: 90_000,
      });
      for (const diary of diaries) t.strictSame(takenTwice(diary), [], 'no slot twice');
      t.strictSame(
        await untrue(hub, answers),
        [],
        'who was told that it is booked knows how it is now',
      );
      const clashes = byRisSeen.filter(({ state }) => state === 'refused');
      const ofRrk = clashes.filter(({ id }) => id.startsWith('ris-RRK'));
      await eventually('the RIS is told which of its bookings do not count', () => {
        const texts = ris.of('S15').join();
        return ofRrk.every(({ id }) => texts.includes(`SCH|${id}|`));
      });
    },
  );

  await t.test('an order of the RIS is a request, and its cancellation ends it', async (t) => {
    const order = (control: string, priority: string): string => {
      told += 1_000;
      return hl7Message({
        ...{ type: 'ORM^O01', facility: 'RRK', at: stamp(told) },
        segments: [
          'PID|1||R77^^^RRK^MR||Order^Patient||19550607|F',
          `ORC|${control}|PLC77|ACC77|||||||${stamp(told)}`,
          `OBR|1|PLC77|ACC77|MKNEL^MRI knee left^NICIP|${priority}`,
        ],
      });
    };
    const found = async (): Promise<RequestAnswer | undefined> => {
      const path = '/api/requests?trust=RRK&limit=100';
      const { requests } = (await hub.api<{ requests: RequestAnswer[] }>(path)).body;
      return requests.find(({ orderId }) => orderId === 'ACC77');
    };
    await rrk.send(order('NW', 'R'));
    const made = await eventually('it waits', found);
    t.match(made, { state: 'waiting', band: 'P4' });
    await rrk.send(order('XO', 'A'));
    await eventually('it is more urgent', async () => (await found())?.band === 'P2');
    await rrk.send(order('CA', 'A'));
    await eventually('it is cancelled', async () => (await found())?.state === 'cancelled');
    t.equal((await found())?.id, made?.id, 'one request all the time');
  });

  await t.test('a RIS that says nothing frees the hold', async (t) => {
    ris.answer = null;
    const request = await addRequest(hub);
    const { status, body } = await book(hub, 'MR3-1', request);
    t.match({ status, body }, { status: 201, body: { state: 'held' } }, 'and never says booked');
    const state = async () => (await stateOf(body.id)).state;
    await eventually('it expired', async () => (await state()) === 'expired', {
      timeoutMs: 90_000,
    });
    t.match((await diaryOf(hub, 'MR3', DAY)).slots[1], { status: 'free' });
    ris.answer = 'AA';
    const stands = await eventually('what failed is shown with the request', async () => {
      const { body: shown } = await hub.api<RequestAnswer>(`/api/requests/${request}`);
      return shown.notBooked?.notice?.state === 'staff' && shown;
    });
    t.match(stands, { state: 'waiting', notBooked: { id: body.id, state: 'expired' } });
    await eventually('the RIS is told, since it may have it', () =>
      ris.of('S15').some((text) => text.includes(`SCH|${body.id}|`)),
    );
  });
});
