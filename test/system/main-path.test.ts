/**
 * A study that was sent at one trust is found and fetched at another: configuration files, real
 * objects, a real PACS.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { realFiles } from '../support/corpus.ts';
import { eventually } from '../support/eventually.ts';
import type { Hub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { dataSetDigest } from '../support/part10.ts';
import { askPydicom, differingTags } from '../support/pydicom.ts';
import { sendFiles } from '../support/send-files.ts';
import { type SentObject, storable, studiesOf } from '../support/sent-files.ts';

interface Study {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly numberOfSeries: number;
  readonly numberOfInstances: number;
}
interface Fetch {
  readonly fetchId: string;
  readonly state: string;
  readonly stateReason: { code: string; detail: string } | null;
}

/** What coercion may touch: domain rules 1.4, and group lengths where a group changed. */
const COERCED = new Set([
  ...['00080005', '00080015', '00080050', '00080051', '0018a001', '00200010', '04000561'],
  ...['00100010', '00100020', '00100021', '00100022', '00100024', '00100030', '00100040'],
  ...['00101001', '00101002', '00080000', '00100000', '00180000', '00200000'],
]);

async function allStudies(hub: Hub): Promise<Study[]> {
  const studies: Study[] = [];
  for (;;) {
    const { body } = await hub.api<{ studies: Study[]; total: number }>(
      `/api/studies?limit=500&offset=${studies.length}`,
    );
    studies.push(...body.studies);
    if (studies.length >= body.total || body.studies.length === 0) return studies;
  }
}

const skip = missingPeer('Orthanc', 'nats-server');

t.test('sent at RRK, found at the hub, fetched to RJE', { skip, timeout: 600_000 }, async (t) => {
  const directory = t.testdir();
  const network = await startNetwork({ directory, trusts: ['RRK', 'RJE'] });
  t.teardown(() => network.stop());
  const files = realFiles();
  const sent = await storable(files);
  t.ok(sent.length > 50, `${sent.length} objects to send`);
  await sendFiles(network.site('RRK').edge.dicomPort, files);

  await t.test('every data set is in the spool, byte for byte', async (t) => {
    const spooled = new Set(network.site('RRK').edge.spoolFiles().map(dataSetDigest));
    t.strictSame(
      sent.filter(({ digest }) => !spooled.has(digest)).map(({ path }) => path),
      [],
    );
  });

  await t.test('the hub lists exactly these studies, with right counts', async (t) => {
    const expected = [...studiesOf(sent)]
      .map(([uid, { series, instances }]) => `${uid} ${series} ${instances}`)
      .sort();
    const listed = await eventually(
      'the hub lists as many studies',
      async () => {
        const rows = (await allStudies(network.hub)).map(
          (study) => `${study.studyInstanceUID} ${study.numberOfSeries} ${study.numberOfInstances}`,
        );
        return JSON.stringify(rows.sort()) === JSON.stringify(expected) ? rows : undefined;
      },
      { timeoutMs: 30_000, everyMs: 500 },
    ).catch(async () =>
      (await allStudies(network.hub)).map(
        (study) => `${study.studyInstanceUID} ${study.numberOfSeries} ${study.numberOfInstances}`,
      ),
    );
    t.strictSame([...listed].sort(), expected);
  });

  await t.test('it says that it is complete', async (t) => {
    const answer = await eventually('RRK is equal', async () => {
      const { body } = await network.hub.api<{
        trusts: { trust: string; equal: boolean | null }[];
      }>('/api/completeness');
      return body.trusts.find(({ trust, equal }) => trust === 'RRK' && equal === true);
    });
    t.match(answer, { here: { studies: studiesOf(sent).size }, comparedAt: /Z$/ });
  });

  for (const study of someStudies(sent)) {
    await t.test(`study ${study} reaches the PACS of RJE`, async (t) => {
      await fetchAndCompare(
        t,
        network,
        sent.filter((object) => object.study === study),
      );
    });
  }
});

/** The largest study of several instances, and some of the others. */
function someStudies(sent: readonly SentObject[]): string[] {
  const bySize = [...studiesOf(sent)].sort(([, a], [, b]) => b.instances - a.instances);
  const step = Math.max(1, Math.floor(bySize.length / 6));
  return bySize.filter((_, at) => at === 1 || at % step === 0).map(([uid]) => uid);
}

async function fetchAndCompare(
  t: Test,
  network: Network,
  objects: readonly SentObject[],
): Promise<void> {
  const [first] = objects;
  const { hub } = network;
  const pacs = network.site('RJE').pacs;
  if (first === undefined || pacs === undefined) throw new Error('no object, or no PACS');
  const { status, headers } = await hub.api<Fetch>('/api/fetches', {
    method: 'POST',
    body: JSON.stringify({
      studyInstanceUID: first.study,
      to: { trust: 'RJE' },
      localPatient: { patientId: 'RJE-4711', issuer: 'RJE', patientName: 'Phantom^Local' },
      priority: 'urgent',
      purpose: 'direct care',
    }),
  });
  t.equal(status, 202);
  const location = headers.get('location') ?? '';
  const ended = await eventually(
    'the fetch ends',
    async () => {
      const { body } = await hub.api<Fetch>(location);
      return ['available', 'partial', 'failed', 'expired'].includes(body.state) ? body : undefined;
    },
    { timeoutMs: 120_000 },
  );
  t.match(ended, { state: 'available' });

  const wanted = [...new Set(objects.map(({ instance }) => instance))].sort();
  t.strictSame(await pacs.sopInstanceUIDs(first.study), wanted);
  const folder = join(t.testdir(), 'back');
  mkdirSync(folder);
  for (const { path, instance } of firstOfEach(objects)) {
    const back = join(folder, createHash('sha256').update(instance).digest('hex'));
    writeFileSync(back, await pacs.file(instance));
    const differing = await differingTags(path, back);
    t.strictSame(
      differing.filter((tag) => !COERCED.has(tag)),
      [],
      'nothing else differs',
    );
    const [view] = await askPydicom(
      [back],
      ['PatientID', 'IssuerOfPatientID', 'PatientName', 'OriginalAttributesSequence'],
    );
    t.match(view?.text, {
      PatientID: 'RJE-4711',
      IssuerOfPatientID: 'RJE',
      PatientName: 'Phantom^Local',
      OriginalAttributesSequence: /Patient ID/,
    });
    t.ok(readFileSync(back).length > 0);
  }
}

/** Of objects with the same UID the first stays current. At most twenty of a study are compared. */
function firstOfEach(objects: readonly SentObject[]): SentObject[] {
  const seen = new Map<string, SentObject>();
  for (const object of objects) if (!seen.has(object.instance)) seen.set(object.instance, object);
  return [...seen.values()].slice(0, 20);
}
