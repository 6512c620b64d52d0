/**
 * A TCP proxy that delays what it passes on, as a process of its own: a link with a round trip time.
 *
 *   client ──► listens on FROM ── half the round trip later ──► connects to TO   (and back likewise)
 *
 * As much is under way as a link of 1 Gb/s holds at 20 ms; a sender that is quicker waits.
 */
import { connect, createServer, type Socket } from 'node:net';
import { accepts } from '../../demo/child.ts';
import { freePort } from './free-port.ts';
import { Program } from './program.ts';

const IN_FLIGHT_BYTES = 2_500_000;

/** @returns the port to connect to instead of `to` */
export async function startDelayProxy(
  to: number,
  roundTripMs: number,
): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const program = new Program({
    name: 'delay proxy',
    command: process.execPath,
    args: [import.meta.filename, String(port), String(to), String(roundTripMs / 2)],
    ready: () => accepts(port),
  });
  await program.start();
  return { port, stop: () => program.stop() };
}

function pass(from: Socket, to: Socket, delayMs: number): void {
  let inFlight = 0;
  const later = (work: () => void): void => void setTimeout(work, delayMs);
  from.setNoDelay(true);
  from.on('data', (chunk: Buffer) => {
    inFlight += chunk.length;
    if (inFlight > IN_FLIGHT_BYTES) from.pause();
    later(() => {
      to.write(chunk, () => {
        inFlight -= chunk.length;
        if (inFlight <= IN_FLIGHT_BYTES) from.resume();
      });
    });
  });
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
}

if (import.meta.main) {
  const [from, to, delayMs] = process.argv.slice(2).map(Number);
  createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: to ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    pass(client, server, delayMs ?? 0);
    pass(server, client, delayMs ?? 0);
  }).listen(from, '127.0.0.1');
}
