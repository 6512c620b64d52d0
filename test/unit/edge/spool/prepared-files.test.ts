/** Objects that come over blocks which were on the disk before: as long as they are, and whole or nothing after a cut. */
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PreparedFiles } from '../../../../edge/spool/prepared-files.ts';
import { digestDataSet } from '../../../../edge/spool/read-instance.ts';
import { Spool } from '../../../../edge/spool/spool.ts';
import type { SealedFile } from '../../../../edge/spool/write-instance.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { eventually } from '../../../support/eventually.ts';
import { filesUnder } from '../../../support/files-under.ts';
import {
  openStorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const HEAD = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(200, 1)]);
const FACTS = { home: 'RRK', receivedAt: 1, callingAETitle: 'CT1' };

const openSpool = (dataDirectory: string): Spool =>
  new Spool({ dataDirectory, reserveBytes: 0, clock: systemClock });

const preparedOf = ({ layout }: Spool): string[] =>
  filesUnder(layout.prepared).map((name) => join(layout.prepared, name));

async function write(spool: Spool, bytes: Buffer): Promise<SealedFile> {
  const writer = spool.newWriter(HEAD);
  for (let at = 0; at < bytes.length; at += 60_000)
    await writer.write(bytes.subarray(at, at + 60_000));
  return writer.seal(FACTS);
}

/** A spool that was quiet after an object of so many bytes. */
async function quietSpool(t: Test, bytes: number): Promise<Spool> {
  const spool = openSpool(temporaryDirectory(t));
  t.teardown(() => spool.stop());
  await write(spool, Buffer.alloc(bytes, 1));
  await eventually('files are prepared', async () => preparedOf(spool).length > 3);
  return spool;
}

t.test('the next object finds blocks, and its file has exactly its bytes', async (t) => {
  const spool = await quietSpool(t, 400_000);
  for (const bytes of [400_000, 399_000, 1, 120_000, 400_001, 700_000]) {
    const content = Buffer.alloc(bytes, bytes % 251);
    const sealed = await write(spool, content);
    t.ok(sealed.temporaryPath.startsWith(spool.layout.prepared), `${bytes} over blocks`);
    const file = readFileSync(sealed.temporaryPath);
    t.equal(file.length, HEAD.length + bytes);
    t.ok(file.subarray(HEAD.length).equals(content));
    t.equal(await digestDataSet(sealed.temporaryPath, sealed), sealed.contentDigest);
  }
});

t.test('an object that is given up leaves nothing', async (t) => {
  const spool = await quietSpool(t, 300_000);
  const before = preparedOf(spool).length;
  const writer = spool.newWriter(HEAD);
  await writer.write(Buffer.alloc(300_000, 7));
  await writer.discard();
  t.equal(preparedOf(spool).filter((file) => readFileSync(file).includes(7)).length, 0);
  t.ok(preparedOf(spool).length >= before - 1);
});

t.test('they stop where their space is missed, and give it back', async (t) => {
  const folder = temporaryDirectory(t);
  let room = 3;
  const files = new PreparedFiles({ folder, hasRoom: () => room-- > 0 });
  t.teardown(() => files.stop());
  files.came(100_000);
  await eventually('as many as there is room for', async () => room < 0);
  t.equal(filesUnder(folder).length, 3);
  t.ok(filesUnder(folder).every((name) => statSync(join(folder, name)).blocks * 512 >= 100_000));
  files.release();
  t.same(filesUnder(folder), []);
  t.equal(files.take(), undefined);
});

t.test('a folder, or a disk, that is gone ends the making, not the edge', async (t) => {
  const folder = temporaryDirectory(t);
  let asked = 0;
  const hasRoom = (): boolean => {
    asked += 1;
    if (asked > 3) throw new Error('EIO');
    return true;
  };
  const files = new PreparedFiles({ folder, hasRoom });
  t.teardown(() => files.stop());
  files.came(50_000);
  await eventually('asked until it fails', async () => asked > 3);
  t.equal(filesUnder(folder).length, 3);
  rmSync(folder, { recursive: true });
  t.equal(files.take(), undefined, 'what was there is not missed');
});

t.test('none are made while objects come', async (t) => {
  const folder = temporaryDirectory(t);
  const files = new PreparedFiles({ folder, hasRoom: () => true });
  t.teardown(() => files.stop());
  for (let at = 0; at < 40; at++) {
    files.came(50_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.same(filesUnder(folder), []);
});

t.test('an edge that stops takes them with it', async (t) => {
  const spool = await quietSpool(t, 200_000);
  spool.stop();
  await eventually('none is left', async () => preparedOf(spool).length === 0);
});

t.test('after a power cut', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  t.equal((await storage.send(smallObject(1))).status, 0);
  const stored = storage.index.findInstance('2.999.1.1', 'RRK');
  const file = storage.spool.absolute(stored?.path ?? '');
  const { prepared } = storage.spool.layout;
  storage.close();
  const whole = readFileSync(file);
  const blocks = (name: string, bytes: Buffer): void => {
    writeFileSync(join(prepared, name), Buffer.concat([bytes, Buffer.alloc(8_192)]));
  };

  t.test('what was acknowledged is there again, without what stood behind it', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'spool', 'prepared'), { recursive: true });
    copyFileSync(file, join(directory, 'spool', 'prepared', 'a.part'));
    truncateSync(join(directory, 'spool', 'prepared', 'a.part'), whole.length + 5_000);
    const after = await openStorageFixture({ dataDirectory: directory });
    t.teardown(() => after.close());
    t.match(after.recovered, { refiled: 1, dropped: 0, quarantined: 0 });
    const found = after.index.findInstance('2.999.1.1', 'RRK');
    t.ok(readFileSync(after.spool.absolute(found?.path ?? '')).equals(whole));
    t.same(filesUnder(after.spool.layout.prepared), []);
  });

  t.test(
    'a half, its preamble there or not, is dropped: nobody was told that it is here',
    async (t) => {
      const half = Buffer.from(whole);
      half.fill(0, half.length - 100);
      blocks('half.part', half);
      const headless = Buffer.from(whole);
      headless.fill(0, 0, 128);
      blocks('headless.part', headless);
      blocks('unused.part', Buffer.alloc(4_096));
      const after = await openStorageFixture({ dataDirectory });
      t.teardown(() => after.close());
      t.match(after.recovered, { refiled: 0, dropped: 2, quarantined: 0, known: 1 });
      t.same(filesUnder(after.spool.layout.prepared), []);
    },
  );

  t.test('a preamble that was written in part proves nothing', async (t) => {
    const torn = Buffer.from(whole);
    torn.fill(0, 60, 128);
    blocks('torn.part', torn);
    const after = await openStorageFixture({ dataDirectory });
    t.teardown(() => after.close());
    t.match(after.recovered, { refiled: 0, dropped: 1, quarantined: 0 });
  });
});
