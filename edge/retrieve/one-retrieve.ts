/**
 * One study from one PACS: what there is, brought in whatever way works, until all of it is here.
 *
 *   inventory ─► method ─► what is missing ─► asked for by name, twice ─► the next method ─► whole │ partial │ failed
 *
 * Success of the PACS means nothing here: what is in the index counts.
 */
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import type { Ask } from '../crawl/count-study.ts';
import { objectsOf, type PacsObjects } from './inventory.ts';
import type { MethodName, RetrieveMethod, Wanted } from './method.ts';
import { RetrieveError } from './retrieve-error.ts';
import type { Reason } from './retrieve-log.ts';
import type { Watchdog } from './watchdog.ts';

/** How often what is missing is asked for by name. */
const MAX_AGAIN = 2;

export interface OneRetrieve {
  readonly peer: Peer;
  readonly studyInstanceUID: string;
  readonly patientId: string;
  /** As the PACS said when it was crawled; null: it did not. */
  readonly expected: number | null;
  readonly ask: Ask;
  readonly methods: readonly MethodName[];
  readonly run: Readonly<Record<MethodName, RetrieveMethod>>;
  readonly watchdog: Watchdog;
  /** SOP Instance UIDs that are here. */
  readonly held: () => ReadonlySet<string>;
  readonly onMethod: (method: MethodName, expected: number | null) => void;
  readonly onWorked: (method: MethodName) => void;
  readonly onFailed: (method: MethodName, reason: Reason) => void;
  readonly onCounted: (objects: PacsObjects) => void;
}

export interface RetrieveOutcome {
  readonly state: 'whole' | 'partial' | 'failed';
  /** That are here. */
  readonly instances: number;
  /** SOP Instance UIDs that the PACS holds and that did not come. */
  readonly missing: readonly string[];
  readonly reason: Reason | null;
}

export async function retrieveOne(one: OneRetrieve): Promise<RetrieveOutcome> {
  let reason: Reason | null = null;
  let objects: PacsObjects | undefined;
  try {
    objects = await objectsOf(one.ask, one.studyInstanceUID);
    if (objects !== undefined) one.onCounted(objects);
    for (const method of one.methods) {
      if (isWhole(one, objects)) break;
      reason = await tryMethod(one, { method, objects });
      if (one.watchdog.error !== undefined) break;
    }
  } catch (error) {
    reason = reasonOf(error, one);
  }
  return outcomeOf(one, objects, reason);
}

interface Trying {
  readonly method: MethodName;
  readonly objects: PacsObjects | undefined;
}

/** @returns why not all of it came; null: all did, or nobody can say */
async function tryMethod(one: OneRetrieve, { method, objects }: Trying): Promise<Reason | null> {
  const { peer, run, watchdog } = one;
  const before = one.held().size;
  try {
    one.onMethod(method, objects?.size ?? one.expected);
    for (let again = 0; again <= MAX_AGAIN && !isWhole(one, objects); again += 1) {
      const heldBefore = one.held().size;
      const only = heldBefore === 0 ? undefined : missingBySeries(one, objects);
      if (again > 0 && only === undefined) break;
      const wanted = { ...wantedOf(one, objects), ...(only === undefined ? {} : { only }) };
      await run[method]({ peer, wanted, signal: watchdog.signal, onAlive: () => watchdog.alive() });
      if (one.held().size === heldBefore) break;
    }
  } catch (error) {
    const reason = reasonOf(error, one);
    one.onFailed(method, reason);
    return reason;
  }
  if (one.held().size > before || isWhole(one, objects)) {
    one.onWorked(method);
    return null;
  }
  one.onFailed(method, nothingCame(method));
  return nothingCame(method);
}

const wantedOf = (one: OneRetrieve, objects: PacsObjects | undefined): Wanted => ({
  ...{ studyInstanceUID: one.studyInstanceUID, patientId: one.patientId, objects },
});

function nothingCame(method: MethodName): Reason {
  const advice =
    method === 'c-move' ? '; does it know the host and port of our AE title?' : '; look at its log';
  const error = new RetrieveError(
    'RETRIEVE_NOTHING_CAME',
    `the PACS answers ${method.toUpperCase()} with success, and sends nothing${advice}`,
  );
  return { code: error.code, detail: error.message };
}

function isWhole(one: OneRetrieve, objects: PacsObjects | undefined): boolean {
  const held = one.held();
  if (objects !== undefined) return [...objects.keys()].every((uid) => held.has(uid));
  return held.size > 0 && held.size >= (one.expected ?? 1);
}

function missingOf(one: OneRetrieve, objects: PacsObjects | undefined): string[] {
  const held = one.held();
  return [...(objects?.keys() ?? [])].filter((uid) => !held.has(uid));
}

/** @returns undefined when the objects are not known by name */
function missingBySeries(
  one: OneRetrieve,
  objects: PacsObjects | undefined,
): ReadonlyMap<string, string[]> | undefined {
  if (objects === undefined) return undefined;
  const missing = missingOf(one, objects);
  return Map.groupBy(missing, (uid) => objects.get(uid)?.seriesInstanceUID ?? '');
}

function reasonOf(error: unknown, { watchdog }: OneRetrieve): Reason {
  const cause = watchdog.error ?? error;
  if (!(cause instanceof GatewayError)) throw cause;
  return { code: codeOf(cause), detail: cause.message };
}

function outcomeOf(
  one: OneRetrieve,
  objects: PacsObjects | undefined,
  reason: Reason | null,
): RetrieveOutcome {
  const instances = one.held().size;
  const missing = missingOf(one, objects);
  if (isWhole(one, objects)) return { state: 'whole', instances, missing, reason: null };
  const expected = objects?.size ?? one.expected ?? '?';
  const detail = `${instances} of ${expected} objects came from the PACS`;
  const why = reason ?? { code: 'RETRIEVE_PARTIAL', detail };
  return { state: instances > 0 ? 'partial' : 'failed', instances, missing, reason: why };
}
