/**
 * What joins an edge to the hub: events out, cursor and commands in, heartbeat, questions.
 *
 *   outbox ─► Publisher ──────► EDGE_<ods>
 *   CursorFollower ◄── rpc cursor        readCommands ◄── COMMANDS        heartbeat ─► HEALTH
 *
 * Without it everything else of the edge goes on; it is back by itself after an outage of any length.
 */
import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import { sleep } from '../../shared/backoff.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import type { HealthEvent } from '../../shared/contract/events.ts';
import { type RelayReply, RelayReplySchema } from '../../shared/contract/relay.ts';
import {
  AnchorsReplySchema,
  type ContentsReply,
  ContentsReplySchema,
  type ContentsRequest,
  CursorReplySchema,
  type Directory,
  DirectorySchema,
  type FetchRpcReply,
  FetchRpcReplySchema,
  type FetchRpcRequest,
  KeysReplySchema,
  type QueryReply,
  QueryReplySchema,
  type QueryRequest,
  type TicketReply,
  TicketReplySchema,
} from '../../shared/contract/rpc.ts';
import { edgeSubject } from '../../shared/contract/subjects.ts';
import { UnaidedReplySchema, type UnaidedReport } from '../../shared/contract/unaided.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { AnchorKeeper } from './anchor-keeper.ts';
import { ClockOffset } from './clock-offset.ts';
import { readCommands } from './command-reader.ts';
import { CursorFollower } from './cursor-follower.ts';
import { type Connected, type ConnectionStatus, HubConnection } from './hub-connection.ts';
import { KeyKeeper } from './key-keeper.ts';
import { Publisher } from './publisher.ts';

const HEARTBEAT_MS = 15_000;
/** How often the cursor is asked for: right after something was told, while it is waited for, at rest. */
const CURSOR_SOON_MS = 300;
const CURSOR_WAITING_MS = 2_000;
const CURSOR_REST_MS = 15_000;
/** How long a hub may take to say where it stands before events are told all the same. */
const STANDING_MS = 15_000;
const DIRECTORY_MS = 300_000;
const DIRECTORY_RETRY_MS = 10_000;
const UNAIDED_MS = 10_000;

