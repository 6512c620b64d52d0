import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KnownPatients } from '../../../../edge/index/records/known-patients.ts';
import { releaseFromQuarantine } from '../../../../edge/scp/refile.ts';
import { StoreStatus } from '../../../../edge/scp/verdict.ts';
import { readDataSet } from '../../../../edge/spool/read-instance.ts';
import { filesUnder } from '../../../support/files-under.ts';
import {
  dataSetOf,
  openStorageFixture,
  type StorageFixture,
  smallObject,
  storeRequest,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

async function open(
  t: { teardown(done: () => void): void },
  options: { reserveBytes?: number } = {},
): Promise<StorageFixture> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t), ...options });
  t.teardown(() => storage.close());
  return storage;
}

/** Spares are empty. */
const incoming = ({ spool }: StorageFixture): string[] =>
  filesUnder(spool.layout.incoming).filter(
    (file) => statSync(join(spool.layout.incoming, file)).size > 0,
  );

t.test('an acknowledged object lies in the spool byte for byte and in the index', async (t) => {
  const storage = await open(t);
  const object = smallObject(1, { pixels: Buffer.alloc(3_000_001, 7) });
  t.same(await storage.send(object), { status: 0 });
  const stored = storage.index.findInstance('2.999.1.1', 'RRK');
  if (stored === undefined) throw new Error('not in the index');
  const chunks: Buffer[] = [];
  for await (const chunk of readDataSet(storage.spool.absolute(stored.path), stored))
    chunks.push(chunk as Buffer);
  t.ok(Buffer.concat(chunks).equals(dataSetOf(object)));
  t.same(incoming(storage), []);
  t.match(storage.index.counts(), { studies: 1, series: 1, instances: 1 });
});

t.test('the same bytes again are a success and are kept once', async (t) => {
  const storage = await open(t);
  for (let i = 0; i < 3; i++) t.same(await storage.send(smallObject(1)), { status: 0 });
  t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, 1);
  t.match(storage.index.counts(), { instances: 1, conflicts: 0 });
});

t.test(
  'B10: other content under the same UID is kept beside, and the first stays current',
  async (t) => {
    const storage = await open(t);
    await storage.send(smallObject(1));
    const first = storage.index.findInstance('2.999.1.1', 'RRK');
    const other = smallObject(1, { PatientName: 'Phantom^Two' });
    for (let i = 0; i < 2; i++) t.same(await storage.send(other), { status: 0 });
    await storage.send(smallObject(1));
    t.same(storage.index.findInstance('2.999.1.1', 'RRK'), first);
    t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, 2);
    const conflicts = storage.index.conflicts();
    t.equal(conflicts.length, 1);
    const path = storage.spool.absolute(conflicts[0]?.path ?? '');
    t.ok(readFileSync(path).includes('Phantom^Two'));
    t.equal(storage.index.studyState('2.999.7.1', 'RRK')?.conflicts, 1);
  },
);

t.test('B11: of 20 senders of one UID at once all succeed and one file is there', async (t) => {
  const storage = await open(t);
  const sends = Array.from({ length: 20 }, () => storage.send(smallObject(1)));
  for (const answer of await Promise.all(sends)) t.same(answer, { status: 0 });
  t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, 1);
  t.same(incoming(storage), []);
  t.match(storage.index.counts(), { instances: 1, conflicts: 0 });
});

const secondPatient = (n: number) =>
  smallObject(n, { PatientID: 'MRN2', PatientName: 'Phantom^Two' });

t.test(
  'IS-40: what names another patient than its study is kept, and seen by nobody',
  async (t) => {
    const storage = await open(t);
    await storage.send(smallObject(1));
    for (const n of [2, 3]) t.same(await storage.send(secondPatient(n)), { status: 0 });
    t.match(storage.quarantine.list(), [
      { code: 'PATIENT_MISMATCH', isKept: true },
      { code: 'PATIENT_MISMATCH', isKept: true },
    ]);
    t.equal(storage.quarantine.countOf('PATIENT_MISMATCH'), 2);
    t.match(storage.index.studyState('2.999.7.1', 'RRK'), {
      patient: { patientId: 'MRN1' },
      instances: 1,
    });
  },
);

