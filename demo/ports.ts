/** Ports of the demo: the usual ones, or free ones where those are taken; the same after a restart. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

export class Ports {
  readonly #file: string;
  readonly #ports: Record<string, number>;

  constructor(directory: string) {
    this.#file = join(directory, 'ports.json');
    this.#ports = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, number>)
      : {};
  }

  /** @param usual taken when nobody else has it */
  async take(name: string, usual: number): Promise<number> {
    const known = this.#ports[name];
    if (known !== undefined) return known;
    const port = (await tryPort(usual)) ?? (await tryPort(0)) ?? usual;
    this.#ports[name] = port;
    writeFileSync(this.#file, JSON.stringify(this.#ports, null, 2));
    return port;
  }
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}
