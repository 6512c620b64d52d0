/** A study of another trust comes, is filed under the local patient, and reaches the PACS. edge/commands. */
import t from 'tap';
import { smallObject } from '../../../support/storage-fixture.ts';
import { startSource } from '../transfer/transfer-fixture.ts';
import { fetchCommand, startReceiver } from './fetch-fixture.ts';

t.test('brings, files and delivers a study, and tells each step', async (t) => {
  const source = await startSource(t);
  for (let number = 1; number <= 5; number += 1) await source.send(smallObject(number));
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  const receipt = await receiver.reaches('available');
  t.match(receipt, {
    reason: null,
    instances: { done: 5, expected: 5 },
    failures: [],
    localPatient: { patientId: 'RJE-4711', issuer: 'RJE', by: 'request' },
  });
  t.strictSame(receiver.states(), [
    'retrieving',
    'transferring',
    'coercing',
    'delivering',
    'available',
  ]);
  t.equal(receiver.destinations.peer().held.size, 5);
});