t.test(
  'a person files what names another patient; more of it then follows, and it is shown',
  async (t) => {
    const storage = await open(t);
    await storage.send(smallObject(1));
    await storage.send(secondPatient(2));
    const id = storage.quarantine.list()[0]?.id ?? '';
    t.same(await releaseFromQuarantine(storage, id), { kind: 'stored' });
    await storage.send(secondPatient(3));
    t.same(storage.quarantine.list(), []);
    t.match(storage.index.conflicts(), [{ kind: 'PATIENT_MISMATCH', sopInstanceUID: '2.999.1.2' }]);
    t.match(storage.index.studyState('2.999.7.1', 'RRK'), {
      patient: { patientId: 'MRN1' },
      instances: 3,
    });
  },
);

t.test('the same person under another number is filed, and shown', async (t) => {
  const storage = await open(t);
  await storage.send(smallObject(1));
  await storage.send(smallObject(2, { PatientID: 'MRN-1', PatientName: 'ONE^Phantom' }));
  t.same(storage.quarantine.list(), []);
  t.match(storage.index.conflicts(), [{ kind: 'PATIENT_MISMATCH', sopInstanceUID: '2.999.1.2' }]);
  await storage.send(smallObject(3, { PatientID: 'MRN3', PatientBirthDate: '19500201' }));
  await storage.send(smallObject(4, { PatientID: 'MRN4', PatientName: '' }));
  t.equal(storage.quarantine.countOf('PATIENT_MISMATCH'), 2, 'a twin’s date, no name');
});

t.test('an object without a number, or under one that was merged, names nobody else', async (t) => {
  const storage = await open(t);
  await storage.send(smallObject(1));
  const { issuer } = storage.index.studyState('2.999.7.1', 'RRK')?.patient ?? { issuer: '' };
  new KnownPatients(storage.db).merge(
    { patientId: 'MRN1', issuer },
    { patientId: 'OLD1', issuer },
    { asOf: '2026-03-01T10:00:00Z', now: 0 },
  );
  await storage.send(smallObject(2, { PatientID: '' }));
  await storage.send(smallObject(3, { PatientID: 'OLD1' }));
  t.same(storage.quarantine.list(), []);
  t.match(storage.index.counts(), { instances: 3 });
});

t.test('an object whose identity is unusable is kept aside with the reason', async (t) => {
  const long = `2.${'9'.repeat(99)}`;
  const faults = [
    ['UID_EMPTY', { SOPInstanceUID: '' }],
    ['UID_EMPTY', { StudyInstanceUID: '' }],
    ['UID_EMPTY', { StudyInstanceUID: undefined }],
    ['UID_EMPTY', { SeriesInstanceUID: undefined }],
    ['UID_UNSAFE', { StudyInstanceUID: '../../../../etc/cron.d' }],
    ['UID_UNSAFE', { SOPInstanceUID: '..' }],
    ['UID_UNSAFE', { SeriesInstanceUID: '1.2\0.3/4' }],
    ['UID_TOO_LONG', { SeriesInstanceUID: long }],
    ['UID_TOO_LONG', { StudyInstanceUID: '1'.repeat(300) }],
    ['UID_MISMATCH', { SOPInstanceUID: '2.999.1.77' }],
  ] as const;
  for (const [code, over] of faults) {
    const storage = await open(t);
    const object = { ...smallObject(1), ...over } as ReturnType<typeof smallObject>;
    const answer = await storage.send(object, { sopInstanceUID: '2.999.1.1' });
    t.equal(answer.status, 0xa900, code);
    t.ok((answer.errorComment ?? '').length <= 64);
    const [entry] = storage.quarantine.list();
    t.match(entry, { code, callingAETitle: 'CT1', isKept: true });
    t.ok(readFileSync(storage.quarantine.fileOf(entry?.id ?? '')).includes(dataSetOf(object)));
    t.match(storage.index.counts(), { instances: 0 });
    t.same(await storage.send(smallObject(2)), { status: 0 }, 'the next good object is stored');
    const files = filesUnder(storage.dataDirectory).filter((file) => !/^edge\.sqlite/.test(file));
    const ours =
      /^(ballast|spool\/[A-Za-z]+\/[0-9a-f/-]+\.dcm|spool\/(incoming|prepared)\/[0-9a-f-]+\.part)$/;
    for (const file of files) t.match(file, ours);
  }
});

