/** A real dcmqrscp of DCMTK as PACS, on a free port, with one storage area. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepts } from '../../demo/child.ts';
import { freePort } from './free-port.ts';
import { programPath } from './missing-peer.ts';
import { Program } from './program.ts';

export interface Dcmqrscp {
  readonly aeTitle: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface DcmqrscpOptions {
  readonly port?: number;
  /** Whom it may send to by C-MOVE. */
  readonly neighbours?: readonly { readonly aeTitle: string; readonly port: number }[];
}

export async function startDcmqrscp(
  directory: string,
  { port: given, neighbours = [] }: DcmqrscpOptions = {},
): Promise<Dcmqrscp> {
  const port = given ?? (await freePort());
  const storage = join(directory, 'storage');
  mkdirSync(storage, { recursive: true });
  const configFile = join(directory, 'dcmqrscp.cfg');
  const hosts = neighbours.map(
    (neighbour, at) => `peer${at} = (${neighbour.aeTitle}, 127.0.0.1, ${neighbour.port})`,
  );
  const lines = [
    ...[`NetworkTCPPort = ${port}`, 'MaxPDUSize = 16384', 'MaxAssociations = 16'],
    ...['HostTable BEGIN', ...hosts, 'HostTable END'],
    ...['AETable BEGIN', `QRSCP ${storage} RW (200, 1024mb) ANY`, 'AETable END'],
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  const program = new Program({
    ...{ name: 'dcmqrscp', command: programPath('dcmqrscp'), args: ['-c', configFile] },
    ready: () => accepts(port),
  });
  await program.start();
  return { aeTitle: 'QRSCP', port, stop: () => program.stop() };
}
