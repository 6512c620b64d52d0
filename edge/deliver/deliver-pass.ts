/**
 * One try at one delivery: sends what the destination has not acknowledged, or asks what it holds.
 *
 *   wanted ─► groups of ≤ 128 contexts ─► association ─► C-STORE … ─► verdict, at once in the queue
 *   nothing wanted ─► C-FIND ─► all there: ended │ some are not: wanted again
 *
 * An association on which anything went wrong is aborted and never used again (a peer may still take
 * the rest of an object for the next one). Success with missing instances is not success.
 */
import { stat } from 'node:fs/promises';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import type { DeliveryQueue, DeliveryRow, Reason } from './delivery-queue.ts';
import {
  type Destinations,
  MAX_CONTEXTS,
  type StoreAssociation,
  type StoreContext,
} from './destination.ts';
import { verdictOf } from './store-status.ts';
import { verify } from './verify-delivery.ts';

/** An object at which the association broke so often, over minutes, is given up. */
const MAX_BREAKS = 8;
/** An object that the destination put off so often, while it took others, is given up. */
const MAX_PUT_OFF = 60;
/** So many objects put off in a row: the destination is full, the rest waits too. */
const PUT_OFF_IN_A_ROW = 3;

export interface PassParts {
  readonly queue: DeliveryQueue;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly destinations: Destinations;
  readonly random: () => number;
  readonly now: () => number;
}

export interface PassOptions {
  readonly delivery: DeliveryRow;
  readonly peer: Peer;
  /** True: something more urgent waits, or the delivery is over. Asked between objects. */
  readonly shouldYield: () => boolean;
  readonly onProgress: () => void;
  /** Ends what is under way at once. */
  readonly signal: AbortSignal;
}

export type PassOutcome =
  | { readonly kind: 'done' }
  /** This delivery has to wait; the destination may take others. */
  | { readonly kind: 'put-off'; readonly reason: Reason }
  /** The destination does not work now; `progress`: it took something before. */
  | { readonly kind: 'trouble'; readonly reason: Reason; readonly progress: boolean };

/** Never throws for what a destination does. */
export async function deliverPass(parts: PassParts, options: PassOptions): Promise<PassOutcome> {
  const pass = new Pass(parts, options);
  try {
    return options.delivery.state === 'verifying'
      ? await verify(parts, options)
      : await pass.send();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const reason = reasonOf(error);
    // The edge stops: nobody is to blame.
    if (options.signal.aborted) return { kind: 'done' };
    // It answered: the object may be at fault, so the other deliveries have their turn.
    if (pass.hasBroken && pass.stored === 0) return { kind: 'put-off', reason };
    return { kind: 'trouble', reason, progress: pass.stored > 0 };
  }
}

export const reasonOf = (error: GatewayError): Reason => ({
  code: codeOf(error),
  detail: error.message,
});

/** What is sent over one association. */
interface Group {
  readonly contexts: StoreContext[];
  readonly objects: StoredInstance[];
}

class Pass {
  stored = 0;
  /** An association ended in the middle of an object. */
  hasBroken = false;
  readonly #parts: PassParts;
  readonly #options: PassOptions;
  readonly #tries = new Map<string, number>();
  #putOff: Reason | undefined;
  #putOffInARow = 0;

