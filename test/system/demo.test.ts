/** The demo network: it starts, what it prints is true, a fetch reaches the other PACS, ctrl-C ends all. */
import { join } from 'node:path';
import t from 'tap';
import { accepts } from '../../demo/child.ts';
import { cdipDone } from '../support/cdip.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { Program } from '../support/program.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const skip = missingPeer('nats-server', 'Orthanc', 'dcmqrscp', 'storescu');

t.test('the demo network', { skip, timeout: 300_000 }, async (t) => {
  const directory = t.testdir();
  const demo = new Program({
    name: 'demo',
    command: process.execPath,
    args: [join(ROOT, 'demo', 'network.ts'), '--directory', directory],
    ready: () => /Ctrl-C ends everything/.test(demo.output),
    readyMs: 120_000,
  });
  await demo.start();
  t.teardown(() => demo.stop(30_000));
  const printed = (pattern: RegExp): string => pattern.exec(demo.output)?.[1] ?? '';
  const hubUrl = printed(/Hub\s+(http:\S+)/);
  const config = join(directory, 'hub', 'hub.yaml');
  const key = await cdipDone(['hub', 'key', 'tests', '--role', 'admin', '--config', config]);
  const api = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(`${hubUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as T;
  };

  t.match(
    await api('/api/studies?nhsNumber=9990000018'),
    { total: 2 },
    'she is found at two trusts',
  );
  t.match(
    await api('/api/requests?trust=RRK&state=waiting'),
    { total: 3 },
    'patients wait for an MRI, and can be booked',
  );
  const link = await fetch(printed(/(http:\S+\/sign-in\/\S+)/));
  t.equal(link.status, 200, 'the sign-in link is good');

  const order = JSON.parse(printed(/-d '(\{.*\})'/)) as { studyInstanceUID: string };
  const { fetchId } = await api<{ fetchId: string }>('/api/fetches', order);
  await eventually(
    'the study is available at RJE',
    async () => {
      const { state } = await api<{ state: string }>(`/api/fetches/${fetchId}`);
      return state === 'available';
    },
    { timeoutMs: 60_000 },
  );
  const orthanc = printed(/PACS\s+(http:\S+)\/app\/explorer.html {2}\(DICOM PACS_RJE/);
  const found = (await (
    await fetch(`${orthanc}/tools/find`, {
      method: 'POST',
      body: JSON.stringify({
        Level: 'Study',
        Expand: true,
        Query: { StudyInstanceUID: order.studyInstanceUID },
      }),
    })
  ).json()) as { PatientMainDicomTags: { PatientID: string } }[];
  t.match(found, [{ PatientMainDicomTags: { PatientID: 'N550812' } }], 'under the number of RJE');

  const held = await api<{ studies: { studyInstanceUID: string }[] }>(
    '/api/studies?nhsNumber=9990000026',
  );
  const waiting = await api<{ fetchId: string }>('/api/fetches', {
    ...{ ...order, studyInstanceUID: held.studies[0]?.studyInstanceUID },
  });
  await eventually('a patient whom RJE does not know is waited for', async () => {
    const { state } = await api<{ state: string }>(`/api/fetches/${waiting.fetchId}`);
    return state === 'held';
  });

  await demo.stop(30_000);
  t.equal(demo.exitCode, 0);
  t.equal(await accepts(Number(new URL(hubUrl).port)), false, 'nothing is left behind');
});
