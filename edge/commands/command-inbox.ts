/**
 * Commands of the hub, made durable with what they begin, once each.
 *
 *   command ─► one durable transaction: row + fetch, cancel, patient ─► runner
 *                                             report ─► edge/reports, withdraw ─► withdrawals.ts
 *
 * A hub repeats a command while it does not see what became of it: then that is told once more.
 */
import type {
  BookingCommand,
  Command,
  ConfigureCommand,
  DirectoryCommand,
  ReportCommand,
  SupportBundleCommand,
  TeachCommand,
  UpgradeCommand,
  WithdrawUpgradeCommand,
} from '../../shared/contract/commands.ts';
import type { EventBody, ReceiptEvent } from '../../shared/contract/events.ts';
import type { Log } from '../../shared/log.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FetchRunner } from './fetch-runner.ts';
import type { FetchStore } from './fetch-store.ts';

/** A fetch that is not done by then ends with what it has. */
const DEADLINE_MS = 7 * 86_400_000;
/** Commands that are carried out are remembered so long: the hub may send one again. */
const REMEMBER_MS = 60 * 86_400_000;

export interface InboxOptions {
  readonly db: Sqlite;
  readonly store: FetchStore;
  readonly runner: Pick<FetchRunner, 'wake'>;
  readonly reports: {
    keep(command: ReportCommand): void;
    fetchedAgain(study: { studyInstanceUID: string; home: string }): void;
    wake(): void;
  };
  /** Bookings for the trust's RIS. */
  readonly ris: { insert(command: BookingCommand): void; wake(): void };
  /** Studies of the trust that clinicians marked for teaching. */
  readonly teaching: {
    insert(command: Pick<TeachCommand, 'caseId' | 'studyInstanceUID' | 'note'>): void;
    withdraw(caseId: string, reason: { code: string; detail: string }): void;
    tell(caseId: string): void;
  };
  readonly outbox: Pick<Outbox, 'announceDays' | 'appendReceipt'>;
  readonly now: () => number;
  readonly log: Log;
}

type Reannounce = Command & { kind: 'reannounce' };
/** A configuration, the directory, a build and a support bundle are no matters of the database. */
export type TakenCommand = Exclude<
  Command,
  | ConfigureCommand
  | DirectoryCommand
  | UpgradeCommand
  | WithdrawUpgradeCommand
  | SupportBundleCommand
>;

export class CommandInbox {
  readonly #options: InboxOptions;
  readonly #statements: ReturnType<typeof prepareInbox>;
  #announcing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#statements = prepareInbox(options.db);
  }

  /** Goes on with what a kill -9 interrupted. */
  start(): void {
    this.#statements.forget.run(this.#options.now() - REMEMBER_MS);
    for (const { body } of this.#statements.open.all()) this.#announce(JSON.parse(body));
  }

  /** What is under way is begun anew at the next start. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Durable when it resolves; the same id again begins nothing. */
  async take(command: TakenCommand): Promise<void> {
    const { db, now, log, runner, reports } = this.#options;
    const { id, kind } = command;
    const isLater = kind === 'reannounce' || kind === 'withdraw';
    const isNew = commitDurably(db, () => {
      const body = JSON.stringify(command);
      const inserted = this.#statements.insert.run(id, kind, body, now(), isLater ? null : now());
      if (inserted.changes === 0) return false;
      this.#begin(command);
      return true;
    });
    log.info('command.received', { id, kind, isNew });
    if (command.kind === 'reannounce') {
      if (isNew) this.#announce(command);
      return;
    }
    if (command.kind === 'report') reports.wake();
    if (command.kind === 'report' || command.kind === 'withdraw') return;
    if (command.kind === 'booking') {
      this.#options.ris.wake();
      return;
    }
    if (command.kind === 'teach' || command.kind === 'withdraw-teaching') {
      if (!isNew) this.#options.teaching.tell(command.caseId);
      return;
    }
    if (!isNew) this.#options.store.tell(command.fetchId);
    runner.wake();
  }

  /** Within the transaction that makes the command durable. */
  #begin(command: TakenCommand): void {
    const { store, reports, now } = this.#options;
    const deadlineAt = now() + DEADLINE_MS;
    if (command.kind === 'fetch') {
      store.insert(command, deadlineAt);
      reports.fetchedAgain(command);
      if (this.#statements.wasCancelled.get(command.fetchId) !== undefined)
        store.setCancelled(command.fetchId);
    } else if (command.kind === 'cancel') {
      if (store.find(command.fetchId) === undefined) this.#tellNeverBegun(command.fetchId);
      store.setCancelled(command.fetchId);
    } else if (command.kind === 'name-patient')
      store.namePatient(command.fetchId, command.localPatient, deadlineAt);
    else if (command.kind === 'report') reports.keep(command);
    else if (command.kind === 'booking') this.#options.ris.insert(command);
    else if (command.kind === 'teach') this.#options.teaching.insert(command);
    else if (command.kind === 'withdraw-teaching')
      this.#options.teaching.withdraw(command.caseId, WITHDRAWN);
  }

  /** A cancel that overtook its fetch: should that come yet, it ends at once. */
  #tellNeverBegun(fetchId: string): void {
    const receipt: EventBody<ReceiptEvent> = {
      ...{ kind: 'receipt', fetchId, state: 'cancelled', localPatient: null, etaSeconds: null },
      reason: { code: 'CANCELLED', detail: 'cancelled before it began' },
      instances: { done: 0, expected: 0 },
      bytes: { done: 0, expected: null },
      ...{ failures: [], steps: [] },
    };
    this.#options.outbox.appendReceipt(receipt);
  }

  /** One after the other; one that fails is tried again at the next start, or by the hub's next command. */
  #announce({ id, kind, days }: Reannounce): void {
    const { outbox, now, log } = this.#options;
    this.#announcing = this.#announcing.then(async () => {
      if (this.#isStopped) return;
      try {
        await outbox.announceDays(days, true);
        this.#statements.done.run(now(), id);
      } catch (error) {
        if (!this.#isStopped) log.error('command.failed', { id, kind, error });
      }
    });
  }
}

const WITHDRAWN = { code: 'WITHDRAWN', detail: 'its author, or who guards privacy, withdrew it' };

function prepareInbox(db: Sqlite) {
  return {
    insert: db.prepare<[string, string, string, number, number | null]>(
      `INSERT INTO commands (id, kind, body, received_at, done_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    open: db.prepare<[], { body: string }>(
      `SELECT body FROM commands WHERE done_at IS NULL AND kind = 'reannounce' ORDER BY received_at`,
    ),
    wasCancelled: db.prepare<[string]>(
      `SELECT 1 FROM commands WHERE kind = 'cancel' AND json_extract(body, '$.fetchId') = ?`,
    ),
    done: db.prepare<[number, string]>('UPDATE commands SET done_at = ? WHERE id = ?'),
    forget: db.prepare<[number]>('DELETE FROM commands WHERE done_at < ?'),
  };
}
