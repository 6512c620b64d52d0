import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { objectPath, studyFolder } from '../../../../edge/spool/layout.ts';
import { decodePreamble, encodePreamble, type Seal } from '../../../../edge/spool/preamble.ts';
import { digestDataSet, readSeal } from '../../../../edge/spool/read-instance.ts';
import { DiskReserve } from '../../../../edge/spool/reserve.ts';
import { Spool } from '../../../../edge/spool/spool.ts';
import { SpoolError } from '../../../../edge/spool/spool-error.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { eventually } from '../../../support/eventually.ts';
import { filesUnder } from '../../../support/files-under.ts';
import { missingPeer } from '../../../support/missing-peer.ts';
import { readPart10, writePart10 } from '../../../support/part10.ts';
import { mountSmallDisk, smallDiskMissing } from '../../../support/small-disk.ts';
import { dataSetOf, smallObject, temporaryDirectory } from '../../../support/storage-fixture.ts';

const SEAL: Seal = {
  dataSetOffset: 432,
  dataSetBytes: 5_000_000_000,
  contentDigest: 'ab'.repeat(32),
  homeDigest: 'cd'.repeat(32),
  home: 'RRK',
  receivedAt: 1_700_000_000_123,
  callingAETitle: 'SIXTEEN_LETTERS_',
};
const HEAD = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(200, 1)]);
const FACTS = { home: 'RRK', receivedAt: 1, callingAETitle: 'CT1' };

/** What came of objects; spares are empty. */
const begun = ({ layout }: Spool): string[] =>
  filesUnder(layout.incoming).filter((file) => statSync(join(layout.incoming, file)).size > 0);

const openSpool = (dataDirectory: string, reserveBytes = 0): Spool =>
  new Spool({ dataDirectory, reserveBytes, clock: systemClock });

t.test('a preamble says again what it was told, and fits its 128 bytes', async (t) => {
  const bytes = encodePreamble(SEAL);
  t.equal(bytes.length, 128);
  t.same(decodePreamble(bytes), SEAL);
});

t.test('a preamble with any byte changed, or not yet written, proves nothing', async (t) => {
  for (let at = 0; at < 120; at++) {
    const bytes = encodePreamble(SEAL);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    if (decodePreamble(bytes) !== null) t.fail(`byte ${at}`);
  }
  t.equal(decodePreamble(Buffer.alloc(128)), null);
  t.equal(decodePreamble(encodePreamble(SEAL).subarray(0, 127)), null);
});

t.test('no character of a peer stands in a path', async (t) => {
  const hostile = ['../../../etc', '', '/', '\0', 'a'.repeat(300), 'CON', '..'];
  for (const uid of hostile) {
    const object = { home: 'RRK', studyInstanceUID: uid, sopInstanceUID: uid, contentDigest: uid };
    t.match(objectPath(object), /^RRK\/[0-9a-f]{2}\/[0-9a-f]{40}\/[0-9a-f]{40}\.dcm$/);
  }
  t.throws(() => studyFolder('../x', '1.2'));
});

t.test('a sealed file holds exactly what was written, however it was cut', async (t) => {
  const spool = openSpool(temporaryDirectory(t));
  const bytes = Buffer.alloc(1_700_001);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31) % 251;
  for (const chunk of [100, 16_378, 131_060, 600_000, 2_000_000]) {
    const writer = spool.newWriter(HEAD);
    for (let at = 0; at < bytes.length; at += chunk)
      await writer.write(bytes.subarray(at, at + chunk));
    const sealed = await writer.seal(FACTS);
    const file = readFileSync(sealed.temporaryPath);
    t.ok(file.subarray(128, HEAD.length).equals(HEAD.subarray(128)), `head, chunks of ${chunk}`);
    t.ok(file.subarray(HEAD.length).equals(bytes), `data set, chunks of ${chunk}`);
    const { temporaryPath, ...seal } = sealed;
    t.same(await readSeal(temporaryPath), seal);
    t.equal(await digestDataSet(temporaryPath, seal), seal.contentDigest);
  }
});

t.test('a slow disk holds the sender back, and memory stays at two batches', async (t) => {
  const spool = openSpool(temporaryDirectory(t));
  const writer = spool.newWriter(HEAD);
  let held = 0;
  for (let sent = 0; sent < 400; sent++) {
    const wait = writer.write(Buffer.alloc(65_536));
    if (wait !== undefined) {
      held++;
      await wait;
    }
  }
  t.ok(held > 0, 'back-pressure was felt');
  await writer.discard();
  t.same(begun(spool), []);
});

