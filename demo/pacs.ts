/** The PACS of each trust of the demo: an Orthanc, or DCMTK's dcmqrscp. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepts, answers, Child } from './child.ts';
import { orthancConfig } from './orthanc-config.ts';
import type { Ports } from './ports.ts';
import type { DemoTrust } from './trusts.ts';

const UNCOMPRESSED = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];

export interface Pacs {
  readonly aeTitle: string;
  readonly port: number;
  /** Where a person can look into it; dcmqrscp has no page. */
  readonly page: string | undefined;
  readonly child: Child;
}

export interface PacsOptions {
  readonly trust: DemoTrust;
  readonly number: number;
  readonly directory: string;
  readonly ports: Ports;
  readonly say: (text: string) => void;
}

export async function startPacs(options: PacsOptions): Promise<Pacs> {
  const { trust, number, ports, directory } = options;
  const aeTitle = `PACS_${trust.ods}`;
  const port = await ports.take(`pacs-${trust.ods}`, 4_242 + number);
  const storage = join(directory, trust.ods, 'pacs');
  mkdirSync(storage, { recursive: true });
  const pacs =
    trust.pacs === 'dcmqrscp'
      ? dcmqrscp(options, { aeTitle, port, storage })
      : await orthanc(options, { aeTitle, port, storage });
  await pacs.child.start();
  return pacs;
}

interface Place {
  readonly aeTitle: string;
  readonly port: number;
  readonly storage: string;
}

function dcmqrscp({ trust, directory, say }: PacsOptions, { aeTitle, port, storage }: Place): Pacs {
  const file = join(directory, trust.ods, 'dcmqrscp.cfg');
  writeFileSync(
    file,
    `NetworkTCPPort = ${port}
MaxPDUSize = 65536
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
${aeTitle} ${storage} RW (500, 4096mb) ANY
AETable END
`,
  );
  const child = new Child({
    name: `PACS of ${trust.ods} (dcmqrscp)`,
    command: 'dcmqrscp',
    args: ['-c', file],
    env: { TCP_NODELAY: '1' },
    logFile: join(directory, 'logs', `pacs-${trust.ods}.log`),
    ready: () => accepts(port),
    say,
  });
  return { aeTitle, port, page: undefined, child };
}

async function orthanc(
  { trust, number, directory, ports, say }: PacsOptions,
  { aeTitle, port, storage }: Place,
): Promise<Pacs> {
  const httpPort = await ports.take(`pacs-page-${trust.ods}`, 8_042 + number);
  const file = join(directory, trust.ods, 'orthanc.json');
  const config = orthancConfig({
    ...{ name: aeTitle, aeTitle, dicomPort: port, httpPort, directory: storage },
    ...(trust.pacs === 'orthanc-uncompressed' ? { transferSyntaxes: UNCOMPRESSED } : {}),
  });
  writeFileSync(file, JSON.stringify(config, null, 2));
  const url = `http://127.0.0.1:${httpPort}`;
  const child = new Child({
    name: `PACS of ${trust.ods} (Orthanc)`,
    command: '/usr/sbin/Orthanc',
    args: [file],
    env: { TCP_NODELAY: '1' },
    logFile: join(directory, 'logs', `pacs-${trust.ods}.log`),
    ready: () => answers(`${url}/system`),
    say,
  });
  return { aeTitle, port, page: `${url}/app/explorer.html`, child };
}
