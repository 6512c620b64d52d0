/** A real Orthanc on free ports, asked through its REST interface what it holds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from '../../demo/child.ts';
import { type OrthancOptions, orthancConfig } from '../../demo/orthanc-config.ts';
import { freePorts } from './free-port.ts';
import { programPath } from './missing-peer.ts';
import { Program } from './program.ts';

export interface Orthanc {
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly url: string;
  readonly program: Program;
  /** GET of its REST interface, as JSON. */
  rest<T = unknown>(path: string): Promise<T>;
  /** SOP Instance UIDs of all it holds, sorted. */
  sopInstanceUIDs(studyInstanceUID?: string): Promise<string[]>;
  /** The Part 10 file of one object as Orthanc gives it back. */
  file(sopInstanceUID: string): Promise<Buffer>;
  stop(): Promise<void>;
}

type Given = Partial<Omit<OrthancOptions, 'directory'>> & {
  /** Keys of its configuration that replace those written by default. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Called with all that it says, as it says it. */
  readonly onOutput?: (text: string) => void;
};

export async function startOrthanc(directory: string, given: Given = {}): Promise<Orthanc> {
  const [dicomPort = 0, httpPort = 0] = await freePorts(2);
  const options = { name: 'Orthanc', aeTitle: 'ORTHANC', dicomPort, httpPort, ...given, directory };
  mkdirSync(directory, { recursive: true });
  const configFile = join(directory, 'orthanc.json');
  writeFileSync(configFile, JSON.stringify({ ...orthancConfig(options), ...given.more }));
  const url = `http://127.0.0.1:${options.httpPort}`;
  const program = new Program({
    name: 'Orthanc',
    command: programPath('Orthanc'),
    args: [configFile],
    env: { TCP_NODELAY: '1' },
    ready: () => answers(`${url}/system`),
    ...(given.onOutput && { onOutput: given.onOutput }),
  });
  await program.start();
  return {
    aeTitle: options.aeTitle,
    dicomPort: options.dicomPort,
    url,
    program,
    rest: (path) => get(url, path).then((response) => response.json() as never),
    sopInstanceUIDs: (study) => instancesOf(url, study),
    file: (uid) => fileOf(url, uid),
    stop: () => program.stop(),
  };
}

async function get(url: string, path: string): Promise<Response> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`Orthanc answered ${response.status} to ${path}`);
  return response;
}

interface OrthancInstance {
  readonly ID: string;
  readonly MainDicomTags: { readonly SOPInstanceUID: string };
}

async function instancesOf(url: string, studyInstanceUID?: string): Promise<string[]> {
  const query = studyInstanceUID === undefined ? {} : { StudyInstanceUID: studyInstanceUID };
  const found = await find(url, query);
  return found.map((instance) => instance.MainDicomTags.SOPInstanceUID).sort();
}

async function fileOf(url: string, SOPInstanceUID: string): Promise<Buffer> {
  const [instance] = await find(url, { SOPInstanceUID });
  if (!instance) throw new Error(`Orthanc does not hold ${SOPInstanceUID}`);
  const response = await get(url, `/instances/${instance.ID}/file`);
  return Buffer.from(await response.arrayBuffer());
}

async function find(url: string, Query: Record<string, string>): Promise<OrthancInstance[]> {
  const response = await fetch(`${url}/tools/find`, {
    method: 'POST',
    body: JSON.stringify({ Level: 'Instance', Query, Expand: true }),
  });
  return (await response.json()) as OrthancInstance[];
}
