/** QIDO-RS of an edge: what is found, what is refused, what is said beside it. PS3.18 §10.6, §8.3.4. */
import t, { type Test } from 'tap';
import { DicomWebError } from '../../../../edge/dicomweb/dicomweb-error.ts';
import { type DicomWeb, openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { searchInstances, searchSeries, searchStudies } from '../../../../edge/dicomweb/search.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import type { JsonDataSet } from '../../../../shared/dicom/dicom-json.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

/** Three studies of one image each: CT, MR, US. */
async function world(t: Test): Promise<DicomWeb> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  const decoder = new CodecThreads({ maxThreads: 1 });
  t.teardown(() => decoder.stop());
  for (const [at, Modality] of ['CT', 'MR', 'US'].entries())
    await storage.send(
      smallObject(at, {
        Modality,
        StudyInstanceUID: `2.999.${at}`,
        SeriesInstanceUID: `2.999.${at}.1`,
      }),
    );
  return openDicomWeb({ ...storage, log: silentLog, decoder });
}

type Parameters = Record<string, string | string[]>;

async function studies(web: DicomWeb, parameters: Parameters) {
  const answer = await searchStudies(web, { parameters, accept: undefined });
  const found = JSON.parse(String(answer.body) || '[]') as JsonDataSet[];
  const uids = found.map((one) => one['0020000D']?.Value?.[0]).sort();
  return { uids, status: answer.status, warning: answer.headers?.['warning'] };
}

t.test(
  'lists of UIDs and of modalities are parted by commas, backslashes, or given again',
  async (t) => {
    const web = await world(t);
    for (const StudyInstanceUID of ['2.999.0,2.999.2', '2.999.0\\2.999.2', ['2.999.0', '2.999.2']])
      t.strictSame((await studies(web, { StudyInstanceUID })).uids, ['2.999.0', '2.999.2']);
    for (const keyword of ['ModalitiesInStudy', 'Modality'])
      t.strictSame((await studies(web, { [keyword]: 'CT,MR' })).uids, ['2.999.0', '2.999.1']);
  },
);

t.test('what the index does not know is refused, never answered with nothing', async (t) => {
  const web = await world(t);
  for (const parameters of [
    { '00101010': '050Y' },
    { StudyDate: '20261340' },
    { StudyTime: '9999' },
  ])
    await t.rejects(studies(web, parameters), DicomWebError, JSON.stringify(parameters));
  const scope = { studyInstanceUID: '2.999.0', home: 'RRK' };
  const series = (parameters: Parameters) =>
    searchSeries(web, scope, { parameters, accept: undefined });
  t.throws(() => series({ PerformedProcedureStepStartDate: '20260101' }), DicomWebError);
  t.equal(
    series({ PatientID: 'MRN1', Modality: 'CT' }).status,
    200,
    'by what stands above it, too',
  );
  t.equal(series({ PatientID: 'MRN2' }).status, 204);
});

t.test('asked for a fuzzy match it says that there is none', async (t) => {
  const web = await world(t);
  const { warning, uids } = await studies(web, {
    PatientName: 'phantom*',
    fuzzymatching: 'true',
    limit: '1',
  });
  t.equal(uids.length, 1);
  t.match(warning, /^299 .*fuzzymatching parameter is not supported.*, 299 .*2 additional results/);
});

t.test('further attributes of images are named by keyword or tag', async (t) => {
  const web = await world(t);
  const scope = { studyInstanceUID: '2.999.0', home: 'RRK' };
  for (const includefield of ['PatientBirthDate', '00100030', 'Nonsense,PatientBirthDate', 'all']) {
    const { body } = await searchInstances(web, scope, {
      parameters: { includefield },
      accept: undefined,
    });
    t.match(JSON.parse(String(body)), [{ '00100030': { Value: ['19500102'] } }], includefield);
  }
});
