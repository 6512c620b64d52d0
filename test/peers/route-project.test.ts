/** A project of secondary use: DCMTK's storescp gets studies without the patient, and nothing else. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { readSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { cdipDone } from '../support/cdip.ts';
import { type Edge, startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { readPart10 } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, type SmallObject, smallObject } from '../support/storage-fixture.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('storescp');
const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const WAIT = { timeoutMs: 90_000 };
const KNOWN = { PatientID: '9434765919', IssuerOfPatientID: 'NHS', PatientName: 'Canary^Zebedee' };
const FLAGGED = {
  PatientID: '9434765870',
  IssuerOfPatientID: 'NHS',
  StudyInstanceUID: '2.999.8',
  SeriesInstanceUID: '2.999.8.1',
};

async function world(t: Test) {
  const directory = t.testdir();
  const port = await freePort();
  const sensitiveFile = join(directory, 'sensitive.txt');
  writeFileSync(sensitiveFile, '9434765870\n');
  const edge = await startEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: {
      peers: [{ name: 'university', aeTitle: 'UNI', host: '127.0.0.1', port, role: 'archive' }],
      projects: [
        {
          ...{ name: 'nodules', purpose: 'research', approval: 'IRAS 1', expires: '2099-12-31' },
          ...{ destination: 'university', profile: 'basic', keyFile: join(directory, 'key') },
        },
      ] as readonly object[],
      secondaryUse: { sensitiveFile },
      routes: [{ name: 'study', action: 'disclose', project: 'nodules' }],
    },
  });
  t.teardown(() => edge.stop());
  const startUniversity = async () => {
    const university = await startStorescp(join(directory, 'university'), { port });
    t.teardown(() => university.stop());
    return university;
  };
  const jobs = async () =>
    JSON.parse(await cdipDone(['edge', 'route', '--json', '--config', edge.configFile])) as {
      state: string;
      why: string;
    }[];
  return { edge, startUniversity, jobs };
}

async function send(edge: Edge, objects: readonly SmallObject[]): Promise<void> {
  const sent = objects.map((object) => ({
    ...{ sopClassUID: CT, sopInstanceUID: object.SOPInstanceUID ?? '' },
    ...{ transferSyntaxUID: EXPLICIT, dataSet: dataSetOf(object) },
  }));
  const sender = await openSender({
    port: edge.dicomPort,
    callingAETitle: 'CT1',
    contexts: contextsOf(sent),
  });
  for (const object of sent) t.equal(await sender.store(object), 0);
  await sender.release();
}

t.test(
  'a project gets studies without the patient; an S-flagged patient is held',
  { skip },
  async (t) => {
    const { edge, startUniversity, jobs } = await world(t);
    const university = await startUniversity();
    await send(
      edge,
      [1, 2].map((number) => smallObject(number, KNOWN)),
    );
    await send(edge, [smallObject(3, FLAGGED)]);
    await eventually('the project has the study', () => university.files().length === 2, WAIT);
    for (const file of university.files()) {
      const bytes = readFileSync(file).toString('latin1');
      for (const canary of ['Canary', 'Zebedee', '9434765919', '2.999.1.', '2.999.7.1', '19500102'])
        t.notMatch(bytes, canary, canary);
      const clean = readSmallDataSet(EXPLICIT, readPart10(file).dataSet);
      t.equal(clean.text(0x0012_0062), 'YES');
      t.match(clean.text(0x0020_000d), /^2\.25\./);
    }
    await eventually(
      'the other is held',
      async () =>
        (await jobs()).some(
          ({ state, why }) => state === 'held' && why.startsWith('SENSITIVE_PATIENT'),
        ),
      WAIT,
    );
    t.match(await (await fetch(edge.url)).text(), /SENSITIVE_PATIENT/);
    const file = join(dirname(edge.configFile), 'routes.yaml');
    writeFileSync(file, 'routes: [{ name: study, action: disclose, project: nodules }]');
    const tried = ['edge', 'route', 'try', file, '--json', '--config', edge.configFile];
    t.match(JSON.parse(await cdipDone(tried)), {
      sends: [{ to: 'university', studies: 2, objects: 3, withheld: { SENSITIVE_PATIENT: 1 } }],
    });
    await eventually(
      'and the first is delivered',
      async () => (await jobs()).some(({ state }) => state === 'delivered'),
      WAIT,
    );
    const metrics = await (await fetch(`${edge.url}/metrics`)).text();
    for (const line of [
      'cdip_route_jobs_ended_total{destination="university",outcome="delivered",trust="RRK"} 1',
      'cdip_route_jobs{state="held",trust="RRK"} 1',
      'cdip_route_deidentified_total{project="nodules",outcome="clean",trust="RRK"} 2',
    ])
      t.ok(metrics.split('\n').includes(line), line);
  },
);

t.test(
  'with the project away and the edge killed nothing is lost, doubled, or of another pseudonym',
  { skip },
  async (t) => {
    const { edge, startUniversity, jobs } = await world(t);
    await send(
      edge,
      [1, 2, 3].map((number) => smallObject(number, KNOWN)),
    );
    const others = [21, 22, 23, 24, 25, 26];
    for (const number of others) {
      const study = `2.999.9.${number}`;
      const uids = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
      await send(edge, [smallObject(number, { ...KNOWN, ...uids })]);
    }
    await edge.kill9();
    await edge.start();
    await eventually(
      'some wait as they are',
      async () => (await jobs()).some(({ why }) => why.includes('BEHIND_OTHERS')),
      WAIT,
    );
    const prepared = readdirSync(join(edge.dataDirectory, 'spool', 'outgoing'));
    t.ok(prepared.length <= 4, `copies of ${prepared.length} studies: they fill no disk`);
    await eventually(
      'it waits for the project',
      async () => (await jobs()).some(({ why }) => why.includes('CONNECT_FAILED')),
      WAIT,
    );
    await edge.kill9();
    const university = await startUniversity();
    await edge.start();
    await eventually('all is there', () => university.files().length === 9, {
      timeoutMs: 150_000,
    });
    const studies = university
      .files()
      .map((file) => readSmallDataSet(EXPLICIT, readPart10(file).dataSet).text(0x0020_000d));
    t.equal(new Set(studies).size, 1 + others.length, 'the studies that they were');
    await eventually(
      'it is known to be',
      async () => {
        const all = await jobs();
        return all.length === 7 && all.every(({ state }) => state === 'delivered');
      },
      WAIT,
    );
  },
);
