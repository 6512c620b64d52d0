/**
 * `cdip edge …`: which command, with which configuration.
 *
 *   run (no name) ─► main.ts       enrol ─► enrol.ts       status, queue ─► status.ts
 *   quarantine [release|drop ID] ─► quarantine.ts       hl7 [show|replay|drop N] ─► hl7.ts
 *   doctor ─► doctor.ts       route … ─► route.ts       conformance ─► ../conformance/statement.ts
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type EdgeConfig, firstConfig, parseEdgeConfig, readEdgeConfig } from '../config.ts';

const EXIT_USAGE = 64;
/** Where the package keeps it. */
const PACKAGED_CONFIG = '/etc/cdip/edge.yaml';

const USAGE = `Usage: cdip edge [COMMAND] [--config FILE]

  (none)                                runs the edge
  enrol --hub URL --token T             makes the edge's keys and joins it to a hub
    --trust ODS                         … and writes the configuration, where there is none yet
  rotate                                another key in place of the one in use; it does so by itself, too
  status [--json]                       counts, what waits and why, disk
  fetch UID --from ODS --by NAME --reason WORDS
    [--patient ID]                      an urgent study of another trust, while no hub answers
  queue [--json]                        fetches and deliveries that are not over, and why they stand still
  doctor [--json]                       what is wrong around the edge, why it matters, how to mend it
  support-bundle [--out FILE]           what who helps from afar has to see, without a patient or a key
  backup FILE | restore FILE            settings, keys and database; restored while the edge is stopped
  quarantine [--json]                   what could not be filed
  quarantine release ID | drop ID       files it by your decision, or forgets it
  audit verify [--anchors FILE]         reads the whole audit trail: exit 1, and where, if it was changed
  audit anchors                         its end, and what is kept of the hub's trail, for verify elsewhere
  conformance                           the DICOM conformance statement, as Markdown
  route [--json]                        what rules send, what waits and why
  route explain UID                     why an object, or a study, went where it went
  route try FILE [--since 7d]           what the rules in FILE would have sent
  route release JOB | drop JOB          sends what is held or failed; or never sends it
  route off MODEL | on MODEL            the switch of an AI model; --reason WORDS
  route results [--json]                what AI models sent, and what is held
  route drop-result RESULT              never files a held result
  hl7 [--json]                          HL7 messages that could not be applied, and why
  hl7 show N | replay N | drop N        one as it came; applies it again; forgets it
`;

const OPTIONS = {
  config: { type: 'string' },
  hub: { type: 'string' },
  token: { type: 'string' },
  trust: { type: 'string' },
  out: { type: 'string' },
  json: { type: 'boolean', default: false },
  since: { type: 'string' },
  from: { type: 'string' },
  by: { type: 'string' },
  patient: { type: 'string' },
  reason: { type: 'string' },
  anchors: { type: 'string' },
} as const;

interface Given {
  readonly names: readonly string[];
  readonly file: string;
  readonly hub: string | undefined;
  readonly token: string | undefined;
  readonly trust: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly since: string | undefined;
  readonly from: string | undefined;
  readonly by: string | undefined;
  readonly patient: string | undefined;
  readonly reason: string | undefined;
  readonly anchors: string | undefined;
}

/** @returns the exit code @throws ConfigError, EnrolError and other GatewayErrors for bin/main.ts to tell */
export async function runEdgeCommand(args: readonly string[]): Promise<number> {
  // As the package has it: what names patients is no business of other users of the machine.
  process.umask(process.umask() | 0o027);
  let given: Given;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const { config: named, ...options } = values;
    const file = named ?? (existsSync(dirname(PACKAGED_CONFIG)) ? PACKAGED_CONFIG : undefined);
    if (file === undefined) return refuse('--config FILE is needed');
    given = {
      ...options,
      names: positionals,
      file,
      hub: options.hub,
      token: options.token,
      trust: options.trust,
      out: options.out,
      since: options.since,
      from: options.from,
      by: options.by,
      patient: options.patient,
      reason: options.reason,
      anchors: options.anchors,
    };
  } catch (error) {
    return refuse((error as Error).message);
  }
  const [command, file] = given.names;
  if (command === 'restore') {
    if (file === undefined) return refuse('restore needs the file of a backup');
    return (await import('./backup.ts')).restore(given.file, file);
  }
  return run(given, configOf(given));
}

/** Of an edge that is to be enrolled and has none yet: what is written then. @throws ConfigError */
function configOf({ names, file, trust }: Given): EdgeConfig {
  if (names[0] === 'enrol' && trust !== undefined && !existsSync(file))
    return parseEdgeConfig(firstConfig(trust), process.env);
  return readEdgeConfig(file, process.env);
}

