/** Our own programs as their users start them: `bin/cdip` with a configuration file, in a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { answers } from '../../demo/child.ts';
import { Program } from './program.ts';
import { keepSaid } from './said.ts';

export const CDIP: string = join(import.meta.dirname, '..', '..', 'bin', 'cdip');

export interface CommandResult {
  readonly code: number;
  /** What a script would take. */
  readonly stdout: string;
  /** What a person would read. */
  readonly stderr: string;
}

/** Runs `cdip …` to its end; a failure is a result, not an error. */
export function cdip(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64_000_000 };
    execFile(CDIP, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout: stdout.trim(), stderr });
    });
  });
}

/** As {@link cdip}, when it has to succeed. @returns its stdout @throws with its stderr */
export async function cdipDone(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cdip(args);
  if (code !== 0) throw new Error(`cdip ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A command line that runs a program elsewhere: in another network namespace. */
export type CommandPlace = (command: string, ...args: string[]) => [string, string[]];

/** A long-running `cdip hub` or `cdip edge`, ready when its /health/ready says so. */
export function cdipProgram(
  kind: 'hub' | 'edge',
  {
    name,
    configFile,
    url,
    env,
    within = (command, ...args) => [command, args],
  }: {
    name: string;
    configFile: string;
    url: string;
    env?: NodeJS.ProcessEnv;
    within?: CommandPlace;
  },
): Program {
  const [command, args] = within(CDIP, kind, '--config', configFile);
  return new Program({
    name,
    command,
    args,
    ready: () => answers(`${url}/health/ready`),
    onOutput: (text) => keepSaid(name, text),
    beforeStop: async () => keepSaid(`${name} metrics`, await metricsOf(url)),
    ...(env === undefined ? {} : { env }),
  });
}

/** Empty when it does not answer: a test may have stopped it in the middle. */
async function metricsOf(url: string): Promise<string> {
  try {
    return await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) })).text();
  } catch {
    return '';
  }
}

/** The log events that a program has written, oldest first; lines that are not JSON are left out. */
export function logEvents(program: Program): { event: string; [field: string]: unknown }[] {
  return program.output.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as { event: string }];
    } catch {
      return [];
    }
  });
}
