/** Metadata of a series and where frames lie are there before anybody asks for them. PS3.18 §10.4.1.1.2, PS3.5 §A.4. */
import { chmodSync, rmSync, truncateSync } from 'node:fs';
import t, { type Test } from 'tap';
import { DicomWebError } from '../../../../edge/dicomweb/dicomweb-error.ts';
import { KeptLayouts } from '../../../../edge/dicomweb/kept-layouts.ts';
import { MadeAhead } from '../../../../edge/dicomweb/made-ahead.ts';
import { type DicomWeb, openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import type { StoredInstance } from '../../../../edge/index/types.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { silentLog } from '../../../../shared/log.ts';
import { pydicomFiles, realFiles } from '../../../support/corpus.ts';
import { missingPeer } from '../../../support/missing-peer.ts';
import { readPart10 } from '../../../support/part10.ts';
import { PYTHON } from '../../../support/pydicom.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const QUIET_MS = 5_000;

async function world(t: Test) {
  const clock = { at: 1_000_000 };
  const ahead = new MadeAhead({ quietMs: QUIET_MS, now: () => clock.at });
  const storage = await openStorageFixture({
    dataDirectory: temporaryDirectory(t),
    onStored: () => ahead.note,
  });
  t.teardown(() => storage.close());
  const decoder = new CodecThreads({ maxThreads: 1 });
  t.teardown(() => decoder.stop());
  const open = () => ({ ...openDicomWeb({ ...storage, log: silentLog, decoder }), log: silentLog });
  return { clock, ahead, storage, parts: open(), open };
}

type World = Awaited<ReturnType<typeof world>>;

async function send(storage: StorageFixture, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at += 1) await storage.send(smallObject(at));
}

/** Looks until nothing is left to be made. */
async function lookAll({ clock, ahead, parts }: World): Promise<void> {
  clock.at += QUIET_MS;
  for (let making = ahead.look(parts); making !== undefined; making = ahead.look(parts))
    await making;
}

const count = ({ db }: StorageFixture, table: string): unknown =>
  db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();

/** How many instances the kept metadata of the only series were made of. */
const kept = (storage: StorageFixture): unknown => count(storage, 'series_metadata');

t.test('they are made once nothing came for a while, and made anew after more came', async (t) => {
  const { clock, ahead, storage, parts } = await world(t);
  await send(storage, 10);
  await ahead.look({ ...parts, layouts: { end: 0, lackingBelow: () => 0 } });
  t.equal(kept(storage), 0, 'while it comes nothing is read');
  clock.at += QUIET_MS;
  await ahead.look(parts);
  t.equal(kept(storage), 1);
  t.equal(count(storage, 'frame_layouts'), 10);
  const key = () => storage.db.prepare('SELECT content_key FROM series_metadata').pluck().get();
  const before = key();
  await send(storage, 2, 10);
  clock.at += QUIET_MS;
  await ahead.look(parts);
  t.not(key(), before, 'of all that is there now, though little came');
  t.equal(count(storage, 'frame_layouts'), 12);
});

t.test(
  'of a series of few objects only the frames are kept; one that was deleted meanwhile costs nothing',
  async (t) => {
    const here = await world(t);
    const { storage } = here;
    await send(storage, 3);
    await lookAll(here);
    t.equal(kept(storage), 0);
    t.equal(count(storage, 'frame_layouts'), 3);
    await send(storage, 10, 3);
    storage.db.exec('DELETE FROM instances; DELETE FROM series; DELETE FROM studies');
    t.equal(count(storage, 'frame_layouts'), 0, 'they go with their objects');
    await lookAll(here);
    t.equal(kept(storage), 0);
  },
);

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

const layoutBy = ({ frames }: DicomWeb, instance: StoredInstance) =>
  frames.keep(instance).catch((error: Error) => error.message);

t.test(
  'after a restart frames of real objects are found without a look at their files',
  async (t) => {
    const here = await world(t);
    const { storage, open } = here;
    const objects = [...new Set([...realFiles(), ...pydicomFiles()])].map((path) =>
      readPart10(path),
    );
    for (const { dataSet, ...sent } of objects) await storage.sendBytes(dataSet, sent);
    await lookAll(here);
    const stored = storage.db
      .prepare<[], string>('SELECT sop_uid FROM instances')
      .pluck()
      .all()
      .flatMap((uid) => storage.index.findInstance(uid, 'RRK') ?? []);
    // The same by walking through each, with nothing kept.
    storage.db.exec('CREATE TABLE aside AS SELECT * FROM frame_layouts; DELETE FROM frame_layouts');
    const walking = open();
    const walked = await Promise.all(stored.map((one) => layoutBy(walking, one)));
    storage.db.exec('DELETE FROM frame_layouts; INSERT INTO frame_layouts SELECT * FROM aside');
    rmSync(storage.spool.absolute('.'), { recursive: true });
    const restarted = open();
    let encapsulated = 0;
    for (const [at, instance] of stored.entries()) {
      const layout = await layoutBy(restarted, instance);
      t.strictSame(layout, walked[at], instance.sopInstanceUID);
      if (typeof layout !== 'string' && layout.table.kind === 'encapsulated')
        encapsulated += layout.table.frames.length > 1 ? 1 : 0;
    }
    t.ok(encapsulated > 2, `${encapsulated} compressed objects of several frames`);
  },
);

t.test(
  'an object that can not be walked stops no other, and is told what it is when it is asked for',
  { skip: missingPeer(PYTHON.split('/').at(-1) ?? '') },
  async (t) => {
    const here = await world(t);
    const { storage, open } = here;
    const path = pydicomFiles().find((name) => name.endsWith('/rtdose_rle.dcm')) ?? '';
    const { dataSet, ...sent } = readPart10(path);
    await storage.sendBytes(dataSet, sent);
    await send(storage, 3);
    const instance = storage.index.findInstance(sent.sopInstanceUID, 'RRK');
    if (instance === undefined) throw new Error('it is in the index');
    const file = storage.spool.absolute(instance.path);
    chmodSync(file, 0o600);
    truncateSync(file, dataSet.length / 2);
    await lookAll(here);
    t.equal(count(storage, 'frame_layouts'), 4);
    rmSync(file);
    await t.rejects(
      open().frames.of(instance),
      new DicomWebError('PIXELS_UNREADABLE', 'The last fragment is cut short.'),
    );
  },
);

t.test(
  'what a restart forgot, and what was kept in another form, is made when nothing else is to do',
  async (t) => {
    const here = await world(t);
    const { storage, clock } = here;
    await send(storage, 5);
    await lookAll(here);
    storage.db.exec(`DELETE FROM frame_layouts WHERE instance_key < 3;
    UPDATE frame_layouts SET form = 0, layout = 'of another version' WHERE instance_key = 4`);
    const restarted = new MadeAhead({ quietMs: QUIET_MS, now: () => clock.at });
    await lookAll({ ...here, ahead: restarted });
    t.equal(count(storage, 'frame_layouts'), 5);
    t.equal(new KeptLayouts(storage.db).lackingBelow(1_000), 0);
    t.equal(restarted.look(here.parts), undefined, 'and then it is at rest');
  },
);