async function run(given: Given, config: EdgeConfig): Promise<number> {
  const [command, action, id, ...more] = given.names;
  if (more.length > 0) return refuse(`too many words after ${command}`);
  switch (command) {
    case undefined:
      return (await import('../main.ts')).runEdge(given.file, process.env);
    case 'enrol':
      if (given.hub === undefined || given.token === undefined)
        return refuse('enrol needs --hub URL and --token TOKEN');
      return (await import('./enrol.ts')).enrol(config, {
        configFile: given.file,
        hubUrl: given.hub,
        token: given.token,
      });
    case 'rotate':
      return (await import('./rotate.ts')).rotateKey(config);
    case 'fetch':
      return fetchStudy(config, given);
    case 'status':
      return (await import('./status.ts')).printStatus(config, given.json);
    case 'queue':
      return (await import('./status.ts')).printQueue(config, given.json);
    case 'doctor':
      return (await import('./doctor.ts')).printDoctor(config, given.json);
    case 'backup':
      if (action === undefined) return refuse('backup needs a file to write');
      return (await import('./backup.ts')).backup(config, given.file, action);
    case 'support-bundle':
      return (await import('./support-bundle.ts')).writeSupportBundle(config, {
        ...{ configFile: given.file, out: given.out },
      });
    case 'quarantine':
      return quarantine(config, { action, id, json: given.json });
    case 'audit':
      return audit(config, action, given.anchors);
    case 'conformance':
      process.stdout.write(
        (await import('../conformance/statement.ts')).conformanceStatement(config),
      );
      return 0;
    case 'route':
      return route(config, given);
    case 'hl7':
      return hl7(config, { action, id, json: given.json });
    default:
      return refuse(`unknown command "${command}"`);
  }
}

async function fetchStudy(config: EdgeConfig, given: Given): Promise<number> {
  const { from: source, by, reason, patient: patientId } = given;
  const [, studyInstanceUID] = given.names;
  if (!studyInstanceUID || !source || !by || !reason)
    return refuse('fetch needs a Study Instance UID, --from ODS, --by NAME and --reason WORDS');
  const wish = { studyInstanceUID, source, by, reason, patientId };
  return (await import('./fetch.ts')).fetchUnaided(config, wish);
}

async function audit(
  { dataDirectory, trust }: EdgeConfig,
  action: string | undefined,
  anchors: string | undefined,
): Promise<number> {
  const { HUB_TRAIL } = await import('../../shared/audit/anchors.ts');
  const commands = await import('../../shared/audit/command.ts');
  const trail = { dataDirectory, of: trust };
  if (action === 'verify') return commands.verifyTrail(trail, anchors);
  if (action === 'anchors') return commands.printAnchors(trail, [HUB_TRAIL]);
  return refuse('say: audit verify, or audit anchors');
}

interface Action {
  readonly action: string | undefined;
  readonly id: string | undefined;
  readonly json: boolean;
}

async function hl7(config: EdgeConfig, { action, id, json }: Action): Promise<number> {
  const commands = await import('./hl7.ts');
  if (action === undefined) return commands.printDeadLetters(config, json);
  const key = Number(id);
  if (!Number.isSafeInteger(key)) return refuse(`hl7 ${action} needs the number of a message`);
  if (action === 'show') return commands.show(config, key);
  if (action === 'replay') return commands.replay(config, key);
  if (action === 'drop') return commands.drop(config, key);
  return refuse(`unknown command "hl7 ${action}"`);
}

async function quarantine(config: EdgeConfig, { action, id, json }: Action): Promise<number> {
  const commands = await import('./quarantine.ts');
  if (action === undefined) return commands.printQuarantine(config, json);
  if (id === undefined) return refuse(`quarantine ${action} needs the ID of an entry`);
  if (action === 'release') return commands.release(config, id);
  if (action === 'drop') return commands.drop(config, id);
  return refuse(`unknown command "quarantine ${action}"`);
}

async function route(config: EdgeConfig, given: Given): Promise<number> {
  const [, action, which] = given.names;
  const { reason = 'by a person' } = given;
  const commands = await import('./route.ts');
  if (action === undefined) return commands.printJobs(config, given.json);
  if (action === 'results') return commands.printResults(config, given.json);
  if (which === undefined) return refuse(`route ${action} needs a name behind it`);
  switch (action) {
    case 'explain':
      return commands.printExplanation(config, which, given.json);
    case 'try':
      return commands.tryFile(
        { configFile: given.file, file: which, since: given.since },
        given.json,
      );
    case 'release':
      return commands.releaseJob(config, which);
    case 'drop':
      return commands.dropJob(config, which, reason);
    case 'off':
    case 'on':
      return commands.switchModel(config, which, { to: action, reason });
    case 'drop-result':
      return commands.dropResult(config, which);
    default:
      return refuse(`unknown command "route ${action}"`);
  }
}

function refuse(why: string): number {
  process.stderr.write(`cdip edge: ${why}\n\n${USAGE}`);
  return EXIT_USAGE;
}
