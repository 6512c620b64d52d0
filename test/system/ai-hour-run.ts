/**
 * An AI node that is away for an hour while studies go on: clinics may not feel it, and in the end the node has each
 * study once, the more urgent first, and the PACS each result under its patient.
 *
 *   sender ─► edge ─┬─► PACS            answer of C-STORE ─► presence there, before, while it is away, after
 *                   └─► node (away) ─► its SR and SC ─► edge ─► PACS
 */
import { percentile } from '../bench/result.ts';
import { type AiWorld, startAiWorld } from '../support/ai-node.ts';
import { eventually } from '../support/eventually.ts';
import { AnsweringNode } from './ai-hour-answers.ts';
import { Arrivals, tellingArrivals } from './ai-hour-arrivals.ts';
import { faultsOf } from './ai-hour-faults.ts';
import { type EdgeLook, lookAt } from './ai-hour-look.ts';
import { type Phase, PRIORITISING, type SentStudy, sendStudy } from './ai-hour-studies.ts';

const EVERY_MS = 10_000;
const LEAST_BESIDE_MS = 60_000;
const ALL_WITHIN = { timeoutMs: 900_000, everyMs: 500 };

export interface AiHourOptions {
  readonly directory: string;
  /** The node is away so long. */
  readonly minutes: number;
  readonly isDeidentified: boolean;
  readonly say: (text: string) => void;
}

interface Waits {
  readonly studies: number;
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
}

export interface AiHourOutcome {
  readonly studies: number;
  readonly objects: number;
  readonly results: number;
  /** From the last answer of C-STORE until the whole study is at the PACS. */
  readonly toPacsMs: Readonly<Record<Phase, Waits>>;
  /** Of what was sent while the node was away, from when it is back until it has the study, in seconds. */
  readonly toNodeSeconds: Readonly<Record<string, Waits>>;
  readonly memoryMB: { readonly first: number; readonly last: number; readonly most: number };
  readonly databaseKBPerStudy: number;
  /** How often it was looked whether page, commands and metrics tell what waits and why. */
  readonly looks: number;
  readonly faults: readonly string[];
}

export interface AiHour {
  readonly world: AiWorld;
  readonly pacs: Arrivals;
  readonly node: Arrivals;
  readonly answering: AnsweringNode;
  readonly sent: SentStudy[];
  readonly looks: EdgeLook[];
}

export async function runAiHour(options: AiHourOptions): Promise<AiHourOutcome> {
  const stops: (() => Promise<void>)[] = [];
  const [pacs, node] = [new Arrivals(), new Arrivals()];
  const { directory, isDeidentified } = options;
  try {
    const world = await startAiWorld(
      {
        ...{ directory, isDeidentified, rules: PRIORITISING },
        orthanc: tellingArrivals(directory),
        onOutput: (from, text) => (from === 'pacs' ? pacs : node).hear(text),
      },
      (stop) => void stops.unshift(stop),
    );
    const answering = new AnsweringNode(world.edge, node);
    const hour = { world, pacs, node, answering, sent: [], looks: [] };
    const backAt = await runPhases(hour, options);
    return outcomeOf(hour, backAt);
  } finally {
    for (const stop of stops) await stop();
  }
}

/** @returns when the node was back, in milliseconds */
async function runPhases(hour: AiHour, { minutes, say }: AiHourOptions): Promise<number> {
  const { world } = hour;
  const besideMs = Math.max(LEAST_BESIDE_MS, (minutes * 60_000) / 20);
  const first = await world.startNode();
  const going = new AbortController();
  const answers = hour.answering.answerTo(first, going.signal);
  await keepSending(hour, 'before', besideMs);
  await untilAllIsThere(hour);
  going.abort();
  await answers;
  await first.stop();
  say(`${hour.sent.length} studies there and answered; the node goes`);
  const away = keepSending(hour, 'away', minutes * 60_000);
  await lookEachMinute(hour, minutes, say);
  await away;
  const back = await world.startNode();
  const backAt = performance.now();
  say('the node is back');
  const ending = new AbortController();
  const answersAgain = hour.answering.answerTo(back, ending.signal);
  await keepSending(hour, 'after', besideMs);
  await untilAllIsThere(hour);
  // What comes twice may come late.
  await pause(EVERY_MS);
  ending.abort();
  await answersAgain;
  return backAt;
}

