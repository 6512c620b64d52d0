/** DCMTK's storescp: writes what it is sent, bit by bit, into a folder. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { accepts } from '../../demo/child.ts';
import { freePort } from './free-port.ts';
import { programPath } from './missing-peer.ts';
import { Program } from './program.ts';

export interface Storescp {
  readonly port: number;
  readonly directory: string;
  readonly program: Program;
  /** Full paths of what was received. */
  files(): string[];
  stop(): Promise<void>;
}

/**
 * @param args more options of storescp; by default it takes all transfer syntaxes it knows and writes
 *   data sets exactly as received (`+xa`, `+B`)
 */
export async function startStorescp(
  directory: string,
  options: { aeTitle?: string; port?: number; args?: readonly string[] } = {},
): Promise<Storescp> {
  mkdirSync(directory, { recursive: true });
  const port = options.port ?? (await freePort());
  const program = new Program({
    name: 'storescp',
    command: programPath('storescp'),
    args: [
      ...['-aet', options.aeTitle ?? 'STORESCP', '-od', directory],
      ...(options.args ?? ['+B', '+xa', '-pm']),
      String(port),
    ],
    env: { TCP_NODELAY: '1' },
    ready: () => accepts(port),
  });
  await program.start();
  return {
    port,
    directory,
    program,
    files: () => readdirSync(directory).map((name) => join(directory, name)),
    stop: () => program.stop(),
  };
}
