/**
 * Commands of the hub, made durable with what they begin, once each.
 *
 *   command ─► one durable transaction: row + fetch, cancel, patient ─► runner
 */
import type { Command } from '../../shared/contract/commands.ts';
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
  readonly outbox: Pick<Outbox, 'announceDays'>;
  readonly now: () => number;
  readonly log: Log;
}

export class CommandInbox {
  readonly #options: InboxOptions;
  readonly #statements: ReturnType<typeof prepareInbox>;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#statements = prepareInbox(options.db);
  }

  /** Goes on with what a kill -9 interrupted. */
  start(): void {
    const { now, log } = this.#options;
    this.#statements.forget.run(now() - REMEMBER_MS);
    for (const { id, body } of this.#statements.open.all()) {
      const command = JSON.parse(body) as Command;
      void this.#carryOut(command).catch((error: unknown) =>
        log.error('command.failed', { id, kind: command.kind, error }),
      );
    }
  }

  /** Durable when it resolves; the same id again changes nothing. */
  async take(command: Command): Promise<void> {
    const { db, now, log } = this.#options;
    const { id, kind } = command;
    const isNew = commitDurably(db, () => {
      const inserted = this.#statements.insert.run(id, kind, JSON.stringify(command), now());
      if (inserted.changes === 0) return false;
      this.#begin(command);
      return true;
    });
    log.info('command.received', { id, kind, isNew });
    if (isNew) await this.#carryOut(command);
  }

  /** Within the transaction that makes the command durable. */
  #begin(command: Command): void {
    const { store, now } = this.#options;
    const deadlineAt = now() + DEADLINE_MS;
    if (command.kind === 'fetch') store.insert(command, deadlineAt);
    else if (command.kind === 'cancel') store.setCancelled(command.fetchId);
    else if (command.kind === 'name-patient')
      store.namePatient(command.fetchId, command.localPatient, deadlineAt);
  }

  async #carryOut(command: Command): Promise<void> {
    const { outbox, runner, now } = this.#options;
    if (command.kind === 'reannounce') await outbox.announceDays(command.days, true);
    else runner.wake();
    this.#statements.done.run(now(), command.id);
  }
}

function prepareInbox(db: Sqlite) {
  return {
    insert: db.prepare<[string, string, string, number]>(
      `INSERT INTO commands (id, kind, body, received_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    open: db.prepare<[], { id: string; body: string }>(
      'SELECT id, body FROM commands WHERE done_at IS NULL ORDER BY received_at',
    ),
    done: db.prepare<[number, string]>('UPDATE commands SET done_at = ? WHERE id = ?'),
    forget: db.prepare<[number]>('DELETE FROM commands WHERE done_at < ?'),
  };
}
