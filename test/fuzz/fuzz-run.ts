/**
 * Damaged bytes at every place where a peer's bytes come in: only typed errors may come of it, and memory
 * may not grow. Round n of a seed is the same on every machine.
 *
 *   target n mod targets ─► its seed, damaged ─► take() ─► fine │ GatewayError │ bug
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { randomFrom } from '../../demo/phantom/random.ts';
import { GatewayError } from '../../shared/errors.ts';
import { connectionTargets } from './connection-targets.ts';
import { mutate } from './mutate.ts';
import { objectTargets } from './object-targets.ts';
import { requestTargets } from './request-targets.ts';
import type { Target } from './target.ts';

const TARGETS: readonly Target[] = [...connectionTargets, ...requestTargets, ...objectTargets];
/** So many make a series that has its own random numbers. */
const SERIES = 1_000;
const MAX_BUGS = 10;

export interface FuzzBug {
  readonly target: string;
  readonly round: number;
  readonly error: unknown;
  /** The bytes that did it, hexadecimal. */
  readonly bytes: string;
}

export interface FuzzOutcome {
  readonly rounds: number;
  /** How many were taken without an error, and how often each typed error came. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly bugs: readonly FuzzBug[];
  /** Bytes in use after a collection, at a tenth of the way and at the end. */
  readonly heapAtFirst: number;
  readonly heapAtLast: number;
}

export async function runFuzz({
  rounds,
  seed,
  say = () => {},
}: {
  rounds: number;
  seed: string;
  say?: (text: string) => void;
}): Promise<FuzzOutcome> {
  const outcomes: Record<string, number> = {};
  const bugs: FuzzBug[] = [];
  let heapAtFirst = 0;
  for (let from = 0; from < rounds && bugs.length < MAX_BUGS; from += SERIES) {
    const random = randomFrom(`${seed} ${from}`);
    const dice = { upTo: (n: number): number => Math.floor(random() * n) };
    for (let round = from; round < Math.min(rounds, from + SERIES); round += 1) {
      const target = TARGETS[round % TARGETS.length] as Target;
      const pick = (): Buffer => target.seeds[dice.upTo(target.seeds.length)] ?? Buffer.alloc(0);
      const bytes = mutate(pick(), dice, pick());
      const { code, bug } = await outcomeOf(target, bytes, dice);
      outcomes[code] = (outcomes[code] ?? 0) + 1;
      if (bug !== undefined)
        bugs.push({ target: target.name, round, error: bug, bytes: bytes.toString('hex') });
    }
    if (heapAtFirst === 0 && from >= rounds / 10) heapAtFirst = await heapInUse();
    if (from % (100 * SERIES) === 0) say(`${from} of ${rounds}`);
  }
  return { rounds, outcomes, bugs, heapAtFirst, heapAtLast: await heapInUse() };
}

async function outcomeOf(
  target: Target,
  bytes: Buffer,
  dice: Parameters<Target['take']>[1],
): Promise<{ code: string; bug?: unknown }> {
  try {
    const found = await target.take(bytes, dice);
    return found === undefined ? { code: 'fine' } : { code: 'BUG', bug: found };
  } catch (error) {
    return error instanceof GatewayError ? { code: error.code } : { code: 'BUG', bug: error };
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function heapInUse(): Promise<number> {
  // What streams of zlib hold is freed a turn after their end was found.
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