export interface UplinkOptions {
  readonly trust: string;
  /** `config.hub.nats`. */
  readonly servers: string;
  readonly seedFile: string;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly heartbeat: () => HealthEvent;
  /** Durable when it resolves. */
  readonly onCommand: (command: Command) => Promise<void> | void;
  readonly onDirectory: (directory: Directory) => void;
  /** Fetches that no hub ordered, until one knows of them. */
  readonly unaided: { untold(): readonly UnaidedReport[]; told(report: UnaidedReport): void };
  readonly audit: AuditTrail;
}

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #hub: HubConnection;
  readonly #publisher: Publisher;
  readonly #follower: CursorFollower;
  readonly #keeper: KeyKeeper;
  readonly #anchors: AnchorKeeper;
  readonly #unreadable: Counter;
  readonly #offset = new ClockOffset();
  /** Aborts to ask for the cursor before its time. */
  #hurry = new AbortController();
  /** Aborts to ask for the directory before its time. */
  #directoryDue = new AbortController();
  /** Aborts to beat before its time. */
  #beatDue = new AbortController();
  /** Aborts once a hub that has read everything has said where it stands. */
  readonly #standing = new AbortController();

  constructor(options: UplinkOptions) {
    const { outbox, clock, log, metrics } = options;
    this.#options = options;
    this.#hub = new HubConnection(options);
    this.#publisher = new Publisher(options);
    this.#follower = new CursorFollower({
      outbox,
      clock,
      log,
      publishedRow: () => this.#publisher.publishedRow,
      hasBegun: () => this.#publisher.hasBegun,
      onRewind: () => this.#publisher.wake(),
    });
    this.#keeper = new KeyKeeper({
      ...{ seedFile: options.seedFile, clock, log },
      tell: (keys) => this.#hub.ask('keys', keys, KeysReplySchema),
      tryKey: (seed) => this.#hub.tryKey(seed),
      reconnect: () => this.#hub.reconnect(),
    });
    this.#anchors = new AnchorKeeper({
      ...{ audit: options.audit, clock, log },
      ask: (request) => this.#hub.ask('anchors', request, AnchorsReplySchema),
    });
    outbox.onAppend(() => this.#hurry.abort());
    const registers = [metrics];
    this.#unreadable = new Counter({
      name: 'cdip_commands_unreadable_total',
      help: 'Commands of the hub that could not be read',
      registers,
    });
    const hub = this.#hub;
    new Gauge({
      name: 'cdip_hub_connected',
      help: '1 while there is a connection to the hub',
      registers,
      collect() {
        this.set(hub.status().connected ? 1 : 0);
      },
    });
  }

  start(): void {
    this.#hub.start((connected) => this.#use(connected));
  }

  stop(): Promise<void> {
    return this.#hub.stop();
  }

  status(): ConnectionStatus {
    return this.#hub.status();
  }

  /** How far this machine's clock is ahead of the hub's, in milliseconds; null: not measured yet. */
  clockOffsetMs(): number | null {
    return this.#offset.ms();
  }

  /** A fresh ticket for a fetch that goes on. @throws UplinkError */
  requestTicket(fetchId: string): Promise<TicketReply> {
    return this.#hub.ask('ticket', { fetchId }, TicketReplySchema);
  }

  /** Takes another key, and ends this one. @throws UplinkError; the key in force stays */
  rotateKey(): Promise<void> {
    return this.#keeper.rotate();
  }

  /** When this edge's key ends, milliseconds since the epoch; null: no hub has said it yet. */
  keyEndsAt(): number | null {
    return this.#keeper.endsAt();
  }

  /** The network has changed: what is known of it is asked anew. */
  refreshDirectory(): void {
    this.#directoryDue.abort();
  }

  /** Whether a hub answers now, not only its broker. */
  async isHubAnswering(): Promise<boolean> {
    try {
      await this.#hub.ask('cursor', {}, CursorReplySchema);
      return true;
    } catch {
      return false;
    }
  }

  /** Something has changed that the hub waits for. */
  beatSoon(): void {
    this.#beatDue.abort();
  }

  /** A pass to wait at the hub's relay. @throws UplinkError */
  requestRelayPass(): Promise<RelayReply> {
    return this.#hub.ask('relay', {}, RelayReplySchema);
  }

  /** Studies of other trusts. @throws UplinkError */
  query(request: QueryRequest): Promise<QueryReply> {
    return this.#hub.ask('query', request, QueryReplySchema);
  }

  /** Objects of a series of another trust. @throws UplinkError */
  contents(request: ContentsRequest): Promise<ContentsReply> {
    return this.#hub.ask('contents', request, ContentsReplySchema);
  }

  /** Orders a fetch to this trust. @throws UplinkError */
  orderFetch(request: FetchRpcRequest): Promise<FetchRpcReply> {
    return this.#hub.ask('fetch', request, FetchRpcReplySchema);
  }

  async #use({ connection, js, signal }: Connected): Promise<void> {
    const { trust, log, onCommand } = this.#options;
    const onUnreadable = (): void => this.#unreadable.inc();
    const parts = [
      this.#publish(js, signal),
      this.#followCursor(signal),
      readCommands({ trust, log, onCommand, onUnreadable }, js, signal),
      this.#beat(connection, signal),
      this.#keepDirectory(signal),
      this.#keeper.keep(signal),
      this.#tellUnaided(signal),
      this.#anchors.keep(signal),
    ];
    // One that fails ends them all, so that none of them meets its own successor.
    const ended = await Promise.allSettled(
      parts.map((part) => part.finally(() => connection.close())),
    );
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  /** After a start a hub is asked first: what it has is not told again. */
  async #publish(js: JetStreamClient, signal: AbortSignal): Promise<void> {
    await sleep(STANDING_MS, AbortSignal.any([signal, this.#standing.signal]));
    if (!signal.aborted) await this.#publisher.run(js, signal);
  }

  async #followCursor(signal: AbortSignal): Promise<void> {
    const { outbox } = this.#options;
    while (!signal.aborted) {
      this.#hurry = new AbortController();
      await this.#tried('cursor', async () => {
        const asked = this.#options.clock.now();
        const reply = await this.#hub.ask('cursor', {}, CursorReplySchema);
        this.#offset.take({ asked, answered: this.#options.clock.now(), hubAt: reply.at });
        await this.#follower.take(reply);
        if (reply.caughtUp) this.#standing.abort();
      });
      const isWaiting = outbox.status().waiting > 0;
      const rest = isWaiting ? CURSOR_WAITING_MS : CURSOR_REST_MS;
      await sleep(CURSOR_SOON_MS, signal);
      const either = AbortSignal.any([signal, this.#hurry.signal]);
      await sleep(rest - CURSOR_SOON_MS, isWaiting ? signal : either);
    }
  }

  async #beat(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const { trust, heartbeat } = this.#options;
    while (!signal.aborted) {
      this.#beatDue = new AbortController();
      await this.#tried('heartbeat', () => {
        connection.publish(edgeSubject(trust, 'health'), JSON.stringify(heartbeat()));
      });
      await sleep(HEARTBEAT_MS, AbortSignal.any([signal, this.#beatDue.signal]));
    }
  }

  async #keepDirectory(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#directoryDue = new AbortController();
      const isKnown = await this.#tried('directory', async () => {
        this.#options.onDirectory(await this.#hub.ask('directory', {}, DirectorySchema));
      });
      const due = AbortSignal.any([signal, this.#directoryDue.signal]);
      await sleep(isKnown ? DIRECTORY_MS : DIRECTORY_RETRY_MS, due);
    }
  }

  async #tellUnaided(signal: AbortSignal): Promise<void> {
    const { unaided } = this.#options;
    while (!signal.aborted) {
      for (const report of unaided.untold()) {
        const isTold = await this.#tried('unaided', async () => {
          const reply = await this.#hub.ask('unaided', report, UnaidedReplySchema);
          if ('recorded' in reply) unaided.told(report);
        });
        if (!isTold) break;
      }
      await sleep(UNAIDED_MS, signal);
    }
  }

  /** A step that may fail now and is done again later. */
  async #tried(what: string, step: () => Promise<void> | void): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      if (error instanceof GatewayError)
        this.#options.log.warn('uplink.step-failed', { what, code: codeOf(error) });
      else this.#options.log.error('program.bug', { where: `uplink/${what}`, error });
      return false;
    }
  }
}
