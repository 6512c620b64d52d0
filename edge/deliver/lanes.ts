/**
 * The objects of one group over several associations at once.
 *
 *   first association open ─► next ─► next … each takes the next object ─► all released
 *
 * One opens after the other, so that a destination that is down is asked once, and one that grants fewer
 * than are wanted is served by those. One on which anything went wrong is aborted and never used again (a
 * peer may still take the rest of an object for the next one); the others go on.
 */
import { GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import type { Transcoder } from '../transcode/transcoder.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { Destinations, StoreAssociation, StoreContext } from './destination.ts';
import { type Form, formFor } from './forms.ts';
import { type PassRecord, reasonOf } from './pass-record.ts';
import type { Rate } from './rate.ts';
import { ReadAhead, type ReadPiece } from './read-ahead.ts';

/** An association more pays for itself from so many objects on. */
const OBJECTS_EACH = 4;

export interface LaneParts {
  readonly spool: Spool;
  readonly destinations: Destinations;
  readonly transcoder: Pick<Transcoder, 'transcode'>;
  readonly counters: DeliveryCounters;
}

export interface LaneOptions {
  readonly peer: Peer;
  readonly rate: Rate;
  /** One association alone finds out whether the destination works again; others follow its first object. */
  readonly isProbing: boolean;
  /** True: something else goes first, or the delivery is over. Asked between objects. */
  readonly shouldYield: () => boolean;
  /** The destination answered; `isWorking`: it does what it is there for, be it that it refuses an object. */
  readonly onAnswer: (answer: { bytes: number; isWorking: boolean }) => void;
  /** Ends what is under way at once. */
  readonly signal: AbortSignal;
}

/** What is sent over associations of the same contexts. */
export interface Group {
  readonly contexts: readonly StoreContext[];
  readonly objects: readonly StoredInstance[];
}

export class Lanes {
  readonly #parts: LaneParts;
  readonly #options: LaneOptions;
  readonly #record: PassRecord;
  readonly #group: Group;
  /** Of the next object. */
  #at = 0;
  #opened = 0;
  /** Of the association that is being asked for; after a refusal there is no other. */
  #opening: AbortController | undefined;
  readonly #running: Promise<void>[] = [];
  #fault: unknown;
  readonly #readAhead = new ReadAhead();
  /** The next object, whoever takes it. */
  #ahead: ReadPiece | undefined;
  hasYielded = false;

  constructor(parts: LaneParts, options: LaneOptions, { record, group }: OfPass) {
    this.#parts = parts;
    this.#options = options;
    this.#record = record;
    this.#group = group;
  }

  /** @throws GatewayError when not one association could be had */
  async run(): Promise<void> {
    this.#begin();
    // One that is running may begin another.
    for (let at = 0; at < this.#running.length; at += 1) await this.#running[at];
    if (this.#fault !== undefined) throw this.#fault;
  }

  #begin(): void {
    const lane = this.#lane().catch((error: unknown) => {
      this.#fault ??= error;
    });
    this.#running.push(lane);
  }

  async #lane(): Promise<void> {
    const { peer, signal, isProbing } = this.#options;
    const { destinations, counters } = this.#parts;
    let association: StoreAssociation;
    this.#opening = new AbortController();
    const either = AbortSignal.any([signal, this.#opening.signal]);
    try {
      association = await destinations.open(peer, this.#group.contexts, either);
    } catch (error) {
      // The others have to do: it grants no more, or they are done.
      if (error instanceof GatewayError && this.#opened > 0) return;
      throw error;
    }
    this.#opening = undefined;
    this.#opened += 1;
    counters.connection(peer.name, 1);
    try {
      if (!isProbing) this.#another();
      await this.#send(association);
    } finally {
      counters.connection(peer.name, -1);
      await association.release();
    }
  }

  /** One more, unless there are as many as may be or as help. */
  #another(): void {
    const left = this.#group.objects.length - this.#at;
    if (this.#opening !== undefined || this.#opened >= this.#options.peer.connections) return;
    if (left >= this.#opened * OBJECTS_EACH) this.#begin();
  }

  /** Objects, as many unanswered at once as the destination grants, until there are none or it breaks. */
  async #send(association: StoreAssociation): Promise<void> {
    const { rate, signal } = this.#options;
    const underWay = new Set<Promise<void>>();
    const lane = { association, underWay, isBroken: false };
    for (;;) {
      await rate.slot(signal);
      if (lane.isBroken) break;
      const next = this.#next();
      if (next === undefined) {
        // A destination that serves one association at a time would answer when this one is released.
        this.#opening?.abort();
        break;
      }
      const isSuspect = this.#record.isSuspect(next.object.sopInstanceUID);
      if (isSuspect) await Promise.all(underWay);
      const sending = this.#store(lane, next).finally(() => underWay.delete(sending));
      underWay.add(sending);
      if (isSuspect || underWay.size >= association.window) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  #next(): Next | undefined {
    if (this.#record.isFull || this.hasYielded) return undefined;
    this.hasYielded = this.#at < this.#group.objects.length && this.#options.shouldYield();
    if (this.hasYielded) return undefined;
    const object = this.#group.objects[this.#at];
    if (object === undefined) return undefined;
    const read = this.#ahead;
    this.#at += 1;
    const following = this.#group.objects[this.#at];
    this.#ahead =
      following && this.#readAhead.read(this.#parts.spool.absolute(following.path), following);
    return { object, read };
  }

  async #store(lane: Lane, next: Next): Promise<void> {
    const { sopInstanceUID, dataSetBytes: bytes } = next.object;
    const record = this.#record;
    const form = await this.#form(lane, next);
    if (form === undefined) {
      this.#options.onAnswer({ bytes: 0, isWorking: true });
      return;
    }
    try {
      const status = await lane.association.store(form.object, form.open);
      // A refusal may come before the last bytes are out: those must not become another object's.
      if (status === 0) next.read?.free();
      const isWorking = record.take({ sopInstanceUID, bytes }, status);
      this.#options.onAnswer({ bytes, isWorking });
      this.#another();
    } catch (error) {
      lane.association.abort();
      if (!(error instanceof GatewayError)) throw error;
      lane.isBroken = true;
      // The edge stops: nobody is to blame.
      if (!this.#options.signal.aborted)
        record.break(sopInstanceUID, error, lane.underWay.size <= 1 ? 'alone' : 'among');
    } finally {
      await form.remove();
    }
  }

  /** The form in which the destination takes the object; undefined: none, which is recorded. */
  async #form({ association }: Lane, { object, read }: Next): Promise<Form | undefined> {
    const { spool, transcoder, counters } = this.#parts;
    const { peer } = this.#options;
    try {
      return await formFor(
        { spool, transcoder, counters, peer, association, read: read?.bytes },
        object,
      );
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.retry === 'never') this.#record.fail(object.sopInstanceUID, reasonOf(error));
      else this.#record.break(object.sopInstanceUID, error, 'form');
      return undefined;
    }
  }
}

interface OfPass {
  readonly record: PassRecord;
  readonly group: Group;
}

interface Next {
  readonly object: StoredInstance;
  /** Its data set, where it was read ahead. */
  readonly read: ReadPiece | undefined;
}

interface Lane {
  readonly association: StoreAssociation;
  readonly underWay: ReadonlySet<Promise<void>>;
  isBroken: boolean;
}
