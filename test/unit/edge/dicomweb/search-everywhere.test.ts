/** QIDO-RS of series and objects over all studies of an edge: what is found, paged, and said to be missing. PS3.18 §10.6. */
import t, { type Test } from 'tap';
import { DicomWebError } from '../../../../edge/dicomweb/dicomweb-error.ts';
import { openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import {
  type EverywhereParts,
  searchAllInstances,
  searchAllSeries,
} from '../../../../edge/dicomweb/search-everywhere.ts';
import { valuesOf } from '../../../../edge/scp/query/local-studies.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import type { JsonDataSet } from '../../../../shared/dicom/dicom-json.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const NEARLINE = '2.999.9';

type Listing = EverywhereParts['listing'];
const LISTING: Listing = {
  series: async () => [
    {
      seriesInstanceUID: '2.999.9.1',
      values: valuesOf({ SeriesInstanceUID: '2.999.9.1', Modality: 'NM' }),
    },
  ],
  instances: async () => [
    valuesOf({ SOPInstanceUID: '2.999.9.1.1', InstanceNumber: '1' }),
    valuesOf({ SOPInstanceUID: '2.999.9.1.2', InstanceNumber: '2' }),
  ],
};
const SILENT: Listing = { series: async () => undefined, instances: async () => undefined };

/** CT with two objects, MR and US with one; one study that only the PACS holds. */
async function world(t: Test, listing: Listing = LISTING): Promise<EverywhereParts> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  const decoder = new CodecThreads({ maxThreads: 1 });
  t.teardown(() => decoder.stop());
  for (const [at, [study, Modality]] of Object.entries([
    [0, 'CT'],
    [0, 'CT'],
    [1, 'MR'],
    [2, 'US'],
  ] as const))
    await storage.send(
      smallObject(Number(at), {
        Modality,
        StudyInstanceUID: `2.999.${study}`,
        SeriesInstanceUID: `2.999.${study}.1`,
      }),
    );
  storage.db
    .prepare(
      `INSERT INTO studies (study_uid, home, rev, patient_id, issuer, study_date, series, instances, bytes, set_hash,
         conflicts, first_at, last_at, pacs_seen_at, pacs_modalities)
       VALUES (?, 'RRK', 1, 'MRN9', 'RRK', '20200101', 0, 0, 0, '', 0, 0, 0, 1, 'NM')`,
    )
    .run(NEARLINE);
  const web = openDicomWeb({ ...storage, log: silentLog, decoder });
  return { ...web, trust: 'RRK', listing };
}

type Parameters = Record<string, string>;
type Search = typeof searchAllSeries;

async function found(search: Search, parts: EverywhereParts, parameters: Parameters) {
  const answer = await search(parts, { parameters, accept: undefined });
  const all = JSON.parse(String(answer.body) || '[]') as JsonDataSet[];
  const uids = all.map((one) => String((one['00080018'] ?? one['0020000E'])?.Value?.[0]));
  return { all, uids, status: answer.status, warning: answer.headers?.['warning'] };
}

t.test('series of all studies are found by what they and their studies are', async (t) => {
  const parts = await world(t);
  const series = (parameters: Parameters) => found(searchAllSeries, parts, parameters);
  t.same(
    new Set((await series({})).uids),
    new Set(['0', '1', '2', '9'].map((n) => `2.999.${n}.1`)),
  );
  t.strictSame((await series({ Modality: 'MR' })).uids, ['2.999.1.1']);
  t.strictSame((await series({ Modality: 'MR', PatientID: 'MRN9' })).uids, []);
  t.strictSame((await series({ ModalitiesInStudy: 'NM' })).uids, ['2.999.9.1']);
  const [one] = (await series({ SeriesInstanceUID: '2.999.0.1' })).all;
  t.match(one, {
    '00100020': { Value: ['MRN1'] },
    '0020000D': { Value: ['2.999.0'] },
    '00201209': { Value: [2] },
    '00081190': { Value: ['/dicom-web/studies/2.999.0/series/2.999.0.1'] },
  });
  await t.rejects(series({ InstanceNumber: '1' }), DicomWebError, 'of objects alone');
});

t.test('objects of all studies are found by any of their attributes', async (t) => {
  const parts = await world(t);
  const objects = (parameters: Parameters) => found(searchAllInstances, parts, parameters);
  t.equal((await objects({})).uids.length, 6);
  t.equal((await objects({ Modality: 'CT' })).uids.length, 2);
  const [, second] = (await objects({ Modality: 'CT' })).uids;
  const alone = await objects({ SOPInstanceUID: second ?? '', includefield: 'PatientBirthDate' });
  t.strictSame(alone.uids, [second]);
  t.match(alone.all, [
    { '0020000E': { Value: ['2.999.0.1'] }, '00100030': { Value: ['19500102'] } },
  ]);
  t.match(alone.warning, /not what only the PACS holds/);
  const nearline = await objects({ StudyInstanceUID: NEARLINE, InstanceNumber: '2' });
  t.strictSame(nearline.uids, ['2.999.9.1.2']);
  t.match(nearline.all, [{ '00080056': { Value: ['NEARLINE'] }, '00100020': { Value: ['MRN9'] } }]);
});

t.test('pages of objects neither overlap nor leave out, and say what is left', async (t) => {
  const parts = await world(t);
  for (const filter of [{}, { PatientID: '*' }, { InstanceNumber: '*' }, { Rows: '*' }]) {
    const seen: string[] = [];
    for (let offset = 0; offset < 6; offset += 1) {
      const parameters = { ...filter, limit: '1', offset: String(offset) };
      const { uids, warning = '' } = await found(searchAllInstances, parts, parameters);
      seen.push(...uids);
      const remaining = 5 - offset;
      t.equal(/There are (\d+) additional/.exec(warning)?.[1] ?? '0', String(remaining));
    }
    t.equal(new Set(seen).size, 6, JSON.stringify(filter));
  }
});

t.test('what the PACS does not list is said, never left out in silence', async (t) => {
  const parts = await world(t, SILENT);
  const { uids, warning } = await found(searchAllSeries, parts, { PatientID: 'MRN9' });
  t.strictSame(uids, []);
  t.match(warning, /1 studies that the PACS holds is not listed/);
  const listed = await world(t);
  const { warning: unmatched } = await found(searchAllInstances, listed, {
    ...{ PatientID: 'MRN9', Rows: '8' },
  });
  t.match(unmatched, /can not be matched by 00280010/);
});
