/**
 * Rule 1 against a power cut: SQLite commits with `synchronous = NORMAL`, so the newest commits may be
 * gone; renames may be gone; what was fsynced is there. Made by putting older states of the database
 * beside newer files, and files back under their temporary names.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { EdgeIndex } from '../../edge/index/edge-index.ts';
import { removeStudy } from '../../edge/index/remove-study.ts';
import { digestDataSet } from '../../edge/spool/read-instance.ts';
import { filesUnder } from '../support/files-under.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../support/storage-fixture.ts';

const DATABASE = ['edge.sqlite', 'edge.sqlite-wal'];

/** Takes the database as it is on the disk at this moment, log and all. */
function copyDatabase(from: string, to: string): void {
  for (const name of DATABASE) {
    rmSync(join(to, name), { force: true });
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
  rmSync(join(to, 'edge.sqlite-shm'), { force: true });
}

async function storeSome(storage: StorageFixture, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    const study = `2.999.7.${number % 3}`;
    const over = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
    const { status } = await storage.send(smallObject(number, over));
    if (status !== 0) throw new Error(`object ${number}: ${status}`);
  }
}

/** Starts on a directory and says what is wrong with it. */
async function startOn(
  t: { teardown(done: () => void): void },
  dataDirectory: string,
  acknowledged: number,
): Promise<{ storage: StorageFixture; faults: string[] }> {
  const storage = await openStorageFixture({ dataDirectory });
  t.teardown(() => storage.close());
  const faults: string[] = [];
  for (let number = 0; number < acknowledged; number++) {
    const stored = storage.index.findInstance(`2.999.1.${number}`, 'RRK');
    if (stored === undefined) faults.push(`${number} is lost`);
    else if (
      (await digestDataSet(storage.spool.absolute(stored.path), stored)) !== stored.contentDigest
    )
      faults.push(`${number} was changed`);
  }
  const files = filesUnder(join(storage.spool.layout.root, 'RRK')).length;
  if (files !== storage.index.counts().instances) faults.push('files and rows differ');
  const { incoming, prepared } = storage.spool.layout;
  if ([incoming, prepared].flatMap(filesUnder).length > 0) faults.push('temporary files are left');
  return { storage, faults };
}

t.test('an older database beside newer files loses nothing', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  storage.outbox.start();
  await storeSome(storage, 0, 30);
  copyDatabase(dataDirectory, before);
  await storeSome(storage, 30, 60);
  const wanted = storage.index.studyState('2.999.7.1', 'RRK');
  storage.close();
  copyDatabase(before, dataDirectory);
  const { storage: after, faults } = await startOn(t, dataDirectory, 60);
  t.same(faults, []);
  t.match(after.recovered, { refiled: 30, missing: 0, quarantined: 0 });
  t.equal(after.index.studyState('2.999.7.1', 'RRK')?.setHash, wanted?.setHash);
  after.outbox.start();
  after.outbox.tick();
  t.ok(after.outbox.status().epoch > 1, 'the hub hears it under a new epoch');
});

t.test(
  'a database without its log, or without anything, is made again from the files',
  async (t) => {
    for (const lost of [['edge.sqlite-wal'], DATABASE]) {
      const source = temporaryDirectory(t);
      const dataDirectory = temporaryDirectory(t);
      const storage = await openStorageFixture({ dataDirectory: source });
      await storeSome(storage, 0, 40);
      cpSync(source, dataDirectory, { recursive: true });
      storage.close();
      for (const name of [...lost, 'edge.sqlite-shm'])
        rmSync(join(dataDirectory, name), { force: true });
      const { faults } = await startOn(t, dataDirectory, 40);
      t.same(faults, []);
    }
  },
);

t.test('renames that the cut took back are done again', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  copyDatabase(dataDirectory, before);
  await storeSome(storage, 0, 30);
  const { root, incoming } = storage.spool.layout;
  storage.close();
  copyDatabase(before, dataDirectory);
  filesUnder(join(root, 'RRK')).forEach((file, at) => {
    if (at % 2 === 0) renameSync(join(root, 'RRK', file), join(incoming, `${at}.part`));
  });
  const { storage: after, faults } = await startOn(t, dataDirectory, 30);
  t.same(faults, []);
  t.match(after.recovered, { refiled: 30, dropped: 0 });
});

