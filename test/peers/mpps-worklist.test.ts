/** A modality's worklist, by DCMTK's findscu; and its performed steps, passed on to a second edge. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { CommandField } from '../../edge/dimse/command-set.ts';
import { openAssociation } from '../../edge/dimse/scu.ts';
import { MPPS } from '../../edge/scp/mpps/service.ts';
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import { type Entry, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { runTool } from '../support/dcmtk.ts';
import { prepareEdge, startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const skip = missingPeer('findscu');

function worklistFile(step: { patientId: string; name: string; ae: string; date: string }): Buffer {
  const head = encodePart10Head({
    ...{ sopClassUID: '1.2.276.0.7230010.3.1.0.1', sopInstanceUID: '2.25.1' },
    transferSyntaxUID: EXPLICIT,
  });
  const dataSet = writeSmallDataSet(EXPLICIT, [
    [0x0008_0050, 'ACC1'],
    [0x0010_0010, step.name],
    [0x0010_0020, step.patientId],
    [0x0020_000d, '2.25.77'],
    [
      0x0040_0100,
      [
        [
          [0x0008_0060, 'CT'],
          [0x0040_0001, step.ae],
          [0x0040_0002, step.date],
          [0x0040_0009, 'SPS1'],
        ],
      ],
    ],
  ]);
  return Buffer.concat([head, dataSet]);
}

t.test('a modality finds the steps that are scheduled for it', { skip }, async (t) => {
  const directory = t.testdir();
  const folder = join(directory, 'worklist');
  mkdirSync(folder);
  const write = (name: string, step: Parameters<typeof worklistFile>[0]): void =>
    writeFileSync(join(folder, name), worklistFile(step));
  write('1.wl', { patientId: 'P1', name: 'Müller^Jörg', ae: 'CT1', date: '20260314' });
  write('2.wl', { patientId: 'P2', name: 'Other^Ann', ae: 'CT2', date: '20260314' });
  write('3.wl', { patientId: 'P3', name: 'Later^Lea', ae: 'CT1', date: '20260401' });
  writeFileSync(join(folder, 'broken.wl'), 'not a worklist item');
  const edge = await startEdge({ directory, trust: 'RRK', config: { worklist: { folder } } });
  t.teardown(() => edge.stop());
  const find = async (...keys: string[]): Promise<string> => {
    const given = keys.flatMap((key) => ['-k', key]);
    const called = ['-aec', edge.aeTitle, '127.0.0.1', `${edge.dicomPort}`];
    return (await runTool('findscu', ['-v', '-W', ...given, ...called])).output;
  };
  const step = 'ScheduledProcedureStepSequence[0]';
  const mine = await find(
    ...['PatientName', 'PatientID', 'StudyInstanceUID'],
    ...[`${step}.ScheduledStationAETitle=CT1`, `${step}.ScheduledProcedureStepStartDate=20260314`],
    `${step}.ScheduledProcedureStepID`,
  );
  t.match(mine, /\[P1\s*\]/);
  t.match(mine, /\[SPS1\s*\]/);
  t.match(mine, /\[2\.25\.77/);
  t.notMatch(mine, /\[P[23]\s*\]/);
  t.match(await find('PatientName=muller*', 'PatientID'), /\[P1\s*\]/);
  const wrong = await find(`${step}.ScheduledProcedureStepStartDate=2026-03-14`, 'PatientID');
  t.match(wrong, /DataSetDoesNotMatchSOPClass/, 'not as if nothing were scheduled');
  // What is new is answered at once.
  write('4.wl', { patientId: 'P4', name: 'New^Nora', ae: 'CT1', date: '20260314' });
  t.match(await find('PatientName=NEW*', 'PatientID'), /\[P4\s*\]/);
  const page = await (await fetch(edge.url)).text();
  t.match(page, /broken\.wl<\/td><td>NOT_PART10/, 'the one that can not be read is shown');
  t.match(page, /Commitments to be told/);
});

t.test('performed steps: their states, and who is told of them', async (t) => {
  const directory = t.testdir();
  const ris = await startEdge({ directory: join(directory, 'ris'), trust: 'RJE' });
  t.teardown(() => ris.stop());
  const peers = [
    {
      ...{ name: 'ris', aeTitle: ris.aeTitle, host: '127.0.0.1', port: ris.dicomPort },
      ...{ role: 'archive', receivesMpps: true },
    },
  ];
  const edge = await prepareEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: { peers },
  });
  await edge.start();
  t.teardown(() => edge.stop());
  await ris.stop();
  const association = await openAssociation({
    peer: {
      ...{ host: '127.0.0.1', port: edge.dicomPort },
      ...{ aeTitle: edge.aeTitle, callingAETitle: 'CT1' },
    },
    contexts: [{ abstractSyntaxUID: MPPS, transferSyntaxUIDs: [EXPLICIT] }],
  });
  const tell = async (kind: 'create' | 'set', uid: string, entries: readonly Entry[]) => {
    const { command } = await association.request({
      sopClassUID: MPPS,
      field: kind === 'create' ? CommandField.nCreateRQ : CommandField.nSetRQ,
      fields:
        kind === 'create'
          ? { AffectedSOPClassUID: MPPS, AffectedSOPInstanceUID: uid }
          : { RequestedSOPClassUID: MPPS, RequestedSOPInstanceUID: uid },
      dataSet: writeSmallDataSet(EXPLICIT, entries),
    });
    return command.number('Status');
  };
  const status = (value: string): Entry => [0x0040_0252, value];
  const study: Entry = [0x0040_0270, [[[0x0020_000d, '2.25.77']]]];
  const series: Entry = [
    0x0040_0340,
    [[[0x0008_1140, ['1', '2'].map((n): Entry[] => [[0x0008_1155, `2.25.77.${n}`]])]]],
  ];
  t.equal(await tell('create', '2.25.8', [status('COMPLETED'), study]), 0x0106, 'not begun');
  t.equal(await tell('create', '2.25.8', [status('IN PROGRESS'), study]), 0);
  t.equal(await tell('create', '2.25.8', [status('IN PROGRESS'), study]), 0x0111, 'twice');
  t.equal(await tell('set', '2.25.9', [status('COMPLETED')]), 0x0112, 'unknown');
  t.equal(await tell('set', '2.25.8', [series]), 0);
  t.equal(await tell('set', '2.25.8', [status('COMPLETED'), series]), 0);
  t.equal(await tell('set', '2.25.8', [status('IN PROGRESS')]), 0x0110, 'over is over');
  await association.release();
  await edge.kill9();
  await edge.start();
  await ris.start();
  const db = new Database(join(ris.dataDirectory, 'edge.sqlite'), { readonly: true });
  t.teardown(() => db.close());
  const steps = await eventually(
    'it was passed on',
    () => {
      const row = db.prepare('SELECT * FROM performed_steps').get() as
        | { status: string }
        | undefined;
      return row?.status === 'COMPLETED' && row;
    },
    { timeoutMs: 40_000 },
  );
  t.match(steps, { sop_uid: '2.25.8', instances: 2, study_uids: '["2.25.77"]' });
});
