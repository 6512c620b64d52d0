/** Under whom a fetched study is filed. What may never happen, 2: filed under another patient. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { eventually } from '../../../support/eventually.ts';
import { dataSetOf, type SmallObject, smallObject } from '../../../support/storage-fixture.ts';
import {
  type Source,
  STUDY,
  serveStudies,
  startSource,
  ticket,
} from '../transfer/transfer-fixture.ts';
import {
  cancelCommand,
  fetchCommand,
  nameCommand,
  type Receiver,
  startReceiver,
} from './fetch-fixture.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const NHS = '9434765919';
const OTHER_NHS = '9434765870';

/** The patient of the NHS number, in the namespace of NHS numbers. */
const withNhs = (over: Partial<SmallObject> = {}): Partial<SmallObject> => ({
  PatientID: NHS,
  IssuerOfPatientID: 'NHS',
  ...over,
});

async function sourceOf(t: Test, over: Partial<SmallObject> = {}, count = 2): Promise<Source> {
  const source = await startSource(t);
  for (let number = 1; number <= count; number += 1) await source.send(smallObject(number, over));
  return source;
}

/** A study of the trust's own, from one of its modalities. */
async function sendLocally(receiver: Receiver, number: number, over: Partial<SmallObject>) {
  const object = smallObject(number, { StudyInstanceUID: `2.999.8.${number}`, ...over });
  const { SOPInstanceUID: sopInstanceUID = '' } = object;
  const sink = receiver.storage.store({
    peer: {
      associationId: 'a1',
      callingAETitle: 'CT1',
      calledAETitle: 'CDIP_RJE',
      host: '127.0.0.1',
      tls: false,
    },
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUID,
    transferSyntaxUID: '1.2.840.10008.1.2.1',
  });
  await sink.write(dataSetOf(object));
  return sink.end();
}

const copyPatient = (receiver: Receiver, home = 'RRK') =>
  receiver.storage.index.studyState(STUDY, home)?.patient;

t.test('waits until a person names the patient when none matches', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
  const held = await receiver.reaches('held');
  t.match(held, {
    reason: { code: 'PATIENT_WITHOUT_NHS_NUMBER', detail: /name the local patient/ },
  });
  t.equal(receiver.storage.index.counts().instances, 0, 'nothing is filed before');
  await receiver.inbox.take(nameCommand('RJE-1'));
  const receipt = await receiver.reaches('available');
  t.match(receipt.localPatient, { patientId: 'RJE-1', issuer: 'RJE', by: 'request' });
  t.match(copyPatient(receiver), { patientId: 'RJE-1', issuer: 'RJE' });
  t.ok(receipt.steps.some(({ state }) => state === 'coercing'));
});

t.test('a patient may be named while the study still comes', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t, {
    isStarted: false,
  });
  await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
  await receiver.inbox.take(nameCommand('RJE-1'));
  receiver.start();
  await receiver.reaches('available');
  t.notOk(receiver.states().includes('held'));
});

t.test('nobody names one: it ends after a week, and says so', async (t) => {
  let now = Date.now();
  const source = await sourceOf(t);
  const receiver = await startReceiver(t, { now: () => now });
  await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
  await receiver.reaches('held');
  now += 7 * 86_400_000 + 1;
  t.match(await receiver.reaches('expired'), { reason: { detail: /while held.*PATIENT_WITHOUT/ } });
});

t.test('a held fetch can be cancelled', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
  await receiver.reaches('held');
  await receiver.inbox.take(cancelCommand());
  await receiver.reaches('cancelled');
});

t.test('matches by NHS number and birth date together', async (t) => {
  const local = { StudyInstanceUID: '2.999.8.1', PatientBirthDate: '19500102' };
  await t.test('one local patient: filed under that one', async (t) => {
    const source = await sourceOf(t, withNhs());
    const receiver = await startReceiver(t);
    await sendLocally(receiver, 50, withNhs(local));
    await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
    t.match(await receiver.reaches('available'), { localPatient: { by: 'nhsNumber' } });
    t.match(copyPatient(receiver), { patientId: NHS, issuer: 'NHS' });
  });
  await t.test('another birth date: held', async (t) => {
    const source = await sourceOf(t, withNhs({ PatientBirthDate: '19500103' }));
    const receiver = await startReceiver(t);
    await sendLocally(receiver, 50, withNhs(local));
    await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
    t.match(await receiver.reaches('held'), { reason: { code: 'PATIENT_NOT_FOUND' } });
  });
  await t.test('another NHS number: held', async (t) => {
    const source = await sourceOf(t, withNhs({ PatientID: OTHER_NHS }));
    const receiver = await startReceiver(t);
    await sendLocally(receiver, 50, withNhs(local));
    await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
    t.match(await receiver.reaches('held'), { reason: { code: 'PATIENT_NOT_FOUND' } });
  });
});

t.test('a policy of foreign patients files under the home’s identifier, marked', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t, { config: { patientIds: { unmatched: 'foreign' } } });
  await receiver.inbox.take(await fetchCommand(source.url, { localPatient: undefined }));
  t.match(await receiver.reaches('available'), {
    localPatient: { patientId: 'RRK-MRN1', issuer: 'RRK', by: 'foreign' },
  });
  t.match(copyPatient(receiver), { patientId: 'RRK-MRN1', issuer: 'RRK' });
});

