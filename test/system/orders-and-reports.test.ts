/**
 * RIS and PAS of two trusts, over a whole network: an order brings the priors of the other trust into the
 * PACS with nobody asking; a report that is corrected where it was written is corrected everywhere; the same
 * local number and accession at two trusts stay two people.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, pixelElements } from '../../demo/phantom/modules.ts';
import { eventually } from '../support/eventually.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('nats-server', 'Orthanc');
const CT = '1.2.840.10008.5.1.4.1.1.2';
const ANNA = '9434765919';
const PETER = '4010232137';
const STUDY = '2.25.8001';

/** Both trusts have a patient 12345 and an accession number 1001. */
const PID = {
  RRK: `PID|1||12345^^^RRK^MR~${PETER}^^^NHS^NH||Jones^Peter||19610302|M${'|'.repeat(24)}01`,
  anna: `PID|1||A-17^^^RRK^MR~${ANNA}^^^NHS^NH||Smith^Anna||19580131|F${'|'.repeat(24)}01`,
  RJE: `PID|1||12345^^^RJE^MR~${ANNA}^^^NHS^NH||Smith^Anna||19580131|F${'|'.repeat(24)}01`,
};

const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

function ctSlice(): Buffer {
  const instanceUID = `${STUDY}.1.1`;
  const dataSet = encodeDataSet([
    ...commonElements({
      study: {
        ...{ studyInstanceUID: STUDY, date: '20260314', time: '101500', institution: 'Trust RJE' },
        ...{ accessionNumber: '1001', description: 'CT chest' },
        patient: {
          ...{ patientId: '12345', issuer: 'RJE', nhsNumber: ANNA, name: 'Smith^Anna' },
          ...{ birthDate: '19580131', sex: 'F' as const },
        },
      },
      series: {
        ...{ seriesInstanceUID: `${STUDY}.1`, number: 1, modality: 'CT' },
        ...{ description: 'Axial', bodyPart: 'CHEST' },
      },
      ...{ sopClassUID: CT, sopInstanceUID: instanceUID, instanceNumber: 1 },
    }),
    ...pixelElements({
      ...{ rows: 16, columns: 16, bitsAllocated: 16, bitsStored: 12, signed: false },
      ...{ samples: 1, photometric: 'MONOCHROME2', data: Buffer.alloc(512, 7) },
    }),
  ]);
  return encodePart10(dataSet, { classUID: CT, instanceUID });
}

const report = (pid: string, status: string, issued: number, text: string): string =>
  hl7Message({
    type: 'ORU^R01',
    at: stamp(issued),
    segments: [
      pid,
      `OBR|1|P1|1001|CTCHE^CT chest||||||||||||||||||${stamp(issued)}|||${status}`,
      `OBX|1|TX|X||${text}||||||${status}`,
    ],
  });

interface Timeline {
  readonly persons: readonly { identities: readonly { trust: string; by: string }[] }[];
  readonly studies: readonly { studyInstanceUID: string; person: number }[];
  readonly reports: readonly { trust: string; text: string; status: string; person: number }[];
}

t.test('orders, reports and patients over two trusts', { skip, timeout: 600_000 }, async (t) => {
  const directory = t.testdir();
  const network = await startNetwork({ directory, trusts: ['RRK', 'RJE'] });
  t.teardown(() => network.stop());
  const now = Date.now();
  const file = join(directory, 'slice.dcm');
  writeFileSync(file, ctSlice());
  await sendFiles(network.site('RJE').edge.dicomPort, [file]);
  const senderAt = (trust: string): Promise<Hl7Sender> =>
    Hl7Sender.open(network.site(trust).edge.hl7Port);
  const [rrk, rje] = [await senderAt('RRK'), await senderAt('RJE')];
  t.teardown(() => [rrk, rje].map((sender) => sender.end()));
  await rje.send(report(PID.RJE, 'F', now - 60_000, 'Of Anna: normal.'));
  await rrk.send(report(PID.RRK, 'F', now - 60_000, 'Of Peter: a fracture.'));
  const timeline = async (nhsNumber: string): Promise<Timeline> =>
    (await network.hub.api<Timeline>(`/api/patients/${nhsNumber}`)).body;

  await t.test('the same number and accession at two trusts are never mixed', async (t) => {
    const anna = await eventually(
      'both reports are at the hub',
      async () => {
        const [one, other] = [await timeline(ANNA), await timeline(PETER)];
        return one.reports.length > 0 && one.studies.length > 0 && other.reports.length > 0 && one;
      },
      { timeoutMs: 60_000 },
    );
    t.strictSame(
      anna.reports.map(({ text }) => text),
      ['Of Anna: normal.'],
    );
    t.strictSame((await timeline(PETER)).studies, []);
    t.strictSame(
      (await timeline(PETER)).reports.map(({ text }) => text),
      ['Of Peter: a fracture.'],
    );
    const { body } = await network.hub.api<Timeline>(`/api/studies/${STUDY}`);
    t.strictSame(
      body.reports.map(({ text }) => text),
      ['Of Anna: normal.'],
    );
  });

  await t.test('an order brings the prior into the PACS under the local number', async (t) => {
    const order = hl7Message({
      type: 'ORM^O01',
      at: stamp(now),
      segments: [
        PID.anna,
        `ORC|NW|P7|7001||||^^^${stamp(now + 86_400_000)}^^R`,
        'OBR|1|P7|7001|CTCHE^CT chest^NICIP||||||||||||||||||||CT',
      ],
    });
    t.match(await rrk.send(order), /MSA\|AA/);
    const fetch = await eventually(
      'the prefetch is over',
      async () => {
        const { body } = await network.hub.api<{ fetches: { state: string; purpose: string }[] }>(
          '/api/fetches?trust=RRK',
        );
        return body.fetches.find(({ state }) =>
          ['available', 'partial', 'failed', 'held'].includes(state),
        );
      },
      { timeoutMs: 120_000 },
    );
    t.match(fetch, {
      state: 'available',
      purpose: 'prefetch',
      localPatient: { patientId: 'A-17' },
    });
    const { persons } = await timeline(ANNA);
    t.match(persons, [{ identities: [{}, {}] }], 'one person at two trusts');
  });

  await t.test(
    'a correction where the report was written is seen at once, the earlier version behind it',
    async (t) => {
      await rje.send(report(PID.RJE, 'C', now - 30_000, 'Of Anna: a nodule.'));
      const corrected = await eventually(
        'the correction is there',
        async () => (await timeline(ANNA)).reports.find(({ status }) => status === 'corrected'),
        { timeoutMs: 60_000 },
      );
      t.match(corrected, { text: 'Of Anna: a nodule.', earlier: [{ text: 'Of Anna: normal.' }] });
      await rje.send(report(PID.RJE, 'X', now - 10_000, ''));
      const withdrawn = await eventually(
        'the withdrawal is there',
        async () => (await timeline(ANNA)).reports.find(({ status }) => status === 'withdrawn'),
        { timeoutMs: 60_000 },
      );
      t.match(withdrawn, { text: null });
    },
  );
});
