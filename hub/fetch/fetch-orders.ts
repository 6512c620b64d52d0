/**
 * Fetch orders: decided here, carried out by the receiving edge.
 *
 *   request ─► study, source, destination ─► decision in the log ─► command to the edge
 *                                                  rows ◄─┘              receipts ─► rows
 *
 * The decision is the order; the command follows from it and is sent again until the edge reports.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { LocalPatient } from '../../shared/contract/commands.ts';
import { type TicketReply, TicketRequestSchema } from '../../shared/contract/rpc.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Principal } from '../access/rules.ts';
import type { TicketSigner } from '../access/tickets.ts';
import type { TrustConfig } from '../config.ts';
import { LogError, type NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import { CommandSender } from './command-sender.ts';
import {
  type DecidedBy,
  decideOrder,
  type EdgeDirectory,
  otherSource,
  requireAllowed,
} from './decide.ts';
import type { FetchOrder } from './decisions.ts';
import { FetchError } from './fetch-error.ts';
import { inTime, within } from './in-time.ts';
import type { FetchRequest, FetchView } from './order.ts';
import {
  applyFetchDecision,
  type FetchFilter,
  type FetchRecord,
  FetchRows,
  isOver,
  stateOf,
} from './rows.ts';
import { isSameRequest } from './same-request.ts';
import { viewOf } from './view.ts';

/** A decision that another hub, or another request, overtook is made again so often. */
const MAX_CONFLICTS = 3;
/** A decision is in the log; somebody who asked waits no longer than this for it to be in the rows. */
const APPLY_MS = 5_000;
/** … and no longer than this for the log itself. */
const ANSWER_MS = 12_000;