t.test('copies of one study are never filed under two patients', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('available');
  await source.send(smallObject(3));
  const other = { fetchId: 'f2', localPatient: { patientId: 'RJE-9999' } };
  await receiver.inbox.take(await fetchCommand(source.url, other));
  t.match(await receiver.reaches('failed', 'f2'), {
    reason: { code: 'FILED_UNDER_ANOTHER_PATIENT' },
  });
  t.match(copyPatient(receiver), { patientId: 'RJE-4711' });
  t.equal(receiver.storage.index.counts().instances, 2);
  const same = { fetchId: 'f3', localPatient: undefined };
  await receiver.inbox.take(await fetchCommand(source.url, same));
  t.match(await receiver.reaches('available', 'f3'), { localPatient: { patientId: 'RJE-4711' } });
  t.equal(receiver.storage.index.counts().instances, 3);
  t.equal(receiver.storage.index.counts().conflicts, 0);
});

t.test('two fetches of one study at once, for two patients: one is refused', async (t) => {
  const source = await sourceOf(t, {}, 10);
  const receiver = await startReceiver(t, { isStarted: false });
  for (const fetchId of ['f1', 'f2'])
    await receiver.inbox.take(
      await fetchCommand(source.url, { fetchId, localPatient: { patientId: `FOR-${fetchId}` } }),
    );
  receiver.start();
  await eventually('both are over', () =>
    ['f1', 'f2'].every((id) => receiver.store.find(id)?.endedAt != null),
  );
  const states = ['f1', 'f2'].map((id) => receiver.store.find(id)?.state).sort();
  t.strictSame(states, ['available', 'failed']);
  t.equal(receiver.storage.index.counts().conflicts, 0);
});

t.test('copies whose database was lost keep the patient that they name', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t);
  await receiver.inbox.take(await fetchCommand(source.url));
  await receiver.reaches('available');
  receiver.db.exec('DELETE FROM copy_patients');
  await source.send(smallObject(3));
  const other = { fetchId: 'f2', localPatient: { patientId: 'RJE-9999' } };
  await receiver.inbox.take(await fetchCommand(source.url, other));
  t.match(await receiver.reaches('failed', 'f2'), {
    reason: { code: 'FILED_UNDER_ANOTHER_PATIENT' },
  });
  await receiver.inbox.take(
    await fetchCommand(source.url, { fetchId: 'f3', localPatient: undefined }),
  );
  await receiver.reaches('available', 'f3');
  t.match(copyPatient(receiver), { patientId: 'RJE-4711' });
});

t.test('an object that a coercer gave another identity is not filed', async (t) => {
  const source = await sourceOf(t);
  const receiver = await startReceiver(t, {
    coercing: {
      async *coerce({ open }) {
        yield* open();
      },
      async *restore({ open }) {
        yield* open();
      },
    },
  });
  await receiver.inbox.take(await fetchCommand(source.url));
  t.match(await receiver.reaches('failed'), {
    reason: { code: 'NOTHING_FILED' },
    failures: [{ code: 'IDENTITY_NOT_APPLIED' }, { code: 'IDENTITY_NOT_APPLIED' }],
  });
  t.equal(receiver.storage.index.counts().instances, 0);
  t.equal(receiver.destinations.peer().received.length, 0);
});

t.test('a copy from a third trust is filed as one from the home itself', async (t) => {
  const home = await sourceOf(t, withNhs());
  const third = await startReceiver(t);
  await third.inbox.take(await fetchCommand(home.url));
  await third.reaches('available');
  const { url: thirdUrl } = await serveStudies(t, 'RJE', third.storage);
  const receiver = await startReceiver(t, { config: { trust: 'RXK' } });
  await receiver.inbox.take(
    await fetchCommand(thirdUrl, {
      source: { trust: 'RJE', url: thirdUrl },
      ticket: await ticket({ aud: 'RJE' }),
      localPatient: { patientId: 'RXK-1' },
    }),
  );
  t.match(await receiver.reaches('available'), { instances: { done: 2, expected: 2 } });
  t.match(copyPatient(receiver), { patientId: 'RXK-1', issuer: 'RXK', nhsNumber: NHS });
  for (const copy of receiver.storage.index.instancesOf({ studyInstanceUID: STUDY, home: 'RRK' })) {
    const file = readFileSync(receiver.storage.spool.absolute(copy.path));
    t.notOk(file.includes('RJE-4711'), 'names no patient of the third trust');
    t.equal(copy.homeDigest, home.index.findInstance(copy.sopInstanceUID, 'RRK')?.contentDigest);
  }
});

t.test('an own study that another trust has comes back byte by byte', async (t) => {
  const home = await sourceOf(t);
  const third = await startReceiver(t);
  await third.inbox.take(await fetchCommand(home.url));
  await third.reaches('available');
  const { url: thirdUrl } = await serveStudies(t, 'RJE', third.storage);
  const receiver = await startReceiver(t, { config: { trust: 'RRK' } });
  const command = {
    source: { trust: 'RJE', url: thirdUrl },
    ticket: await ticket({ aud: 'RJE' }),
    localPatient: undefined,
  };
  await receiver.inbox.take(await fetchCommand(thirdUrl, command));
  t.match(await receiver.reaches('available'), { instances: { done: 2, expected: 2 } });
  t.match(copyPatient(receiver), { patientId: 'MRN1', issuer: 'RRK' });
  for (const number of [1, 2])
    t.equal(
      receiver.storage.index.findInstance(`2.999.1.${number}`, 'RRK')?.contentDigest,
      sha256(dataSetOf(smallObject(number))),
    );
  const other = {
    ...command,
    ...{ fetchId: 'f2', localPatient: { patientId: 'MRN2' }, ticket: await ticket({ aud: 'RJE' }) },
  };
  await receiver.inbox.take(await fetchCommand(thirdUrl, other));
  t.match(await receiver.reaches('failed', 'f2'), {
    reason: { code: 'OWN_STUDY_OF_ANOTHER_PATIENT' },
  });
});
