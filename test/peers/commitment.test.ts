/** Storage commitment asked for by Orthanc, which sends its objects to the edge and wants to delete them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CommandField } from '../../edge/dimse/command-set.ts';
import { openAssociation } from '../../edge/dimse/scu.ts';
import {
  CommitmentTag,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
} from '../../edge/scp/commitment/push-model.ts';
import { readSmallDataSet, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const skip = missingPeer('Orthanc');
const CT = '1.2.840.10008.5.1.4.1.1.2';
const IMPLICIT = '1.2.840.10008.1.2';

interface Report {
  readonly Status: 'Pending' | 'Success' | 'Failure';
  readonly Success: readonly { SOPInstanceUID: string }[];
  readonly Failures: readonly { SOPInstanceUID: string; FailureReason: number }[];
}

async function world(t: Test) {
  const directory = t.testdir();
  const scannerPort = await freePort();
  const peers = [
    {
      ...{ name: 'scanner', aeTitle: 'SCANNER', host: '127.0.0.1', port: scannerPort },
      role: 'modality',
    },
  ];
  const edge = await startEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: { peers },
  });
  t.teardown(() => edge.stop());
  const startScanner = async () => {
    const scanner = await startOrthanc(join(directory, 'scanner'), {
      ...{ aeTitle: 'SCANNER', dicomPort: scannerPort },
      neighbours: [{ aeTitle: edge.aeTitle, host: '127.0.0.1', port: edge.dicomPort }],
    });
    t.teardown(() => scanner.stop());
    return scanner;
  };
  const store = async (numbers: readonly number[]): Promise<void> => {
    const objects = numbers.map((number) => ({
      ...{ sopClassUID: CT, sopInstanceUID: `2.999.1.${number}` },
      transferSyntaxUID: '1.2.840.10008.1.2.1',
      dataSet: dataSetOf(smallObject(number)),
    }));
    const sender = await openSender({ port: edge.dicomPort, contexts: contextsOf(objects) });
    for (const object of objects) t.equal(await sender.store(object), 0);
    await sender.release();
  };
  return { edge, startScanner, store };
}

t.test('what is here is committed, what is not is named', { skip }, async (t) => {
  const { edge, startScanner, store } = await world(t);
  const scanner = await startScanner();
  await store([1, 2]);
  const uids = ['2.999.1.1', '2.999.1.2', '2.999.1.99'];
  const response = await fetch(`${scanner.url}/modalities/${edge.aeTitle}/storage-commitment`, {
    method: 'POST',
    body: JSON.stringify({ DicomInstances: uids.map((uid) => [CT, uid]) }),
  });
  t.equal(response.status, 200);
  const { ID } = (await response.json()) as { ID: string };
  const report = await eventually('Orthanc has the report', async () => {
    const found = await scanner.rest<Report>(`/storage-commitment/${ID}`);
    return found.Status !== 'Pending' && found;
  });
  t.strictSame(
    report.Success.map(({ SOPInstanceUID }) => SOPInstanceUID),
    uids.slice(0, 2),
  );
  t.match(report.Failures, [{ SOPInstanceUID: '2.999.1.99', FailureReason: 0x0112 }]);
});

t.test('B14: a scanner that is away is told when it is back', { skip }, async (t) => {
  const { edge, startScanner, store } = await world(t);
  await store([1]);
  const association = await openAssociation({
    peer: {
      ...{ host: '127.0.0.1', port: edge.dicomPort },
      ...{ aeTitle: edge.aeTitle, callingAETitle: 'SCANNER' },
    },
    contexts: [
      { abstractSyntaxUID: STORAGE_COMMITMENT, transferSyntaxUIDs: ['1.2.840.10008.1.2'] },
    ],
  });
  const ask = async (transactionUID: string, uid: string): Promise<number | undefined> => {
    const dataSet = writeSmallDataSet('1.2.840.10008.1.2', [
      [CommitmentTag.TransactionUID, transactionUID],
      [
        CommitmentTag.ReferencedSOPSequence,
        [
          [
            [CommitmentTag.ReferencedSOPClassUID, CT],
            [CommitmentTag.ReferencedSOPInstanceUID, uid],
          ],
        ],
      ],
    ]);
    const { command } = await association.request({
      ...{ field: CommandField.nActionRQ, sopClassUID: STORAGE_COMMITMENT, dataSet },
      fields: {
        RequestedSOPClassUID: STORAGE_COMMITMENT,
        RequestedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
        ActionTypeID: 1,
      },
    });
    return command.number('Status');
  };
  t.equal(await ask('2.25.5', '2.999.1.1'), 0);
  t.equal(await ask('2.25.5', '2.999.1.1'), 0, 'the same again');
  t.equal(await ask('2.25.5', '2.999.1.2'), 0x0131, 'its UID for something else');
  await association.release();
  await edge.kill9();
  await edge.start();
  const scanner = await startScanner();
  // Orthanc did not ask: it says so, which shows that it was told.
  await eventually(
    'the edge told it',
    () => /commitment\.(told|not-told)/.test(edge.program.output) && scanner.program.output !== '',
  );
});

t.test('B14: whoever is no peer is told at once that nothing will come', { skip }, async (t) => {
  const { edge } = await world(t);
  const association = await openAssociation({
    peer: {
      ...{ host: '127.0.0.1', port: edge.dicomPort },
      ...{ aeTitle: edge.aeTitle, callingAETitle: 'STRANGER' },
    },
    contexts: [
      { abstractSyntaxUID: STORAGE_COMMITMENT, transferSyntaxUIDs: ['1.2.840.10008.1.2'] },
    ],
  });
  const { command } = await association.request({
    ...{ field: CommandField.nActionRQ, sopClassUID: STORAGE_COMMITMENT },
    fields: {
      RequestedSOPClassUID: STORAGE_COMMITMENT,
      RequestedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
      ActionTypeID: 1,
    },
    dataSet: writeSmallDataSet('1.2.840.10008.1.2', [[CommitmentTag.TransactionUID, '2.25.6']]),
  });
  t.equal(command.number('Status'), 0x0110);
  t.match(command.text('ErrorComment'), /STRANGER is no peer/);
  await association.release();
});

t.test('whoever holds his association open is told over it', async (t) => {
  const { edge, store } = await world(t);
  await store([1]);
  const told: { typeId: number | undefined; transactionUID: string | undefined }[] = [];
  // Nobody listens at the port of this scanner: there is no other way.
  const association = await openAssociation({
    peer: {
      ...{ host: '127.0.0.1', port: edge.dicomPort },
      ...{ aeTitle: edge.aeTitle, callingAETitle: 'SCANNER' },
    },
    contexts: [{ abstractSyntaxUID: STORAGE_COMMITMENT, transferSyntaxUIDs: [IMPLICIT] }],
    services: {
      store: () => ({ write: () => undefined, end: async () => ({ status: 0 }), abort: () => {} }),
      served: [
        {
          ...{ name: 'results', sopClassUID: STORAGE_COMMITMENT, kinds: ['event-report'] },
          statuses: {},
          async handle({ typeId, transferSyntaxUID, dataSet }) {
            const result = readSmallDataSet(transferSyntaxUID, dataSet);
            told.push({ typeId, transactionUID: result.text(CommitmentTag.TransactionUID) });
            return { status: 0 };
          },
        },
      ],
    },
  });
  for (const [transactionUID, uid] of [
    ['2.25.7', '2.999.1.1'],
    ['2.25.8', '2.999.1.2'],
  ] as const) {
    const { command } = await association.request({
      ...{ field: CommandField.nActionRQ, sopClassUID: STORAGE_COMMITMENT },
      fields: {
        RequestedSOPClassUID: STORAGE_COMMITMENT,
        RequestedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
        ActionTypeID: 1,
      },
      dataSet: writeSmallDataSet(IMPLICIT, [
        [CommitmentTag.TransactionUID, transactionUID],
        [CommitmentTag.ReferencedSOPSequence, [[[CommitmentTag.ReferencedSOPInstanceUID, uid]]]],
      ]),
    });
    t.equal(command.number('Status'), 0);
  }
  await eventually('both results have come', () => told.length === 2);
  t.match(told, [
    { typeId: 1, transactionUID: '2.25.7' },
    { typeId: 2, transactionUID: '2.25.8' },
  ]);
  await association.release();
  t.notMatch(edge.program.output, /commitment\.not-told/);
});
