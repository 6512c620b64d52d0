/**
 * `cdip edge doctor` in surroundings that are well, and in all that are not: real PACS (dcmqrscp, Orthanc), a real hub,
 * real disks and certificates. A hub whose clock is wrong is played, since the machine's own can't be moved.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import t, { type Test } from 'tap';
import type { DoctorReport, Finding } from '../../edge/doctor/finding.ts';
import { cdip } from '../support/cdip.ts';
import { certificateAuthority } from '../support/certificates.ts';
import { startDcmqrscp } from '../support/dcmqrscp.ts';
import { storescu } from '../support/dcmtk.ts';
import { type Edge, prepareEdge } from '../support/edge.ts';
import { freePort } from '../support/free-port.ts';
import { startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { startPacsStandIn } from '../support/pacs-stand-in.ts';
import { writePart10 } from '../support/part10.ts';
import { mountSmallDisk, smallDiskMissing } from '../support/small-disk.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const PEERS = missingPeer('dcmqrscp', 'Orthanc', 'storescu', 'nats-server');

/** As many studies of one object each, all of one moment; `\xfc` in a name stands for that byte. */
function writeStudies(folder: string, count: number, name = 'Phantom^One'): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, at) => {
    const study = `2.999.8.${at + 1}`;
    const uids = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
    const object = smallObject(at + 1, { ...uids, PatientName: name.replace('\xfc', '~') });
    const dataSet = dataSetOf(object);
    const tilde = dataSet.indexOf('~');
    if (tilde >= 0) dataSet[tilde] = 0xfc;
    const file = join(folder, `${at}.dcm`);
    writeFileSync(
      file,
      writePart10({
        ...{ sopClassUID: '1.2.840.10008.5.1.4.1.1.2', transferSyntaxUID: '1.2.840.10008.1.2.1' },
        ...{ sopInstanceUID: object.SOPInstanceUID ?? '', dataSet },
      }),
    );
    return file;
  });
}

async function doctor(edge: Edge): Promise<{ code: number; report: DoctorReport }> {
  const { code, stdout, stderr } = await cdip([
    ...['edge', 'doctor', '--json', '--config', edge.configFile],
  ]);
  if (stdout === '') throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as DoctorReport };
}

const isAbout = (report: DoctorReport, about: string): Finding[] =>
  report.findings.filter((one) => one.about === about);

const at = (name: string, aeTitle: string, port: number, more = {}): object => ({
  ...{ name, aeTitle, host: '127.0.0.1', port, role: 'pacs', ...more },
});