  constructor(parts: PassParts, options: PassOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async send(): Promise<PassOutcome> {
    const { queue, now } = this.#parts;
    const { deliveryId } = this.#options.delivery;
    for (const group of groupsOf(await this.#objects())) {
      if (await this.#sendGroup(group)) return { kind: 'done' };
      if (this.#isFull()) break;
    }
    if (this.#putOff !== undefined)
      return this.#isFull()
        ? { kind: 'trouble', reason: this.#putOff, progress: this.stored > 0 }
        : { kind: 'put-off', reason: this.#putOff };
    if (queue.wanted(deliveryId).length === 0) queue.setState(deliveryId, 'verifying', now());
    return { kind: 'done' };
  }

  /** What is wanted and can be read; the rest fails by name. */
  async #objects(): Promise<StoredInstance[]> {
    const { queue, index, spool } = this.#parts;
    const { deliveryId, home } = this.#options.delivery;
    const objects: StoredInstance[] = [];
    for (const { sopInstanceUID, tries } of queue.wanted(deliveryId)) {
      this.#tries.set(sopInstanceUID, tries);
      const object = index.findInstance(sopInstanceUID, home);
      const size = object && (await sizeOf(spool.absolute(object.path)));
      if (object === undefined || size === undefined) this.#fail(sopInstanceUID, FILE_GONE);
      else if (size !== object.dataSetOffset + object.dataSetBytes)
        this.#fail(sopInstanceUID, FILE_CHANGED);
      else objects.push(object);
    }
    return objects;
  }

  /** @returns true to end this try: something else goes first */
  async #sendGroup({ contexts, objects }: Group): Promise<boolean> {
    const { peer, shouldYield, onProgress, signal } = this.#options;
    if (shouldYield()) return true;
    const association = await this.#parts.destinations.open(peer, contexts, signal);
    try {
      for (const object of objects) {
        if (shouldYield()) return true;
        if (association.accepts(object)) await this.#store(association, object);
        else this.#fail(object.sopInstanceUID, notAccepted(object));
        onProgress();
        if (this.#isFull()) return false;
      }
      return false;
    } finally {
      await association.release();
    }
  }

  async #store(association: StoreAssociation, object: StoredInstance): Promise<void> {
    const { sopInstanceUID } = object;
    let status: number;
    try {
      const file = this.#parts.spool.absolute(object.path);
      status = await association.store(object, () => readDataSet(file, object));
    } catch (error) {
      association.abort();
      if (!(error instanceof GatewayError)) throw error;
      this.hasBroken = true;
      if (!this.#options.signal.aborted)
        this.#countTry(sopInstanceUID, reasonOf(error), MAX_BREAKS);
      throw error;
    }
    this.#take(sopInstanceUID, status);
  }

  #take(sopInstanceUID: string, status: number): void {
    const { queue } = this.#parts;
    const { deliveryId, peer } = this.#options.delivery;
    const verdict = verdictOf(status);
    if (verdict.kind === 'stored') {
      queue.markSent(deliveryId, sopInstanceUID);
      this.stored += 1;
      this.#putOffInARow = 0;
      return;
    }
    const { code } = verdict;
    if (verdict.kind === 'refused') {
      this.#putOffInARow = 0;
      this.#fail(sopInstanceUID, { code, detail: `${peer} refused the object` });
      return;
    }
    this.#putOff = { code, detail: `${peer} is out of resources` };
    this.#putOffInARow += 1;
    // A destination that takes nothing at all is full: no object is to blame.
    this.#countTry(sopInstanceUID, this.#putOff, this.stored > 0 ? MAX_PUT_OFF : Infinity);
  }

  #isFull(): boolean {
    return this.#putOffInARow >= PUT_OFF_IN_A_ROW;
  }

  #countTry(sopInstanceUID: string, reason: Reason, maxTries: number): void {
    const { queue } = this.#parts;
    const { deliveryId } = this.#options.delivery;
    queue.countTry(deliveryId, sopInstanceUID, reason);
    if ((this.#tries.get(sopInstanceUID) ?? 0) + 1 >= maxTries) this.#fail(sopInstanceUID, reason);
  }

  #fail(sopInstanceUID: string, reason: Reason): void {
    this.#parts.queue.markFailed(this.#options.delivery.deliveryId, sopInstanceUID, reason);
  }
}

const FILE_GONE: Reason = { code: 'SPOOL_MISSING', detail: "the object's file is gone here" };
const FILE_CHANGED: Reason = {
  code: 'SPOOL_CORRUPT',
  detail: "the object's file has another length than it had",
};

const notAccepted = ({ transferSyntaxUID, sopClassUID }: StoreContext): Reason => ({
  code: 'TRANSFER_SYNTAX_NOT_ACCEPTED',
  detail: `the destination does not take SOP class ${sopClassUID} in transfer syntax ${transferSyntaxUID}`,
});

/** At most 128 presentation contexts an association: a study of more kinds of objects goes in several. */
export function groupsOf(objects: readonly StoredInstance[]): Group[] {
  const byContext = new Map<string, { context: StoreContext; objects: StoredInstance[] }>();
  for (const object of objects) {
    const { sopClassUID, transferSyntaxUID } = object;
    const key = `${sopClassUID} ${transferSyntaxUID}`;
    const entry = byContext.get(key) ?? {
      context: { sopClassUID, transferSyntaxUID },
      objects: [],
    };
    entry.objects.push(object);
    byContext.set(key, entry);
  }
  const entries = [...byContext.values()];
  const groups: Group[] = [];
  for (let at = 0; at < entries.length; at += MAX_CONTEXTS) {
    const some = entries.slice(at, at + MAX_CONTEXTS);
    groups.push({
      contexts: some.map(({ context }) => context),
      objects: some.flatMap((entry) => entry.objects),
    });
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
