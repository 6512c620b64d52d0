/**
 * Copies whose home does not hold the study any more: nothing of it is brought or delivered, then it goes, and who
 * was given it is told.
 *
 *   command `withdraw` ─► fetches and deliveries cancelled ─► they ended ─► notes kept ─► removeStudy ─► command done
 *
 * Goes on after kill -9 from the commands that are not done.
 */
import type { Command } from '../../shared/contract/commands.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue } from '../deliver/delivery-queue.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { removeStudy } from '../index/remove-study.ts';
import type { Spool } from '../spool/spool.ts';
import type { FetchRunner } from './fetch-runner.ts';
import type { FetchStore } from './fetch-store.ts';

const LOOK_MS = 1_000;

export interface WithdrawalsOptions {
  readonly db: Sqlite;
  /** The edge's own ODS code: its own studies are never withdrawn by others. */
  readonly trust: string;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly store: Pick<FetchStore, 'openOf' | 'setCancelled'>;
  readonly runner: Pick<FetchRunner, 'wake'>;
  readonly deliveries: Pick<DeliveryQueue, 'openOf'>;
  readonly deliverer: Pick<Deliverer, 'cancel' | 'isSending'>;
  /** Told before the copy goes, with each command once or more. */
  readonly notes: {
    keep(commandId: string, copy: { studyInstanceUID: string; home: string }): void;
    wake(): void;
  };
  readonly now: () => number;
  readonly log: Log;
}

type Withdraw = Command & { kind: 'withdraw' };

export class Withdrawals {
  readonly #options: WithdrawalsOptions;
  readonly #open;
  readonly #done;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WithdrawalsOptions) {
    this.#options = options;
    this.#open = options.db
      .prepare<[], string>(
        "SELECT body FROM commands WHERE done_at IS NULL AND kind = 'withdraw' ORDER BY received_at",
      )
      .pluck();
    this.#done = options.db.prepare<[number, string]>(
      'UPDATE commands SET done_at = ? WHERE id = ?',
    );
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookOrReport(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One step of each withdrawal that is not done. */
  look(): void {
    for (const body of this.#open.all()) this.#carryOut(JSON.parse(body) as Withdraw);
  }

  #carryOut({ id, studyInstanceUID, home }: Withdraw): void {
    const { trust, index, spool, notes, now, log } = this.#options;
    const study = { studyInstanceUID, home };
    if (home !== trust) {
      if (!this.#isQuiet(study)) return;
      notes.keep(id, study);
      const held = index.studyState(studyInstanceUID, home);
      const files = removeStudy({ index, spool }, study);
      // It may have gone before, for want of use or room.
      if (held !== undefined)
        log.info('copy.removed', { ...study, bytes: held.bytes, files, why: 'withdrawn' });
      notes.wake();
    }
    this.#done.run(now(), id);
  }

  /** True when nothing brings or sends it any more; else that is told to end. */
  #isQuiet(study: { studyInstanceUID: string; home: string }): boolean {
    const { store, runner, deliveries, deliverer } = this.#options;
    const fetches = store.openOf(study);
    for (const { fetchId } of fetches) store.setCancelled(fetchId);
    if (fetches.length > 0) runner.wake();
    // The delivery of a fetch ends with it.
    const own = new Set(fetches.map(({ fetchId }) => fetchId));
    for (const { deliveryId } of deliveries.openOf(study))
      if (!own.has(deliveryId)) deliverer.cancel(deliveryId);
    return fetches.length === 0 && !deliverer.isSending(study);
  }

  #lookOrReport(): void {
    try {
      this.look();
    } catch (error) {
      this.#options.log.error('copy.withdrawal-failed', { error });
    }
  }
}
