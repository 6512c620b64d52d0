/**
 * A TCP proxy that delays what it passes on, as a process of its own: a link with a round trip time.
 *
 *   client ──► listens on FROM ── half the round trip later ──► connects to TO   (and back likewise)
 *
 * As much is under way as a link of 1 Gb/s holds at 20 ms; a sender that is quicker waits. With a rate, bytes
 * of all connections leave one behind the other, as on one line.
 */
import { connect, createServer, type Socket } from 'node:net';
import { accepts } from '../../demo/child.ts';
import { freePort } from './free-port.ts';
import { Program } from './program.ts';

const IN_FLIGHT_BYTES = 2_500_000;

export interface LineOptions {
  readonly megabitsPerSecond?: number;
  /** Where it listens; default a free one. */
  readonly port?: number;
}

/** @returns the port to connect to instead of `to` */
export async function startDelayProxy(
  to: number,
  roundTripMs: number,
  { megabitsPerSecond = Number.POSITIVE_INFINITY, port: given }: LineOptions = {},
): Promise<{ port: number; stop(): Promise<void> }> {
  const port = given ?? (await freePort());
  const program = new Program({
    name: 'delay proxy',
    command: process.execPath,
    args: [
      import.meta.filename,
      String(port),
      String(to),
      String(roundTripMs / 2),
      String(megabitsPerSecond),
    ],
    ready: () => accepts(port),
  });
  await program.start();
  return { port, stop: () => program.stop() };
}

/** One direction of the line. @returns how long the last of so many bytes needs from now on */
function line(delayMs: number, megabitsPerSecond: number): (bytes: number) => number {
  let free = 0;
  return (bytes) => {
    const now = performance.now();
    free = Math.max(free, now) + (bytes * 8) / (megabitsPerSecond * 1_000);
    return free - now + delayMs;
  };
}

/** Timers of different lengths do not keep their order to the millisecond: one after the other. */
function inOrder(needs: (bytes: number) => number): (work: () => void, bytes?: number) => void {
  const waiting: { readonly due: number; readonly work: () => void }[] = [];
  const arm = (): void => {
    const [next] = waiting;
    if (next !== undefined) setTimeout(run, Math.max(0, next.due - performance.now()));
  };
  const run = (): void => {
    const now = performance.now();
    do waiting.shift()?.work();
    while ((waiting[0]?.due ?? Number.POSITIVE_INFINITY) <= now);
    arm();
  };
  return (work, bytes = 0) => {
    waiting.push({ due: performance.now() + needs(bytes), work });
    if (waiting.length === 1) arm();
  };
}

function pass(from: Socket, to: Socket, needs: (bytes: number) => number): void {
  let inFlight = 0;
  const later = inOrder(needs);
  from.setNoDelay(true);
  from.on('data', (chunk: Buffer) => {
    inFlight += chunk.length;
    if (inFlight > IN_FLIGHT_BYTES) from.pause();
    later(() => {
      to.write(chunk, () => {
        inFlight -= chunk.length;
        if (inFlight <= IN_FLIGHT_BYTES) from.resume();
      });
    }, chunk.length);
  });
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
}

if (import.meta.main) {
  const [from, to, delayMs = 0, rate = Number.POSITIVE_INFINITY] = process.argv
    .slice(2)
    .map(Number);
  const [there, back] = [line(delayMs, rate), line(delayMs, rate)];
  createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: to ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    pass(client, server, there);
    pass(server, client, back);
  }).listen(from, '127.0.0.1');
}