export interface FetchOrdersOptions {
  readonly trusts: readonly TrustConfig[];
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'cursorOf'
  >;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand' | 'answer'>;
  readonly edges: EdgeDirectory;
  /** The public nkey of a trust's edge, to which its tickets are bound; null: it has none. */
  readonly keyOf: (ods: string) => string | null;
  readonly tickets: Pick<TicketSigner, 'sign'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class FetchOrders {
  readonly #options: FetchOrdersOptions;
  readonly #deciding: DecidedBy;
  readonly #rows: FetchRows;
  readonly #sender: CommandSender;
  /** By study and destination: the newest request that runs. */
  readonly #requests = new Map<string, Promise<unknown>>();

  /** Before the projection starts. */
  constructor(options: FetchOrdersOptions) {
    this.#options = options;
    this.#deciding = { ...options, db: options.projection.db };
    this.#rows = new FetchRows(options.projection.db);
    this.#sender = new CommandSender({ ...options, rows: this.#rows });
    options.projection.registerHubAggregate('fetch', applyFetchDecision);
    options.networkLog.answer('ticket', (ods, request) => this.#answerTicket(ods, request));
  }

  start(): void {
    this.#sender.start();
  }

  stop(): void {
    this.#sender.stop();
  }

  /**
   * The same request while one is open is that one; a patient that comes with it is named.
   *
   * @throws FetchError, LogError
   */
  request(request: FetchRequest, by: Principal): Promise<FetchView> {
    // Two at once would each find that there is none yet.
    const key = `${request.studyInstanceUID} ${request.to.trust}`;
    const before = this.#requests.get(key) ?? Promise.resolve();
    const mine = before.then(
      () => this.#request(request, by),
      () => this.#request(request, by),
    );
    this.#requests.set(key, mine);
    const forget = (): void => {
      if (this.#requests.get(key) === mine) this.#requests.delete(key);
    };
    mine.then(forget, forget);
    return answered(mine);
  }

  find(fetchId: string): FetchView | null {
    const record = this.#rows.find(fetchId);
    return record === undefined ? null : this.#view(record);
  }

  list({ limit, offset, ...filter }: FetchFilter & { limit: number; offset: number }): {
    fetches: readonly FetchView[];
    total: number;
  } {
    const { records, total } = this.#rows.list(filter, { limit, offset });
    return { fetches: records.map((record) => this.#view(record)), total };
  }

  /** @throws FetchError `FETCH_UNKNOWN`, `FETCH_ENDED`, `DESTINATION_FORBIDDEN`; LogError */
  cancel(fetchId: string, by: Principal): Promise<FetchView> {
    const decided = this.#change(fetchId, (record) => {
      requireAllowed(record.order.to.trust, by);
      if (record.order.cancelled !== null) return undefined;
      if (isOver(record))
        throw new FetchError('FETCH_ENDED', `The fetch is over: ${stateOf(record)}.`);
      const cancelled = { by: by.name, at: rfc3339(this.#options.clock.now()) };
      return { ...record.order, cancelled };
    });
    return answered(decided);
  }

  /** @throws FetchError `FETCH_UNKNOWN`, `FETCH_NOT_HELD`, `DESTINATION_FORBIDDEN`; LogError */
  namePatient(fetchId: string, patient: LocalPatient, by: Principal): Promise<FetchView> {
    const decided = this.#change(fetchId, (record) => {
      const { order } = record;
      requireAllowed(order.to.trust, by);
      if (order.cancelled !== null || stateOf(record) !== 'held')
        throw new FetchError(
          'FETCH_NOT_HELD',
          `The fetch does not wait for a patient: it is ${order.cancelled === null ? stateOf(record) : 'cancelled'}.`,
        );
      return { ...order, localPatient: patient, namings: order.namings + 1 };
    });
    return answered(decided);
  }

  async #request(request: FetchRequest, by: Principal): Promise<FetchView> {
    const order = decideOrder(request, by, this.#deciding);
    const same = this.#same(order);
    if (same === undefined) return this.#append(order, { expectedLastSeq: 0 });
    const isNaming = order.localPatient !== null && stateOf(same) === 'held';
    return isNaming
      ? this.namePatient(same.order.fetchId, order.localPatient as LocalPatient, by)
      : this.#view(same);
  }

  /** An order for the same that is under way. */
  #same(order: FetchOrder): FetchRecord | undefined {
    const open = this.#rows.openOf(order.studyInstanceUID, order.home, order.to.trust);
    return open.find((record) => isSameRequest(record, order));
  }

  /** @param decide gives the order as it shall be; undefined: it is so already */
  async #change(
    fetchId: string,
    decide: (record: FetchRecord) => FetchOrder | undefined,
  ): Promise<FetchView> {
    for (let conflicts = 0; ; conflicts += 1) {
      const record = this.#rows.find(fetchId);
      if (record === undefined)
        throw new FetchError('FETCH_UNKNOWN', 'There is no fetch with this id.');
      const order = decide(record);
      if (order === undefined) return this.#view(record);
      try {
        return await this.#append(order, {
          expectedLastSeq: record.streamSeq,
          receipt: record.receipt,
        });
      } catch (error) {
        if (codeOf(error) !== 'LOG_CONFLICT' || conflicts >= MAX_CONFLICTS) throw error;
        // Somebody else's decision is on its way into the rows.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** Durable, in the rows unless they are behind, and on its way to the edge. */
  async #append(
    order: FetchOrder,
    { expectedLastSeq, receipt }: { expectedLastSeq: number; receipt?: FetchRecord['receipt'] },
  ): Promise<FetchView> {
    const { networkLog, projection } = this.#options;
    const subject = hubSubject('fetch', order.fetchId);
    // The id tells our own second try, after an answer that was lost, from another's decision.
    const options = { expectedLastSeq, messageId: randomUUID() };
    const streamSeq = await networkLog.append(subject, { v: 1, order }, options);
    const decided: FetchRecord = { order, streamSeq, receipt };
    void this.#sender.send(decided);
    await within(APPLY_MS, projection.untilDecided(streamSeq));
    const applied = this.#rows.find(order.fetchId);
    const isApplied = applied !== undefined && applied.streamSeq >= streamSeq;
    return this.#view(isApplied ? applied : decided);
  }

  async #answerTicket(ods: string, request: unknown): Promise<TicketReply> {
    const asked = TicketRequestSchema.safeParse(request);
    const record = asked.success ? this.#rows.find(asked.data.fetchId) : undefined;
    // To another edge than the one that carries it out, it is not there.
    if (record === undefined || record.order.to.trust !== ods)
      throw new FetchError('FETCH_UNKNOWN', 'There is no fetch with this id for you.');
    if (isOver(record) || record.order.cancelled !== null)
      throw new FetchError('FETCH_ENDED', 'The fetch is over, or was cancelled.');
    return this.#sender.ticketFor(await this.#withLiveSource(record));
  }

  /** The edge asks for a ticket when its source does not answer: somebody else may hold the same. */
  async #withLiveSource({ order, streamSeq, receipt }: FetchRecord): Promise<FetchOrder> {
    const source = otherSource(order, this.#deciding);
    if (source === undefined) return order;
    const moved = { ...order, source };
    await this.#append(moved, { expectedLastSeq: streamSeq, receipt });
    return moved;
  }

  #view(record: FetchRecord): FetchView {
    return viewOf(record, this.#options.edges);
  }
}

/** @throws LogError when the log does not take the decision in time; it is tried on, and may still be taken */
function answered<T>(decided: Promise<T>): Promise<T> {
  return inTime(decided, ANSWER_MS, () => {
    throw new LogError('LOG_UNAVAILABLE', 'the log does not answer; the order may still be taken');
  });
}