t.test('halves are dropped, and a file that the disk changed is kept aside', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  await storeSome(storage, 0, 6);
  const { root, incoming } = storage.spool.layout;
  const files = filesUnder(join(root, 'RRK')).map((file) => join(root, 'RRK', file));
  storage.close();
  const [whole = '', cut = '', changed = ''] = files;
  copyFileSync(whole, join(incoming, 'whole.part'));
  copyFileSync(cut, join(incoming, 'cut.part'));
  truncateSync(join(incoming, 'cut.part'), 500);
  copyFileSync(changed, join(incoming, 'changed.part'));
  writeFileSync(join(incoming, 'changed.part'), 'x', { flag: 'r+' });
  writeFileSync(join(incoming, 'empty.part'), '');
  writeFileSync(join(incoming, 'never-sealed.part'), Buffer.alloc(4_000));
  const rotten = await openRotten(incoming, whole);
  const { storage: after, faults } = await startOn(t, dataDirectory, 6);
  t.same(faults, []);
  t.match(after.recovered, { refiled: 1, dropped: 3, quarantined: 1 }, 'an empty one is a spare');
  t.match(after.quarantine.list(), [{ code: 'CORRUPT', callingAETitle: 'CT1' }]);
  t.notOk(existsSync(rotten));
});

/** A sealed file with one byte of its data set flipped. */
async function openRotten(incoming: string, whole: string): Promise<string> {
  const { readFileSync } = await import('node:fs');
  const bytes = readFileSync(whole);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  const file = join(incoming, `rotten-${basename(whole)}.part`);
  writeFileSync(file, bytes);
  return file;
}

t.test('a row whose file is gone is shown as missing, and no longer counts', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  await storeSome(storage, 0, 6);
  const lost = storage.index.findInstance('2.999.1.4', 'RRK');
  rmSync(storage.spool.absolute(lost?.path ?? ''));
  storage.close();
  const after = await openStorageFixture({ dataDirectory });
  t.teardown(() => after.close());
  t.match(after.recovered, { missing: 1, known: 5 });
  t.match(after.index.missing(), [{ sopInstanceUID: '2.999.1.4' }]);
  t.match(after.index.counts(), { instances: 5, missing: 1 });
  t.same(
    await after.send(
      smallObject(4, { StudyInstanceUID: '2.999.7.1', SeriesInstanceUID: '2.999.7.1.1' }),
    ),
    {
      status: 0,
    },
  );
  t.match(after.index.counts(), { instances: 6, missing: 0 });
});

t.test('a differing version and a copy come back as what they were', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  await storage.send(smallObject(1));
  copyDatabase(dataDirectory, before);
  await storage.send(smallObject(1, { PatientName: 'Phantom^Two' }));
  const current = storage.index.findInstance('2.999.1.1', 'RRK');
  storage.close();
  copyDatabase(before, dataDirectory);
  const { storage: after } = await startOn(t, dataDirectory, 0);
  t.same(after.index.findInstance('2.999.1.1', 'RRK'), current);
  t.match(after.index.conflicts(), [{ kind: 'INSTANCE_CONTENT' }]);
});

t.test('recovery that can not write the index takes no file away', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const before = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  copyDatabase(dataDirectory, before);
  await storeSome(storage, 0, 10);
  const { root, incoming } = storage.spool.layout;
  storage.close();
  copyDatabase(before, dataDirectory);
  const [first = ''] = filesUnder(join(root, 'RRK'));
  renameSync(join(root, 'RRK', first), join(incoming, 'first.part'));
  const { recordInstance } = EdgeIndex.prototype;
  EdgeIndex.prototype.recordInstance = () => {
    throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_IOERR' });
  };
  await t.rejects(openStorageFixture({ dataDirectory }));
  EdgeIndex.prototype.recordInstance = recordInstance;
  const { faults } = await startOn(t, dataDirectory, 10);
  t.same(faults, []);
});

t.test('a study deleted just before a crash does not come back', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  await storage.send(smallObject(1));
  await storage.send(
    smallObject(2, { StudyInstanceUID: '2.999.8', SeriesInstanceUID: '2.999.8.1' }),
  );
  storage.index.deleteStudy({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  storage.close();
  const { storage: after } = await startOn(t, dataDirectory, 0);
  t.same(after.recovered, { refiled: 0, dropped: 0, quarantined: 0, missing: 0, known: 1 });
  t.match(after.index.counts(), { studies: 1, instances: 1 });
  t.same(after.index.pendingDeletions(), []);
  t.equal(removeStudy(after, { studyInstanceUID: '2.999.8', home: 'RRK' }), 1);
  t.same(filesUnder(join(after.spool.layout.root, 'RRK')), []);
});
