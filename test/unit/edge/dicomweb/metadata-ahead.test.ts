/** Metadata of a series is there before anybody asks for it. PS3.18 §10.4.1.1.2. */
import t, { type Test } from 'tap';
import { MetadataAhead } from '../../../../edge/dicomweb/metadata-ahead.ts';
import { openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const QUIET_MS = 5_000;

async function world(t: Test) {
  const clock = { at: 1_000_000 };
  const ahead = new MetadataAhead({ quietMs: QUIET_MS, now: () => clock.at });
  const storage = await openStorageFixture({
    dataDirectory: temporaryDirectory(t),
    onStored: () => ahead.note,
  });
  t.teardown(() => storage.close());
  const decoder = new CodecThreads({ maxThreads: 1 });
  t.teardown(() => decoder.stop());
  const parts = { ...openDicomWeb({ ...storage, log: silentLog, decoder }), log: silentLog };
  return { clock, ahead, storage, parts };
}

async function send(storage: StorageFixture, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at += 1) await storage.send(smallObject(at));
}

/** How many instances the kept metadata of the only series were made of. */
function kept({ db }: StorageFixture): unknown {
  return db.prepare('SELECT count(*) FROM series_metadata').pluck().get();
}

t.test('they are made once nothing came for a while, and made anew after more came', async (t) => {
  const { clock, ahead, storage, parts } = await world(t);
  await send(storage, 10);
  await ahead.look(parts);
  t.equal(kept(storage), 0, 'while it comes nothing is read');
  clock.at += QUIET_MS;
  await ahead.look(parts);
  t.equal(kept(storage), 1);
  const key = () => storage.db.prepare('SELECT content_key FROM series_metadata').pluck().get();
  const before = key();
  await send(storage, 1, 10);
  await send(storage, 10, 11);
  clock.at += QUIET_MS;
  await ahead.look(parts);
  t.not(key(), before, 'of all that is there now');
});

t.test('a series of few objects, and one that was deleted meanwhile, cost nothing', async (t) => {
  const { clock, ahead, storage, parts } = await world(t);
  await send(storage, 3);
  clock.at += QUIET_MS;
  t.equal(ahead.look(parts), undefined);
  await send(storage, 10, 3);
  storage.db.exec('DELETE FROM instances; DELETE FROM series; DELETE FROM studies');
  clock.at += QUIET_MS;
  await ahead.look(parts);
  t.equal(kept(storage), 0);
});

t.test('it never takes more than a fifth of the time', async (t) => {
  const { clock, ahead, storage, parts } = await world(t);
  await send(storage, 10);
  clock.at += QUIET_MS;
  const slow = {
    of: async () => {
      clock.at += 1_000;
      return { gzipped: Buffer.alloc(0), unread: 0 };
    },
  };
  await ahead.look({ ...parts, metadata: slow });
  await send(storage, 10, 20);
  clock.at += 3_999;
  t.equal(ahead.look({ ...parts, metadata: slow }), undefined, 'it rests');
  clock.at += QUIET_MS;
  t.not(ahead.look({ ...parts, metadata: slow }), undefined);
});