async function keepSending({ world, sent }: AiHour, phase: Phase, ms: number): Promise<void> {
  const begin = performance.now();
  for (let at = 0; at < ms; at += EVERY_MS) {
    await pause(begin + at - performance.now());
    sent.push(await sendStudy(sent.length + 1, world.edge.dicomPort, phase));
  }
  await pause(begin + ms - performance.now());
}

/** Looked at in the middle of each minute: there is something to tell by then. */
async function lookEachMinute(
  { world, looks, sent }: AiHour,
  minutes: number,
  say: (text: string) => void,
): Promise<void> {
  const begin = performance.now();
  for (let minute = 0; minute < minutes; minute += 1) {
    await pause(begin + minute * 60_000 + 35_000 - performance.now());
    const look = await lookAt(world);
    looks.push(look);
    const { memoryMB, databaseBytes, waiting, missing } = look;
    const told = missing.length === 0 ? 'told' : `not told: ${missing.join(', ')}`;
    const megabytes = (databaseBytes / 1e6).toFixed(1);
    say(
      `minute ${minute + 1}: ${sent.length} studies, ${waiting} jobs wait, ${told}; ${memoryMB} MB, database ${megabytes} MB`,
    );
  }
}

/** Everything at both, and the results of everything at the PACS. */
async function untilAllIsThere({ pacs, node, answering, sent }: AiHour): Promise<void> {
  const objects = sent.reduce((sum, study) => sum + study.objects, 0);
  await eventually(
    'all is at the node',
    () => imagesOf(node) >= objects && answering.answers.size >= 2 * sent.length,
    ALL_WITHIN,
  );
  await eventually(
    'all is at the PACS',
    () => pacs.all.length >= objects + 2 * sent.length,
    ALL_WITHIN,
  );
}

const imagesOf = ({ all }: Arrivals): number => all.filter((one) => one.modality === 'CT').length;
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

async function outcomeOf(hour: AiHour, backAt: number): Promise<AiHourOutcome> {
  const { sent, pacs, node, looks, answering } = hour;
  const whole = (arrivals: Arrivals, { number }: SentStudy): number =>
    Math.max(
      ...arrivals.all
        .filter((one) => one.modality === 'CT' && one.number === number)
        .map(({ at }) => at),
    );
  const toPacs = (phase: Phase): Waits =>
    waitsOf(
      sent
        .filter((study) => study.phase === phase)
        .map((study) => Math.max(0, whole(pacs, study) - study.answeredAt)),
    );
  const away = sent.filter(({ phase }) => phase === 'away');
  const byUrgency = Map.groupBy(away, ({ urgency }) => urgency);
  const memory = looks.map(({ memoryMB }) => memoryMB);
  const [firstLook, lastLook] = [looks.at(0), looks.at(-1)];
  const grown = (lastLook?.databaseBytes ?? 0) - (firstLook?.databaseBytes ?? 0);
  return {
    studies: sent.length,
    objects: sent.reduce((sum, { objects }) => sum + objects, 0),
    results: answering.answers.size,
    toPacsMs: { before: toPacs('before'), away: toPacs('away'), after: toPacs('after') },
    toNodeSeconds: Object.fromEntries(
      [...byUrgency].map(([urgency, studies]) => [
        urgency,
        waitsOf(studies.map((study) => (whole(node, study) - backAt) / 1000)),
      ]),
    ),
    memoryMB: {
      ...{ first: memory.at(0) ?? 0, last: memory.at(-1) ?? 0 },
      most: Math.max(...memory),
    },
    databaseKBPerStudy: Math.round(grown / 1000 / Math.max(1, away.length)),
    looks: looks.length,
    faults: await faultsOf(hour),
  };
}

function waitsOf(values: readonly number[]): Waits {
  const of = (share: number): number => Math.round(percentile(values, share));
  return { studies: values.length, p50: of(0.5), p95: of(0.95), most: of(1) };
}
