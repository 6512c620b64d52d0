/** An edge as a process of its own, on free ports that it keeps over restarts. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { joinNetwork } from '../../edge/cli/enrol.ts';
import { readEdgeConfig } from '../../edge/config.ts';
import { type CommandPlace, cdipProgram } from './cdip.ts';
import { freePorts } from './free-port.ts';
import type { Program } from './program.ts';

export interface EdgeOptions {
  readonly directory: string;
  readonly trust: string;
  /** Keys of edge.yaml that replace those written here; `dicom`, `http`, `hl7`, `storage` and `patientIds` are merged. */
  readonly config?: Record<string, object | string | readonly object[]>;
  readonly env?: NodeJS.ProcessEnv;
  /** Where its HTTP listens; default 127.0.0.1. */
  readonly host?: string;
  /** Default: beside us. */
  readonly within?: CommandPlace;
}

interface Ports {
  readonly dicom: number;
  readonly http: number;
  readonly hl7: number;
}

export class Edge {
  readonly trust: string;
  readonly aeTitle: string;
  readonly configFile: string;
  readonly dataDirectory: string;
  readonly dicomPort: number;
  readonly hl7Port: number;
  readonly url: string;
  readonly program: Program;

  constructor(options: EdgeOptions, ports: Ports) {
    this.trust = options.trust;
    this.aeTitle = `CDIP_${options.trust}`;
    this.dataDirectory = join(options.directory, 'data');
    this.configFile = join(options.directory, 'edge.yaml');
    this.dicomPort = ports.dicom;
    this.hl7Port = ports.hl7;
    const { tls } = (options.config?.['http'] ?? {}) as { tls?: object };
    const scheme = tls === undefined ? 'http' : 'https';
    this.url = `${scheme}://${options.host ?? '127.0.0.1'}:${ports.http}`;
    mkdirSync(this.dataDirectory, { recursive: true });
    writeFileSync(this.configFile, stringify(configOf(options, this.dataDirectory, ports)));
    this.program = cdipProgram('edge', {
      name: `edge ${options.trust}`,
      configFile: this.configFile,
      url: this.url,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.within === undefined ? {} : { within: options.within }),
    });
  }

  /** Where DICOM is sent, for dcmtk.ts. */
  get called(): { port: number; calledAETitle: string } {
    return { port: this.dicomPort, calledAETitle: this.aeTitle };
  }

  /** As `cdip edge enrol`, without a process: makes the edge's keys and writes `hub` into its configuration. */
  enrol(hubUrl: string, token: string): Promise<void> {
    const { configFile } = this;
    return joinNetwork(readEdgeConfig(configFile, process.env), { configFile, hubUrl, token });
  }

  start(): Promise<void> {
    return this.program.start();
  }

  kill9(): Promise<void> {
    return this.program.kill9();
  }

  stop(): Promise<void> {
    return this.program.stop();
  }

  /** Full paths of the objects in the spool; those still coming in and those in quarantine are left out. */
  spoolFiles(): string[] {
    const spool = join(this.dataDirectory, 'spool');
    return globSync('**/*.dcm', { cwd: spool })
      .filter((path) => !/^(incoming|prepared|quarantine|staging)\//.test(path))
      .map((path) => join(spool, path))
      .sort();
  }
}

function configOf(
  { trust, host, config = {} }: EdgeOptions,
  dataDirectory: string,
  ports: Ports,
): object {
  const { dicom, http, hl7, storage, patientIds, ...rest } = config as Record<string, object>;
  return {
    trust,
    dataDirectory,
    dicom: { port: ports.dicom, ...dicom },
    http: { port: ports.http, ...(host === undefined ? {} : { host }), ...http },
    hl7: { port: ports.hl7, ...hl7 },
    storage: { reserveBytes: 50_000_000, quietSeconds: 1, ...storage },
    patientIds: { ...patientIds },
    ...rest,
  };
}

/** Writes edge.yaml for free ports; nothing is started yet, so that it can be enrolled first. */
export async function prepareEdge(options: EdgeOptions): Promise<Edge> {
  const [dicom = 0, http = 0, hl7 = 0] = await freePorts(3);
  return new Edge(options, { dicom, http, hl7 });
}

/** An edge that works alone, started and ready. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const edge = await prepareEdge(options);
  await edge.start();
  return edge;
}
