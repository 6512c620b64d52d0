/**
 * An AI node, for which a real Orthanc stands, at an edge that sends it what rules say, and a PACS; and what the node
 * answers: reports and pictures that tests make, sent by its own C-STORE.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { cdipDone } from './cdip.ts';
import { type Edge, startEdge } from './edge.ts';
import { freePorts } from './free-port.ts';
import { type Orthanc, startOrthanc } from './orthanc.ts';
import { writePart10 } from './part10.ts';
import { contextsOf, openSender } from './sender.ts';
import {
  CT_IMAGE_STORAGE as CT,
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN as EXPLICIT,
  smallObject,
} from './storage-fixture.ts';

const HOST = '127.0.0.1';
const SR = '1.2.840.10008.5.1.4.1.1.88.33';

export interface AiWorld {
  readonly directory: string;
  readonly edge: Edge;
  readonly pacs: Orthanc;
  startNode(): Promise<Orthanc>;
  send(study?: string, first?: number): Promise<void>;
  route(...args: string[]): Promise<string>;
  jobs(): Promise<{ to: string; rule: string; state: string; why: string; priority: string }[]>;
  results(): Promise<{ sopInstanceUID: string; state: string; reasonCode: string | null }[]>;
}

export interface AiWorldOptions {
  readonly directory: string;
  /** Keys of the model that replace those written here. */
  readonly model?: object;
  /** The model gets its studies without the patient. */
  readonly isDeidentified?: boolean;
  /** Rules that are tried before the two that send. */
  readonly rules?: readonly object[];
  /** Called with all that the PACS and the node say. */
  readonly onOutput?: (from: 'pacs' | 'node', text: string) => void;
  /** Keys of the configuration of both. */
  readonly orthanc?: Readonly<Record<string, unknown>>;
}

/** @param isDeidentified the model gets its studies without the patient */
export function aiWorld(t: Test, model: object = {}, isDeidentified = false): Promise<AiWorld> {
  const options = { directory: t.testdir(), model, isDeidentified };
  return startAiWorld(options, (stop) => t.teardown(stop));
}

/** @param atEnd is given what has to be stopped, in the order in which it was started */
export async function startAiWorld(
  options: AiWorldOptions,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<AiWorld> {
  const { directory, orthanc: more = {}, onOutput } = options;
  const [nodePort = 0, pacsPort = 0] = await freePorts(2);
  const edge = await startEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: configOf(options, { nodePort, pacsPort }),
  });
  atEnd(() => edge.stop());
  const start = async (
    name: 'pacs' | 'node',
    aeTitle: string,
    dicomPort: number,
  ): Promise<Orthanc> => {
    mkdirSync(join(directory, name), { recursive: true });
    const neighbours = [{ aeTitle: edge.aeTitle, host: HOST, port: edge.dicomPort }];
    const orthanc = await startOrthanc(join(directory, name), {
      ...{ aeTitle, dicomPort, neighbours, more },
      ...(onOutput && { onOutput: (text: string) => onOutput(name, text) }),
    });
    atEnd(() => orthanc.stop());
    return orthanc;
  };
  const route = (...args: string[]) =>
    cdipDone(['edge', 'route', ...args, '--config', edge.configFile]);
  return {
    ...{ directory, edge },
    pacs: await start('pacs', 'PACS', pacsPort),
    startNode: () => start('node', 'AINODE', nodePort),
    async send(study = '2.999.7.1', first = 1) {
      const over = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
      const objects = [first, first + 1].map((number) => ({
        ...{ sopClassUID: CT, sopInstanceUID: `2.999.1.${number}`, transferSyntaxUID: EXPLICIT },
        dataSet: dataSetOf(smallObject(number, over)),
      }));
      const contexts = contextsOf(objects);
      const sender = await openSender({ port: edge.dicomPort, callingAETitle: 'CT1', contexts });
      for (const object of objects) {
        const status = await sender.store(object);
        if (status !== 0) throw new Error(`the edge answered ${status.toString(16)}`);
      }
      await sender.release();
    },
    route,
    jobs: async () => JSON.parse(await route('--json')) as never,
    results: async () => JSON.parse(await route('results', '--json')) as never,
  };
}

