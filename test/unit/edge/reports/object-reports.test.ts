/** Reports among the objects that a trust's own devices send. edge/reports/object-reports.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { textReport } from '../../../../demo/phantom/report.ts';
import { Records } from '../../../../edge/index/records/records.ts';
import { ObjectReports, reportInlet } from '../../../../edge/reports/object-reports.ts';
import { markResult } from '../../../../edge/route/mark-result.ts';
import type { RecordEventBody } from '../../../../shared/contract/events.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../shared/dicom/transfer-syntax.ts';
import { silentLog } from '../../../../shared/log.ts';
import { zoneOf } from '../../../../shared/time-zone.ts';
import { chunksOf, collect } from '../../../support/data-set.ts';
import { DOSE_SR, doseReport } from '../../../support/dose-report.ts';
import { readPart10 } from '../../../support/part10.ts';
import { openStorageFixture, temporaryDirectory } from '../../../support/storage-fixture.ts';

const NHS = '9434765919';
const study = {
  ...{ studyInstanceUID: '2.25.70', date: '20260615', time: '101500', institution: 'Trust RRK' },
  ...{ accessionNumber: 'A70', description: 'CT chest' },
  patient: {
    ...{ patientId: '1001', issuer: 'RRK', nhsNumber: NHS, name: 'Smith^Anna' },
    ...{ birthDate: '19580131', sex: 'F' as const },
  },
};

t.test('a structured report is told as a report, once; a result of a model is not', async (t) => {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({
    dataDirectory,
    onStored: (db) => reportInlet(db, 'RRK'),
  });
  t.teardown(() => storage.close());
  const { db, index, spool } = storage;
  const events: RecordEventBody[] = [];
  const reports = new ObjectReports({
    ...{ trust: 'RRK', db, index, spool, log: silentLog, now: Date.now },
    records: new Records(db, (body) => events.push(body)),
    tellDose: (body) => events.push(body),
    zone: zoneOf('Europe/London'),
  });
  const sr = (series: string): ReturnType<typeof readPart10> => {
    const file = join(dataDirectory, 'sr.dcm');
    const evidence = {
      ...{ seriesInstanceUID: '2.25.70.1', sopInstanceUID: '2.25.70.1.1' },
      sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    };
    const seriesOf = { number: 9, modality: 'SR', description: 'Report', bodyPart: 'CHEST' };
    const text = { findings: 'A nodule of 7 mm.', impression: 'Follow up.' };
    writeFileSync(
      file,
      textReport({ study, evidence, text, series: { seriesInstanceUID: series, ...seriesOf } }),
    );
    return readPart10(file);
  };
  const { dataSet, ...own } = sr('2.25.70.9');
  t.equal((await storage.sendBytes(dataSet, own)).status, 0);
  await reports.look();
  await reports.look();
  t.match(events, [
    { kind: 'patient', patient: { patientId: '1001', nhsNumber: NHS, name: 'Smith^Anna' } },
    {
      ...{ kind: 'report', version: 1, status: 'final', accessionNumbers: ['A70'] },
      ...{ studyInstanceUIDs: ['2.25.70'], title: 'Diagnostic imaging report' },
      text: 'Findings\nFinding: A nodule of 7 mm.\n\nConclusions\nFinding: Follow up.',
    },
  ]);
  t.equal(events.length, 2);

  const result = sr('2.25.70.10');
  const mark = { model: 'M', version: '1', node: 'AI', trust: 'RRK', receivedAt: 0 };
  const source = { transferSyntaxUID: result.transferSyntaxUID, open: chunksOf(result.dataSet) };
  const { dataSet: _, ...marked } = result;
  t.equal((await storage.sendBytes(await collect(markResult(source, mark)), marked)).status, 0);
  await reports.look();
  t.equal(events.length, 2);
});

t.test(
  'a dose report is told as dose, again to a hub that lost it, and never as a report',
  async (t) => {
    const dataDirectory = temporaryDirectory(t);
    const storage = await openStorageFixture({
      dataDirectory,
      onStored: (db) => reportInlet(db, 'RRK'),
    });
    t.teardown(() => storage.close());
    const { db, index, spool } = storage;
    const events: RecordEventBody[] = [];
    const reports = new ObjectReports({
      ...{ trust: 'RRK', db, index, spool, log: silentLog, now: Date.now },
      records: new Records(db, (body) => events.push(body)),
      tellDose: (body) => events.push(body),
      zone: zoneOf('Europe/London'),
    });
    const ct = {
      events: [{ uid: '2.25.70.5', protocol: 'Thorax', dlp: ['300', 'mGy.cm'] as const }],
    };
    // Older devices send the same as an Enhanced SR.
    const classes = [DOSE_SR, '1.2.840.10008.5.1.4.1.1.88.22'];
    for (const [at, sopClassUID] of classes.entries()) {
      const sopInstanceUID = `2.25.70.99.${at}`;
      const dataSet = doseReport({ study, sopInstanceUID, sopClassUID, ct });
      const own = { sopInstanceUID, sopClassUID, transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN };
      t.equal((await storage.sendBytes(dataSet, own)).status, 0);
    }
    await reports.look();
    await reports.look();
    const told = classes.map((_, at) => ({
      ...{
        kind: 'dose',
        sopInstanceUID: `2.25.70.99.${at}`,
        accessionNumber: 'A70',
        modality: 'CT',
      },
      irradiations: [
        { eventUID: '2.25.70.5', dlpMGyCm: 300, startedAt: '2026-06-15T09:15:00.000Z' },
      ],
    }));
    t.match(events, told);
    t.equal(events.length, 2);
    t.match([...reports.everyDose(1)].flat(), told, 'in the order in which they came');
  },
);
