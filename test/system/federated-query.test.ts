/** A workstation of one trust queries its edge as if it were a PACS: it finds and gets the studies of all trusts. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, pixelElements } from '../../demo/phantom/modules.ts';
import { runTool, storescu, type ToolResult } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { dcmtkKeys, foundBy } from '../support/front-door.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { readPart10 } from '../support/part10.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('nats-server', 'Orthanc', 'storescu', 'findscu', 'movescu', 'getscu');
const CT = '1.2.840.10008.5.1.4.1.1.2';
const NHS_NUMBER = '9990000018';
const STUDIES = { RRK: '2.25.9001', RJE: '2.25.9002', RXK: '2.25.9003' } as const;
type Trust = keyof typeof STUDIES;
const LOCAL_ID: Readonly<Record<Trust, string>> = { RRK: 'A-17', RJE: 'B-42', RXK: '12345' };

function slices(trust: Trust, patient: object, study: string = STUDIES[trust]): Buffer[] {
  return [1, 2, 3].map((number) => {
    const instanceUID = `${study}.1.${number}`;
    // One study has two series.
    const series = trust === 'RXK' && number === 3 ? 2 : 1;
    const dataSet = encodeDataSet([
      ...commonElements({
        study: {
          ...{ studyInstanceUID: study, date: '20260314', time: '101500' },
          ...{ institution: `Trust ${trust}`, accessionNumber: '1001', description: 'CT chest' },
          patient: {
            ...{ patientId: LOCAL_ID[trust], issuer: trust, nhsNumber: NHS_NUMBER },
            ...{ name: 'Ångström^Zoë', birthDate: '19580131', sex: 'F' as const },
            ...patient,
          },
        },
        series: {
          ...{ seriesInstanceUID: `${study}.${series}`, number: series, modality: 'CT' },
          ...{ description: 'Axial', bodyPart: 'CHEST' },
        },
        sopClassUID: CT,
        sopInstanceUID: instanceUID,
        instanceNumber: number,
      }),
      ...pixelElements({
        ...{ rows: 16, columns: 16, bitsAllocated: 16, bitsStored: 12, signed: false },
        ...{ samples: 1, photometric: 'MONOCHROME2', data: Buffer.alloc(512, number) },
      }),
    ]);
    return encodePart10(dataSet, { classUID: CT, instanceUID });
  });
}

async function send(network: Network, trust: string, objects: Buffer[], directory: string) {
  const files = objects.map((bytes, at) => {
    const file = join(directory, `${trust}-${at}-${bytes.length}.dcm`);
    writeFileSync(file, bytes);
    return file;
  });
  return storescu(network.site(trust).edge.called, files);
}

/** What findscu wrote for each response, by keyword. */
interface Found {
  readonly result: ToolResult;
  readonly responses: Record<string, string>[];
}

async function find(
  network: Network,
  keys: Record<string, string>,
  args: readonly string[] = ['-S'],
): Promise<Found> {
  const { edge } = network.site('RRK');
  const called = ['-aec', edge.aeTitle, '-aet', 'WORKSTATION', '127.0.0.1', `${edge.dicomPort}`];
  const result = await runTool('findscu', ['-v', ...args, ...dcmtkKeys(keys), ...called]);
  return { result, responses: foundBy(result) };
}

const STUDY_KEYS = {
  QueryRetrieveLevel: 'STUDY',
  StudyInstanceUID: '',
  PatientID: '',
  PatientName: '',
  PatientBirthDate: '',
  InstitutionName: '',
  InstanceAvailability: '',
  RetrieveAETitle: '',
  NumberOfStudyRelatedInstances: '',
};

