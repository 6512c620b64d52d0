/** A program of the demo: started, its output kept in a file, started again when it ends by itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { connect } from 'node:net';

const RESTART_MS = 1_000;
const READY_MS = 60_000;
const STOP_MS = 15_000;

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly ready: () => Promise<boolean>;
  readonly say: (text: string) => void;
}

export class Child {
  readonly #options: ChildOptions;
  readonly #log: WriteStream;
  #process: ChildProcess | undefined;
  #isStopping = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  /** @throws when it is not ready in time; what it said is in its log file */
  async start(): Promise<void> {
    this.#spawn();
    const { name, ready, logFile } = this.#options;
    for (const until = Date.now() + READY_MS; Date.now() < until; ) {
      if (await ready()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${name} did not start; see ${logFile}`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #spawn(): void {
    const { command, args, env, name, say } = this.#options;
    // In a group of its own: ctrl-C reaches this script alone, which ends all in order.
    const child = spawn(command, [...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#process = child;
    child.stdout.pipe(this.#log, { end: false });
    child.stderr.pipe(this.#log, { end: false });
    child.on('error', (error) => say(`${name}: ${error.message}`));
    child.on('exit', (code, signal) => {
      if (this.#isStopping) return;
      say(`${name} ended (${signal ?? code}) and is started again.`);
      setTimeout(() => {
        if (!this.#isStopping) this.#spawn();
      }, RESTART_MS);
    });
  }
}

/** True when something accepts connections there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** True when the address answers with success. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
