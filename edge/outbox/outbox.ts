/**
 * What the hub has still to be told, in order, and nothing of it forgotten before a hub has it.
 *
 *   recordInstance ─► markStudyDirty ─► (≤ 1 s, coalesced) ─► rows ─► next() ─► edge/uplink
 *   a hub's cursor ─► commitThrough() ─► rows up to it go
 *
 * seq = row_id − the epoch's base. A new epoch begins at every start and whenever the uplink has to
 * tell again from an earlier row.
 */
import type { Clock } from '../../shared/clock.ts';
import type {
  AnyEventBody,
  BookingEvent,
  EventBody,
  ReceiptEvent,
  RecordEventBody,
  TeachingEvent,
} from '../../shared/contract/events.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex, StudyChange, StudyKey } from '../index/edge-index.ts';
import type { StudyRow } from '../index/rows.ts';
import { Announcer } from './announce.ts';
import type { PerformedStep, QuietSeconds } from './completeness.ts';
import { type DirtyStudy, prepareOutbox } from './statements.ts';

/** An idle study's first change is told after so long: a burst's first objects make one event. */
const FIRST_EVENT_MS = 200;
/** A growing study is told at most so often. */
const EVENT_EVERY_MS = 1_000;
const TICK_MS = 100;
/** After the first tick that failed; up to 32 times as long. */
const FAILED_TICK_MS = 1_000;
const WHOLE_DIGEST_EVERY_MS = 3_600_000;
/** Studies announced in one transaction when all are told again; ingest gets its turn between. */
const ANNOUNCE_CHUNK = 200;
/** Days whose members go into one digest event: keeps a message well below a broker's limit. */
const MEMBER_DAYS_CHUNK = 20;
const WHOLE = 'whole';

/** One event on its way to the hub. */
export interface OutboxEvent {
  readonly row: number;
  readonly epoch: number;
  readonly seq: number;
  readonly at: number;
  readonly body: AnyEventBody;
}

export interface OutboxStatus {
  readonly epoch: number;
  readonly baseRow: number;
  readonly lastRow: number;
  readonly committedRow: number;
  /** Of the epoch in force. */
  readonly lastSeq: number;
  readonly committedSeq: number;
  /** Events that no hub is known to have. */
  readonly waiting: number;
  /** When the oldest of them was appended; null when none waits. */
  readonly oldestAt: number | null;
}

export interface OutboxOptions {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly clock: Clock;
  /** `storage.quietSeconds` × 1000. */
  readonly quietMs: number;
  /** Without a new object, by modality, until a study may be complete. */
  readonly quietSecondsByModality?: QuietSeconds;
  /** A tick failed, for example for a full disk; the next one tries again. */
  readonly onTickFailure?: (error: unknown) => void;
}

export class Outbox {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #announcer: Announcer;
  readonly #statements: ReturnType<typeof prepareOutbox>;
  readonly #onTickFailure: (error: unknown) => void;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #epoch = 0;
  #base = 0;
  /** Digests up to this row speak of a past that a hub may have left behind already. */
  #staleThrough = 0;
  #nextWholeDigestAt = Number.NEGATIVE_INFINITY;
  #failedTicks = 0;
  #nextTickAt = 0;
  #isNotifying = false;
  readonly #further: (() => Iterable<readonly AnyEventBody[]>)[] = [];

  /** Registers with the index, so that what changes there is marked here in the same transaction. */
  constructor({ db, index, clock, quietMs, ...options }: OutboxOptions) {
    this.#db = db;
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#announcer = new Announcer(db, index, options.quietSecondsByModality ?? {});
    this.#statements = prepareOutbox(db);
    this.#onTickFailure = options.onTickFailure ?? (() => {});
    index.onStudyChange((study, now, change) => this.markStudyDirty(study, now, change));
    index.onStudyDelete((row) => this.#appendDeleted(row));
    const current = this.#statements.currentEpoch.get();
    this.#epoch = current?.epoch ?? 0;
    this.#base = current?.base_row_id ?? 0;
  }

  /** Begins an epoch and the timers that append events. */
  start(): void {
    this.beginEpoch();
    this.#timer = setInterval(() => this.#tickOrReport(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Called within the transaction that changed the study. What the PACS or a performed step says is told once, as quiet. */
  markStudyDirty({ studyInstanceUID, home }: StudyKey, now: number, change?: StudyChange): void {
    this.#statements.markDirty.run({
      study: studyInstanceUID,
      home,
      now,
      changedAt: change === 'nearline' ? 0 : now,
      firstDue: now + FIRST_EVENT_MS,
      every: EVENT_EVERY_MS,
    });
  }

