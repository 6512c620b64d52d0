/** Bookings told to a RIS over real MLLP: what is told to the hub, and what is not. SC-01. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { MllpReader, mllpFrame } from '../../../../edge/hl7/mllp.ts';
import { RisBookings } from '../../../../edge/ris/ris-bookings.ts';
import { risSchema } from '../../../../edge/ris/schema.ts';
import type { BookingCommand } from '../../../../shared/contract/commands.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { eventually } from '../../../support/eventually.ts';

const START = Date.parse('2026-12-01T09:00:00Z');

const command = (action: 'book' | 'cancel', until: number): BookingCommand => ({
  ...{ v: 1, id: `${action}-b1`, at: new Date(START).toISOString(), kind: 'booking', action },
  ...{ bookingId: 'b1', start: '2026-12-10T09:00:00Z', minutes: 20, appointmentId: null },
  ...{ until: new Date(until).toISOString(), resource: 'MR1', reason: '', placerNumber: null },
  procedure: { code: 'MHEAD', text: 'MRI Head' },
  patient: { patientId: '1', issuer: 'RRK' },
});

t.test('a RIS that was silent has not refused, and is told when the hold is over', async (t) => {
  const messages: string[] = [];
  let answers = false;
  const server = createServer((socket) => {
    const reader = new MllpReader(1_000_000);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if (frame.kind !== 'frame') continue;
        const text = frame.bytes.toString('utf8');
        messages.push(text);
        if (answers) socket.write(mllpFrame(`MSH|^~\\&|RIS\rMSA|AA|${text.split('|')[9]}\r`));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let now = START;
  const told: unknown[] = [];
  const db = openSqlite(':memory:', risSchema);
  const { port } = server.address() as AddressInfo;
  const ris = { host: '127.0.0.1', port, answerSeconds: 0.2, application: 'RIS', facility: 'RRK' };
  const bookings = new RisBookings({
    ...{ trust: 'RRK', ris, db, log: silentLog, tell: (body) => void told.push(body) },
    clock: { now: () => now, monotonicMs: () => now },
  });
  t.teardown(async () => {
    await bookings.stop();
    server.close();
    db.close();
  });
  bookings.insert(command('book', START + 60_000));
  bookings.wake();
  await eventually('it was sent', () => messages.length > 0);
  await bookings.stop();
  now += 61_000;
  bookings.wake();
  await bookings.stop();
  t.strictSame(told, [], 'what it did with the booking is not known');
  answers = true;
  bookings.insert(command('cancel', now));
  bookings.wake();
  await eventually('the cancellation is told', () => told.length > 0);
  t.match(messages.at(-1), /SIU\^S15/);
  t.match(told, [{ bookingId: 'b1', action: 'cancel', outcome: 'accepted' }]);
});