t.test('find, move and get over the network', { skip, timeout: 240_000 }, async (t) => {
  const directory = t.testdir();
  const stationPort = await freePort();
  const network = await startNetwork({
    directory,
    trusts: Object.keys(STUDIES),
    withPacs: false,
    edgeConfig: (trust) =>
      trust === 'RRK'
        ? {
            peers: [
              {
                ...{ name: 'workstation', aeTitle: 'WORKSTATION', host: '127.0.0.1' },
                ...{ port: stationPort, role: 'workstation' },
              },
            ],
          }
        : {},
  });
  t.teardown(() => network.stop());
  const station = await startStorescp(join(directory, 'station'), {
    port: stationPort,
    args: ['+xa'],
  });
  t.teardown(() => station.stop());
  for (const trust of Object.keys(STUDIES) as Trust[])
    t.equal((await send(network, trust, slices(trust, {}), directory)).code, 0);
  // Somebody else with a number that is also in use at RRK.
  const stranger = { patientId: 'A-17', nhsNumber: '9990000026', name: 'Other^Olaf' };
  const others = slices('RXK', { ...stranger, birthDate: '19900505' }, '2.25.9009');
  t.equal((await send(network, 'RXK', others, directory)).code, 0);
  await eventually('the hub has all', async () => {
    const { body } = await network.hub.api<{ total: number }>('/api/studies?from=20260101');
    return body.total === 4;
  });

  await t.test(
    "a local number finds the person's studies everywhere, and nobody else's",
    async (t) => {
      const { responses, result } = await find(network, { ...STUDY_KEYS, PatientID: 'A-17' });
      t.match(result.output, /Success/);
      const byUID = new Map(responses.map((one) => [one['StudyInstanceUID'], one]));
      t.strictSame([...byUID.keys()].sort(), Object.values(STUDIES).sort());
      t.match(byUID.get(STUDIES.RRK), { InstanceAvailability: 'ONLINE' });
      t.match(byUID.get(STUDIES.RJE), {
        ...{ InstanceAvailability: 'NEARLINE', InstitutionName: 'RJE', PatientID: 'A-17' },
        ...{ RetrieveAETitle: 'CDIP_RRK', NumberOfStudyRelatedInstances: '3' },
      });
    },
  );

  await t.test('a name without its accents, with the date of birth', async (t) => {
    const keys = { ...STUDY_KEYS, PatientName: 'ANGSTROM*', PatientBirthDate: '19580131' };
    const { responses } = await find(network, keys);
    t.equal(responses.length, 3);
  });

  await t.test(
    'a number elsewhere that is somebody else’s here is not answered as his',
    async (t) => {
      const keys = { ...STUDY_KEYS, PatientName: 'OTHER*', PatientBirthDate: '19900505' };
      const { responses } = await find(network, keys);
      t.match(responses, [{ StudyInstanceUID: '2.25.9009', PatientID: 'RXK-A-17' }]);
    },
  );

  await t.test('series of a remote study', async (t) => {
    const { responses } = await find(network, {
      ...{ QueryRetrieveLevel: 'SERIES', StudyInstanceUID: STUDIES.RJE, SeriesInstanceUID: '' },
      ...{ Modality: '', NumberOfSeriesRelatedInstances: '' },
    });
    t.match(responses, [
      {
        SeriesInstanceUID: `${STUDIES.RJE}.1`,
        Modality: 'CT',
        NumberOfSeriesRelatedInstances: '3',
      },
    ]);
  });

  const imagesOf = (trust: Trust) => ({
    ...{ QueryRetrieveLevel: 'IMAGE', StudyInstanceUID: STUDIES[trust] },
    ...{ SeriesInstanceUID: `${STUDIES[trust]}.1`, SOPInstanceUID: '', InstanceNumber: '' },
  });

  await t.test('images of a remote study are listed, and none is moved for it', async (t) => {
    const { responses, result } = await find(network, imagesOf('RJE'));
    t.match(result.output, /Success/);
    t.strictSame(
      responses.map((one) => one['SOPInstanceUID']),
      [1, 2, 3].map((number) => `${STUDIES.RJE}.1.${number}`),
    );
    const second = await find(network, { ...imagesOf('RJE'), InstanceNumber: '2' });
    t.match(second.responses, [{ SOPInstanceUID: `${STUDIES.RJE}.1.2` }]);
    t.equal(network.site('RRK').edge.spoolFiles().length, 3, 'its own');
  });

  await t.test('a move brings a remote study, coerced, with its move originator', async (t) => {
    const { edge } = network.site('RRK');
    const { code, output } = await runTool('movescu', [
      ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION', '-aem', 'WORKSTATION'],
      ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${STUDIES.RJE}`],
      ...['127.0.0.1', `${edge.dicomPort}`],
    ]);
    t.equal(code, 0, output);
    const files = station.files();
    t.equal(files.length, 3);
    for (const file of files) {
      const bytes = readFileSync(file);
      t.ok(bytes.includes('A-17'), 'the local number');
    }
  });

  await t.test(
    'where one series was brought, the others are still found and brought',
    async (t) => {
      const { edge } = network.site('RRK');
      const study = STUDIES.RXK;
      const { code, output } = await runTool('movescu', [
        ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION', '-aem', 'WORKSTATION'],
        ...['-k', 'QueryRetrieveLevel=SERIES', '-k', `StudyInstanceUID=${study}`],
        ...['-k', `SeriesInstanceUID=${study}.1`, '127.0.0.1', `${edge.dicomPort}`],
      ]);
      t.equal(code, 0, output);
      t.equal(station.files().length, 5);
      const { responses } = await find(network, { ...STUDY_KEYS, StudyInstanceUID: study });
      t.match(responses, [
        {
          ...{ NumberOfStudyRelatedInstances: '3', InstanceAvailability: 'NEARLINE' },
          ...{ PatientID: 'A-17', InstitutionName: 'RXK' },
        },
      ]);
      t.equal(responses.length, 1);
      const series = await find(network, {
        ...{ QueryRetrieveLevel: 'SERIES', StudyInstanceUID: study, SeriesInstanceUID: '' },
      });
      t.strictSame(
        series.responses.map((one) => one['SeriesInstanceUID']),
        [`${study}.1`, `${study}.2`],
      );
    },
  );

  await t.test('a get brings another one over its own association', async (t) => {
    const { edge } = network.site('RRK');
    const into = join(directory, 'got');
    mkdirSync(into);
    const { code, output } = await runTool('getscu', [
      ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION', '-od', into],
      ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${STUDIES.RXK}`],
      ...['127.0.0.1', `${edge.dicomPort}`],
    ]);
    t.equal(code, 0, output);
    t.equal(readdirSync(into).length, 3);
    t.equal(readPart10(join(into, readdirSync(into)[0] ?? '')).sopClassUID, CT);
  });

  await t.test('images of a study that is a copy here now', async (t) => {
    const { responses } = await find(network, {
      ...{ QueryRetrieveLevel: 'IMAGE', StudyInstanceUID: STUDIES.RJE },
      ...{ SeriesInstanceUID: `${STUDIES.RJE}.1`, SOPInstanceUID: '', InstanceNumber: '2' },
    });
    t.match(responses, [{ SOPInstanceUID: `${STUDIES.RJE}.1.2` }]);
    t.equal(responses.length, 1);
  });

  await t.test('an unknown destination, a level without its keys', async (t) => {
    const { edge } = network.site('RRK');
    const moved = await runTool('movescu', [
      ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION', '-aem', 'NOBODY'],
      ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${STUDIES.RRK}`],
      ...['127.0.0.1', `${edge.dicomPort}`],
    ]);
    t.match(moved.output, /MoveDestinationUnknown|a801|Refused/i);
    const { result } = await find(network, { QueryRetrieveLevel: 'SERIES', Modality: 'CT' });
    t.match(result.output, /DataSetDoesNotMatchSOPClass|a900/i);
  });

  await t.test(
    'a patient with the S-flag is not listed; that something is not is said',
    async (t) => {
      const pas = await Hl7Sender.open(network.site('RXK').edge.hl7Port);
      const segments = [
        'PID|1||A-17^^^RXK^MR~9990000026^^^NHS^NH||Other^Olaf||19900505|F',
        `PD1${'|'.repeat(12)}Y`,
      ];
      await pas.send(hl7Message({ type: 'ADT^A31', segments }));
      pas.end();
      const keys = { ...STUDY_KEYS, PatientName: 'OTHER*', PatientBirthDate: '19900505' };
      const found = await eventually('the hub has heard of it', async () => {
        const answer = await find(network, keys);
        return answer.responses.length === 0 && answer;
      });
      t.match(found.result.output, /b000|Warning/i);
      const byUID = await find(network, { ...STUDY_KEYS, StudyInstanceUID: '2.25.9009' });
      t.strictSame(byUID.responses, []);
      const { edge } = network.site('RRK');
      await runTool('movescu', [
        ...['-v', '-S', '-aec', edge.aeTitle, '-aet', 'WORKSTATION', '-aem', 'WORKSTATION'],
        ...['-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=2.25.9009'],
        ...['127.0.0.1', `${edge.dicomPort}`],
      ]);
      t.equal(station.files().length, 5, 'nor brought: as a study that there is not');
    },
  );

  await t.test('with a trust away the answer still comes, and says so', async (t) => {
    await network.site('RXK').edge.kill9();
    await eventually(
      'the hub has noticed',
      async () => {
        const { body } = await network.hub.api<{ answered: { trust: string; ok: boolean }[] }>(
          `/api/studies?studyInstanceUID=${STUDIES.RXK}`,
        );
        return body.answered.some(({ trust, ok }) => trust === 'RXK' && !ok);
      },
      { timeoutMs: 60_000 },
    );
    const { responses, result } = await find(network, { ...STUDY_KEYS, PatientID: 'A-17' });
    t.equal(responses.length, 3);
    t.match(result.output, /b000|Warning/i);
    const before = performance.now();
    await network.hub.kill9();
    const alone = await find(network, { ...STUDY_KEYS, PatientID: 'A-17' });
    t.ok(performance.now() - before < 20_000, 'in time');
    t.ok(alone.responses.length >= 1, 'what is here is answered');
    t.match(alone.result.output, /b000|Warning/i);
  });
});
