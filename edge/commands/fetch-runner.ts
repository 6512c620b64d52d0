/**
 * Carries out fetches, from wherever kill -9 left them.
 *
 *   retrieving ─► transferring ─► (held) ─► coercing ─► delivering ─► available │ partial │ failed …
 *
 * A few at once, the most urgent first; an immediate one takes the place of one that is not. Each step
 * is durable before the next begins, and what fails now is tried again until the deadline.
 */
import { backoffMs } from '../../shared/backoff.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { SpoolError } from '../spool/spool-error.ts';
import { dropOtherStaging, StagingFolder } from '../transfer/staging.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import { file, settlePatient } from './fetch-filing.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';
import { retrieve, transfer } from './fetch-transfer.ts';

const AT_ONCE = 2;
const LOOK_MS = 500;
const RETRY_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
const IMMEDIATE = 0;

interface Running {
  readonly row: FetchRow;
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

export class FetchRunner {
  readonly #parts: FetchParts;
  readonly #running = new Map<string, Running>();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, spool, deliverer } = this.#parts;
    const open = store.open();
    dropOtherStaging(
      spool,
      open.map(({ fetchId }) => fetchId),
    );
    for (const { fetchId, state } of open) {
      const peer = this.#parts.deliveries.find(fetchId)?.peer;
      if (state === 'delivering' && peer !== undefined) deliverer.wake(peer);
    }
    this.#timer = setInterval(() => this.wake(), LOOK_MS);
    this.#timer.unref();
    this.wake();
  }

  /** Breaks off what runs; it goes on at the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    for (const { ending } of this.#running.values()) ending.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  /** Something changed: a command, a delivery, the time. */
  wake(): void {
    if (this.#isStopping) return;
    for (const row of this.#parts.store.open()) this.#look(row);
  }

  #look(row: FetchRow): void {
    const { fetchId, state, isCancelled, deadlineAt, dueAt } = row;
    const running = this.#running.get(fetchId);
    const now = this.#parts.now();
    if (isCancelled) {
      if (running === undefined) this.#end(row, 'cancelled', CANCELLED);
      else running.ending.abort();
    } else if (running !== undefined || dueAt > now) return;
    else if (deadlineAt <= now && state !== 'delivering') this.#end(row, 'expired', expiredOf(row));
    else if (state === 'delivering') this.#follow(row);
    else if (state !== 'held') this.#begin(row);
  }

  #begin(row: FetchRow): void {
    if (this.#running.size >= AT_ONCE) {
      if (row.priority === IMMEDIATE) this.#makeRoom();
      if (this.#running.size > AT_ONCE || row.priority !== IMMEDIATE) return;
    }
    const ending = new AbortController();
    const done = this.#step(row, ending.signal).finally(() => {
      this.#running.delete(row.fetchId);
      setImmediate(() => this.wake());
    });
    this.#running.set(row.fetchId, { row, ending, done });
  }

  /** The least urgent one that runs is broken off; what it has stays staged. */
  #makeRoom(): void {
    const others = [...this.#running.values()].filter(({ row }) => row.priority !== IMMEDIATE);
    const [least] = others.sort((a, b) => b.row.priority - a.row.priority);
    least?.ending.abort();
  }

  /** One state of one fetch. Never rejects. */
  async #step(row: FetchRow, signal: AbortSignal): Promise<void> {
    try {
      if (row.state === 'retrieving') await retrieve(this.#parts, row, signal);
      else if (row.state === 'transferring') {
        await transfer(this.#parts, row, signal);
        const now = this.#parts.store.find(row.fetchId);
        if (now !== undefined && !signal.aborted) settlePatient(this.#parts, now);
      } else await file(this.#parts, row, signal);
    } catch (error) {
      this.#fail(row, error, signal);
    }
  }

  #fail(row: FetchRow, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { store, log, now, random, backoff = RETRY_BACKOFF } = this.#parts;
    const { fetchId, state, tries } = row;
    if (!(error instanceof GatewayError) && !codeOf(error).startsWith('SQLITE_'))
      log.error('program.bug', { where: `fetch/${state}`, error });
    const reason = reasonOf(error);
    const isOver =
      error instanceof GatewayError && error.retry === 'never' && !(error instanceof SpoolError);
    if (isOver) {
      this.#end(row, 'failed', reason);
      return;
    }
    const waitMs = backoffMs(tries, { ...backoff, random });
    const waitSeconds = Math.round(waitMs / 1000);
    log.warn('fetch.waiting', { fetchId, state, code: reason.code, waitSeconds });
    store.wait(fetchId, now() + waitMs, reason);
  }

  /** A fetch that is being delivered ends as its delivery does. */
  #follow(row: FetchRow): void {
    const { store, deliveries } = this.#parts;
    const { fetchId } = row;
    const delivery = deliveries.find(fetchId);
    if (delivery === undefined) throw new Error('a fetch is delivering without a delivery');
    const { sent, bytesSent } = deliveries.progress(fetchId);
    const { reasonCode, reasonDetail, endedAt, state } = delivery;
    const reason = reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '' };
    if (endedAt === null) {
      if (sent !== row.instancesDone || bytesSent !== row.bytesDone)
        store.setProgress(fetchId, { instances: sent, bytes: bytesSent, etaSeconds: null });
      store.setReason(fetchId, reason);
      return;
    }
    const done = { instances: sent, bytes: bytesSent };
    const missing = store.counts(fetchId, 'failed').instances;
    if (state === 'delivered' && missing === 0) this.#end(row, 'available', reason, done);
    else if (state === 'delivered') this.#end(row, 'partial', partialOf(missing), done);
    else if (state === 'waiting' || state === 'verifying') return;
    else this.#end(row, state, reason, done);
  }

  #end(
    row: FetchRow,
    state: 'available' | 'partial' | 'failed' | 'cancelled' | 'expired',
    reason: FetchReason | null,
    done?: { instances: number; bytes: number },
  ): void {
    const { store, spool, deliverer, deliveries } = this.#parts;
    if (state === 'cancelled' && deliveries.find(row.fetchId)?.endedAt === null)
      deliverer.cancel(row.fetchId);
    store.end(row.fetchId, state, { reason, ...(done === undefined ? {} : { done }) });
    new StagingFolder(spool, row.fetchId).remove();
  }
}

const CANCELLED: FetchReason = {
  code: 'CANCELLED',
  detail: 'cancelled; what was filed or delivered stays',
};

function partialOf(missing: number): FetchReason {
  return {
    code: 'PARTIAL',
    detail: `${missing} of its objects could not be brought or filed; the failures name each`,
  };
}

function expiredOf({ state, reason }: FetchRow): FetchReason {
  const last = reason === null ? '' : `; last: ${reason.code}, ${reason.detail}`;
  return { code: 'EXPIRED', detail: `not done in time, while ${state}${last}` };
}

function reasonOf(error: unknown): FetchReason {
  if (error instanceof TransferError || error instanceof GatewayError)
    return { code: error.code, detail: error.message };
  const code = codeOf(error);
  return code.startsWith('SQLITE_')
    ? { code, detail: 'the database does not take this now; see the log' }
    : { code: 'INTERNAL', detail: 'an unexpected failure; see the log' };
}
