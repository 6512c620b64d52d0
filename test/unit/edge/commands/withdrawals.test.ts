/** A copy whose home does not hold the study any more goes, whatever is busy with it. edge/commands/withdrawals.ts. */
import t from 'tap';
import { eventually } from '../../../support/eventually.ts';
import { smallObject } from '../../../support/storage-fixture.ts';
import { FakeDestinations, FakeError } from '../deliver/fake-destinations.ts';
import { STUDY, startSource } from '../transfer/transfer-fixture.ts';
import { fetchCommand, startReceiver, withdraw, withdrawalsOf } from './fetch-fixture.ts';

t.test('a copy that is being delivered is called off, and goes with its files', async (t) => {
  const source = await startSource(t);
  for (const number of [1, 2]) await source.send(smallObject(number));
  const destinations = new FakeDestinations();
  destinations.peer().open = () => {
    throw new FakeError('CONNECT_FAILED');
  };
  const receiver = await startReceiver(t, { destinations });
  const withdrawals = withdrawalsOf(receiver);
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('delivering');
  const { index } = receiver.storage;
  t.equal(index.instancesOf({ studyInstanceUID: STUDY, home: 'RRK' }).length, 2);
  await receiver.inbox.take(withdraw('RRK'));
  await eventually('the copy is gone', () => {
    withdrawals.look();
    return index.studyState(STUDY, 'RRK') === undefined;
  });
  await receiver.reaches('cancelled');
  t.strictSame(receiver.queue.openOf({ studyInstanceUID: STUDY, home: 'RRK' }), []);
  withdrawals.look();
  await receiver.inbox.take(withdraw('RRK'));
  t.equal(index.studyState(STUDY, 'RRK'), undefined, 'once');
});

t.test("the trust's own studies are nobody else's to withdraw", async (t) => {
  const receiver = await startReceiver(t);
  const withdrawals = withdrawalsOf(receiver);
  const source = await startSource(t);
  await source.send(smallObject(1));
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('available');
  await receiver.inbox.take(withdraw('RJE'));
  withdrawals.look();
  t.not(receiver.storage.index.studyState(STUDY, 'RRK'), undefined);
});
