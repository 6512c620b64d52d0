/**
 * Two network namespaces with a WAN between them, and programs that run on either side.
 *
 *   namespace A, 10.77.0.1 ── TUN ── wan-forwarder.py ── TUN ── namespace B, 10.77.0.2
 *
 * Side A may be where we are ourselves.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programPath } from '../support/missing-peer.ts';

export const DICOM_PORT = 11_112;

export interface WanOptions {
  readonly mbitPerSecond: number;
  /** Each way. */
  readonly delayMs: number;
  /** Share of packets, 0 to 1. */
  readonly loss?: number;
  readonly jitterMs?: number;
  /** Side A is the namespace of this process. */
  readonly isHere?: boolean;
}

export type Side = 'a' | 'b';
export const HOSTS: Readonly<Record<Side, string>> = { a: '10.77.0.1', b: '10.77.0.2' };
/** Of a router at the edge of a line: some hundred milliseconds at 100 Mb/s. */
const QUEUE_BYTES = 4 * 1024 * 1024;

export interface WanLink {
  /** A command line that runs a program on a side. */
  on(side: Side, command: string, ...args: string[]): [string, string[]];
  stop(): void;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** @throws without root, `ip` of iproute2, python3 or /dev/net/tun */
export async function startWanLink(options: WanOptions): Promise<WanLink> {
  const { mbitPerSecond, delayMs, loss = 0, jitterMs = 0, isHere = false } = options;
  const isOwn = (side: Side): boolean => isHere && side === 'a';
  const names = { a: `cdip${process.pid}a`, b: `cdip${process.pid}b` };
  const forwarder = spawn(
    'python3',
    [
      join(import.meta.dirname, 'wan-forwarder.py'),
      ...[names.a, names.b],
      ...[delayMs, mbitPerSecond, QUEUE_BYTES, loss, jitterMs].map(String),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = (): void => {
    forwarder.kill();
    for (const side of ['a', 'b'] as const)
      try {
        if (!isOwn(side)) ip('netns', 'delete', names[side]);
      } catch {
        // It was never made.
      }
  };
  try {
    await Promise.race([
      once(createInterface(forwarder.stdout), 'line'),
      once(forwarder, 'exit').then(() =>
        Promise.reject(new Error('no TUN device: root is needed')),
      ),
    ]);
    for (const side of ['a', 'b'] as const) {
      const name = names[side];
      const within = isOwn(side) ? [] : ['-n', name];
      if (!isOwn(side)) {
        ip('netns', 'add', name);
        ip('link', 'set', name, 'netns', name);
        ip(...within, 'link', 'set', 'lo', 'up');
      }
      ip(...within, 'addr', 'add', `${HOSTS[side]}/24`, 'dev', name);
      ip(...within, 'link', 'set', name, 'up', 'txqueuelen', '2000');
    }
  } catch (error) {
    stop();
    throw error;
  }
  return {
    on: (side, command, ...args) =>
      isOwn(side) ? [command, args] : ['ip', ['netns', 'exec', names[side], command, ...args]],
    stop,
  };
}

/** Seconds of a command to its end. @throws when it fails */
export async function secondsOf(
  [command, args]: [string, string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const options: SpawnOptions = { stdio: 'ignore', env: { ...process.env, ...env } };
  const start = performance.now();
  const child = spawn(command, args, options);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.slice(3).join(' ').slice(0, 200)} ended with ${code}`);
  return (performance.now() - start) / 1000;
}

/** DCMTK's storescp on side B, which forks for each association. */
export class BenchServer {
  readonly #link: WanLink;
  readonly #directory: string;
  #child: ChildProcess | undefined;

  constructor(link: WanLink, directory: string) {
    this.#link = link;
    this.#directory = directory;
  }

  /** Anew, with this environment. */
  async start(env: NodeJS.ProcessEnv): Promise<void> {
    this.stop();
    const args = ['--fork', '+B', '+xa', '-od', this.#directory, String(DICOM_PORT)];
    const [command, all] = this.#link.on('b', programPath('storescp'), ...args);
    this.#child = spawn(command, all, { stdio: 'ignore', env: { ...process.env, ...env } });
    const [probe, probeArgs] = this.#link.on(
      'a',
      ...([programPath('echoscu'), HOSTS.b, String(DICOM_PORT)] as const),
    );
    for (let tries = 0; tries < 50; tries += 1) {
      const answers = await secondsOf([probe, probeArgs]).catch(() => undefined);
      if (answers !== undefined) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('storescp does not answer');
  }

  stop(): void {
    this.#child?.kill();
    this.#child = undefined;
  }
}