  /** Appends how a fetch stands; within the caller's transaction when there is one. */
  appendReceipt(body: EventBody<ReceiptEvent>): void {
    this.#announcer.append(body, this.#clock.now());
    this.#notify();
  }

  /** Appends the word of the RIS on a booking; within the caller's transaction when there is one. */
  appendBooking(body: EventBody<BookingEvent>): void {
    this.#announcer.append(body, this.#clock.now());
    this.#notify();
  }

  /** Appends how a teaching file stands; within the caller's transaction when there is one. */
  appendTeaching(body: EventBody<TeachingEvent>): void {
    this.#announcer.append(body, this.#clock.now());
    this.#notify();
  }

  /** Appends what RIS or PAS told, within the transaction that keeps it. */
  appendRecord(body: RecordEventBody): void {
    this.#announcer.append(body, this.#clock.now());
    this.#notify();
  }

  /** @param stepsOf performed procedure steps of a study: they tell when it is complete */
  askSteps(stepsOf: (studyInstanceUID: string) => readonly PerformedStep[]): void {
    this.#announcer.askSteps(stepsOf);
  }

  /** Studies that grow, or may still grow. */
  growing(): number {
    return this.#statements.growing.pluck().get() as number;
  }

  /** @param records gives all of them in chunks, for when all is told again */
  alsoAnnounce(records: () => Iterable<readonly AnyEventBody[]>): void {
    this.#further.push(records);
  }