function configOf(
  { directory, model = {}, isDeidentified = false, rules = [] }: AiWorldOptions,
  { nodePort, pacsPort }: { nodePort: number; pacsPort: number },
): Record<string, object[]> {
  const host = HOST;
  return {
    peers: [
      { name: 'node', aeTitle: 'AINODE', host, port: nodePort, role: 'ai' },
      { name: 'main-pacs', aeTitle: 'PACS', host, port: pacsPort, role: 'archive' },
    ],
    models: [{ name: 'nodules', peer: 'node', version: '2.1', returnTo: ['main-pacs'], ...model }],
    routes: [
      ...rules,
      { name: 'pacs', action: 'deliver', to: ['main-pacs'] },
      {
        name: 'ai',
        when: { attributes: { Modality: 'CT' } },
        ...(isDeidentified
          ? { action: 'disclose', project: 'lungs' }
          : { action: 'deliver', to: ['nodules'] }),
      },
    ],
    projects: isDeidentified
      ? [
          {
            ...{ name: 'lungs', purpose: 'direct-care', approval: 'DPIA 7' },
            ...{ expires: '2099-12-31', destination: 'nodules', profile: 'basic' },
            keyFile: join(directory, 'key'),
          },
        ]
      : [],
  };
}

export interface Result {
  readonly uid: string;
  readonly sopClassUID?: string;
  readonly refersTo?: readonly string[];
  readonly study?: string;
  readonly series?: string;
  readonly patientId?: string;
  readonly patientName?: string;
  readonly birthDate?: string;
  readonly code?: string;
  readonly scheme?: string;
}

/** A report on images, or a picture, as a node makes it: by its own word verified. */
function resultFile({
  uid,
  sopClassUID = SR,
  refersTo = [],
  study = '2.999.7.1',
  series = '2.999.7.1.1',
  patientId = 'MRN1',
  patientName = 'Phantom^One',
  birthDate = '19500102',
  code,
  scheme = 'SCT',
}: Result): Buffer {
  const references = refersTo.map((reference) => [
    [0x0008_1150, CT] as const,
    [0x0008_1155, reference] as const,
  ]);
  const dataSet = writeSmallDataSet(EXPLICIT, [
    [0x0008_0016, sopClassUID],
    [0x0008_0018, uid],
    [0x0008_0060, sopClassUID === SR ? 'SR' : 'OT'],
    [0x0008_103e, 'Nodule findings'],
    [0x0010_0010, patientName],
    [0x0010_0020, patientId],
    [0x0010_0030, birthDate],
    [0x0020_000d, study],
    [0x0020_000e, `${uid}.1`],
    ...(sopClassUID === SR ? ([[0x0040_a493, 'VERIFIED']] as const) : []),
    ...(code === undefined
      ? []
      : ([
          [
            0x0040_a043,
            [
              [
                [0x0008_0100, code],
                [0x0008_0102, scheme],
                [0x0008_0104, 'Finding'],
              ],
            ],
          ],
        ] as const)),
    [
      0x0040_a375,
      [
        [
          [0x0020_000d, study],
          [
            0x0008_1115,
            [
              [
                [0x0020_000e, series],
                [0x0008_1199, references],
              ],
            ],
          ],
        ],
      ],
    ],
  ]);
  return writePart10({ sopClassUID, sopInstanceUID: uid, transferSyntaxUID: EXPLICIT, dataSet });
}

/** Gives the file to Orthanc, which sends it to the edge. @throws when the edge does not take it */
export async function answer(node: Orthanc, edge: Edge, result: Result): Promise<void> {
  const body = new Uint8Array(resultFile(result));
  const put = await fetch(`${node.url}/instances`, { method: 'POST', body });
  const { ID } = (await put.json()) as { ID: string };
  const sent = await fetch(`${node.url}/modalities/${edge.aeTitle}/store`, {
    method: 'POST',
    body: ID,
  });
  if (sent.status !== 200) throw new Error(`the node could not send: ${await sent.text()}`);
}
