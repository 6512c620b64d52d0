/** A trust of the demo: its PACS, its edge, joined to the hub at the first start. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { answers, Child } from './child.ts';
import { SCANNER } from './modality.ts';
import { type Pacs, startPacs } from './pacs.ts';
import type { Ports } from './ports.ts';
import type { DemoTrust } from './trusts.ts';

export const CDIP: string = join(import.meta.dirname, '..', 'bin', 'cdip');
const run = promisify(execFile);

/** What a command printed on stdout. @throws with what it said on stderr */
export async function cdip(...args: string[]): Promise<string> {
  const { stdout } = await run(CDIP, args);
  return stdout.trim();
}

export interface Site {
  readonly trust: DemoTrust;
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly url: string;
  readonly configFile: string;
  readonly edge: Child;
  readonly pacs: Pacs;
}

export interface SiteOptions {
  readonly trust: DemoTrust;
  readonly number: number;
  readonly directory: string;
  readonly ports: Ports;
  readonly hub: { readonly url: string; readonly configFile: string };
  readonly say: (text: string) => void;
}

export async function startSite(options: SiteOptions): Promise<Site> {
  const { trust, number, directory, ports, hub, say } = options;
  const { ods } = trust;
  const folder = join(directory, ods);
  mkdirSync(folder, { recursive: true });
  const pacs = await startPacs(options);
  const dicomPort = await ports.take(`dicom-${ods}`, 11_112 + number);
  const httpPort = await ports.take(`edge-${ods}`, 8_081 + number);
  const hl7Port = await ports.take(`hl7-${ods}`, 2_575 + number);
  const url = `http://127.0.0.1:${httpPort}`;
  const configFile = join(folder, 'edge.yaml');
  const dataDirectory = join(folder, 'data');
  if (!existsSync(configFile)) {
    const host = '127.0.0.1';
    const peers = [
      {
        name: 'main-pacs',
        aeTitle: pacs.aeTitle,
        host,
        port: pacs.port,
        role: 'pacs',
        importsTo: true,
      },
      { name: 'scanner', aeTitle: SCANNER, host, port: 104, role: 'modality' },
    ];
    writeFileSync(
      configFile,
      stringify({
        ...{ trust: ods, dataDirectory, peers },
        ...{ dicom: { port: dicomPort }, http: { port: httpPort }, hl7: { port: hl7Port } },
        storage: { reserveBytes: 500_000_000, quietSeconds: 2 },
        ...teaching(folder),
      }),
    );
  }
  if (!existsSync(join(dataDirectory, 'nats.seed'))) {
    const token = await cdip('hub', 'token', '--trust', ods, '--config', hub.configFile);
    await cdip('edge', 'enrol', '--hub', hub.url, '--token', token, '--config', configFile);
  }
  const edge = new Child({
    name: `edge of ${ods}`,
    command: CDIP,
    args: ['edge', '--config', configFile],
    logFile: join(directory, 'logs', `edge-${ods}.log`),
    ready: () => answers(`${url}/health/ready`),
    say,
  });
  await edge.start();
  return { trust, aeTitle: `CDIP_${ods}`, dicomPort, url, configFile, edge, pacs };
}

/** Its studies may be used for teaching; nobody in the demo has the S-flag. */
function teaching(folder: string): object {
  const sensitiveFile = join(folder, 'sensitive.txt');
  writeFileSync(sensitiveFile, '');
  const project = {
    ...{ name: 'teaching', purpose: 'teaching', approval: 'demo', expires: '2099-12-31' },
    ...{ destination: 'teaching-collection', profile: 'basic' },
    keyFile: join(folder, 'teaching.key'),
  };
  return { projects: [project], secondaryUse: { sensitiveFile } };
}
