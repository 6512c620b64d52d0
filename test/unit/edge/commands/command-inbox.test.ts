/** Commands of the hub: durable, once each in effect. edge/commands/command-inbox.ts. */
import t from 'tap';
import type { TakenCommand } from '../../../../edge/commands/command-inbox.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { fetchCommand, nameCommand, Receiver, startReceiver } from './fetch-fixture.ts';

const reannounce = (days?: string[]): TakenCommand => ({
  ...{ v: 1, id: 'reannounce-1', at: new Date().toISOString(), kind: 'reannounce' },
  ...(days && { days }),
});

/** Digests with members: those that were asked for. */
const digests = (receiver: Receiver) =>
  receiver.storage.outbox
    .next(0, 1_000)
    .flatMap(({ body }) => (body.kind === 'digest' && body.members !== undefined ? [body] : []));

t.test('a command that was taken is there after kill -9, with what it began', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = await Receiver.open({ dataDirectory, isStarted: false });
  await before.inbox.take(await fetchCommand('http://127.0.0.1:1'));
  await before.inbox.take(nameCommand('RJE-1'));
  // The process is gone without a word: nothing is stopped in order.
  before.db.close();
  before.storage.outbox.stop();
  const after = await Receiver.open({ dataDirectory, isStarted: false });
  t.teardown(() => after.stop());
  t.match(after.store.find('f1'), { state: 'retrieving', namedPatient: { patientId: 'RJE-1' } });
  const told = after.storage.outbox.next(0, 10).map(({ body }) => body);
  // A digest of its own may stand before it.
  const receipts = told.filter(({ kind }) => kind === 'receipt');
  t.match(receipts, [{ kind: 'receipt', state: 'retrieving', fetchId: 'f1' }]);
  await before.stop().catch(() => {});
});

t.test('days that a hub asks for are told again, with their members', async (t) => {
  const receiver = await startReceiver(t);
  await receiver.inbox.take(reannounce(['20260301']));
  await eventually('told', () => digests(receiver).length > 0);
  t.match(digests(receiver).at(-1)?.members, [{ day: '20260301', studies: [] }]);
  const count = digests(receiver).length;
  await receiver.inbox.take(reannounce(['20260301']));
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(digests(receiver).length, count, 'once');
});

t.test('what was asked before kill -9 is told after it', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = await Receiver.open({ dataDirectory });
  before.inbox.stop();
  await before.inbox.take(reannounce(['20260301']));
  await before.stop();
  const after = await Receiver.open({ dataDirectory });
  t.teardown(() => after.stop());
  await eventually('told', () => digests(after).length > 0);
  const open = after.db.prepare('SELECT count(*) FROM commands WHERE done_at IS NULL').pluck();
  await eventually('it is done', () => open.get() === 0);
});

t.test('a command about a fetch that nobody knows breaks nothing', async (t) => {
  const receiver = await startReceiver(t);
  await receiver.inbox.take(nameCommand('RJE-1', 'nobody'));
  t.equal(receiver.store.openCount(), 0);
});
