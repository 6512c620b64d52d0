/** The real nats-server on a free port with JetStream in a folder of the test's. */
import { join } from 'node:path';
import { accepts } from '../../demo/child.ts';
import { freePort } from './free-port.ts';
import { programPath } from './missing-peer.ts';
import { Program } from './program.ts';

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly program: Program;
  stop(): Promise<void>;
}

/**
 * @param directory where JetStream keeps its files
 * @param configFile a configuration of nats-server instead of the plain one; it must name `port` itself
 */
export async function startNatsServer(
  directory: string,
  options: { port?: number; configFile?: string } = {},
): Promise<NatsServer> {
  const port = options.port ?? (await freePort());
  const args = options.configFile
    ? ['-c', options.configFile]
    : ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(directory, 'jetstream')];
  const program = new Program({
    name: 'nats-server',
    command: programPath('nats-server'),
    args,
    ready: () => accepts(port),
  });
  await program.start();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    program,
    stop: () => program.stop(),
  };
}
