/** A program of a benchmark that is asked by lines of JSON and answers so: one question, one answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { CDIP } from '../support/cdip.ts';

/** In memory where there is room: what is measured is the line and the programs, not this machine's disk. */
export const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** How an edge is started: Node, with what bin/cdip gives it. */
export const EDGE_NODE: readonly string[] = [
  process.execPath,
  ...(/edge \] && gc='([^']+)'/.exec(readFileSync(CDIP, 'utf8'))?.[1]?.split(' ') ?? []),
];

export class BenchChild {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor([command, args]: [string, string[]]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('no stdout');
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async ask<T>(question: object): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the program ended');
    return JSON.parse(value) as T;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await once(this.#child, 'exit');
    clearTimeout(timer);
  }
}

/** The other side: answers until nobody asks any more. */
export async function answerQuestions<Q>(answer: (question: Q) => Promise<object>): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    const reply = await answer(JSON.parse(line) as Q);
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

/** User and system time of this process, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
