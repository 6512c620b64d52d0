/**
 * The receiving edge RJE, put together as the program does, with a destination that answers as a test
 * says; the source is the edge of transfer-fixture.ts.
 */
import type { Test } from 'tap';
import { openBroughtCounters } from '../../../../edge/commands/brought-counters.ts';
import { CommandInbox, type TakenCommand } from '../../../../edge/commands/command-inbox.ts';
import type { FetchOptions } from '../../../../edge/commands/fetch-parts.ts';
import { FetchRunner } from '../../../../edge/commands/fetch-runner.ts';
import { FetchStore } from '../../../../edge/commands/fetch-store.ts';
import { commandsSchema } from '../../../../edge/commands/schema.ts';
import { Withdrawals } from '../../../../edge/commands/withdrawals.ts';
import { type EdgeConfig, parseEdgeConfig } from '../../../../edge/config.ts';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { Deliverer } from '../../../../edge/deliver/deliverer.ts';
import { openDeliveryCounters } from '../../../../edge/deliver/delivery-counters.ts';
import { DeliveryQueue } from '../../../../edge/deliver/delivery-queue.ts';
import { PeerStates } from '../../../../edge/deliver/peer-states.ts';
import { deliverSchema } from '../../../../edge/deliver/schema.ts';
import type { StoredInstance } from '../../../../edge/index/types.ts';
import { RejectionNotes } from '../../../../edge/notes/rejection-notes.ts';
import { notesSchema } from '../../../../edge/notes/schema.ts';
import { dicomReading } from '../../../../edge/scp/dicom-reading.ts';
import { type OpenStorage, openStorage } from '../../../../edge/scp/open-storage.ts';
import { Line } from '../../../../edge/transfer/line.ts';
import { SourceClient } from '../../../../edge/transfer/source-client.ts';
import { systemClock } from '../../../../shared/clock.ts';
import type { FetchCommand } from '../../../../shared/contract/commands.ts';
import type { EventBody, ReceiptEvent } from '../../../../shared/contract/events.ts';
import type { TicketReply } from '../../../../shared/contract/rpc.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import type { Sqlite } from '../../../../shared/sqlite/open.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { noTranscoder } from '../deliver/deliver-fixture.ts';
import { FakeDestinations } from '../deliver/fake-destinations.ts';
import { prove, STUDY, ticket } from '../transfer/transfer-fixture.ts';

export interface ReceiverOptions {
  readonly dataDirectory: string;
  readonly config?: object;
  readonly destinations?: FakeDestinations;
  readonly requestTicket?: (fetchId: string) => Promise<TicketReply>;
  readonly now?: () => number;
  readonly reserveBytes?: number;
  readonly coercing?: FetchOptions['coercing'];
  /** Default true. */
  readonly isStarted?: boolean;
}

export class Receiver {
  readonly db: Sqlite;
  readonly config: EdgeConfig;
  readonly storage: OpenStorage;
  readonly queue: DeliveryQueue;
  readonly deliverer: Deliverer;
  readonly notes: RejectionNotes;
  readonly destinations: FakeDestinations;
  readonly store: FetchStore;
  readonly runner: FetchRunner;
  readonly inbox: CommandInbox;
  readonly client = new SourceClient({ stallMs: 3_000, prove });
  readonly receipts: EventBody<ReceiptEvent>[] = [];
  readonly asked: string[] = [];
  /** Objects that came over the line. */
  staged = 0;
  readonly #alive = setInterval(() => {}, 1_000);

  /** As one process of the edge; after {@link drop} another may be made over the same directory. */
  static async open(options: ReceiverOptions): Promise<Receiver> {
    const { dataDirectory, reserveBytes = 0, now = Date.now } = options;
    const config = parseEdgeConfig({
      trust: 'RJE',
      dataDirectory,
      storage: { reserveBytes },
      peers: [
        {
          ...{ name: 'pacs', aeTitle: 'PACS', host: 'h', port: 104, role: 'pacs' },
          ...{ importsTo: true, connections: 1 },
        },
        { name: 'other', aeTitle: 'OTHER', host: 'h', port: 104, role: 'archive' },
      ],
      ...options.config,
    });
    const db = openEdgeDatabase(dataDirectory, {
      commands: commandsSchema,
      deliver: deliverSchema,
      notes: notesSchema,
    });
    const parts = { config, db, clock: { ...systemClock, now }, log: silentLog };
    const metrics = openMetrics({});
    const storage = await openStorage({ ...parts, reading: dicomReading, metrics });
    return new Receiver({ ...options, now }, { config, db, storage });
  }

