/** What was here once is told apart from what never was. PS3.18 §8.5: 410 and 404. */
import t from 'tap';
import { openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { retrieveMetadata } from '../../../../edge/dicomweb/retrieve.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

t.test('an object that its home took back, or whose file is missing, is gone', async (t) => {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  const decoder = new CodecThreads({ maxThreads: 1 });
  t.teardown(() => decoder.stop());
  const web = openDicomWeb({ ...storage, log: silentLog, decoder });
  for (let at = 0; at < 3; at += 1) await storage.send(smallObject(at));
  const study = { studyInstanceUID: '2.999.7.1', home: 'RRK', seriesInstanceUID: '2.999.7.1.1' };
  const metadata = (sopInstanceUID: string, scope = study) =>
    retrieveMetadata(web, { ...scope, sopInstanceUID }, undefined);
  storage.index.markMissing({ sopInstanceUID: '2.999.1.0', home: 'RRK' }, 1);
  storage.db.exec(
    `INSERT INTO rejections VALUES ('2.999.1.9', 'RRK', '2.999.7.1', '113037', '2.999.8', 1)`,
  );
  await t.rejects(metadata('2.999.1.0'), { code: 'RESOURCE_GONE', message: /file .* missing/ });
  await t.rejects(metadata('2.999.1.9'), {
    code: 'RESOURCE_GONE',
    message: /took this object back/,
  });
  await t.rejects(metadata('2.999.1.9', { ...study, studyInstanceUID: '2.999.7.2' }), {
    code: 'RESOURCE_NOT_FOUND',
  });
  await t.rejects(metadata('2.999.1.404'), { code: 'RESOURCE_NOT_FOUND' });
  t.equal((await metadata('2.999.1.2')).status, 200);
});
