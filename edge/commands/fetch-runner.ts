/**
 * Carries out fetches, from wherever kill -9 left them.
 *
 *   retrieving ─► transferring ─► (held) ─► coercing ─► delivering ─► available │ partial │ failed …
 *
 * A step takes one fetch through one state. A few steps at once, by turns of their priorities; an immediate one
 * has the line to itself. What fails now is tried again until the deadline.
 */
import { backoffMs } from '../../shared/backoff.ts';
import type { FetchStateName } from '../../shared/contract/events.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { Turns } from '../../shared/turns.ts';
import { SpoolError } from '../spool/spool-error.ts';
import { LaneChoices } from '../transfer/lanes.ts';
import { dropOtherStaging } from '../transfer/staging.ts';
import { dicomCoercing } from './coercing.ts';
import { DeliveryFollower } from './delivery-follower.ts';
import { endFetch } from './end-fetch.ts';
import type { FetchOptions, FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';
import { retrieve, transfer } from './fetch-transfer.ts';
import { fileCopies } from './file-copies.ts';
import { Pace } from './pace.ts';
import { settlePatient } from './settle-patient.ts';

/** What uses the same thing: the line to other trusts, or this machine's disk and processor. */
const KINDS: Readonly<Record<Kind, readonly [FetchStateName, FetchStateName]>> = {
  bringing: ['retrieving', 'transferring'],
  filing: ['coercing', 'coercing'],
};
type Kind = 'bringing' | 'filing';
/** Of each kind. */
const AT_ONCE = 2;
/** Immediate ones have the line to themselves. */
const IMMEDIATE_AT_ONCE = 4;
/** So many that are due are looked at; the others have to wait anyway. */
const LOOK_AT = 32;
const LOOK_MS = 500;
const RETRY_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
/** A source that refuses is asked again so often, with a fresh ticket: it may be another source. */
const MAX_REFUSALS = 2;
const IMMEDIATE = 0;
const BULK = 3;

interface Running {
  readonly row: FetchRow;
  readonly kind: Kind;
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

export class FetchRunner {
  readonly #parts: FetchParts;
  readonly #follower: DeliveryFollower;
  readonly #running = new Map<string, Running>();
  /** By source: how often in a row it did not answer. */
  readonly #silent = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isWoken = false;
  #isStopping = false;
  /** The priority whose turn it is on the line. */
  #turn: number | undefined;

  constructor(options: FetchOptions) {
    this.#parts = {
      ...options,
      coercing: options.coercing ?? dicomCoercing,
      pace: new Pace(),
      lanes: new LaneChoices(options.now),
      turns: new Turns(),
    };
    this.#follower = new DeliveryFollower(this.#parts);
  }

  start(): void {
    const { store, spool } = this.#parts;
    store.forgetOld();
    dropOtherStaging(spool, store.openIds());
    this.#timer = setInterval(() => this.#lookOrReport(), LOOK_MS);
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

  /** Something changed: a command came, a step ended, a delivery got on. */
  wake(): void {
    if (this.#isWoken || this.#isStopping) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#lookOrReport();
    });
  }

  #lookOrReport(): void {
    if (!this.#isStopping) this.#reported(() => this.#look());
  }

  /** A database that takes nothing now does so later. */
  #reported(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.log.error('fetch.look-failed', { error });
    }
  }

  #look(): void {
    const { store } = this.#parts;
    for (const row of store.cancelled()) this.#endOrAbort(row, 'cancelled', CANCELLED);
    for (const row of store.pastDeadline()) this.#endOrAbort(row, 'expired', expiredOf(row));
    this.#bring();
    for (const row of store.due(KINDS.filing, LOOK_AT)) this.#considerFiling(row);
    this.#follower.look();
  }

  /**
   * Begins what may use the line: those whose priority's turn it is, and where they leave room the others, but
   * beside immediate ones nobody. Whoever has to make room goes on later from the instance where he was.
   */
  #bring(): void {
    const { store, turns, line } = this.#parts;
    const due = store.duePriorities(KINDS.bringing);
    const waiting = due.filter((priority) => line.isOpenTo(priority));
    for (const priority of due.filter((one) => !waiting.includes(one)))
      this.#holdBack(priority, OUTSIDE_HOURS);
    if (waiting.length === 0) return;
    if (
      this.#turn === undefined ||
      !waiting.includes(this.#turn) ||
      turns.isOver(this.#turn, waiting)
    )
      this.#turn = turns.next(waiting);
    const turn = this.#turn;
    const others = turn === IMMEDIATE ? [] : waiting.filter((priority) => priority !== turn);
    let room = turn === IMMEDIATE ? IMMEDIATE_AT_ONCE : AT_ONCE;
    for (const priority of [turn, ...others]) room -= this.#beginBringing(priority, room);
    for (const priority of due)
      if (![turn, ...others].includes(priority)) this.#holdBack(priority, QUEUED);
  }

  /** @returns how many of the priority use the line now, at most `room` */
  #beginBringing(priority: number, room: number): number {
    const { store } = this.#parts;
    let using = 0;
    for (const row of store.dueOf(KINDS.bringing, priority, LOOK_AT)) {
      const running = this.#running.get(row.fetchId);
      const isSecond = store.isBroughtBefore(row.fetchId);
      if (using >= room || isSecond) this.#makeWait(row, isSecond ? SAME_STUDY : QUEUED);
      else if (running === undefined && this.#isBulkFrom(row)) this.#makeWait(row, QUEUED);
      else {
        using += 1;
        if (running === undefined) this.#begin(row, 'bringing');
      }
    }
    return using;
  }

  #holdBack(priority: number, reason: FetchReason): void {
    for (const row of this.#parts.store.dueOf(KINDS.bringing, priority, LOOK_AT))
      this.#makeWait(row, reason);
  }

  /** What it has stays staged. */
  #makeWait(row: FetchRow, reason: FetchReason): void {
    const running = this.#running.get(row.fetchId);
    if (running !== undefined) running.ending.abort(reason);
    else if (row.reason === null || WAITING.has(row.reason.code))
      this.#parts.store.setReason(row.fetchId, reason);
  }

  #endOrAbort(row: FetchRow, state: 'cancelled' | 'expired', reason: FetchReason): void {
    const running = this.#running.get(row.fetchId);
    if (running === undefined) endFetch(this.#parts, row, { state, reason });
    else running.ending.abort(reason);
  }

  #considerFiling(row: FetchRow): void {
    // Who waits for an immediate one has the processor and the disk, too, until it is here.
    if (row.priority !== IMMEDIATE && this.#isBringingImmediate()) {
      this.#makeWait(row, QUEUED);
      return;
    }
    if (this.#running.has(row.fetchId)) return;
    const others = [...this.#running.values()].filter(({ kind }) => kind === 'filing');
    if (others.some((running) => isOfOneStudy(running.row, row))) return;
    if (others.length < AT_ONCE) this.#begin(row, 'filing');
    else if (row.priority === IMMEDIATE) makeRoom(others);
    else if (row.reason === null) this.#parts.store.setReason(row.fetchId, QUEUED);
  }

  /** Bulk comes from a source one by one: two streams fill the line's queues, and whoever is urgent stands in them. */
  #isBulkFrom({ priority, sourceTrust }: FetchRow): boolean {
    const isOne = ({ row, kind }: Running): boolean =>
      kind === 'bringing' && row.priority === BULK && row.sourceTrust === sourceTrust;
    return priority === BULK && [...this.#running.values()].some(isOne);
  }

  #isBringingImmediate(): boolean {
    const isOne = ({ row, kind }: Running): boolean =>
      kind === 'bringing' && row.priority === IMMEDIATE;
    return [...this.#running.values()].some(isOne);
  }

  #begin(row: FetchRow, kind: Kind): void {
    const ending = new AbortController();
    const done = this.#step(row, ending.signal).finally(() => {
      this.#running.delete(row.fetchId);
      this.wake();
    });
    this.#running.set(row.fetchId, { row, kind, ending, done });
  }

  /** One state of one fetch. Never rejects. */
  async #step(row: FetchRow, signal: AbortSignal): Promise<void> {
    try {
      if (WAITING.has(row.reason?.code ?? '')) this.#parts.store.setReason(row.fetchId, null);
      await this.#carryOut(row, signal);
      if (row.state !== 'coercing') this.#silent.delete(row.sourceTrust);
    } catch (error) {
      this.#reported(() => this.#fail(row, error, signal));
    }
    if (!signal.aborted || this.#isStopping) return;
    const reason = (signal.reason as FetchReason | undefined) ?? QUEUED;
    this.#reported(() => this.#parts.store.setReason(row.fetchId, reason));
  }

  async #carryOut(row: FetchRow, signal: AbortSignal): Promise<void> {
    const parts = this.#parts;
    if (row.state === 'retrieving') await retrieve(parts, row, signal);
    else if (row.state === 'coercing') await fileCopies(parts, row, signal);
    else if (await transfer(parts, row, signal)) {
      const brought = parts.store.find(row.fetchId);
      if (brought?.endedAt === null && !signal.aborted) await settlePatient(parts, brought);
    }
  }

  #fail({ fetchId }: FetchRow, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { store, log, now, random, backoff = RETRY_BACKOFF } = this.#parts;
    const row = store.find(fetchId);
    if (row === undefined) return;
    const { state, tries } = row;
    if (isBug(error)) log.error('program.bug', { where: `fetch/${state}`, error });
    const reason = reasonOf(error);
    if (isRefusal(error) && tries >= MAX_REFUSALS) {
      endFetch(this.#parts, row, { state: 'failed', reason });
      return;
    }
    const waitMs = backoffMs(tries, { ...backoff, random });
    const waitSeconds = Math.round(waitMs / 1000);
    log.warn('fetch.waiting', { fetchId, state, code: reason.code, waitSeconds });
    store.wait(fetchId, now() + waitMs, reason);
    if (reason.code === 'SOURCE_UNREACHABLE') this.#waitForSource(row.sourceTrust);
  }

  /** A dead source must not take the places of fetches from others, try by try. */
  #waitForSource(sourceTrust: string): void {
    const { store, now, random, backoff = RETRY_BACKOFF } = this.#parts;
    const times = this.#silent.get(sourceTrust) ?? 0;
    this.#silent.set(sourceTrust, times + 1);
    store.waitSource(sourceTrust, now() + backoffMs(times, { ...backoff, random }));
  }
}

