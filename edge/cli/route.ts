/**
 * `cdip edge route`: what routing does, why, and what rules would do that are not live yet. Reads and
 * writes the database alone, so that it works beside the edge and while it is down.
 */
import { rfc3339, systemClock } from '../../shared/clock.ts';
import { ConfigError, readYaml } from '../../shared/config.ts';
import { type EdgeConfig, parseEdgeConfig } from '../config.ts';
import { tagsOf } from '../route/conditions.ts';
import { RuleSet } from '../route/decide.ts';
import { type Explanation, explain, explainJob } from '../route/explain.ts';
import { FactsReader } from '../route/facts.ts';
import { Gate } from '../route/gate.ts';
import { ResultInbox } from '../route/result-inbox.ts';
import { RouteStore } from '../route/route-store.ts';
import { MODEL_OFF, Switches } from '../route/switches.ts';
import { type Trial, tryRules } from '../route/trial.ts';
import { Spool } from '../spool/spool.ts';
import { openForCommands } from './open-for-commands.ts';
import { table } from './table.ts';

const LISTED = 1_000;
const DAY_MS = 86_400_000;

/** What is sent by rules, what waits and why. */
export function printJobs(config: EdgeConfig, json: boolean): number {
  const jobs = open(config).list(LISTED).map(explainJob);
  if (json) return print(`${JSON.stringify(jobs)}\n`);
  const rows = jobs.map((job) => [
    ...[`${job.job}`, job.rule, job.to, `${job.objects}`, job.priority, job.state, job.why],
  ]);
  return print(table(['job', 'rule', 'to', 'objects', 'priority', 'state', 'why'], rows));
}

/** @returns 1 when nothing was decided of such an object or study */
export function printExplanation(config: EdgeConfig, uid: string, json: boolean): number {
  const explanation = explain(open(config), uid);
  if (json) print(`${JSON.stringify(explanation)}\n`);
  else print(explanationText(explanation));
  if (explanation.ways.length > 0) return 0;
  process.stderr.write(
    `no rule has decided on ${uid}: it is not here, or came before there were rules\n`,
  );
  return 1;
}

export function releaseJob(config: EdgeConfig, job: string): number {
  return told(open(config).release(Number(job), Date.now()), job);
}

export function dropJob(config: EdgeConfig, job: string, reason: string): number {
  return told(open(config).cancel(Number(job), { reason, now: Date.now() }), job);
}

/** Results of AI models, held ones first. */
export function printResults(config: EdgeConfig, json: boolean): number {
  const results = new ResultInbox(openForCommands(config), config).list(LISTED);
  if (json) return print(`${JSON.stringify(results)}\n`);
  const rows = results.map((row) => [
    ...[row.contentDigest, row.callingAETitle, row.model ?? '', row.state],
    ...[
      row.sopInstanceUID,
      row.reasonCode === null ? '' : `${row.reasonCode}: ${row.reasonDetail}`,
    ],
  ]);
  return print(table(['result', 'from', 'model', 'state', 'object', 'why'], rows));
}

/** Forgets a held result. Its bytes stay for two months. */
export function dropResult(config: EdgeConfig, result: string): number {
  const inbox = new ResultInbox(openForCommands(config), config);
  if (inbox.drop(result, Date.now())) return 0;
  process.stderr.write(`there is no held result ${result}; see cdip edge route results\n`);
  return 1;
}

/** A model that is off gets nothing, and its results are held; on again, both go on. */
export function switchModel(
  config: EdgeConfig,
  model: string,
  { to, reason }: { to: 'off' | 'on'; reason: string },
): number {
  if (!config.models.some(({ name }) => name === model)) {
    process.stderr.write(`no model is named ${model}\n`);
    return 1;
  }
  const db = openForCommands(config);
  if (to === 'off') new Switches(db).off(model, reason, Date.now());
  else new Switches(db).on(model);
  if (to === 'on') new ResultInbox(db, config).lookAgain(MODEL_OFF, null);
  return 0;
}

function told(isDone: boolean, job: string): number {
  if (isDone) return 0;
  process.stderr.write(`there is no job ${job} of which this can be done; see cdip edge route\n`);
  return 1;
}

/**
 * Tries the rules of a file on what the trust has.
 *
 * @param since `7d`, or a date; absent: all
 * @throws ConfigError for a fault in the rules
 */
export async function tryFile(
  { configFile, file, since }: { configFile: string; file: string; since: string | undefined },
  json: boolean,
): Promise<number> {
  const config = tryingConfig(configFile, file);
  const db = openForCommands(config);
  const { dataDirectory, storage, trust, routes } = config;
  const { reserveBytes } = storage;
  const spool = new Spool({ dataDirectory, reserveBytes, clock: systemClock });
  const facts = new FactsReader(db, spool, tagsOf(routes));
  const gate = new Gate(db, config.projects, config.secondaryUse);
  const rules = new RuleSet(config);
  const trial = await tryRules({ db, trust, rules, facts, gate, now: Date.now() }, sinceOf(since));
  return print(json ? `${JSON.stringify(trial)}\n` : trialText(trial));
}

/** The edge's configuration with what the file says in the place of its own. */
function tryingConfig(configFile: string, file: string): EdgeConfig {
  const tried = readYaml(file);
  const routing = Array.isArray(tried) ? { routes: tried } : tried;
  return parseEdgeConfig(Object.assign({}, readYaml(configFile), routing), process.env);
}

function sinceOf(since: string | undefined): number {
  if (since === undefined) return 0;
  const [, days] = /^(\d+)d$/.exec(since) ?? [];
  const at = days === undefined ? Date.parse(since) : Date.now() - Number(days) * DAY_MS;
  if (Number.isNaN(at)) throw new ConfigError(`✖ --since ${since}: a date, or days as 7d`);
  return at;
}

function trialText({ studies, objects, unsent, rules, sends, version }: Trial): string {
  const would = sends.map((send) => [
    ...[send.to, send.rule, `${send.studies}`, `${send.objects}`, sizeOf(send.bytes)],
    `${send.held}`,
    Object.entries(send.withheld)
      .map(([code, objects]) => `${objects} ${code}`)
      .join(', '),
  ]);
  const acted = rules.map((rule) => [rule.rule, `${rule.studies}`, `${rule.objects}`]);
  return [
    `Tried on ${studies} studies, ${objects} objects. Rules ${version}. Nothing was sent.\n`,
    table(
      ['would have sent to', 'by rule', 'studies', 'objects', 'size', 'held', 'withheld'],
      would,
    ),
    table(['rule', 'acted on studies', 'objects'], acted),
    `${unsent} objects would have gone nowhere.\n`,
  ].join('\n');
}

function explanationText({ ways, jobs }: Explanation): string {
  const texts = ways.map(({ objects, sopInstanceUID, version, decidedAt, steps }) => {
    const which = objects === 1 ? sopInstanceUID : `${objects} objects, such as ${sopInstanceUID}`;
    const rows = steps.map(({ rule, acted, what }) => [rule, acted ? 'yes' : 'no', what]);
    return `${which}\ndecided ${rfc3339(decidedAt)} by rules ${version}\n${table(['rule', 'acted', 'what'], rows)}`;
  });
  const rows = jobs.map(({ job, to, rule, objects, state, why }) => [
    ...[`${job}`, to, rule, `${objects}`, state, why],
  ]);
  return [...texts, table(['job', 'to', 'by rule', 'objects', 'state', 'why'], rows)].join('\n');
}

const sizeOf = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

const open = (config: EdgeConfig): RouteStore => new RouteStore(openForCommands(config));
