/** Orthanc and dcmqrscp at the front door: as askers, and as the PACS that objects go to and come from. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { accepts } from '../../demo/child.ts';
import { runTool, storescu } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { dcmtkKeys, foundBy, openFrontDoor, type Transport } from '../support/front-door.ts';
import { missingPeer, programPath } from '../support/missing-peer.ts';
import { type Orthanc, startOrthanc } from '../support/orthanc.ts';
import { writePart10 } from '../support/part10.ts';
import { Program } from '../support/program.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const STUDY = { QueryRetrieveLevel: 'STUDY', StudyInstanceUID: '2.999.7.1' };
const UIDS = ['2.999.1.1', '2.999.1.2', '2.999.1.3'];

const objects = UIDS.map((sopInstanceUID, at) =>
  writePart10({
    ...{ sopClassUID: CT, sopInstanceUID, transferSyntaxUID: '1.2.840.10008.1.2.1' },
    dataSet: dataSetOf(smallObject(at + 1)),
  }),
);

async function post<T>({ url }: Orthanc, path: string, body: object | string): Promise<T> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, { method: 'POST', body: text });
  if (!response.ok) throw new Error(`Orthanc answered ${response.status} to ${path}`);
  return (await response.json()) as T;
}

/** An edge, and an Orthanc that calls it and is called by it. */
async function doorAndOrthanc(t: Parameters<typeof openFrontDoor>[0], transport: Transport) {
  const port = await freePort();
  const isSecure = transport === 'TLS';
  const door = await openFrontDoor(t, {}, (tls) => [
    {
      ...{ name: 'pacs', aeTitle: 'ORTHANC', host: '127.0.0.1', port, role: 'pacs' },
      ...(isSecure ? { tls } : {}),
    },
  ]);
  const { edge, tls } = door;
  const calledPort = isSecure ? door.tlsPort : edge.dicomPort;
  const orthanc = await startOrthanc(join(door.directory, 'orthanc'), {
    dicomPort: port,
    more: {
      DicomModalities: {
        edge: { AET: edge.aeTitle, Host: '127.0.0.1', Port: calledPort, UseDicomTls: isSecure },
      },
      DicomTlsEnabled: isSecure,
      DicomTlsCertificate: tls.certificateFile,
      DicomTlsPrivateKey: tls.keyFile,
      DicomTlsTrustedCertificates: tls.caFile,
    },
  });
  t.teardown(() => orthanc.stop());
  return { door, edge, orthanc };
}

for (const transport of ['plain', 'TLS'] as const) {
  const skip = missingPeer('Orthanc', 'movescu');
  t.test(`Orthanc at the front door, ${transport}`, { skip, timeout: 120_000 }, async (t) => {
    const { door, edge, orthanc } = await doorAndOrthanc(t, transport);

    await t.test('as asker: it echoes, and stores what it holds', async (t) => {
      t.equal((await fetch(`${orthanc.url}/modalities/edge/echo`, { method: 'POST' })).status, 200);
      const ids: string[] = [];
      for (const bytes of objects) {
        const body = new Uint8Array(bytes);
        const answer = await fetch(`${orthanc.url}/instances`, { method: 'POST', body });
        ids.push(((await answer.json()) as { ID: string }).ID);
      }
      await post(orthanc, '/modalities/edge/store', ids);
      t.equal(edge.spoolFiles().length, 3);
      for (const id of ids) await fetch(`${orthanc.url}/instances/${id}`, { method: 'DELETE' });
      t.strictSame(await orthanc.sopInstanceUIDs(), []);
    });

    await t.test('as asker: it finds, and moves to itself', async (t) => {
      const { ID } = await post<{ ID: string }>(orthanc, '/modalities/edge/query', {
        ...{ Level: 'Study', Query: { PatientID: 'MRN1' } },
      });
      t.strictSame(await orthanc.rest(`/queries/${ID}/answers`), ['0']);
      const found = await orthanc.rest(`/queries/${ID}/answers/0/content?simplify`);
      t.match(found, { StudyInstanceUID: '2.999.7.1' });
      await post(orthanc, `/queries/${ID}/answers/0/retrieve`, 'ORTHANC');
      t.strictSame(await orthanc.sopInstanceUIDs(), UIDS);
    });

    await t.test('as asker: it has its objects committed', async (t) => {
      const { ID } = await post<{ ID: string }>(orthanc, '/modalities/edge/storage-commitment', {
        DicomInstances: UIDS.map((uid) => [CT, uid]),
      });
      const report = await eventually('Orthanc has the report', async () => {
        const found = await orthanc.rest<{ Status: string }>(`/storage-commitment/${ID}`);
        return found.Status !== 'Pending' && found;
      });
      t.match(report, { Status: 'Success', Failures: [] });
    });

    await t.test('as PACS: a workstation has the edge send to it', async (t) => {
      for (const uid of UIDS) {
        const [id] = await post<string[]>(orthanc, '/tools/lookup', uid).then((all) =>
          (all as unknown as { ID: string }[]).map((one) => one.ID),
        );
        await fetch(`${orthanc.url}/instances/${id}`, { method: 'DELETE' });
      }
      t.strictSame(await orthanc.sopInstanceUIDs(), []);
      const args = ['-S', '-aem', 'ORTHANC', ...dcmtkKeys(STUDY)];
      const { code, output } = await door.run('movescu', 'plain', args);
      t.equal(code, 0, output);
      t.strictSame(await orthanc.sopInstanceUIDs(), UIDS);
    });
  });
}

