/**
 * Ports on loopback that nobody listens on, and that no outgoing connection gets between now and their use: below those
 * that Linux gives to outgoing connections (32768 and up).
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const [LOWEST, BELOW] = [10_240, 32_768];

/** A free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port ?? 0;
}

/** `count` different free ports: all are held until the last is known. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = randomInt(LOWEST, BELOW);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) held.set(port, server);
  }
  await Promise.all(
    [...held.values()].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    ),
  );
  return [...held.keys()];
}