  private constructor(
    options: ReceiverOptions & { now: () => number },
    { config, db, storage }: { config: EdgeConfig; db: Sqlite; storage: OpenStorage },
  ) {
    const { now, isStarted = true } = options;
    const { trust, peers, patientIds } = config;
    const { index, spool, outbox } = storage;
    const common = {
      now,
      random: Math.random,
      log: silentLog,
      backoff: { firstMs: 20, maxMs: 200 },
    };
    this.db = db;
    this.config = config;
    this.storage = storage;
    outbox.start();
    this.destinations = options.destinations ?? new FakeDestinations();
    this.queue = new DeliveryQueue(db);
    const { destinations, queue, client } = this;
    const states = new PeerStates(db);
    const counters = openDeliveryCounters(openMetrics({}), states);
    const delivering = { queue, states, counters, destinations, peers, transcoder: noTranscoder };
    const made = { peers, index, spool, deliveries: queue, fileHead: dicomReading.fileHead };
    const findInstance = (uid: string, home: string): StoredInstance | undefined =>
      index.findInstance(uid, home) ?? this.notes.findInstance(uid);
    const objects = { findInstance };
    this.deliverer = new Deliverer({ ...common, ...delivering, index: objects, spool });
    this.notes = new RejectionNotes({ ...common, ...made, trust, db, deliverer: this.deliverer });
    const appendReceipt = (body: EventBody<ReceiptEvent>): void => {
      this.receipts.push(body);
      outbox.appendReceipt(body);
    };
    this.store = new FetchStore({
      ...{ db, now, appendReceipt },
      deliveryFailures: (fetchId) => queue.failures(fetchId),
    });
    const { store, deliverer } = this;
    this.runner = new FetchRunner({
      ...{ ...common, trust, peers, patientIds, store, index, spool, client, deliverer },
      counters: {
        ...openBroughtCounters(openMetrics({})),
        staged: () => {
          this.staged += 1;
        },
      },
      line: new Line(config.transfer, now),
      reading: dicomReading,
      deliveries: queue,
      requestTicket: (fetchId) => {
        this.asked.push(fetchId);
        return options.requestTicket?.(fetchId) ?? Promise.reject(new Error('no hub'));
      },
      ...(options.coercing && { coercing: options.coercing }),
    });
    const { runner } = this;
    const told = {
      appendReceipt,
      announceDays: (days: readonly string[] | undefined, withMembers: boolean) =>
        outbox.announceDays(days, withMembers),
    };
    const ris = { insert: () => {}, wake: () => {} };
    const teaching = { insert: () => {}, withdraw: () => {}, tell: () => {} };
    const reports = { keep: () => {}, fetchedAgain: () => {}, wake: () => {} };
    this.inbox = new CommandInbox({
      ...{ db, store, runner, reports, ris, teaching, now },
      outbox: told,
      log: silentLog,
    });
    deliverer.onChange(() => runner.wake());
    if (isStarted) this.start();
  }

  start(): void {
    this.deliverer.start();
    this.runner.start();
    this.inbox.start();
  }

  async stop(): Promise<void> {
    this.inbox.stop();
    await this.runner.stop();
    await this.deliverer.stop();
    await this.client.close();
    this.storage.outbox.stop();
    clearInterval(this.#alive);
    this.db.close();
  }

  /** States that the receipts told, each once in a row. */
  states(fetchId = 'f1'): string[] {
    const told = this.receipts.filter((body) => body.fetchId === fetchId).map((b) => b.state);
    return told.filter((state, at) => state !== told[at - 1]);
  }

  receipt(fetchId = 'f1'): EventBody<ReceiptEvent> | undefined {
    return this.receipts.findLast((body) => body.fetchId === fetchId);
  }

  /** The fetch's last receipt once it is in that state. */
  reaches(state: string, fetchId = 'f1'): Promise<EventBody<ReceiptEvent>> {
    return eventually(
      `${fetchId} is ${state}, now ${JSON.stringify(this.receipt(fetchId))}`,
      () => {
        const receipt = this.receipt(fetchId);
        return receipt?.state === state ? receipt : undefined;
      },
    );
  }

  reasonIs(code: string, fetchId = 'f1'): Promise<EventBody<ReceiptEvent>> {
    return eventually(`${fetchId} waits for ${code}`, () => {
      const receipt = this.receipt(fetchId);
      return receipt?.reason?.code === code ? receipt : undefined;
    });
  }
}

export async function startReceiver(
  t: Test,
  options: Partial<ReceiverOptions> = {},
): Promise<Receiver> {
  const { dataDirectory = temporaryDirectory(t) } = options;
  const receiver = await Receiver.open({ ...options, dataDirectory });
  t.teardown(() => receiver.stop());
  return receiver;
}

export async function fetchCommand(
  url: string,
  over: Partial<FetchCommand> = {},
): Promise<FetchCommand> {
  const { fetchId = 'f1' } = over;
  return {
    ...{ v: 1, id: `fetch-${fetchId}`, at: new Date().toISOString(), kind: 'fetch', fetchId },
    studyInstanceUID: STUDY,
    source: { trust: 'RRK', url },
    ticket: await ticket(),
    home: 'RRK',
    priority: 'urgent',
    deliver: true,
    localPatient: { patientId: 'RJE-4711', patientName: 'Local^Name' },
    expected: { instances: 1, bytes: 1 },
    ...over,
  };
}

/** The other commands, about fetch f1. */
export const cancelCommand = (fetchId = 'f1'): TakenCommand => ({
  ...{ v: 1, id: `cancel-${fetchId}`, at: new Date().toISOString() },
  ...{ kind: 'cancel', fetchId },
});

export const nameCommand = (patientId: string, fetchId = 'f1'): TakenCommand => ({
  ...{ v: 1, id: `name-${fetchId}-${patientId}`, at: new Date().toISOString() },
  ...{ kind: 'name-patient', fetchId, localPatient: { patientId } },
});

/** The home's word that it does not hold the study any more. */
export const withdraw = (home: string, id = `withdraw-${home}`): TakenCommand => ({
  ...{ v: 1, id, at: new Date().toISOString() },
  ...{ kind: 'withdraw', studyInstanceUID: STUDY, home },
});

/** Carries such words out when it is told to look. */
export function withdrawalsOf(receiver: Receiver): Withdrawals {
  const { db, storage, store, runner, queue, deliverer, config, notes } = receiver;
  const { index, spool } = storage;
  return new Withdrawals({
    ...{ db, trust: config.trust, index, spool, store, runner, deliverer, notes, log: silentLog },
    ...{ deliveries: queue, now: Date.now },
  });
}