/** The least urgent one that runs is broken off; what it has stays staged. */
function makeRoom(others: readonly Running[]): void {
  if (others.some(({ ending }) => ending.signal.aborted)) return;
  const [least] = others
    .filter(({ row }) => row.priority !== IMMEDIATE)
    .sort((a, b) => b.row.priority - a.row.priority);
  least?.ending.abort(QUEUED);
}

const isOfOneStudy = (a: FetchRow, b: FetchRow): boolean =>
  a.studyInstanceUID === b.studyInstanceUID && a.home === b.home;

const QUEUED: FetchReason = {
  code: 'QUEUED',
  detail: 'waits for its turn: other fetches are under way',
};
const SAME_STUDY: FetchReason = {
  code: 'QUEUED',
  detail: 'another fetch brings the same study: what it brings is used',
};
const OUTSIDE_HOURS: FetchReason = {
  code: 'OUTSIDE_HOURS',
  detail: 'bulk fetches rest at this time of day: transfer.hours in edge.yaml',
};
/** Reasons that are over when it goes on. */
const WAITING: ReadonlySet<string> = new Set([QUEUED.code, OUTSIDE_HOURS.code]);
const CANCELLED: FetchReason = {
  code: 'CANCELLED',
  detail: 'cancelled; what was filed or delivered stays',
};

function expiredOf({ state, reason }: FetchRow): FetchReason {
  const last = reason === null ? '' : `; last: ${reason.code}, ${reason.detail}`;
  return { code: 'EXPIRED', detail: `not done in time, while ${state}${last}` };
}

const isRefusal = (error: unknown): boolean =>
  error instanceof GatewayError && error.retry === 'never' && !(error instanceof SpoolError);

const isBug = (error: unknown): boolean =>
  !(error instanceof GatewayError) && !codeOf(error).startsWith('SQLITE_');

function reasonOf(error: unknown): FetchReason {
  if (error instanceof GatewayError) return { code: error.code, detail: error.message };
  const code = codeOf(error);
  return code.startsWith('SQLITE_')
    ? { code, detail: 'the database does not take this now; see the log' }
    : { code: 'INTERNAL', detail: 'an unexpected failure; see the log' };
}