t.test(
  'a UID with letters, leading zeros or a suffix beyond 64 characters is stored',
  async (t) => {
    const storage = await open(t);
    const long = `1.2.826.0.1.3680043.2.1143.${'7'.repeat(37)}.11`;
    t.same(await storage.send(smallObject(1, { SOPInstanceUID: '3gb_native-0.1' })), { status: 0 });
    t.same(await storage.send(smallObject(2, { StudyInstanceUID: '1.077.05' })), { status: 0 });
    const cut = { sopInstanceUID: long.slice(0, 64) };
    t.same(await storage.send(smallObject(3, { SOPInstanceUID: long }), cut), { status: 0 });
    t.ok(storage.index.findInstance(long, 'RRK'));
  },
);

t.test('a data set that ends too early is kept aside and answered C000', async (t) => {
  const storage = await open(t);
  const bytes = dataSetOf(smallObject(1));
  t.equal((await storage.sendBytes(bytes.subarray(0, bytes.length - 3))).status, 0xc000);
  t.equal((await storage.sendBytes(Buffer.alloc(0))).status, 0xc000);
  t.same(
    storage.quarantine.list().map(({ code }) => code),
    ['UNREADABLE', 'UNREADABLE'],
  );
  t.same(incoming(storage), []);
});

t.test('the same broken object again is counted, not kept again', async (t) => {
  const storage = await open(t);
  const bytes = dataSetOf(smallObject(1)).subarray(0, 100);
  for (let i = 0; i < 5; i++) await storage.sendBytes(bytes);
  t.match(storage.quarantine.list(), [{ times: 5 }]);
  t.equal(filesUnder(storage.spool.layout.quarantine).length, 1);
});

t.test('an association that dies in the middle of an object leaves nothing', async (t) => {
  const storage = await open(t);
  for (const bytes of [10, 2_000_000]) {
    const sink = storage.store(storeRequest());
    await sink.write(Buffer.alloc(bytes));
    sink.abort();
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.same(incoming(storage), []);
  t.match(storage.index.counts(), { instances: 0 });
});

t.test('with the reserve reached an object is refused and nothing is left of it', async (t) => {
  const storage = await open(t, { reserveBytes: Number.MAX_SAFE_INTEGER });
  const answer = await storage.send(smallObject(1, { pixels: Buffer.alloc(2_000_000) }));
  t.equal(answer.status, StoreStatus.outOfResources);
  t.same(incoming(storage), []);
  t.match(storage.index.counts(), { instances: 0 });
  t.match(await storage.metrics.metrics(), /cdip_spool_reserve_reached 1/);
});

t.test('an index that can not commit leaves no file and answers A700', async (t) => {
  const storage = await open(t);
  await storage.send(smallObject(1));
  storage.db.pragma('query_only = ON');
  t.equal((await storage.send(smallObject(2))).status, StoreStatus.outOfResources);
  storage.db.pragma('query_only = OFF');
  t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, 1);
  t.same(incoming(storage), []);
  t.same(await storage.send(smallObject(2)), { status: 0 });
});

t.test('an object whose file somebody removed is stored again when it is sent again', async (t) => {
  const storage = await open(t);
  await storage.send(smallObject(1));
  const stored = storage.index.findInstance('2.999.1.1', 'RRK');
  storage.spool.remove(stored?.path ?? '');
  t.same(await storage.send(smallObject(1)), { status: 0 });
  t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, 1);
  t.match(storage.index.counts(), { instances: 1, missing: 0 });
});
