/**
 * One try at one delivery: sends what the destination has not acknowledged, or asks what it holds.
 *
 *   wanted ─► groups of ≤ 128 contexts ─► lanes.ts: C-STORE … ─► pass-record.ts: at once in the queue
 *   nothing wanted ─► C-FIND ─► all there: ended │ some are not: wanted again
 *
 * Success with missing instances is not success.
 */
import { stat } from 'node:fs/promises';
import { GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { DeliveryQueue, DeliveryRow, Reason, WantedInstance } from './delivery-queue.ts';
import { MAX_CONTEXTS, type StoreContext } from './destination.ts';
import { syntaxesFor } from './forms.ts';
import { type Group, type LaneOptions, type LaneParts, Lanes } from './lanes.ts';
import { PassRecord, reasonOf } from './pass-record.ts';
import type { Suspects } from './suspects.ts';
import { verify } from './verify-delivery.ts';

export interface PassParts extends LaneParts {
  readonly queue: DeliveryQueue;
  /** Where an object to be delivered lies. */
  readonly index: Pick<EdgeIndex, 'findInstance'>;
  readonly random: () => number;
  readonly now: () => number;
}

export interface PassOptions extends LaneOptions {
  readonly delivery: DeliveryRow;
  /** Of this destination. */
  readonly suspects: Suspects;
}

export type PassOutcome =
  | { readonly kind: 'done' }
  /** This delivery has to wait; the destination may take others. */
  | { readonly kind: 'put-off'; readonly reason: Reason }
  /** The destination does not work now; `progress`: it took something before. */
  | { readonly kind: 'trouble'; readonly reason: Reason; readonly progress: boolean };

/** Never throws for what a destination does. */
export async function deliverPass(parts: PassParts, options: PassOptions): Promise<PassOutcome> {
  if (options.delivery.state === 'verifying') return verify(parts, options);
  const { queue, now } = parts;
  const { deliveryId } = options.delivery;
  const wanted = queue.wanted(deliveryId);
  const { suspects } = options;
  const record = new PassRecord({ ...parts, suspects }, options.delivery, wanted);
  try {
    await send(parts, options, { wanted, record });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (options.signal.aborted) return { kind: 'done' };
    return { kind: 'trouble', reason: reasonOf(error), progress: record.stored > 0 };
  }
  const waiting = waitingOf(record);
  if (waiting !== undefined) return waiting;
  if (queue.wanted(deliveryId).length === 0) queue.setState(deliveryId, 'verifying', now());
  return { kind: 'done' };
}

/** Group by group, until something else goes first or the destination takes no more. */
async function send(
  parts: PassParts,
  options: PassOptions,
  { wanted, record }: { wanted: readonly WantedInstance[]; record: PassRecord },
): Promise<void> {
  const objects = await readable(parts, record, { wanted, home: options.delivery.home });
  for (const group of groupsOf(objects, options.peer)) {
    if (options.shouldYield()) return;
    const lanes = new Lanes(parts, options, { record, group });
    await lanes.run();
    if (lanes.hasYielded || record.isFull || record.broken !== undefined) return;
  }
}

/** Why some objects have to wait; undefined when none has. */
function waitingOf({
  broken,
  isDown,
  putOff,
  isFull,
  stored,
}: PassRecord): PassOutcome | undefined {
  if (broken !== undefined) {
    // It answered: the object may be at fault, so the other deliveries have their turn.
    if (stored === 0 && !isDown) return { kind: 'put-off', reason: broken };
    return { kind: 'trouble', reason: broken, progress: stored > 0 };
  }
  if (putOff === undefined) return undefined;
  return isFull
    ? { kind: 'trouble', reason: putOff, progress: stored > 0 }
    : { kind: 'put-off', reason: putOff };
}

/** What is wanted and can be read; the rest fails by name. */
async function readable(
  { index, spool }: PassParts,
  record: PassRecord,
  { wanted, home }: { wanted: readonly WantedInstance[]; home: string },
): Promise<StoredInstance[]> {
  const objects: StoredInstance[] = [];
  for (const { sopInstanceUID } of wanted) {
    const object = index.findInstance(sopInstanceUID, home);
    const size = object && (await sizeOf(spool.absolute(object.path)));
    if (object === undefined || size === undefined) record.fail(sopInstanceUID, FILE_GONE);
    else if (size !== object.dataSetOffset + object.dataSetBytes)
      record.fail(sopInstanceUID, FILE_CHANGED);
    else objects.push(object);
  }
  return objects;
}

const FILE_GONE: Reason = { code: 'SPOOL_MISSING', detail: "the object's file is gone here" };
const FILE_CHANGED: Reason = {
  code: 'SPOOL_CORRUPT',
  detail: "the object's file has another length than it had",
};

/** At most 128 presentation contexts an association: a study of more kinds of objects goes in several. */
export function groupsOf(
  objects: readonly StoredInstance[],
  peer: Pick<Peer, 'compress'>,
): Group[] {
  const byClass = Map.groupBy(objects, ({ sopClassUID }) => sopClassUID);
  const groups: { contexts: StoreContext[]; objects: StoredInstance[] }[] = [];
  for (const [sopClassUID, some] of byClass) {
    const syntaxes = syntaxesFor(some, peer);
    const contexts = syntaxes.map((transferSyntaxUID) => ({ sopClassUID, transferSyntaxUID }));
    const last = groups.at(-1);
    if (last !== undefined && last.contexts.length + contexts.length <= MAX_CONTEXTS) {
      last.contexts.push(...contexts);
      last.objects.push(...some);
    } else groups.push({ contexts, objects: [...some] });
  }
  return groups;
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}
