/**
 * Tells edges what was decided, and tells it again until their receipts show that they know: the hub
 * may have been killed between a decision and its command. A command that comes again is one command.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import type { CursorReply } from '../../shared/contract/rpc.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { TicketSigner } from '../access/tickets.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { FetchOrder } from './decisions.ts';
import { FetchError } from './fetch-error.ts';
import { type FetchRecord, type FetchRows, isOver } from './rows.ts';

const LOOK_MS = 10_000;
/** How long an edge may take to report before it is told again; it doubles, since it may be down. */
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;
/** An order that the edge never reported is told for so long; it also waits for it in the log. */
const UNSEEN_MS = 7 * 86_400_000;

export interface CommandSenderOptions {
  readonly rows: FetchRows;
  readonly networkLog: Pick<NetworkLog, 'sendCommand'>;
  /** Whether all that a trust's edge has told is in the rows. */
  readonly projection: { cursorOf(ods: string): Promise<CursorReply> };
  readonly edges: { urlOf(ods: string): string | null };
  /** The public nkey of a trust's edge; null: it has none. */
  readonly keyOf: (ods: string) => string | null;
  readonly tickets: Pick<TicketSigner, 'sign'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class CommandSender {
  readonly #options: CommandSenderOptions;
  /** By command id: when it is sent again. */
  readonly #sent = new Map<string, { dueMs: number; waitMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(options: CommandSenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
    void this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Sends what the edge does not know of this order; what fails now is done later. */
  async send(record: FetchRecord): Promise<void> {
    const { networkLog, log, clock } = this.#options;
    const { fetchId, to } = record.order;
    for (const { id, command } of this.#unknownTo(record)) {
      const before = this.#sent.get(id)?.waitMs ?? FIRST_WAIT_MS / 2;
      const waitMs = Math.min(LONGEST_WAIT_MS, before * 2);
      this.#sent.set(id, { dueMs: clock.monotonicMs() + waitMs, waitMs });
      try {
        await networkLog.sendCommand(to.trust, await command());
      } catch (error) {
        this.#sent.delete(id);
        log.warn('fetch.command-failed', { fetchId, code: codeOf(error) });
      }
    }
  }

  /** @throws FetchError `EDGE_NOT_ENROLLED` */
  async ticketFor(
    order: FetchOrder,
  ): Promise<{ ticket: string; source: { trust: string; url: string } }> {
    const { edges, keyOf, tickets } = this.#options;
    const url = edges.urlOf(order.source);
    if (url === null)
      throw new FetchError('EDGE_NOT_ENROLLED', `${order.source} has no edge in the network.`);
    const nkey = keyOf(order.to.trust);
    if (nkey === null)
      throw new FetchError('EDGE_NOT_ENROLLED', `${order.to.trust} has no edge in the network.`);
    const ticket = await tickets.sign({
      aud: order.source,
      sub: order.to.trust,
      cnf: { nkey },
      study: order.studyInstanceUID,
      home: order.home,
      fetch: order.fetchId,
      priority: order.priority,
      ...(order.seriesInstanceUIDs === null ? {} : { series: order.seriesInstanceUIDs }),
    });
    return { ticket, source: { trust: order.source, url } };
  }

  /** One at a time: a broker that does not answer lets it take long. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#sendDue();
    } catch (error) {
      this.#options.log.error('program.bug', { where: 'fetch/commands', error });
    } finally {
      this.#isLooking = false;
    }
  }

  async #sendDue(): Promise<void> {
    const { clock, rows, projection } = this.#options;
    const open = rows.unsettled(rfc3339(clock.now() - UNSEEN_MS));
    const known = new Set(open.flatMap((record) => this.#unknownTo(record).map(({ id }) => id)));
    for (const id of this.#sent.keys()) if (!known.has(id)) this.#sent.delete(id);
    const nowMs = clock.monotonicMs();
    const due = open.filter((record) =>
      this.#unknownTo(record).some(({ id }) => (this.#sent.get(id)?.dueMs ?? nowMs) <= nowMs),
    );
    for (const [trust, records] of Map.groupBy(due, ({ order }) => order.to.trust)) {
      // The receipt may be among what is still to be read; or the broker is away.
      const { caughtUp } = await projection.cursorOf(trust).catch(() => ({ caughtUp: false }));
      if (caughtUp) for (const record of records) await this.send(record);
    }
  }

  /** What follows from the decisions and does not show in the receipt yet. */
  #unknownTo(record: FetchRecord): { id: string; command: () => Promise<Command> | Command }[] {
    const { order, receipt } = record;
    const { fetchId, localPatient, namings } = order;
    const head = { v: 1 as const, at: rfc3339(this.#options.clock.now()) };
    const commands: { id: string; command: () => Promise<Command> | Command }[] = [];
    if (receipt === undefined && order.cancelled === null) {
      const id = `fetch-${fetchId}`;
      commands.push({ id, command: () => this.#fetchCommand({ ...head, id }, order) });
    }
    if (namings > 0 && localPatient !== null && receipt?.state === 'held') {
      const id = `name-${fetchId}-${namings}`;
      commands.push({
        id,
        command: () => ({ ...head, id, kind: 'name-patient', fetchId, localPatient }),
      });
    }
    if (order.cancelled !== null && !(receipt !== undefined && isOver(record))) {
      const id = `cancel-${fetchId}`;
      commands.push({ id, command: () => ({ ...head, id, kind: 'cancel', fetchId }) });
    }
    return commands;
  }

  async #fetchCommand(head: { v: 1; at: string; id: string }, order: FetchOrder): Promise<Command> {
    const { ticket, source } = await this.ticketFor(order);
    const { fetchId, studyInstanceUID, home, priority, expected } = order;
    return {
      ...head,
      kind: 'fetch',
      ...{ fetchId, studyInstanceUID, home, priority, expected, source, ticket },
      ...(order.seriesInstanceUIDs === null
        ? {}
        : { seriesInstanceUIDs: order.seriesInstanceUIDs }),
      ...(order.to.peer === null ? {} : { peer: order.to.peer }),
      ...(order.localPatient === null ? {} : { localPatient: order.localPatient }),
      deliver: order.deliver,
    };
  }
}
