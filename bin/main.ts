/**
 * The command line: which part of the program a command belongs to. Each part is loaded only when
 * it is asked for.
 *
 *   cdip hub …  ──► hub/cli/commands.ts       cdip edge … ──► edge/cli/commands.ts
 *   cdip deidentify ──► edge/cli/deidentify.ts  cdip bench NAME ──► test/bench/NAME.bench.ts
 *
 * What a script needs goes to stdout, words for people to stderr. Exit: 0 done, 1 a fault was
 * found, 2 the configuration is refused, 64 the command is not understood, 70 a bug.
 */
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { GatewayError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';

/** For what is still open when a command is done. */
const LINGER_MS = 3_000;
/** Then a program has loaded what it runs with. */
const LOADED_MS = 10_000;
const EXIT_FAULT = 1;
const EXIT_CONFIG = 2;
const EXIT_USAGE = 64;
const EXIT_BUG = 70;

const USAGE = `Usage: cdip COMMAND

  cdip hub --config FILE                                runs a hub
  cdip hub token --trust ODS [--ttl 24h]                one-time enrolment token for a trust's edge
  cdip hub user add NAME --role R [--trust ODS]         a person's account, and a sign-in link
  cdip hub key NAME --role R [--trust ODS]              an API key
  cdip hub dids-check FILE                              what of a DIDS file would be rejected, and why
  cdip hub rebuild [PROJECTION]                         drops a projection and replays it

  cdip edge --config FILE                               runs a trust's edge
  cdip edge enrol --hub URL --token T --config FILE     makes the edge's keys and joins it to a hub
  cdip edge status | queue                              what the edge is doing, what waits and why
  cdip edge quarantine [release|drop ID]                what could not be filed
  cdip edge conformance                                 the DICOM conformance statement
  cdip edge hl7 [show|replay|drop N]                    HL7 messages that could not be applied

  cdip deidentify IN OUT --project NAME --key-file F    files or folders without the patient
  cdip bench NAME [--json]                              runs a benchmark of test/bench
  cdip --version | --help

Every hub and edge command takes --config FILE.
`;

type Run = (args: readonly string[]) => Promise<number>;

async function runHub(args: readonly string[]): Promise<number> {
  const { runHubCommand } = await import('../hub/cli/commands.ts');
  return exitCodeOf(await runHubCommand([...args]));
}

async function runEdge(args: readonly string[]): Promise<number> {
  const { runEdgeCommand } = await import('../edge/cli/commands.ts');
  return exitCodeOf(await runEdgeCommand([...args]));
}

async function runDeidentify(args: readonly string[]): Promise<number> {
  const { runDeidentify } = await import('../edge/cli/deidentify.ts');
  return runDeidentify(args);
}

async function runBench(args: readonly string[]): Promise<number> {
  const [name = ''] = args.filter((arg) => !arg.startsWith('-'));
  const file = join(import.meta.dirname, '..', 'test', 'bench', `${name}.bench.ts`);
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) {
    return refuse(`there is no benchmark "${name}"; see test/bench`);
  }
  const bench = (await import(file)) as { run(json: boolean): Promise<void> };
  await bench.run(args.includes('--json'));
  return 0;
}

const COMMANDS: Readonly<Record<string, Run>> = {
  ...{ hub: runHub, edge: runEdge },
  ...{ deidentify: runDeidentify, bench: runBench },
};

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === '--version') return print(`${VERSION}\n`);
  if (command === '--help' || command === 'help') return print(USAGE);
  const run = Object.hasOwn(COMMANDS, command ?? '') ? COMMANDS[command ?? ''] : undefined;
  if (run) return run(rest);
  return refuse(command === undefined ? 'a command is needed' : `unknown command "${command}"`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(why: string): number {
  process.stderr.write(`cdip: ${why}\n\n${USAGE}`);
  return EXIT_USAGE;
}

/** A command may set its exit code by returning it, or leave it to be 0. */
function exitCodeOf(result: unknown): number {
  return typeof result === 'number' ? result : 0;
}

/** An expected failure in one line; a bug with its stack. */
function report(error: unknown): number {
  if (error instanceof GatewayError) {
    process.stderr.write(`cdip: ${error.code}\n${error.message}\n`);
    return error.code === 'CONFIG_INVALID' ? EXIT_CONFIG : EXIT_FAULT;
  }
  process.stderr.write(`cdip: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT_BUG;
}

// Started by an older Node through bin/cdip: a parent that was killed takes its child with it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

// Compiled code is kept at an end else, and a program that runs for months, or is killed, has none.
setTimeout(flushCompileCache, LOADED_MS).unref();

process.exitCode = await main(process.argv.slice(2)).catch(report);
// What is done has to end, also where a library still waits for a peer that never answers.
setTimeout(() => process.exit(), LINGER_MS).unref();
