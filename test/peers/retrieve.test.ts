/**
 * A workstation asks the edge for a study that only the PACS holds: dcmqrscp and Orthanc, by C-GET, by C-MOVE and by
 * WADO-RS.
 * The edge brings it from the PACS and sends it on.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startDcmqrscp } from '../support/dcmqrscp.ts';
import { runTool, storescu } from '../support/dcmtk.ts';
import { type Edge, prepareEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { dcmtkKeys, foundBy } from '../support/front-door.ts';
import { missingPeer, programPath } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { writePart10 } from '../support/part10.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';
import { startStorescp } from '../support/storescp.ts';

const STUDY = { QueryRetrieveLevel: 'STUDY', StudyInstanceUID: '2.999.7.1' };
type Way = 'c-get' | 'c-move' | 'wado-rs';
const DICOMWEB = '../share/orthanc/plugins/libOrthancDicomWeb.so';
const TOOLS = ['findscu', 'movescu', 'storescp', 'storescu'];

function writeStudy(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return [1, 2, 3, 4, 5].map((number) => {
    const series = `2.999.7.1.${number % 2}`;
    const object = smallObject(number, { StudyDate: '20260301', SeriesInstanceUID: series });
    const file = join(folder, `${number}.dcm`);
    const uids = { sopClassUID: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUID: `2.999.1.${number}` };
    const transferSyntaxUID = '1.2.840.10008.1.2.1';
    writeFileSync(file, writePart10({ ...uids, transferSyntaxUID, dataSet: dataSetOf(object) }));
    return file;
  });
}

interface Site {
  readonly edge: Edge;
  /** What the workstation's own storescp has received. */
  received(): number;
  find(): Promise<Record<string, string> | undefined>;
  /** At IMAGE level, of one of its series. */
  images(): Promise<Record<string, string>[]>;
  move(): Promise<{ code: number; output: string }>;
}

async function site(t: Test, pacsName: 'dcmqrscp' | 'Orthanc', way: Way): Promise<Site> {
  const directory = t.testdir();
  const [pacsPort = 0, httpPort = 0] = await freePorts(2);
  const workstation = await startStorescp(join(directory, 'workstation'), { aeTitle: 'READER' });
  t.teardown(() => workstation.stop());
  const aeTitle = pacsName === 'Orthanc' ? 'ORTHANC' : 'QRSCP';
  const local = { host: '127.0.0.1' };
  const pacs = { ...local, name: 'main-pacs', aeTitle, port: pacsPort, role: 'pacs' };
  const reader = { ...local, name: 'reader', aeTitle: 'READER', port: workstation.port };
  const ways = {
    ...{ 'c-get': { retrieveBy: ['c-get'] }, 'c-move': { retrieveBy: ['c-move'] } },
    // Not told by which: what the probe of the first retrieve finds to work.
    'wado-rs': { dicomWeb: { url: `http://127.0.0.1:${httpPort}/dicom-web` } },
  };
  const edge = await prepareEdge({
    ...{ directory: join(directory, 'edge'), trust: 'RRK' },
    config: {
      peers: [
        { ...pacs, ...ways[way] },
        { ...reader, role: 'workstation' },
      ],
      retrieve: { stallSeconds: 20 },
    },
  });
  const neighbour = { aeTitle: edge.aeTitle, host: '127.0.0.1', port: edge.dicomPort };
  const running =
    pacsName === 'Orthanc'
      ? await startOrthanc(join(directory, 'pacs'), {
          ...{ dicomPort: pacsPort, httpPort, neighbours: [neighbour] },
          ...(way === 'wado-rs' ? { more: { Plugins: [programPath(DICOMWEB)] } } : {}),
        })
      : await startDcmqrscp(join(directory, 'pacs'), { port: pacsPort, neighbours: [neighbour] });
  t.teardown(() => running.stop());
  const files = writeStudy(join(directory, 'files'));
  t.equal((await storescu({ port: pacsPort, calledAETitle: aeTitle }, files)).code, 0);
  await edge.start();
  t.teardown(() => edge.stop());
  const called = ['-aet', 'READER', '-aec', edge.aeTitle, '127.0.0.1', `${edge.dicomPort}`];
  return {
    edge,
    received: () => workstation.files().length,
    async find() {
      const keys = { ...STUDY, NumberOfStudyRelatedInstances: '', InstanceAvailability: '' };
      return foundBy(await runTool('findscu', ['-v', '-S', ...dcmtkKeys(keys), ...called]))[0];
    },
    async images() {
      const series = { SeriesInstanceUID: '2.999.7.1.1', SOPInstanceUID: '', InstanceNumber: '' };
      const keys = { ...STUDY, QueryRetrieveLevel: 'IMAGE', ...series };
      return foundBy(await runTool('findscu', ['-v', '-S', ...dcmtkKeys(keys), ...called]));
    },
    move: () => runTool('movescu', ['-v', '-S', '-aem', 'READER', ...dcmtkKeys(STUDY), ...called]),
  };
}

const WAYS: readonly (readonly ['dcmqrscp' | 'Orthanc', Way])[] = [
  ...(['c-get', 'c-move'] as const).flatMap(
    (way) => [['dcmqrscp', way] as const, ['Orthanc', way] as const] as const,
  ),
  ['Orthanc', 'wado-rs'],
];

for (const [pacs, way] of WAYS)
  t.test(
    `${pacs}: what only it holds is listed, brought by ${way.toUpperCase()} and sent on`,
    { skip: missingPeer(pacs, DICOMWEB, ...TOOLS), timeout: 120_000 },
    async (t) => {
      const { edge, find, images, move, received } = await site(t, pacs, way);
      const before = await eventually('the PACS is known, and counted', async () => {
        const found = await find();
        return found?.['NumberOfStudyRelatedInstances'] === '5' ? found : undefined;
      });
      t.match(before, { InstanceAvailability: 'NEARLINE' });
      t.strictSame(
        (await images()).map((one) => one['SOPInstanceUID']).sort(),
        ['2.999.1.1', '2.999.1.3', '2.999.1.5'],
        'the images of a series, as the PACS lists them',
      );
      t.strictSame(edge.spoolFiles(), [], 'nothing is copied yet');
      const { code, output } = await move();
      t.equal(code, 0, output);
      t.equal(received(), 5);
      t.equal(edge.spoolFiles().length, 5);
      t.match(await find(), { InstanceAvailability: 'ONLINE' });
      const page = await fetch(edge.url).then((response) => response.text());
      t.match(page, /Retrieved from the PACS/);
      t.match(page, new RegExp(way), 'by the way that works');
    },
  );
