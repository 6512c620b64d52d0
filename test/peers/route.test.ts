/** Rules at work: DCMTK's storescp, Orthanc over DICOMweb and a folder receive what the rules say, and nothing else. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { cdip } from '../support/cdip.ts';
import { type Edge, startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingPeer, programPath } from '../support/missing-peer.ts';
import { type Orthanc, startOrthanc } from '../support/orthanc.ts';
import { dataSetDigest } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, type SmallObject, smallObject } from '../support/storage-fixture.ts';
import { startStorescp } from '../support/storescp.ts';

/** Beside the folders of programs. */
const DICOMWEB = '../share/orthanc/plugins/libOrthancDicomWeb.so';
const skip = missingPeer('storescp', 'Orthanc', DICOMWEB);
const CT = '1.2.840.10008.5.1.4.1.1.2';

interface Job {
  readonly job: number;
  readonly rule: string;
  readonly to: string;
  readonly objects: number;
  readonly priority: string;
  readonly state: string;
  readonly why: string;
}

async function send(edge: Edge, objects: readonly SmallObject[], callingAETitle = 'CT1') {
  const sent = objects.map((object) => ({
    ...{ sopClassUID: CT, sopInstanceUID: object.SOPInstanceUID ?? '' },
    ...{ transferSyntaxUID: '1.2.840.10008.1.2.1', dataSet: dataSetOf(object) },
  }));
  const contexts = contextsOf(sent);
  const sender = await openSender({ port: edge.dicomPort, callingAETitle, contexts });
  for (const object of sent) t.equal(await sender.store(object), 0);
  await sender.release();
}

async function command(edge: Edge, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cdip([
    'edge',
    'route',
    ...args,
    '--config',
    edge.configFile,
  ]);
  if (code !== 0) throw new Error(`cdip edge route ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const jobs = async (edge: Edge): Promise<Job[]> =>
  JSON.parse(await command(edge, '--json')) as Job[];

async function startWeb(t: Test, directory: string, httpPort: number): Promise<Orthanc> {
  const orthanc = await startOrthanc(join(directory, 'orthanc'), {
    httpPort,
    more: { Plugins: [programPath(DICOMWEB)], DicomWeb: { Enable: true, Root: '/dicom-web/' } },
  });
  t.teardown(() => orthanc.stop());
  return orthanc;
}

t.test('each destination gets what the rules say, bit by bit', { skip }, async (t) => {
  const directory = t.testdir();
  const folder = join(directory, 'folder');
  const [dicomPort, httpPort] = [await freePort(), await freePort()];
  const edge = await startEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: {
      peers: [
        {
          name: 'archive',
          aeTitle: 'ARCHIVE',
          host: '127.0.0.1',
          port: dicomPort,
          role: 'archive',
        },
      ],
      destinations: [
        { name: 'web', stow: { url: `http://127.0.0.1:${httpPort}/dicom-web` } },
        { name: 'files', folder },
      ],
      routes: [
        {
          name: 'no-tests',
          when: { attributes: { PatientID: 'TEST*' } },
          action: 'drop',
          reason: 'phantoms',
        },
        {
          name: 'urgent-heads',
          when: { callers: ['CT1'] },
          action: 'prioritise',
          priority: 'urgent',
        },
        {
          name: 'ct',
          when: { attributes: { Modality: ['CT', 'MR'] } },
          action: 'deliver',
          to: ['archive', 'web'],
        },
        { name: 'all', action: 'deliver', to: ['files'] },
      ],
    },
  });
  t.teardown(() => edge.stop());
  const archive = await startStorescp(join(directory, 'archive'), { port: dicomPort });
  t.teardown(() => archive.stop());
  const web = await startWeb(t, directory, httpPort);

  const study = [1, 2, 3].map((number) => smallObject(number));
  const other = { StudyInstanceUID: '2.999.8', SeriesInstanceUID: '2.999.8.1', Modality: 'CR' };
  const phantom = {
    StudyInstanceUID: '2.999.9',
    SeriesInstanceUID: '2.999.9.1',
    PatientID: 'TEST1',
  };
  await send(edge, [...study, smallObject(4, other), smallObject(5, phantom)]);

  await eventually('all of it is there', async () => {
    const states = (await jobs(edge)).map(({ state }) => state);
    return states.length === 4 && states.every((state) => state === 'delivered');
  });
  const uids = ['2.999.1.1', '2.999.1.2', '2.999.1.3'];
  t.strictSame(await web.sopInstanceUIDs(), uids);
  t.equal(archive.files().length, 3);
  t.strictSame(
    readdirSync(folder).sort(),
    [...uids, '2.999.1.4'].map((uid) => `${uid}.dcm`),
  );
  const original = dataSetDigestOf(smallObject(1));
  t.equal(dataSetDigest(join(folder, '2.999.1.1.dcm')), original, 'bit by bit in the folder');
  t.equal((await jobs(edge)).find(({ to }) => to === 'archive')?.priority, 'urgent');

  const said = await command(edge, 'explain', '2.999.1.5');
  t.match(said, /no-tests +yes +no further rule is tried: phantoms/);
  t.match(await command(edge, 'explain', '2.999.1.4'), /ct +no +Modality is not one of "CT", "MR"/);
});

