/** A disk that fills up: refused before it is full, started although it is full, resumed alone. */
import {
  closeSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { filesUnder } from '../support/files-under.ts';
import { mountSmallDisk, smallDiskMissing } from '../support/small-disk.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
} from '../support/storage-fixture.ts';

const MEGABYTE = 1_048_576;
const needsDisk = { skip: smallDiskMissing };
const pixels = Buffer.alloc(500_000, 1);

/** What came of objects; spares are empty. */
const begun = ({ spool: { layout } }: StorageFixture): string[] =>
  filesUnder(layout.incoming).filter((file) => statSync(join(layout.incoming, file)).size > 0);

/** Sends until one is refused. @returns how many were acknowledged */
async function fill(storage: StorageFixture, from: number): Promise<number> {
  for (let number = from; ; number++) {
    const { status } = await storage.send(smallObject(number, { pixels }));
    if (status === 0xa700) return number - from;
    if (status !== 0) throw new Error(`status ${status}`);
  }
}

/** Something else takes every byte that is left. */
function takeTheRest(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (const size of [MEGABYTE, 4_096, 1]) {
      for (;;) writeSync(fd, Buffer.alloc(size));
    }
  } catch {
    try {
      for (;;) writeSync(fd, Buffer.alloc(512));
    } catch {
      // Full to the last block.
    }
  } finally {
    closeSync(fd);
  }
}

t.test(
  'B12: refused with the reserve still free, started when nothing is, resumed alone',
  needsDisk,
  async (t) => {
    const dataDirectory = mountSmallDisk(t, 160);
    const reserveBytes = 30 * MEGABYTE;
    const storage = await openStorageFixture({ dataDirectory, reserveBytes });
    const stored = await fill(storage, 0);
    t.ok(stored > 100, `${stored} objects of 0.5 MB`);
    const { bavail, bsize } = statfsSync(dataDirectory);
    t.ok(bavail * bsize >= reserveBytes - 4 * MEGABYTE, 'the reserve is free');
    t.same(begun(storage), []);
    takeTheRest(join(dataDirectory, 'other'));
    for (let i = 0; i < 3; i++)
      t.equal((await storage.send(smallObject(9_000 + i, { pixels }))).status, 0xa700);
    storage.close();

    const restarted = await openStorageFixture({ dataDirectory, reserveBytes });
    t.teardown(() => restarted.close());
    t.match(restarted.index.counts(), { instances: stored });
    t.ok(restarted.spool.reserve.status().reached, 'and says why it takes nothing');
    t.equal((await restarted.send(smallObject(9_000, { pixels }))).status, 0xa700);
    t.equal(restarted.db.pragma('integrity_check', { simple: true }), 'ok');

    rmSync(join(dataDirectory, 'other'));
    for (const { studyInstanceUID, home } of restarted.index.studyKeys()) {
      for (const { path } of restarted.index.instancesOf({ studyInstanceUID, home }).slice(0, 20))
        restarted.spool.remove(path);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    t.equal((await restarted.send(smallObject(9_001, { pixels }))).status, 0);
  },
);

t.test(
  'a disk that somebody else fills in the middle is an answer, not a crash',
  needsDisk,
  async (t) => {
    const dataDirectory = mountSmallDisk(t, 100);
    const storage = await openStorageFixture({ dataDirectory, reserveBytes: 0 });
    t.teardown(() => storage.close());
    storage.outbox.start();
    const stored = await fill(storage, 0);
    writeFileSync(join(dataDirectory, 'ballast'), '');
    t.match(storage.index.counts(), { instances: stored });
    t.same(begun(storage), []);
    t.equal(filesUnder(join(storage.spool.layout.root, 'RRK')).length, stored);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    t.equal((await storage.send(smallObject(9_001, { pixels }))).status, 0);
    t.doesNotThrow(() => storage.outbox.tick());
  },
);