  /** Within the transaction that deletes the study. */
  #appendDeleted(row: StudyRow): void {
    this.#statements.clean.run(row.study_uid, row.home);
    this.#announcer.announceDeleted(row, this.#clock.now());
    this.#notify();
  }

  /** Appends what is due now: study events, digests of days that became quiet, the hourly whole digest. */
  tick(): void {
    const now = this.#clock.now();
    let appended = this.#announceDueStudies(now);
    const days = this.#announcer.daysDue(now);
    if (days.length > 0) {
      this.#inTransaction(() => this.#digestDays(days, { withMembers: false, now }));
      appended = true;
    }
    if (now >= this.#nextWholeDigestAt) {
      this.#wholeDigest(now);
      appended = true;
    }
    if (appended) this.#notify();
  }

  /** Events behind `afterRow`, oldest first. */
  next(afterRow: number, limit: number): OutboxEvent[] {
    const rows = this.#statements.next.all(Math.max(afterRow, this.#base), limit);
    return rows.map(({ row_id: row, body, at }) => ({
      row,
      at,
      epoch: this.#epoch,
      seq: row - this.#base,
      body: this.#asToldNow(row, JSON.parse(body) as AnyEventBody),
    }));
  }

  /**
   * A study that is told again ends in its newest state, whatever the hub had of it; a digest would be
   * compared with rows that are ahead of it, and differ. It keeps its place and says nothing.
   */
  #asToldNow(row: number, body: AnyEventBody): AnyEventBody {
    if (body.kind !== 'digest' || row > this.#staleThrough) return body;
    return { kind: 'digest', whole: false, buckets: [] };
  }

  /**
   * Begins a new epoch, durably: sequence numbers count from 1 again behind `baseRow`.
   *
   * @param baseRow default the last row known committed; never below what was pruned
   * @param above the new epoch is higher than this one too (a hub's cursor, after a restore from backup)
   */
  beginEpoch(baseRow?: number, above = 0): { epoch: number; baseRow: number } {
    const { committed } = this.#statements.cursor.get() as { committed: number };
    const base = Math.max(baseRow ?? committed, committed);
    commitDurably(this.#db, () => {
      const epoch = Math.max(this.#statements.currentEpoch.get()?.epoch ?? 0, above) + 1;
      this.#statements.insertEpoch.run(epoch, base, this.#clock.now());
      this.#statements.dropOldEpochs.run(epoch - 100);
      this.#epoch = epoch;
      this.#base = base;
      this.#staleThrough = this.#statements.lastRow.get()?.last ?? 0;
    });
    // What the digests that say nothing any more would have proved, the next one proves.
    this.#nextWholeDigestAt = Number.NEGATIVE_INFINITY;
    return { epoch: this.#epoch, baseRow: this.#base };
  }

  /**
   * A hub has everything up to an event of an earlier epoch, and nothing of the present one was told
   * yet: it begins behind that, so that nothing is told twice.
   *
   * @returns false for a place that is unknown, or not ahead
   */
  continueBehind(epoch: number, seq: number): boolean {
    const row = this.rowOf(epoch, seq);
    const last = this.#statements.lastRow.get()?.last ?? 0;
    if (row === undefined || row > last || row <= this.#base) return false;
    this.#inTransaction(() => {
      this.#statements.prune.run(row);
      this.#statements.setCursor.run(row);
    });
    this.beginEpoch(row);
    return true;
  }

  /** The row of an event that a hub named; undefined for an epoch that this edge does not know. */
  rowOf(epoch: number, seq: number): number | undefined {
    const known = this.#statements.findEpoch.get(epoch);
    return known === undefined ? undefined : known.base_row_id + seq;
  }

  /**
   * A hub has committed everything up to here: these rows go. Of an earlier epoch only what lies before
   * the present one's base, since a hub will want the rest again under its new numbers.
   *
   * @returns false, and nothing is done, for a place that this edge never reached: its database was
   *   restored from a backup, and the hub knows more
   */
  commitThrough(epoch: number, seq: number): boolean {
    const row = this.rowOf(epoch, seq);
    const last = this.#statements.lastRow.get()?.last ?? 0;
    if (row === undefined || row > last) return false;
    const through = epoch === this.#epoch ? row : Math.min(row, this.#base);
    this.#inTransaction(() => {
      this.#statements.prune.run(through);
      this.#statements.setCursor.run(through);
    });
    return true;
  }

  /** Appends every study's state, a whole digest, and what RIS and PAS told. Gives way between chunks. */
  async announceAll(): Promise<void> {
    const studies = this.#statements.allStudies.all();
    for (let at = 0; at < studies.length; at += ANNOUNCE_CHUNK) {
      const now = this.#clock.now();
      this.#inTransaction(() => {
        for (const study of studies.slice(at, at + ANNOUNCE_CHUNK)) this.#announce(study, now);
      });
      this.#notify();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#wholeDigest(this.#clock.now());
    this.#notify();
    for (const further of this.#further)
      for (const bodies of further()) {
        this.#inTransaction(() => {
          for (const body of bodies) this.#announcer.append(body, this.#clock.now());
        });
        this.#notify();
        await new Promise((resolve) => setImmediate(resolve));
      }
  }

  /**
   * Appends every study of these days, and their digests.
   *
   * @param days YYYYMMDD or `undated`; undefined: all
   * @param withMembers the digests list their studies, so that a hub can drop what is not there
   */
  async announceDays(days: readonly string[] | undefined, withMembers: boolean): Promise<void> {
    const wanted = days ?? this.#announcer.allDays();
    for (let at = 0; at < wanted.length; at += MEMBER_DAYS_CHUNK) {
      const chunk = wanted.slice(at, at + MEMBER_DAYS_CHUNK);
      const now = this.#clock.now();
      this.#inTransaction(() => {
        for (const day of chunk) {
          for (const study of this.#announcer.studiesOf(day)) this.#announce(study, now);
        }
        this.#digestDays(chunk, { withMembers, now });
      });
      this.#notify();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (days === undefined) this.#wholeDigest(this.#clock.now());
    this.#notify();
  }

  status(): OutboxStatus {
    const { committed } = this.#statements.cursor.get() as { committed: number };
    const lastRow = this.#statements.lastRow.get()?.last ?? 0;
    const oldest = this.#statements.oldest.get(committed);
    return {
      epoch: this.#epoch,
      baseRow: this.#base,
      lastRow,
      committedRow: committed,
      lastSeq: Math.max(0, lastRow - this.#base),
      committedSeq: Math.max(0, committed - this.#base),
      waiting: Math.max(0, lastRow - committed),
      oldestAt: oldest?.at ?? null,
    };
  }

  /** Called, once a turn of the event loop, after rows were appended. Returns how to stop listening. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announceDueStudies(now: number): boolean {
    const due = this.#statements.due.all(now);
    if (due.length === 0) return false;
    let hasTold = false;
    this.#inTransaction(() => {
      for (const study of due) {
        if (!this.#isNews(study, now)) continue;
        this.#announceDirty(study, now);
        hasTold = true;
      }
    });
    return hasTold;
  }

  /**
   * A growing study is told as it is; one that got nothing for `quietMs`, as quiet, and once more when it is
   * found to be complete.
   */
  #announceDirty(study: DirtyStudy, now: number): void {
    const quiet = now - study.changedAt >= this.#quietMs || now < study.changedAt;
    const verdict = this.#announcer.announceStudy(study, { quiet, now });
    const { studyInstanceUID, home, changedAt } = study;
    const due = quiet ? (verdict?.lookAgainAt ?? null) : changedAt + this.#quietMs;
    if (due === null) this.#statements.clean.run(studyInstanceUID, home);
    else this.#statements.announced.run(now, Math.max(due, now + 1), studyInstanceUID, home);
  }

  /** Of a study that was told as quiet, and may be complete by now. @returns false: nothing is to be told */
  #isNews(study: DirtyStudy, now: number): boolean {
    const { studyInstanceUID, home, changedAt, announcedAt, isPending } = study;
    if (isPending || announcedAt < changedAt + this.#quietMs) return true;
    const verdict = this.#announcer.judge(study, now);
    if (verdict === undefined || verdict.completeBy !== null) return true;
    if (verdict.lookAgainAt === null) this.#statements.clean.run(studyInstanceUID, home);
    else {
      const due = Math.max(verdict.lookAgainAt, now + 1);
      this.#statements.announced.run(announcedAt, due, studyInstanceUID, home);
    }
    return false;
  }

  /** Tells a study again without waiting for its turn; what was due anyway stays due. */
  #announce(study: StudyKey, now: number): void {
    const dirty = this.#statements.findDirty.get(study.studyInstanceUID, study.home);
    if (dirty !== undefined) this.#announceDirty(dirty, now);
    else this.#announcer.announceStudy(study, { quiet: true, now });
  }

  #digestDays(
    days: readonly string[],
    { withMembers, now }: { withMembers: boolean; now: number },
  ): void {
    for (const day of days) {
      for (const study of this.#statements.pendingOn.all(day)) this.#announceDirty(study, now);
    }
    this.#announcer.announceDigest(days, { withMembers, now });
  }

  #wholeDigest(now: number): void {
    this.#inTransaction(() => {
      for (const study of this.#statements.pending.all()) this.#announceDirty(study, now);
      this.#announcer.announceDigest(WHOLE, { withMembers: false, now });
    });
    this.#nextWholeDigestAt = now + WHOLE_DIGEST_EVERY_MS;
  }

  #inTransaction(work: () => void): void {
    this.#db.transaction(work).immediate();
  }

  /** A disk that is full is said once, and tried again less and less often until it takes what is due. */
  #tickOrReport(): void {
    const at = this.#clock.monotonicMs();
    if (this.#failedTicks > 0 && at < this.#nextTickAt) return;
    try {
      this.tick();
      this.#failedTicks = 0;
    } catch (error) {
      if (this.#failedTicks === 0) this.#onTickFailure(error);
      this.#nextTickAt = at + FAILED_TICK_MS * 2 ** Math.min(this.#failedTicks, 5);
      this.#failedTicks += 1;
    }
  }

  /** After the caller's transaction, which may still be open. */
  #notify(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return;
    this.#isNotifying = true;
    setImmediate(() => {
      this.#isNotifying = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