const dataSetDigestOf = (object: SmallObject): string =>
  dataSetDigest(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), dataSetOf(object)]));

t.test(
  'what is held waits for a person; what comes from a peer is not sent back to it',
  { skip },
  async (t) => {
    const directory = t.testdir();
    const port = await freePort();
    const edge = await startEdge({
      directory: join(directory, 'edge'),
      trust: 'RRK',
      config: {
        peers: [{ name: 'archive', aeTitle: 'ARCHIVE', host: '127.0.0.1', port, role: 'archive' }],
        routes: [
          {
            name: 'look',
            when: { callers: ['CT1'] },
            action: 'hold',
            reason: 'a person looks first',
          },
          { name: 'all', action: 'deliver', to: ['archive'] },
        ],
      },
    });
    t.teardown(() => edge.stop());
    const archive = await startStorescp(join(directory, 'archive'), { port });
    t.teardown(() => archive.stop());
    await send(edge, [smallObject(1)]);
    await send(
      edge,
      [smallObject(2, { StudyInstanceUID: '2.999.8', SeriesInstanceUID: '2.999.8.1' })],
      'ARCHIVE',
    );
    const [held] = await eventually('it is held', async () => {
      const all = await jobs(edge);
      return all.length > 0 && all;
    });
    t.match(held, { state: 'held', why: 'HELD: a person looks first', objects: 1 });
    t.match(await command(edge, 'explain', '2.999.8'), /all +no +it came from there/);
    t.equal(archive.files().length, 0);
    await command(edge, 'release', `${held?.job}`);
    await eventually('it is there', () => archive.files().length === 1);
  },
);

t.test('rules are tried on what the trust has before they are live', { skip }, async (t) => {
  const directory = t.testdir();
  const edge = await startEdge({ directory, trust: 'RRK' });
  t.teardown(() => edge.stop());
  await send(
    edge,
    [1, 2].map((number) => smallObject(number)),
  );
  await send(edge, [
    smallObject(3, { StudyInstanceUID: '2.999.8', SeriesInstanceUID: '2.999.8.1', Modality: 'MR' }),
  ]);
  const file = join(directory, 'new-rules.yaml');
  writeFileSync(
    file,
    stringify({
      destinations: [{ name: 'files', folder: join(directory, 'folder') }],
      routes: [
        { name: 'ct', when: { attributes: { Modality: 'CT' } }, action: 'deliver', to: ['files'] },
      ],
    }),
  );
  const trial = JSON.parse(await command(edge, 'try', file, '--since', '1d', '--json')) as object;
  t.match(trial, {
    ...{ studies: 2, objects: 3, unsent: 1 },
    sends: [{ to: 'files', rule: 'ct', studies: 1, objects: 2, held: 0 }],
  });
  t.notOk(existsSync(join(directory, 'folder')), 'nothing is sent');
  t.strictSame(await jobs(edge), []);
});

t.test(
  'a folder that can not be written, and a kill -9, lose and double nothing',
  { skip },
  async (t) => {
    const directory = t.testdir();
    const folder = join(directory, 'folder');
    // A file stands where the folder should be.
    writeFileSync(folder, '');
    const edge = await startEdge({
      directory: join(directory, 'edge'),
      trust: 'RRK',
      config: {
        destinations: [{ name: 'files', folder }],
        routes: [{ name: 'all', action: 'deliver', to: ['files'] }],
      },
    });
    t.teardown(() => edge.stop());
    await send(
      edge,
      [1, 2, 3, 4, 5].map((number) => smallObject(number)),
    );
    await edge.kill9();
    await edge.start();
    await send(
      edge,
      [6, 7].map((number) => smallObject(number)),
    );
    await eventually('it says why it waits', async () => {
      const queue = await cdip(['edge', 'queue', '--config', edge.configFile]);
      return queue.stdout.includes('FOLDER_IO');
    });
    await edge.kill9();
    rmSync(folder);
    mkdirSync(folder);
    await edge.start();
    await eventually('all is there', () => readdirSync(folder).length === 7, { timeoutMs: 90_000 });
    const all = await eventually('and known to be', async () => {
      const found = await jobs(edge);
      return found.every(({ state }) => state === 'delivered') && found;
    });
    t.equal(
      all.reduce((sum, { objects }) => sum + objects, 0),
      7,
      'each object is of one job',
    );
  },
);