t.test(
  'dcmqrscp sends to the edge and is sent to',
  { skip: missingPeer('dcmqrscp', 'movescu', 'findscu', 'storescu'), timeout: 60_000 },
  async (t) => {
    const pacsPort = await freePort();
    const { edge, directory, run } = await openFrontDoor(t, {}, () => [
      { name: 'pacs', aeTitle: 'QRSCP', host: '127.0.0.1', port: pacsPort, role: 'pacs' },
    ]);
    const folder = join(directory, 'qr');
    mkdirSync(folder);
    const configFile = join(directory, 'dcmqrscp.cfg');
    writeFileSync(
      configFile,
      [
        ...[`NetworkTCPPort = ${pacsPort}`, 'MaxPDUSize = 16384', 'MaxAssociations = 16'],
        ...['HostTable BEGIN', `edge = (${edge.aeTitle}, 127.0.0.1, ${edge.dicomPort})`],
        ...['HostTable END', 'AETable BEGIN', `QRSCP ${folder} RW (200, 1024mb) ANY`],
        'AETable END\n',
      ].join('\n'),
    );
    const pacs = new Program({
      ...{ name: 'dcmqrscp', command: programPath('dcmqrscp'), args: ['-c', configFile] },
      ready: () => accepts(pacsPort),
    });
    await pacs.start();
    t.teardown(() => pacs.stop());
    const files = objects.map((bytes, at) => {
      const file = join(directory, `${at}.dcm`);
      writeFileSync(file, bytes);
      return file;
    });
    const toPacs = { port: pacsPort, calledAETitle: 'QRSCP' };
    t.equal((await storescu(toPacs, files.slice(0, 2))).code, 0);
    const asked = ['-v', '-S', '-aec', 'QRSCP', '-aem', edge.aeTitle, ...dcmtkKeys(STUDY)];
    const moved = await runTool('movescu', [...asked, '127.0.0.1', `${pacsPort}`]);
    t.equal(moved.code, 0, moved.output);
    t.equal(edge.spoolFiles().length, 2, 'the PACS has sent what it held');

    t.equal((await storescu(edge.called, files)).code, 0);
    const args = ['-S', '-aem', 'QRSCP', ...dcmtkKeys(STUDY)];
    const { code, output } = await run('movescu', 'plain', args);
    t.equal(code, 0, output);
    const image = { ...STUDY, QueryRetrieveLevel: 'IMAGE', SeriesInstanceUID: '2.999.7.1.1' };
    const keys = dcmtkKeys({ ...image, SOPInstanceUID: '' });
    const called = ['-aec', 'QRSCP', '127.0.0.1', `${pacsPort}`];
    const held = foundBy(await runTool('findscu', ['-v', '-S', ...keys, ...called]));
    t.strictSame(held.map((one) => one['SOPInstanceUID']).sort(), UIDS, 'the PACS has all three');
  },
);