t.test('a file that lost its end has no seal', async (t) => {
  const spool = openSpool(temporaryDirectory(t));
  const writer = spool.newWriter(HEAD);
  await writer.write(Buffer.alloc(10_000, 3));
  const { temporaryPath } = await writer.seal(FACTS);
  truncateSync(temporaryPath, 9_999);
  t.equal(await readSeal(temporaryPath), null);
  await t.rejects(readSeal(`${temporaryPath}.gone`), { code: 'SPOOL_MISSING' });
});

t.test('the reserve is kept to the byte between two looks at the disk', async (t) => {
  const clock = { now: () => 0, monotonicMs: () => 0 };
  let looks = 0;
  const reserve = new DiskReserve({
    reserveBytes: 1_000,
    clock,
    freeBytes: () => {
      looks++;
      return 3_000;
    },
  });
  t.ok(reserve.claim(1_500));
  t.ok(reserve.claim(500));
  t.notOk(reserve.claim(1));
  t.equal(looks, 1);
  t.ok(reserve.status().reached);
});

t.test('ingest resumes by itself once there is space again', async (t) => {
  let now = 0;
  let free = 10;
  const changes: boolean[] = [];
  const reserve = new DiskReserve({
    reserveBytes: 100,
    clock: { now: () => now, monotonicMs: () => now },
    freeBytes: () => free,
    onChange: ({ reached }) => changes.push(reached),
  });
  t.notOk(reserve.claim(1));
  free = 1_000;
  now += 200;
  t.ok(reserve.claim(1));
  t.same(changes, [true, false]);
});

const needsDisk = { skip: smallDiskMissing };
t.test('a disk that fills up in an object gives an error and no file', needsDisk, async (t) => {
  const spool = openSpool(mountSmallDisk(t, 4));
  const writer = spool.newWriter(HEAD);
  for (let sent = 0; sent < 100; sent++) await writer.write(Buffer.alloc(131_072));
  const failure = await writer.seal(FACTS).catch((error: unknown) => error);
  t.ok(failure instanceof SpoolError);
  t.match(failure, { retry: 'safe' });
  t.same(begun(spool), []);
  const next = spool.newWriter(HEAD);
  await next.write(Buffer.alloc(100_000));
  await next.seal(FACTS);
  t.equal(begun(spool).length, 1);
});

t.test('removing the last object of a study removes its folder, and nothing else', async (t) => {
  const spool = openSpool(temporaryDirectory(t));
  const folder = studyFolder('RRK', '1.2');
  mkdirSync(spool.absolute(folder), { recursive: true });
  for (const name of ['a.dcm', 'b.dcm']) writeFileSync(spool.absolute(join(folder, name)), 'x');
  spool.remove(join(folder, 'a.dcm'));
  t.ok(existsSync(spool.absolute(join(folder, 'b.dcm'))));
  spool.remove(join(folder, 'b.dcm'));
  t.notOk(existsSync(spool.absolute(folder)));
  spool.remove(join(folder, 'b.dcm'));
});

const needsDcmdump = { skip: missingPeer('dcmdump') };
t.test('a file of the spool is one that dcmdump reads', needsDcmdump, async (t) => {
  const dataSet = dataSetOf(smallObject(1));
  const identity = {
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUID: '2.999.1.1',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
  };
  const whole = writePart10({ ...identity, dataSet });
  const spool = openSpool(temporaryDirectory(t));
  const writer = spool.newWriter(whole.subarray(0, whole.length - dataSet.length));
  await writer.write(dataSet);
  const { temporaryPath } = await writer.seal(FACTS);
  t.match(execFileSync('dcmdump', [temporaryPath], { encoding: 'utf8' }), /2\.999\.1\.1/);
  t.ok(readPart10(temporaryPath).dataSet.equals(dataSet));
});

t.test('a spool that is stopped leaves no file that waits for an object', async (t) => {
  const spool = openSpool(temporaryDirectory(t));
  const writer = spool.newWriter(HEAD);
  const sealed = await writer.seal(FACTS);
  spool.stop();
  spool.dropTemporary(sealed.temporaryPath);
  await eventually('none is left', () => filesUnder(spool.layout.incoming).length === 0);
  const late = spool.newWriter(HEAD);
  await late.write(Buffer.alloc(10));
  t.equal((await late.seal(FACTS)).dataSetBytes, 10, 'what still comes is stored');
});
