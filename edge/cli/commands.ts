/**
 * `cdip edge …`: which command, with which configuration.
 *
 *   run (no name) ─► main.ts       enrol ─► enrol.ts       status, queue ─► status.ts
 *   quarantine [release|drop ID] ─► quarantine.ts       conformance ─► ../conformance/statement.ts
 */
import { parseArgs } from 'node:util';
import { type EdgeConfig, readEdgeConfig } from '../config.ts';

const EXIT_USAGE = 64;

const USAGE = `Usage: cdip edge [COMMAND] --config FILE

  (none)                                runs the edge
  enrol --hub URL --token T             makes the edge's keys and joins it to a hub
  status [--json]                       counts, what waits and why, disk
  queue [--json]                        fetches and deliveries that are not over, and why they stand still
  quarantine [--json]                   what could not be filed
  quarantine release ID | drop ID       files it by your decision, or forgets it
  conformance                           the DICOM conformance statement, as Markdown
`;

const OPTIONS = {
  config: { type: 'string' },
  hub: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

interface Given {
  readonly names: readonly string[];
  readonly file: string;
  readonly hub: string | undefined;
  readonly token: string | undefined;
  readonly json: boolean;
}

/** @returns the exit code @throws ConfigError, EnrolError and other GatewayErrors for bin/main.ts to tell */
export async function runEdgeCommand(args: readonly string[]): Promise<number> {
  let given: Given;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    if (values.config === undefined) return refuse('--config FILE is needed');
    const { hub, token, json } = values;
    given = { names: positionals, file: values.config, hub, token, json };
  } catch (error) {
    return refuse((error as Error).message);
  }
  const config = readEdgeConfig(given.file, process.env);
  return run(given, config);
}

async function run(given: Given, config: EdgeConfig): Promise<number> {
  const [command, action, id, ...more] = given.names;
  if (more.length > 0) return refuse(`too many words after ${command}`);
  switch (command) {
    case undefined:
      return (await import('../main.ts')).runEdge(config);
    case 'enrol':
      if (given.hub === undefined || given.token === undefined)
        return refuse('enrol needs --hub URL and --token TOKEN');
      return (await import('./enrol.ts')).enrol(config, {
        configFile: given.file,
        hubUrl: given.hub,
        token: given.token,
      });
    case 'status':
      return (await import('./status.ts')).printStatus(config, given.json);
    case 'queue':
      return (await import('./status.ts')).printQueue(config, given.json);
    case 'quarantine':
      return quarantine(config, { action, id, json: given.json });
    case 'conformance':
      process.stdout.write(
        (await import('../conformance/statement.ts')).conformanceStatement(config),
      );
      return 0;
    default:
      return refuse(`unknown command "${command}"`);
  }
}

async function quarantine(
  config: EdgeConfig,
  { action, id, json }: { action: string | undefined; id: string | undefined; json: boolean },
): Promise<number> {
  const commands = await import('./quarantine.ts');
  if (action === undefined) return commands.printQuarantine(config, json);
  if (id === undefined) return refuse(`quarantine ${action} needs the ID of an entry`);
  if (action === 'release') return commands.release(config, id);
  if (action === 'drop') return commands.drop(config, id);
  return refuse(`unknown command "quarantine ${action}"`);
}

function refuse(why: string): number {
  process.stderr.write(`cdip edge: ${why}\n\n${USAGE}`);
  return EXIT_USAGE;
}