t.test('all is well: no fault, exit 0, also while the edge runs', { skip: PEERS }, async (t) => {
  const directory = t.testdir();
  const hub = await startHub({ directory: join(directory, 'hub'), trusts: ['RRK'] });
  t.teardown(() => hub.stop());
  const pacsPort = await freePort();
  const edge = await prepareEdge({
    ...{ directory: join(directory, 'edge'), trust: 'RRK' },
    config: { peers: [at('main-pacs', 'ORTHANC', pacsPort, { importsTo: true })] },
  });
  const neighbour = { aeTitle: edge.aeTitle, host: '127.0.0.1', port: edge.dicomPort };
  const pacs = await startOrthanc(join(directory, 'pacs'), {
    ...{ dicomPort: pacsPort, neighbours: [neighbour] },
  });
  t.teardown(() => pacs.stop());
  const files = writeStudies(join(directory, 'files'), 4);
  t.equal((await storescu({ port: pacsPort, calledAETitle: 'ORTHANC' }, files)).code, 0);
  await edge.enrol(hub.url, hub.token('RRK'));

  const stopped = await doctor(edge);
  t.equal(stopped.code, 0);
  t.strictSame(faultsOf(stopped.report), []);
  t.match(isAbout(stopped.report, 'edge'), [{ code: 'EDGE_NOT_RUNNING', state: 'warning' }]);
  const words = isAbout(stopped.report, 'main-pacs').map(({ what }) => what);
  for (const expected of [/C-ECHO/, /CT \(native, /, /none was left out/, /C-GET/, /C-MOVE/])
    t.ok(
      words.some((what) => expected.test(what)),
      `${expected}`,
    );

  await edge.start();
  t.teardown(() => edge.stop());
  const running = await doctor(edge);
  t.equal(running.code, 0);
  t.strictSame(faultsOf(running.report), []);
  t.ok(isAbout(running.report, 'main-pacs').some(({ what }) => /C-MOVE brings/.test(what)));
  t.ok(isAbout(running.report, 'dicom.port').every(({ state }) => state === 'ok'));
  const page = await (await fetch(edge.url)).text();
  t.match(page, /What the doctor found/);
  t.match(page, /HL7_NEVER/, 'what is left to be done stands on the status page');
});

const faultsOf = ({ findings }: DoctorReport): Finding[] =>
  findings.filter(({ state }) => state === 'fault');

/** `Date` of an HTTP answer is all that the doctor takes from it. */
async function hubWithClock(t: Test, aheadMs: number): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString()).end('{"status":"ok"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('each fault is named with its mend, exit 1', { skip: PEERS }, async (t) => {
  const directory = t.testdir();
  const latin = await startDcmqrscp(join(directory, 'latin'));
  const capped = await startOrthanc(join(directory, 'capped'), {
    more: { LimitFindResults: 3 },
  });
  const silent = await startPacsStandIn(
    [1, 2, 3, 4, 5, 6].map((number) => ({
      ...{ uid: `2.999.9.${number}`, date: '20240301', time: `0${number}0000`, modality: 'CT' },
      ...{ patientId: 'MRN1', name: 'Phantom^One', series: 1, instances: 1 },
    })),
    { cap: 3, capIsSilent: true },
  );
  t.teardown(() => Promise.all([latin.stop(), capped.stop(), silent.stop()]));
  const ascii = writeStudies(join(directory, 'ascii'), 6);
  const umlauts = writeStudies(join(directory, 'umlauts'), 2, 'M\xfcller^J');
  t.equal((await storescu({ port: capped.dicomPort, calledAETitle: 'ORTHANC' }, ascii)).code, 0);
  t.equal((await storescu({ port: latin.port, calledAETitle: 'QRSCP' }, umlauts)).code, 0);
  const other = createTcpServer().listen(await freePort(), '127.0.0.1');
  t.teardown(() => other.close());
  const authority = certificateAuthority(directory);
  const expired = authority.issue('expired', -1);
  const hub = {
    url: await hubWithClock(t, 300_000),
    nats: `nats://127.0.0.1:${await freePort()}`,
  };
  const edge = await prepareEdge({
    ...{ directory: join(directory, 'edge'), trust: 'RRK' },
    config: {
      peers: [
        at('off', 'PACS', await freePort()),
        at('misnamed', 'NOBODY', latin.port),
        at('latin', 'QRSCP', latin.port),
        at('capped', 'ORTHANC', capped.dicomPort),
        at('silently-capped', 'PACS', silent.port),
      ],
      dicom: { tls: { port: await freePort(), ...expired } },
      hl7: { port: (other.address() as AddressInfo).port },
      hub,
      storage: { reserveBytes: 900_000_000_000_000 },
    },
  });
  writeFileSync(join(edge.dataDirectory, 'nats.seed'), createUser().getSeed());
  const { code, report } = await doctor(edge);
  t.equal(code, 1);
  const expected: readonly [about: string, code: string, mend: RegExp][] = [
    ['off', 'PACS_OFF', /Start the PACS, or correct host and port of off/],
    ['misnamed', 'PACS_AE_TITLE_WRONG', /not called NOBODY/],
    ['latin', 'PACS_MOVE_DESTINATION_UNKNOWN', /Enter AE title CDIP_RRK/],
    ['latin', 'PACS_CHARACTER_SET_UNDECLARED', /characterSet: ISO_IR 100 for latin/],
    ['capped', 'PACS_MATCHES_CAPPED', /Raise the limit/],
    ['silently-capped', 'PACS_MATCHES_CAPPED', /Raise the limit/],
    [edge.dataDirectory, 'DISK_FULL', /Free space/],
    [hub.url, 'CLOCK_OFF', /chrony/],
    [hub.nats, 'NATS_PORT_CLOSED', /open it in the firewall/],
    ['hl7.port', 'PORT_TAKEN', /ss -ltnp/],
    [expired.certificateFile, 'CERTIFICATE_EXPIRED', /Renew/],
  ];
  for (const [about, wanted, mend] of expected) {
    const finding = isAbout(report, about).find((one) => one.code === wanted);
    t.match(finding, { state: 'fault', mend, why: /\w/, what: /\w/ }, `${about}: ${wanted}`);
  }
  t.notMatch(JSON.stringify(report), /Phantom|M.ller|MRN1/, 'no patient is named');
  const told = await cdip(['edge', 'doctor', '--config', edge.configFile]);
  t.equal(told.code, 1);
  t.match(told.stdout, /PACS_OFF\. .*\n\s+Mend: Start the PACS/, 'the same in words');
});

/** Takes calls, and answers each as `answer` does. @returns its port */
async function listening(t: Test, answer: (socket: Socket) => void): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    answer(socket);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return port;
}

const title =
  'what answers and is something else is named, and what never answers ends the command';
t.test(title, async (t) => {
  const page = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>';
  const web = await listening(t, (socket) => socket.on('data', () => socket.end(page)));
  const hangsUp = await listening(t, (socket) => socket.destroy());
  const held: Socket[] = [];
  const hole = await listening(t, (socket) => held.push(socket));
  t.teardown(() => {
    for (const socket of held) socket.destroy();
  });
  const edge = await prepareEdge({
    ...{ directory: join(t.testdir(), 'edge'), trust: 'RRK' },
    config: {
      peers: [at('web', 'WEB', web), at('hangs-up', 'HANGSUP', hangsUp)],
      hub: { url: `http://127.0.0.1:${web}`, nats: `nats://127.0.0.1:${hole}` },
    },
  });
  writeFileSync(join(edge.dataDirectory, 'nats.seed'), createUser().getSeed());
  const { code, report } = await doctor(edge);
  t.equal(code, 1);
  const expected: readonly [about: string, code: string, mend: RegExp][] = [
    ['web', 'PACS_NOT_DICOM', /correct the port of web/],
    ['hangs-up', 'PACS_REFUSES', /its DICOM port/],
    [`http://127.0.0.1:${web}`, 'HUB_OTHER', /hub\.url/],
    [`nats://127.0.0.1:${hole}`, 'NATS_NO_ANSWER', /firewall/],
  ];
  for (const [about, wanted, mend] of expected)
    t.match(
      isAbout(report, about),
      [{ code: wanted, state: 'fault', mend }],
      `${about}: ${wanted}`,
    );
});

t.test('a disk that is full to the last byte', { skip: smallDiskMissing }, async (t) => {
  const disk = mountSmallDisk(t, 4);
  const edge = await prepareEdge({ directory: disk, trust: 'RRK' });
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8_000_000));
  } catch {
    // As far as it went.
  }
  const { code, report } = await doctor(edge);
  t.equal(code, 1);
  t.ok(isAbout(report, edge.dataDirectory).some((one) => one.code === 'DISK_FULL'));
});
