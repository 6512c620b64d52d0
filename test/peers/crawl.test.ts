/** What a real PACS holds is learnt by C-FIND alone: dcmqrscp and Orthanc. Nothing of it is copied. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCrawlWorld } from '../support/crawl-world.ts';
import { startDcmqrscp } from '../support/dcmqrscp.ts';
import { storescu } from '../support/dcmtk.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { writePart10 } from '../support/part10.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const NOW = Date.UTC(2026, 5, 15, 12);
const UTF8 = 'ISO_IR 192';

/** Two studies of three and two objects; one patient with an umlaut. */
function writeStudies(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const first = [1, 2, 3].map((number) => smallObject(number, { StudyDate: '20260615' }));
  const second = [4, 5].map((number) =>
    smallObject(number, {
      ...{ StudyInstanceUID: '2.999.7.2', SeriesInstanceUID: `2.999.7.2.${number}` },
      ...{ StudyDate: '20080229', Modality: 'MR', PatientID: 'MRN2', PatientName: 'Müller^Jörg' },
    }),
  );
  return [...first, ...second].map((object, at) => {
    const file = join(folder, `${at}.dcm`);
    const charset = Buffer.from([0x08, 0, 0x05, 0, 0x43, 0x53, UTF8.length, 0]);
    const dataSet = Buffer.concat([charset, Buffer.from(UTF8), dataSetOf(object)]);
    const transferSyntaxUID = '1.2.840.10008.1.2.1';
    const sopInstanceUID = object.SOPInstanceUID ?? '';
    const sopClassUID = '1.2.840.10008.5.1.4.1.1.2';
    writeFileSync(file, writePart10({ sopClassUID, sopInstanceUID, transferSyntaxUID, dataSet }));
    return file;
  });
}

const PACS = {
  dcmqrscp: (directory: string) => startDcmqrscp(directory),
  Orthanc: async (directory: string) => {
    const orthanc = await startOrthanc(directory);
    return { ...orthanc, port: orthanc.dicomPort, stop: () => orthanc.stop() };
  },
};

for (const name of ['dcmqrscp', 'Orthanc'] as const)
  t.test(
    `${name}: its studies stand in the index`,
    { skip: missingPeer(name, 'storescu') },
    async (t) => {
      const directory = t.testdir();
      const pacs = await PACS[name](join(directory, 'pacs'));
      t.teardown(() => pacs.stop());
      const files = writeStudies(join(directory, 'files'));
      const called = { port: pacs.port, calledAETitle: pacs.aeTitle };
      t.equal((await storescu(called, files)).code, 0);
      const world = openCrawlWorld({ directory: join(directory, 'edge'), pacs, now: NOW });
      t.teardown(() => world.close());
      await world.settle();

      t.strictSame(world.studies(), ['2.999.7.1', '2.999.7.2']);
      const first = world.index.studyState('2.999.7.1', 'RRK');
      t.match(first, { instances: 0, studyDate: '20260615', patient: { patientId: 'MRN1' } });
      t.strictSame(first?.nearline, { series: 1, instances: 3, modalities: ['CT'] });
      const second = world.index.studyState('2.999.7.2', 'RRK');
      t.match(second?.patient, { name: 'Müller^Jörg', birthDate: '19500102' }, 'B21');
      t.strictSame(second?.nearline, { series: 2, instances: 2, modalities: ['MR'] });
      t.match(world.progress(), { studies: 2, uncounted: 0, history: true, reason: null });
    },
  );
