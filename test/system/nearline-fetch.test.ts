/** A study that only the PACS of its trust holds is found, and fetched, by another trust. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runTool } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { dcmtkKeys, foundBy } from '../support/front-door.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { type Orthanc, startOrthanc } from '../support/orthanc.ts';
import { openSender } from '../support/sender.ts';
import { CT_IMAGE_STORAGE, dataSetOf, smallObject } from '../support/storage-fixture.ts';

const STUDY = '2.999.7.1';
const SERIES = '2.999.7.1.1';
const UIDS = ['2.999.1.1', '2.999.1.2', '2.999.1.3'];

async function startPacs(t: Test, directory: string, aeTitle: string): Promise<Orthanc> {
  mkdirSync(directory, { recursive: true });
  const pacs = await startOrthanc(directory, { name: aeTitle, aeTitle });
  t.teardown(() => pacs.stop());
  return pacs;
}

async function fill({ dicomPort, aeTitle }: Orthanc): Promise<void> {
  const objects = UIDS.map((sopInstanceUID, at) => ({
    ...{ sopClassUID: CT_IMAGE_STORAGE, sopInstanceUID },
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    dataSet: dataSetOf(smallObject(at + 1)),
  }));
  const contexts = objects.slice(0, 1);
  const sender = await openSender({ port: dicomPort, calledAETitle: aeTitle, contexts });
  for (const object of objects) await sender.store(object);
  await sender.release();
}

t.test(
  'a study of the PACS alone reaches the PACS of another trust',
  { skip: missingPeer('nats-server', 'Orthanc', 'findscu'), timeout: 240_000 },
  async (t) => {
    const directory = t.testdir();
    const source = await startPacs(t, join(directory, 'source'), 'PACS_RRK');
    const destination = await startPacs(t, join(directory, 'destination'), 'PACS_RJE');
    await fill(source);
    const network = await startNetwork({
      ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
      edgeConfig: (trust) => {
        const { aeTitle, dicomPort: port } = trust === 'RRK' ? source : destination;
        const pacs = { name: 'main-pacs', aeTitle, host: '127.0.0.1', port };
        return { peers: [{ ...pacs, role: 'pacs', importsTo: true }] };
      },
    });
    t.teardown(() => network.stop());
    const { hub } = network;
    const found = await eventually(
      'the hub lists it',
      async () => {
        const { body } = await hub.api<{ home?: string }>(`/api/studies/${STUDY}`);
        return body.home === undefined ? undefined : body;
      },
      { timeoutMs: 60_000 },
    );
    t.match(found, { home: 'RRK', availability: 'NEARLINE', numberOfInstances: 3 });

    await t.test(
      'its images are listed at the other trust, and none is moved for it',
      async (t) => {
        const { edge } = network.site('RJE');
        const result = await runTool('findscu', [
          ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION'],
          ...dcmtkKeys({
            ...{ QueryRetrieveLevel: 'IMAGE', StudyInstanceUID: STUDY, SeriesInstanceUID: SERIES },
            ...{ SOPInstanceUID: '', InstanceNumber: '' },
          }),
          ...['127.0.0.1', `${edge.dicomPort}`],
        ]);
        t.match(result.output, /Success/);
        t.strictSame(
          foundBy(result)
            .map((one) => one['SOPInstanceUID'])
            .sort(),
          UIDS,
        );
        t.strictSame(network.site('RRK').edge.spoolFiles(), []);
      },
    );

    const { body } = await hub.api<{ fetchId: string }>('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{ studyInstanceUID: STUDY, to: { trust: 'RJE' }, priority: 'urgent' },
        ...{ localPatient: { patientId: 'J1', issuer: 'RJE' }, purpose: 'direct care' },
      }),
    });
    const ended = await eventually(
      'the fetch ends',
      async () => {
        const { body: fetch } = await hub.api<{ state: string }>(`/api/fetches/${body.fetchId}`);
        return ['available', 'partial', 'failed'].includes(fetch.state) ? fetch : undefined;
      },
      { timeoutMs: 120_000 },
    );
    t.match(ended, { state: 'available', instances: { done: 3, expected: 3 } });
    t.strictSame(await destination.sopInstanceUIDs(STUDY), UIDS);
  },
);
