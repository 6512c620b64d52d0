/** A study's way from one edge to another, over a connection that fails. edge/transfer. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Spool } from '../../../../edge/spool/spool.ts';
import { fetchStudy, type InstanceFailure } from '../../../../edge/transfer/fetch-study.ts';
import { LaneChoice } from '../../../../edge/transfer/lanes.ts';
import type { Manifest } from '../../../../edge/transfer/protocol.ts';
import { SourceClient } from '../../../../edge/transfer/source-client.ts';
import { StagingFolder } from '../../../../edge/transfer/staging.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { encodePart10Head } from '../../../../shared/dicom/part10.ts';
import { realFiles } from '../../../support/corpus.ts';
import { startNetworkLink } from '../../../support/network-cut.ts';
import { dataSetDigest } from '../../../support/part10.ts';
import { smallObject, temporaryDirectory } from '../../../support/storage-fixture.ts';
import {
  fillWithFiles,
  presenting,
  prove,
  type Source,
  STUDY,
  startSource,
  ticket,
} from './transfer-fixture.ts';

class Receiver {
  readonly spool: Spool;
  readonly client: SourceClient;
  readonly staging: StagingFolder;
  readonly controller = new AbortController();
  lanes = new LaneChoice();
  staged = 0;
  wireBytes = 0;
  again: string[] = [];

  constructor(test: Test, stallMs = 5_000) {
    const dataDirectory = temporaryDirectory(test);
    this.spool = new Spool({ dataDirectory, reserveBytes: 0, clock: systemClock });
    this.client = new SourceClient({ stallMs, prove });
    this.staging = new StagingFolder(this.spool, '../../etc/passwd');
    test.teardown(() => this.client.close());
  }

  async manifest(url: string): Promise<Manifest> {
    const address = { trust: 'RRK', url, studyInstanceUID: STUDY, home: 'RRK' };
    return this.client.manifest(address, {
      ticket: await ticket(),
      signal: this.controller.signal,
    });
  }

  async fetch(url: string, manifest: Manifest): Promise<InstanceFailure[]> {
    const current = await ticket();
    return fetchStudy({
      client: this.client,
      source: { trust: 'RRK', url, studyInstanceUID: STUDY, home: 'RRK' },
      ticket: { current: () => current, renew: async () => false },
      wanted: manifest.instances,
      staging: this.staging,
      lanes: this.lanes,
      fileHead: encodePart10Head,
      now: Date.now,
      random: Math.random,
      signal: this.controller.signal,
      onStaged: () => {
        this.staged += 1;
      },
      onWire: (bytes) => {
        this.wireBytes += bytes;
      },
      onAgain: (code) => this.again.push(code),
    });
  }

  async stagedDigests(manifest: Manifest): Promise<(string | undefined)[]> {
    return Promise.all(
      manifest.instances.map(
        async (instance) => (await this.staging.find(instance))?.contentDigest,
      ),
    );
  }
}

const digests = (manifest: Manifest): string[] => manifest.instances.map(({ digest }) => digest);

async function sendStudy(source: Source, count: number, pixelBytes = 40_000): Promise<void> {
  for (let number = 1; number <= count; number += 1)
    await source.send(smallObject(number, { pixels: randomBytes(pixelBytes) }));
}

t.test('brings every object byte by byte, large and small, real files too', async (t) => {
  const source = await startSource(t);
  const files = realFiles();
  await fillWithFiles(source, files);
  const receiver = new Receiver(t);
  const manifest = await receiver.manifest(source.url);
  t.equal(manifest.instances.length, files.length);
  t.same(await receiver.fetch(source.url, manifest), []);
  t.same((await receiver.stagedDigests(manifest)).sort(), files.map(dataSetDigest).sort());
  t.equal(receiver.staged, files.length);
});

t.test('goes on where it was after cuts at random bytes', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 120);
  const link = await startNetworkLink({ targetPort: source.port });
  t.teardown(() => link.stop());
  const receiver = new Receiver(t);
  const url = `http://127.0.0.1:${link.port}`;
  const manifest = await receiver.manifest(url);
  let cuts = 0;
  let next = link.bytes + 100_000;
  const cutter = setInterval(() => {
    if (link.bytes < next || cuts >= 12) return;
    link.reset();
    cuts += 1;
    next = link.bytes + Math.random() * 600_000;
  }, 1);
  t.teardown(() => clearInterval(cutter));
  t.same(await receiver.fetch(url, manifest), []);
  t.same(await receiver.stagedDigests(manifest), digests(manifest));
  t.ok(cuts > 2, `${cuts} cuts`);
  t.equal(receiver.staged, 120, 'no object was brought twice');
});

t.test('ten cuts re-send no more than was in flight at each', async (t) => {
  const source = await startSource(t);
  const [count, bytes] = [200, 100_000];
  await sendStudy(source, count, bytes);
  const link = await startNetworkLink({ targetPort: source.port });
  t.teardown(() => link.stop());
  const receiver = new Receiver(t);
  const url = `http://127.0.0.1:${link.port}`;
  const manifest = await receiver.manifest(url);
  let cuts = 0;
  const cutter = setInterval(() => {
    if (cuts >= 10 || receiver.staged < (cuts + 1) * 15) return;
    link.reset();
    cuts += 1;
  }, 1);
  t.teardown(() => clearInterval(cutter));
  t.same(await receiver.fetch(url, manifest), []);
  t.equal(cuts, 10);
  t.equal(receiver.staged, count, 'no object was brought twice');
  const again = receiver.wireBytes - count * bytes;
  // What sockets and proxy hold of a connection when it is cut.
  t.ok(again < 10 * 3_000_000, `${again} bytes came again`);
});

t.test(
  'an instance that is damaged on the way is asked again, counted, and never stored wrong',
  async (t) => {
    const source = await startSource(t);
    await sendStudy(source, 12, 100_000);
    const receiver = new Receiver(t);
    const manifest = await receiver.manifest(source.url);
    for (const at of [150_000, 250_123, 620_001]) {
      const link = await startNetworkLink({ targetPort: source.port });
      t.teardown(() => link.stop());
      receiver.staging.remove();
      receiver.again = [];
      link.damageAfter(at);
      t.same(await receiver.fetch(`http://127.0.0.1:${link.port}`, manifest), []);
      t.same(receiver.again, ['WRONG_DIGEST']);
      t.same(await receiver.stagedDigests(manifest), digests(manifest));
    }
  },
);

t.test(
  'sends a reader that knows no coding what it knows, and codes nothing that is encapsulated',
  async (t) => {
    const source = await startSource(t);
    const files = realFiles();
    await fillWithFiles(source, files);
    const kinds = new Set<string>();
    for (const codings of [[], ['blocks-1']]) {
      const path = `/transfer/v1/studies/${STUDY}/instances?home=RRK`;
      const headers = await presenting(await ticket(), path, { method: 'POST' });
      const response = await fetch(source.url + path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(codings.length === 0 ? {} : { codings }),
      });
      const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
      for (const [frame] of text.matchAll(/\{"kind":"instance".*?\}/g)) {
        const { transferSyntaxUID, coding = 'none' } = JSON.parse(frame) as Record<string, string>;
        kinds.add(
          `${codings.length} ${coding} ${/^1\.2\.840\.10008\.1\.2(\.1)?$/.test(transferSyntaxUID ?? '')}`,
        );
      }
    }
    t.same([...kinds].sort(), ['0 none false', '0 none true', '1 blocks-1 true', '1 none false']);
  },
);

t.test('keeps what was staged over kill -9, and drops what was half-written', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 5);
  const receiver = new Receiver(t);
  const manifest = await receiver.manifest(source.url);
  await receiver.fetch(source.url, manifest);
  const [first, second] = manifest.instances;
  if (!first || !second) throw new Error('no instances');
  const half = join(receiver.staging.directory, 'x.part');
  writeFileSync(half, 'half');
  truncateSync(receiver.staging.fileOf(first), 400);
  rmSync(receiver.staging.fileOf(second));
  receiver.staged = 0;
  t.same(await receiver.fetch(source.url, manifest), []);
  t.equal(receiver.staged, 2, 'only the two that were lost came again');
  t.same(await receiver.stagedDigests(manifest), digests(manifest));
  t.notOk(readdirSync(receiver.staging.directory).includes('x.part'));
});

t.test('names what the source can not read, and brings the rest', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 6);
  await source.send(smallObject(7, { pixels: Buffer.alloc(9_000_000, 7) }));
  const receiver = new Receiver(t);
  const manifest = await receiver.manifest(source.url);
  const path = (uid: string): string =>
    source.spool.absolute(source.index.findInstance(uid, 'RRK')?.path ?? '');
  rmSync(path('2.999.1.2'));
  truncateSync(path('2.999.1.4'), 500);
  truncateSync(path('2.999.1.7'), 5_000_000);
  const failures = await receiver.fetch(source.url, manifest);
  t.same(failures.map(({ sopInstanceUID, code }) => [sopInstanceUID, code]).sort(), [
    ['2.999.1.2', 'SPOOL_MISSING'],
    ['2.999.1.4', 'SPOOL_CORRUPT'],
    ['2.999.1.7', 'SPOOL_CORRUPT'],
  ]);
  t.equal(receiver.staged, 4);
});

t.test('never keeps bytes that are not those announced', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 4);
  const receiver = new Receiver(t);
  const manifest = await receiver.manifest(source.url);
  const damaged = source.index.findInstance('2.999.1.3', 'RRK');
  if (!damaged) throw new Error('not stored');
  const file = source.spool.absolute(damaged.path);
  const { openSync, writeSync, closeSync } = await import('node:fs');
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([0xff]), 0, 1, damaged.dataSetOffset + 20_000);
  closeSync(fd);
  const failures = await receiver.fetch(source.url, manifest);
  t.same(
    failures.map(({ sopInstanceUID, code }) => [sopInstanceUID, code]),
    [['2.999.1.3', 'WRONG_DIGEST']],
  );
  t.equal(receiver.staged, 3);
  t.equal(readdirSync(receiver.staging.directory).length, 3, 'nothing of it is left');
});

t.test('gives up a source that stalls, to be asked again later', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 3);
  const link = await startNetworkLink({ targetPort: source.port });
  t.teardown(() => link.stop());
  const receiver = new Receiver(t, 300);
  const manifest = await receiver.manifest(`http://127.0.0.1:${link.port}`);
  link.stall();
  await t.rejects(receiver.fetch(`http://127.0.0.1:${link.port}`, manifest), {
    code: /TRANSFER_CUT|SOURCE_UNREACHABLE/,
    retry: 'safe',
  });
  link.mend();
  t.same(await receiver.fetch(`http://127.0.0.1:${link.port}`, manifest), []);
});

t.test('ends at once when it is cancelled, and leaves no half object', async (t) => {
  const source = await startSource(t);
  await sendStudy(source, 50, 400_000);
  const link = await startNetworkLink({ targetPort: source.port, delayMs: 5 });
  t.teardown(() => link.stop());
  const receiver = new Receiver(t);
  const manifest = await receiver.manifest(source.url);
  const fetching = receiver.fetch(`http://127.0.0.1:${link.port}`, manifest);
  setTimeout(() => receiver.controller.abort(), 100);
  await t.rejects(fetching, { code: 'TRANSFER_CANCELLED' });
  t.ok(receiver.staged < 50);
  const parts = readdirSync(receiver.staging.directory).filter((name) => name.endsWith('.part'));
  t.same(parts, []);
});

t.test('takes no stream of something else for frames', async (t) => {
  const receiver = new Receiver(t);
  mkdirSync(receiver.staging.directory, { recursive: true });
  const source = await startSource(t);
  await sendStudy(source, 1);
  const manifest = await receiver.manifest(source.url);
  const { createServer } = await import('node:http');
  const other = createServer((_request, response) => response.end('<html>captive portal</html>'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  await t.rejects(receiver.fetch(`http://127.0.0.1:${port}`, manifest), {
    code: /TRANSFER_MALFORMED|TRANSFER_CUT/,
  });
  t.equal(receiver.staged, 0);
});
