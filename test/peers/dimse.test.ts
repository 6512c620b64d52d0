/** Our side of DICOM against DCMTK and Orthanc. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { dimseDestinations } from '../../edge/deliver/dimse-destination.ts';
import { openAssociation } from '../../edge/dimse/scu.ts';
import { realFiles } from '../support/corpus.ts';
import { echoscu, storescu } from '../support/dcmtk.ts';
import { startDicomPort } from '../support/dicom-port.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { dataSetDigest, type Part10, readPart10, writePart10 } from '../support/part10.ts';
import { peerOf } from '../support/peer.ts';
import { sendFiles } from '../support/send-files.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';
import { startStorescp } from '../support/storescp.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';

function ct(number: number, pixelBytes = 4_000): Part10 {
  const pixels = Buffer.alloc(pixelBytes, number);
  const dataSet = dataSetOf(smallObject(number, { pixels }));
  return {
    sopClassUID: CT,
    sopInstanceUID: `2.999.1.${number}`,
    transferSyntaxUID: EXPLICIT,
    dataSet,
  };
}

t.test('echoscu and storescu', { skip: missingPeer('echoscu', 'storescu') }, async (t) => {
  const port = await startDicomPort();
  t.teardown(() => port.stop());
  t.equal((await echoscu({ port: port.port, calledAETitle: 'CDIP_RRK' })).code, 0);
  const folder = t.testdir();
  const files = [1, 2, 3].map((number) => {
    const file = join(folder, `${number}.dcm`);
    writeFileSync(file, writePart10(ct(number)));
    return file;
  });
  const called = { port: port.port, calledAETitle: 'CDIP_RRK', callingAETitle: 'CT1' };
  t.equal((await storescu(called, files)).code, 0);
  t.strictSame(
    port.received.map(({ request }) => request.sopInstanceUID),
    ['2.999.1.1', '2.999.1.2', '2.999.1.3'],
  );
  t.match(port.callers(), [
    { callingAETitle: 'CT1', known: true, objects: 3 },
    { known: false, objects: 0 },
  ]);
});

t.test('real objects arrive bit by bit, whatever their class and syntax', async (t) => {
  const port = await startDicomPort();
  t.teardown(() => port.stop());
  const files = realFiles();
  const statuses = await sendFiles(port.port, files);
  t.ok([...statuses.values()].every((status) => status === 0));
  t.equal(port.received.length, files.length);
  const wanted = files.map(dataSetDigest).sort();
  const got = port.received.map(({ request, dataSet }) =>
    dataSetDigest(writePart10({ ...request, dataSet })),
  );
  t.strictSame(got.sort(), wanted);
});

t.test('twenty senders at once; one that dies harms no other', async (t) => {
  const port = await startDicomPort();
  t.teardown(() => port.stop());
  const send = async (number: number): Promise<number> => {
    const object = ct(number, 300_000);
    const sender = await openSender({ port: port.port, contexts: contextsOf([object]) });
    if (number % 5 === 0) {
      sender.socket.write(sender.encode(object).subarray(0, 100_000));
      await new Promise((resolve) => setTimeout(resolve, 50));
      sender.destroy();
      return -1;
    }
    const status = await sender.store(object);
    await sender.release();
    return status;
  };
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, at) => send(at)));
  t.equal(statuses.filter((status) => status === 0).length, 16);
  await eventually('the dead ones are known', () => port.aborted.length === 4);
  await eventually('nothing is left open', () => port.associations() === 0);
});

t.test('requests sent ahead are answered one by one, in order', async (t) => {
  const order: string[] = [];
  const port = await startDicomPort({}, async ({ request }) => {
    order.push(`begin ${request.sopInstanceUID}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push(`end ${request.sopInstanceUID}`);
    return Number(request.sopInstanceUID.split('.').at(-1));
  });
  t.teardown(() => port.stop());
  const objects = Array.from({ length: 20 }, (_, at) => ct(at + 1, 50_000));
  const sender = await openSender({ port: port.port, contexts: contextsOf(objects) });
  const answers: number[] = [
    await sender.sendEncoded(Buffer.concat(objects.map((o) => sender.encode(o)))),
  ];
  while (answers.length < objects.length) answers.push(await sender.sendEncoded(Buffer.alloc(0)));
  await sender.release();
  t.strictSame(
    answers,
    objects.map((_, at) => at + 1),
  );
  const wanted = objects.flatMap(({ sopInstanceUID: uid }) => [`begin ${uid}`, `end ${uid}`]);
  t.strictSame(order, wanted);
});

t.test('a caller that is refused is shown too', async (t) => {
  const port = await startDicomPort({ acceptUnknownCallers: false });
  t.teardown(() => port.stop());
  const contexts = contextsOf([ct(1)]);
  await t.rejects(openSender({ port: port.port, contexts, callingAETitle: 'NEW_CT' }), /refused/);
  const known = await openSender({ port: port.port, contexts, callingAETitle: 'CT1' });
  await known.release();
  t.match(port.callers(), [
    { callingAETitle: 'CT1', known: true, associations: 1, rejections: 0 },
    { callingAETitle: 'NEW_CT', host: '127.0.0.1', known: false, associations: 0, rejections: 1 },
  ]);
});

t.test('a request that is no C-STORE is answered, with its data set passed over', async (t) => {
  const port = await startDicomPort();
  t.teardown(() => port.stop());
  const object = ct(1);
  const sender = await openSender({ port: port.port, contexts: contextsOf([object]) });
  const bytes = sender.encode(object);
  // Command field 0001H becomes 0150H, N-EVENT-REPORT's neighbour that nobody serves.
  const at = bytes.indexOf(Buffer.from('0000000102000000', 'hex')) + 8;
  bytes.writeUInt16LE(0x0150, at);
  t.equal((await sender.sendEncoded(bytes)).toString(16), '211');
  t.equal(await sender.store(ct(2)), 0, 'and the association goes on');
  await sender.release();
});

t.test('our SCU stores bit by bit', { skip: missingPeer('storescp') }, async (t) => {
  const storescp = await startStorescp(join(t.testdir(), 'in'), { args: ['+B', '+xa'] });
  t.teardown(() => storescp.stop());
  // DCMTK takes neither a data set of odd length nor a UID beyond the standard's 64 characters, and
  // storescp names its files by UID.
  const byUID = new Map(
    realFiles()
      .map((file) => readPart10(file))
      .filter(({ dataSet }) => dataSet.length % 2 === 0 && dataSet.length < 200_000)
      .filter(({ sopInstanceUID }) => sopInstanceUID.length <= 64)
      .map((object) => [object.sopInstanceUID, object]),
  );
  const objects = [...byUID.values()].slice(0, 200);
  const peer = {
    host: '127.0.0.1',
    port: storescp.port,
    aeTitle: 'STORESCP',
    callingAETitle: 'CDIP_RRK',
  };
  const contexts = contextsOf(objects)
    .slice(0, 128)
    .map(({ sopClassUID, transferSyntaxUID }) => ({
      abstractSyntaxUID: sopClassUID,
      transferSyntaxUIDs: [transferSyntaxUID],
    }));
  const association = await openAssociation({ peer, contexts });
  const sent = new Set<string>();
  for (const object of objects) {
    if (association.contextFor(object.sopClassUID, object.transferSyntaxUID) === undefined)
      continue;
    const { dataSet } = object;
    const pieces = [dataSet.subarray(0, 1_001), dataSet.subarray(1_001)];
    const status = await association.store({ ...object, dataSetBytes: dataSet.length }, () =>
      Readable.from(pieces.filter(({ length }) => length > 0)),
    );
    if (status === 0) sent.add(dataSetDigest(writePart10(object)));
  }
  await association.release();
  t.ok(sent.size > 30, `${sent.size} objects were taken`);
  const kept = new Set(storescp.files().map(dataSetDigest));
  t.strictSame(
    [...sent].filter((digest) => !kept.has(digest)),
    [],
  );
});

t.test(
  'what Orthanc took it gives back bit by bit',
  { skip: missingPeer('Orthanc') },
  async (t) => {
    const orthanc = await startOrthanc(join(t.testdir(), 'orthanc'));
    t.teardown(() => orthanc.stop());
    const objects = [1, 2, 3].map((number) => ct(number, 200_000 + number * 2));
    const peer = {
      host: '127.0.0.1',
      port: orthanc.dicomPort,
      aeTitle: 'ORTHANC',
      callingAETitle: 'X',
    };
    const contexts = [{ abstractSyntaxUID: CT, transferSyntaxUIDs: [EXPLICIT] }];
    const association = await openAssociation({ peer, contexts });
    for (const object of objects) {
      const { dataSet } = object;
      const sent = association.store({ ...object, dataSetBytes: dataSet.length }, () =>
        Readable.from([dataSet.subarray(0, 70_001), dataSet.subarray(70_001)]),
      );
      t.equal(await sent, 0);
    }
    await association.release();
    for (const object of objects) {
      const back = readPart10(await orthanc.file(object.sopInstanceUID));
      t.ok(back.dataSet.equals(object.dataSet), object.sopInstanceUID);
    }
  },
);

t.test(
  'a source that breaks off ends the association',
  { skip: missingPeer('storescp') },
  async (t) => {
    const storescp = await startStorescp(join(t.testdir(), 'in'));
    t.teardown(() => storescp.stop());
    const peer = {
      host: '127.0.0.1',
      port: storescp.port,
      aeTitle: 'STORESCP',
      callingAETitle: 'X',
    };
    const association = await openAssociation({
      peer,
      contexts: [{ abstractSyntaxUID: CT, transferSyntaxUIDs: [EXPLICIT] }],
    });
    const object = ct(1);
    const cut = association.store({ ...object, dataSetBytes: object.dataSet.length }, () =>
      Readable.from([object.dataSet.subarray(0, 500)]),
    );
    await t.rejects(cut, { code: 'SOURCE_FAILED' });
    await eventually('nothing was kept', () => storescp.files().length === 0);
  },
);

t.test('what a destination holds', { skip: missingPeer('Orthanc', 'storescp') }, async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'scp'));
  const orthanc = await startOrthanc(join(folder, 'orthanc'));
  const storescp = await startStorescp(join(folder, 'scp'));
  t.teardown(() => Promise.all([orthanc.stop(), storescp.stop()]));
  const destinations = dimseDestinations('CDIP_RRK');
  const peerAt = (port: number, aeTitle: string) => peerOf({ port, aeTitle });
  const { signal } = new AbortController();
  const object = ct(7);
  const file = join(folder, 'x.dcm');
  writeFileSync(file, writePart10(object));
  t.equal((await storescu({ port: orthanc.dicomPort }, [file])).code, 0);
  t.ok(readFileSync(file).length > 0);
  const study = { studyInstanceUID: '2.999.7.1', seriesInstanceUIDs: ['2.999.7.1.1'] };
  const there = await destinations.holding(peerAt(orthanc.dicomPort, 'ORTHANC'), study, signal);
  t.strictSame(there, { kind: 'instances', sopInstanceUIDs: new Set(['2.999.1.7']) });
  const none = { studyInstanceUID: '2.999.8', seriesInstanceUIDs: ['2.999.8.1'] };
  const empty = await destinations.holding(peerAt(orthanc.dicomPort, 'ORTHANC'), none, signal);
  t.strictSame(empty, { kind: 'instances', sopInstanceUIDs: new Set() });
  const unknown = await destinations.holding(peerAt(storescp.port, 'STORESCP'), study, signal);
  t.match(unknown, { kind: 'unknown', code: 'FIND_NOT_ACCEPTED' });
});
