/** A study of another trust comes, is filed under the local patient, and reaches the PACS. edge/commands. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { dicomCoercing } from '../../../../edge/commands/coercing.ts';
import { eventually } from '../../../support/eventually.ts';
import { startNetworkLink } from '../../../support/network-cut.ts';
import {
  dataSetOf,
  type SmallObject,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';
import { FakeDestinations } from '../deliver/fake-destinations.ts';
import { type Source, startSource, ticket } from '../transfer/transfer-fixture.ts';
import { cancelCommand, fetchCommand, Receiver, startReceiver } from './fetch-fixture.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const PATIENT_ID = Buffer.from('RJE-4711');

async function sourceOf(t: Test, count: number, over: Partial<SmallObject> = {}): Promise<Source> {
  const source = await startSource(t);
  for (let number = 1; number <= count; number += 1) await source.send(smallObject(number, over));
  return source;
}

const stagingIsEmpty = (receiver: Receiver): boolean =>
  readdirSync(receiver.storage.spool.layout.staging).length === 0;

t.test('brings, files and delivers a study, and tells each step', async (t) => {
  const source = await sourceOf(t, 5);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  const receipt = await receiver.reaches('available');
  t.match(receipt, {
    reason: null,
    instances: { done: 5, expected: 5 },
    failures: [],
    localPatient: { patientId: 'RJE-4711', issuer: 'RJE', by: 'request' },
  });
  const steps = ['retrieving', 'transferring', 'coercing', 'delivering', 'available'];
  t.strictSame(receiver.states(), steps);
  t.strictSame(
    receipt.steps.map(({ state }) => state),
    steps,
  );
  t.equal(receiver.destinations.peer().held.size, 5);
  const { index, spool } = receiver.storage;
  const copies = index.instancesOf({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  t.equal(copies.length, 5);
  for (const copy of copies) {
    const number = Number(copy.sopInstanceUID.split('.').at(-1));
    const file = readFileSync(spool.absolute(copy.path)).subarray(copy.dataSetOffset);
    t.equal(copy.homeDigest, sha256(dataSetOf(smallObject(number))), 'knows the bytes at home');
    t.ok(file.includes(PATIENT_ID) && !file.includes('MRN1 \0'), 'names the local patient');
    const delivered = receiver.destinations.peer().held.get(copy.sopInstanceUID);
    t.ok(delivered?.equals(file), 'what was delivered is what is filed');
  }
  t.ok(stagingIsEmpty(receiver));
  t.match(
    index.studyState('2.999.7.1', 'RRK')?.setHash,
    source.index.studyState('2.999.7.1', 'RRK')?.setHash,
  );
});

t.test('does a command once, however often it comes, and tells how the fetch stands', async (t) => {
  const source = await sourceOf(t, 2);
  const receiver = await startReceiver(t);
  const command = await fetchCommand(source.url);
  await Promise.all([receiver.inbox.take(command), receiver.inbox.take(command)]);
  await receiver.reaches('available');
  const told = receiver.receipts.length;
  await receiver.inbox.take(command);
  t.equal(receiver.receipts.length, told + 1, 'a hub that lost the receipt gets it again');
  t.equal(receiver.receipt()?.state, 'available');
  t.equal(receiver.destinations.peer().received.length, 2);
});

t.test('brings nothing again that is here as the same copy', async (t) => {
  const source = await sourceOf(t, 3);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('available');
  await source.send(smallObject(4));
  const link = await startNetworkLink({ targetPort: source.port });
  t.teardown(() => link.stop());
  const url = `http://127.0.0.1:${link.port}`;
  await receiver.inbox.take(await fetchCommand(url, { fetchId: 'f2' }));
  const receipt = await receiver.reaches('available', 'f2');
  t.match(receipt.instances, { done: 4, expected: 4 });
  t.equal(receiver.storage.index.counts().instances, 4);
  t.equal(receiver.storage.index.counts().conflicts, 0);
});

t.test('brings and delivers only the series that are wanted', async (t) => {
  const source = await sourceOf(t, 2);
  await source.send(smallObject(3, { SeriesInstanceUID: '2.999.7.1.2' }));
  const receiver = await startReceiver(t);
  const series = ['2.999.7.1.2'];
  await receiver.inbox.take(
    await fetchCommand(source.url, {
      seriesInstanceUIDs: series,
      ticket: await ticket({ series }),
    }),
  );
  await receiver.reaches('available');
  t.strictSame([...receiver.destinations.peer().held.keys()], ['2.999.1.3']);
  t.equal(receiver.storage.index.counts().instances, 1);
});

t.test('says why it stands still, and goes on by itself', async (t) => {
  const source = await sourceOf(t, 2);
  const link = await startNetworkLink({ targetPort: source.port });
  t.teardown(() => link.stop());
  link.cut();
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(`http://127.0.0.1:${link.port}`));
  const receipt = await receiver.reasonIs('SOURCE_UNREACHABLE');
  t.match(receipt, { state: 'retrieving', reason: { detail: /can't be reached/ } });
  link.mend();
  t.match(await receiver.reaches('available'), { reason: null });
});

t.test('asks for a fresh ticket when the one that it has ran out', async (t) => {
  const source = await sourceOf(t, 2);
  const receiver = await startReceiver(t, {
    requestTicket: async () => ({
      ticket: await ticket(),
      source: { trust: 'RRK', url: source.url },
    }),
  });
  const expired = await ticket({ expiresIn: -100 });
  await receiver.inbox.take(await fetchCommand(source.url, { ticket: expired }));
  await receiver.reaches('available');
  t.strictSame(receiver.asked, ['f1']);
});

t.test('says that the hub gives no ticket', async (t) => {
  const source = await sourceOf(t, 1);
  const receiver = await startReceiver(t, {
    requestTicket: async () => ({ error: { code: 'FETCH_UNKNOWN', detail: 'who?' } }),
  });
  const expired = await ticket({ expiresIn: -100 });
  await receiver.inbox.take(await fetchCommand(source.url, { ticket: expired }));
  t.match(await receiver.reasonIs('TICKET_EXPIRED'), { reason: { detail: /FETCH_UNKNOWN/ } });
});

t.test('goes to the source that the hub names now', async (t) => {
  const source = await sourceOf(t, 3);
  const receiver = await startReceiver(t, {
    requestTicket: async () => ({
      ticket: await ticket(),
      source: { trust: 'RRK', url: source.url },
    }),
  });
  await receiver.inbox.take(await fetchCommand('http://127.0.0.1:1'));
  await receiver.reaches('available');
  t.equal(receiver.store.find('f1')?.sourceUrl, source.url);
});

t.test('gives up when the source refuses for good, and says so', async (t) => {
  const source = await startSource(t);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  t.match(await receiver.reaches('failed'), { reason: { code: 'STUDY_NOT_FOUND' } });
});

t.test('ends as partial, naming what could not be had, and delivers the rest', async (t) => {
  const source = await sourceOf(t, 4);
  const [gone] = source.index.instancesOf({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  rmSync(source.spool.absolute(gone?.path ?? ''));
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  const receipt = await receiver.reaches('partial');
  t.match(receipt, {
    reason: { code: 'PARTIAL', detail: /3 of 4/ },
    failures: [{ sopInstanceUID: gone?.sopInstanceUID, code: 'SPOOL_MISSING' }],
    instances: { done: 3, expected: 4 },
  });
  t.equal(receiver.destinations.peer().held.size, 3);
});

t.test('says what to configure when there is no destination, and keeps the copy', async (t) => {
  const source = await sourceOf(t, 1);
  const receiver = await startReceiver(t, { config: { peers: [] } });
  await receiver.inbox.take(await fetchCommand(source.url));
  const receipt = await receiver.reaches('failed');
  t.match(receipt, { reason: { code: 'NO_DESTINATION', detail: /importsTo: true/ } });
  t.equal(receiver.storage.index.counts().instances, 1);
  await receiver.inbox.take(await fetchCommand(source.url, { fetchId: 'f2', peer: 'nobody' }));
  t.match(await receiver.reaches('failed', 'f2'), { reason: { detail: /"nobody"/ } });
});

t.test('a cancel ends it at once wherever it is; what was delivered stays', async (t) => {
  await t.test('while it comes', async (t) => {
    const source = await sourceOf(t, 30, { pixels: Buffer.alloc(100_000, 7) });
    const link = await startNetworkLink({ targetPort: source.port, delayMs: 100 });
    t.teardown(() => link.stop());
    const receiver = await startReceiver(t);
    await receiver.inbox.take(await fetchCommand(`http://127.0.0.1:${link.port}`));
    const under = await eventually('some came', () => {
      const receipt = receiver.receipt();
      return receipt?.state === 'transferring' && receipt.instances.done > 2 ? receipt : undefined;
    });
    t.ok(under.bytes.done > 0 && under.bytes.done < 3_100_000);
    await receiver.inbox.take(cancelCommand());
    const ended = await receiver.reaches('cancelled');
    t.match(ended, { reason: { code: 'CANCELLED' } });
    t.ok(ended.bytes.done < 3_100_000, 'it did not wait for the rest');
    t.ok(stagingIsEmpty(receiver));
    t.equal(receiver.storage.index.counts().instances, 0);
  });
  await t.test('while it is delivered', async (t) => {
    const source = await sourceOf(t, 5);
    const destinations = new FakeDestinations();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    destinations.peer().status = async ({ sopInstanceUID }) => {
      if (sopInstanceUID === '2.999.1.3') await held;
      return 0;
    };
    const receiver = await startReceiver(t, { destinations });
    await receiver.inbox.take(await fetchCommand(source.url));
    await eventually('two are there', () => destinations.peer().received.length >= 3);
    await receiver.inbox.take(cancelCommand());
    await receiver.reaches('cancelled');
    release();
    await eventually('the association is released', () => destinations.peer().released === 1);
    t.ok(destinations.peer().received.length <= 3);
    t.equal(receiver.storage.index.counts().instances, 5, 'the copies stay');
    t.equal(receiver.queue.find('f1')?.state, 'cancelled');
  });
  await t.test('before it came at all', async (t) => {
    const source = await sourceOf(t, 1);
    const receiver = await startReceiver(t);
    await receiver.inbox.take(cancelCommand());
    t.equal(receiver.receipt()?.state, 'cancelled', 'the hub stops telling it');
    await receiver.inbox.take(await fetchCommand(source.url));
    await eventually('it is over', () => receiver.store.find('f1')?.endedAt != null);
    t.equal(receiver.store.find('f1')?.state, 'cancelled');
    t.equal(receiver.destinations.peer().received.length, 0);
  });
});

t.test('an immediate fetch takes the place of one that is not', async (t) => {
  const source = await startSource(t);
  for (let number = 1; number <= 40; number += 1)
    await source.send(smallObject(number, { pixels: Buffer.alloc(100_000, 7) }));
  const slow = await startNetworkLink({ targetPort: source.port, delayMs: 300 });
  t.teardown(() => slow.stop());
  const quick = await startSource(t);
  await quick.send(smallObject(99));
  const receiver = await startReceiver(t);
  const url = `http://127.0.0.1:${slow.port}`;
  for (const fetchId of ['b1', 'b2', 'b3'])
    await receiver.inbox.take(await fetchCommand(url, { fetchId, priority: 'bulk' }));
  await eventually('one is under way', () => receiver.receipt('b1')?.state === 'transferring');
  await receiver.reasonIs('QUEUED', 'b2');
  await receiver.reasonIs('QUEUED', 'b3');
  await receiver.inbox.take(
    await fetchCommand(quick.url, { fetchId: 'now', priority: 'immediate' }),
  );
  await receiver.reaches('available', 'now');
  const bulk = ['b1', 'b2', 'b3'].map((id) => receiver.receipt(id)?.state);
  t.notOk(bulk.includes('available'), bulk.join());
  t.same(bulk, ['transferring', 'retrieving', 'retrieving'], 'of one study one fetch brings it');
});

t.test('what is filed makes room while an immediate one comes, and goes on then', async (t) => {
  const source = await sourceOf(t, 30);
  const other = await startSource(t);
  const study = { StudyInstanceUID: '2.999.7.2', SeriesInstanceUID: '2.999.7.2.1' };
  await other.send(smallObject(99, study));
  const far = await startNetworkLink({ targetPort: other.port, delayMs: 1_000 });
  t.teardown(() => far.stop());
  const receiver = await startReceiver(t, {
    coercing: {
      ...dicomCoercing,
      async *coerce(...given) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield* dicomCoercing.coerce(...given);
      },
    },
  });
  await receiver.inbox.take(await fetchCommand(source.url, { fetchId: 'b', priority: 'bulk' }));
  await receiver.reaches('coercing', 'b');
  await receiver.inbox.take(
    await fetchCommand(`http://127.0.0.1:${far.port}`, {
      ...{ fetchId: 'now', priority: 'immediate', studyInstanceUID: '2.999.7.2' },
      ticket: await ticket({ study: '2.999.7.2' }),
    }),
  );
  await receiver.reasonIs('QUEUED', 'b');
  t.notOk(/available|coercing/.test(receiver.receipt('now')?.state ?? ''));
  await receiver.reaches('available', 'now');
  await receiver.reaches('available', 'b');
});

t.test('many fetches of one study bring it once', async (t) => {
  const source = await sourceOf(t, 5);
  const receiver = await startReceiver(t);
  for (const fetchId of ['f1', 'f2', 'f3'])
    await receiver.inbox.take(await fetchCommand(source.url, { fetchId }));
  for (const fetchId of ['f1', 'f2', 'f3']) await receiver.reaches('available', fetchId);
  t.equal(receiver.staged, 5, 'each object came once');
});

t.test('bulk rests outside its hours, and says so; what is urgent goes on', async (t) => {
  const source = await sourceOf(t, 2);
  const receiver = await startReceiver(t, {
    config: { transfer: { hours: [{ from: '00:00', to: '23:59', bulk: false }] } },
    now: () => new Date('2026-03-02T12:00:00').getTime(),
  });
  await receiver.inbox.take(await fetchCommand(source.url, { fetchId: 'b', priority: 'bulk' }));
  await receiver.reasonIs('OUTSIDE_HOURS', 'b');
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('available');
  t.equal(receiver.receipt('b')?.state, 'retrieving');
});

t.test('a dead source does not take the places of what comes from others', async (t) => {
  const source = await sourceOf(t, 1);
  const receiver = await startReceiver(t, { isStarted: false });
  const dead = { trust: 'RXK', url: 'http://127.0.0.1:1' };
  for (let number = 0; number < 200; number += 1)
    await receiver.inbox.take(
      await fetchCommand(dead.url, { fetchId: `d${number}`, source: dead, priority: 'urgent' }),
    );
  await receiver.inbox.take(await fetchCommand(source.url, { priority: 'bulk' }));
  receiver.start();
  await receiver.reaches('available');
  const tries = receiver.asked.length;
  t.ok(tries < 60, `${tries} tries at the dead source`);
});

t.test('a full disk holds it up, and room lets it go on', async (t) => {
  const source = await sourceOf(t, 2);
  const dataDirectory = temporaryDirectory(t);
  const full = await Receiver.open({ dataDirectory, reserveBytes: Number.MAX_SAFE_INTEGER });
  await full.inbox.take(await fetchCommand(source.url));
  t.match(await full.reasonIs('SPOOL_RESERVE'), { state: 'transferring', failures: [] });
  await full.stop();
  const receiver = await startReceiver(t, { dataDirectory });
  await receiver.reaches('available');
  t.equal(receiver.destinations.peer().held.size, 2);
});

t.test('a fetch that gets nowhere ends in time, with the last reason', async (t) => {
  let now = Date.now();
  const receiver = await startReceiver(t, { now: () => now });
  await receiver.inbox.take(await fetchCommand('http://127.0.0.1:1'));
  await receiver.reasonIs('SOURCE_UNREACHABLE');
  now += 8 * 86_400_000;
  t.match(await receiver.reaches('expired'), { reason: { detail: /SOURCE_UNREACHABLE/ } });
});
