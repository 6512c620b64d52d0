/**
 * A child process of a test: its output kept, waited for until it is ready, killed as a power cut
 * would or stopped as an operator would, and never left behind when the test ends early.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './eventually.ts';

const OUTPUT_KEPT = 400_000;

export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** True, or resolved with something true, once the program serves. */
  readonly ready: () => unknown;
  readonly readyMs?: number;
  /** Called with all that the program says, as it says it. */
  readonly onOutput?: (text: string) => void;
  /** While it still serves. */
  readonly beforeStop?: () => Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', killAllPrograms);

/** Ends whatever this test file has started: a child that is left keeps the file from ending. */
export function killAllPrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}

export class Program {
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  /** Starts and waits until ready. @throws with the program's last words when it ends or is not ready in time */
  async start(): Promise<void> {
    this.spawn();
    await this.untilReady();
  }

  /** Starts without waiting. */
  spawn(): void {
    const { command, args, env, cwd } = this.#options;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    running.add(child);
    child.on('exit', () => running.delete(child));
    child.on('error', (error) => this.#keep(`${error.message}\n`));
    child.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    this.#child = child;
  }

  async untilReady(): Promise<void> {
    const { name, ready, readyMs = 120_000 } = this.#options;
    try {
      await eventually(
        `${name} is ready`,
        async () => this.ended || ((await ready()) as boolean | undefined),
        { timeoutMs: readyMs },
      );
    } catch (cause) {
      await this.kill9();
      throw new Error(`${name} did not get ready:\n${this.#output.slice(-4_000)}`, { cause });
    }
    if (this.ended) throw new Error(`${name} ended early:\n${this.#output.slice(-4_000)}`);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** True before the first start and after the process has ended. */
  get ended(): boolean {
    const child = this.#child;
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** Everything it wrote, over all starts; only the last 400 kB are kept. */
  get output(): string {
    return this.#output;
  }

  /** SIGKILL: nothing is drained. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL', 10_000);
  }

  /** SIGTERM, and SIGKILL with an error after `withinMs`. */
  async stop(withinMs = 15_000): Promise<void> {
    if (this.ended) return;
    await this.#options.beforeStop?.();
    const inTime = await this.#end('SIGTERM', withinMs);
    if (inTime) return;
    await this.kill9();
    throw new Error(`${this.#options.name} did not end on SIGTERM:\n${this.#output.slice(-2_000)}`);
  }

  /** Stops the process where it is, as a hung machine does; `resume` lets it go on. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals, withinMs: number): Promise<boolean> {
    const child = this.#child;
    if (child === undefined || this.ended || child.pid === undefined) return true;
    const exit = once(child, 'exit');
    child.kill(signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs);
    });
    const inTime = await Promise.race([exit.then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
    this.#options.onOutput?.(text);
  }
}
