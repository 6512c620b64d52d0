/**
 * Fetches on disk. Every change of state and the receipt that tells the hub of it are one transaction,
 * so that after kill -9 both are there or neither.
 *
 *   insert ─► begin, wait, setProgress, … ─► end          each with outbox.appendReceipt
 */
import type { FetchCommand } from '../../shared/contract/commands.ts';
import { PRIORITIES } from '../../shared/contract/commands.ts';
import {
  type EventBody,
  type FetchStateName,
  FINAL_FETCH_STATES,
  type Patient,
  type ReceiptEvent,
} from '../../shared/contract/events.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import type { CopyMapping } from './copy-mapping.ts';
import { type FetchReason, type FetchRow, fetchRow, type RawFetchRow } from './fetch-row.ts';
import { prepareFetches } from './fetch-statements.ts';
import { receiptOf } from './receipt.ts';

export type FetchInstanceState = 'wanted' | 'filed' | 'failed';

export interface FetchFailure extends FetchReason {
  readonly sopInstanceUID: string;
}

export interface FetchStoreOptions {
  readonly db: Sqlite;
  readonly now: () => number;
  /** Within the transaction that changes the fetch. */
  readonly appendReceipt: (body: EventBody<ReceiptEvent>) => void;
  /** Failures of the delivery, which the deliverer keeps. */
  readonly deliveryFailures: (fetchId: string) => readonly FetchFailure[];
  /** After the transaction. */
  readonly onState?: (row: FetchRow) => void;
}

interface StudyOfFetch {
  readonly studyInstanceUID: string;
  readonly home: string;
}

export class FetchStore {
  readonly #options: FetchStoreOptions;
  readonly #statements: ReturnType<typeof prepareFetches>;

  constructor(options: FetchStoreOptions) {
    this.#options = options;
    this.#statements = prepareFetches(options.db);
  }

  /** Within the caller's transaction. A known fetch is left as it is. */
  insert(command: FetchCommand, deadlineAt: number): void {
    const { fetchId, source, seriesInstanceUIDs, localPatient, expected } = command;
    const inserted = this.#statements.insert.run({
      fetchId,
      studyInstanceUID: command.studyInstanceUID,
      home: command.home,
      sourceTrust: source.trust,
      sourceUrl: source.url,
      ticket: command.ticket,
      seriesUIDs: seriesInstanceUIDs === undefined ? null : JSON.stringify(seriesInstanceUIDs),
      priority: PRIORITIES.indexOf(command.priority),
      peer: command.peer ?? null,
      deliver: command.deliver ? 1 : 0,
      namedPatient: localPatient === undefined ? null : JSON.stringify(localPatient),
      instances: expected.instances,
      bytes: expected.bytes,
      deadlineAt,
      now: this.#options.now(),
    });
    if (inserted.changes === 0) return;
    this.#reached(fetchId, 'retrieving');
    this.tell(fetchId);
  }

  find(fetchId: string): FetchRow | undefined {
    const raw = this.#statements.find.get(fetchId);
    return raw === undefined ? undefined : fetchRow(raw);
  }

  /** Of those that are not over. */
  openIds(): string[] {
    return this.#statements.openIds.pluck().all() as string[];
  }

  /** Those in one of these states that may go on now, the most urgent first. */
  due(states: readonly [FetchStateName, FetchStateName], limit: number): FetchRow[] {
    return rows(this.#statements.due.all(...states, this.#options.now(), limit));
  }

  /** Of these, those of one priority, the oldest first. */
  dueOf(
    states: readonly [FetchStateName, FetchStateName],
    priority: number,
    limit: number,
  ): FetchRow[] {
    return rows(this.#statements.dueOf.all(...states, priority, this.#options.now(), limit));
  }

  /** The priorities that have any, the most urgent first. */
  duePriorities(states: readonly [FetchStateName, FetchStateName]): number[] {
    return this.#statements.duePriorities.all(...states, this.#options.now());
  }

  /** True while another open fetch, of the same study and before this one, brings it. */
  isBroughtBefore(fetchId: string): boolean {
    return (
      this.#statements.isBroughtBefore.get({ fetchId, now: this.#options.now() }) !== undefined
    );
  }

  /** Those that are to be ended. */
  cancelled(): FetchRow[] {
    return rows(this.#statements.cancelled.all());
  }

  pastDeadline(): FetchRow[] {
    return rows(this.#statements.pastDeadline.all(this.#options.now()));
  }

  delivering(): FetchRow[] {
    return rows(this.#statements.delivering.all());
  }

  /** Those of a study that are not over. */
  openOf({ studyInstanceUID, home }: StudyOfFetch): FetchRow[] {
    return rows(this.#statements.openOf.all(studyInstanceUID, home));
  }

  /** Those that file, or have filed, objects of a study under its patient. */
  filing({ studyInstanceUID, home }: StudyOfFetch): FetchRow[] {
    return rows(this.#statements.filing.all(studyInstanceUID, home));
  }

  /** Those that are not over, and the newest that are. */
  list(limit = 100): FetchRow[] {
    return rows(this.#statements.list.all(limit));
  }

  openCount(): number {
    return this.#statements.openCount.pluck().get() as number;
  }

  /** Goes on with `state`; what it waited for is over. */
  begin(fetchId: string, state: FetchStateName, more: () => void = () => {}): void {
    this.#change(fetchId, () => {
      more();
      this.#statements.begin.run(state, this.#options.now(), fetchId);
      this.#reached(fetchId, state);
    });
  }

  /** Stands still in its state until `dueAt`. Told only when the reason is another one. */
  wait(fetchId: string, dueAt: number, reason: FetchReason): void {
    const { code, detail } = reason;
    const stand = (): void => void this.#statements.wait.run(dueAt, code, detail, fetchId);
    if (this.find(fetchId)?.reason?.code === code) stand();
    else this.#change(fetchId, stand);
  }

  /** What is to come from a source that does not answer is not tried before, but for what is immediate. */
  waitSource(sourceTrust: string, dueAt: number): void {
    this.#statements.waitSource.run(dueAt, sourceTrust);
  }

  /** It got on since it last had to wait. */
  resetTries(fetchId: string): void {
    this.#statements.resetTries.run(fetchId);
  }

  /** Says why it stands still, without counting a try; null: it goes on. */
  setReason(fetchId: string, reason: FetchReason | null): void {
    const before = this.find(fetchId);
    if (before === undefined || before.endedAt !== null) return;
    if (before.reason?.code === reason?.code) return;
    this.#change(fetchId, () =>
      this.#statements.setReason.run(reason?.code ?? null, reason?.detail ?? null, fetchId),
    );
  }

  hold(fetchId: string, deadlineAt: number, reason: FetchReason): void {
    this.#change(fetchId, () => {
      this.#statements.hold.run(deadlineAt, reason.code, reason.detail, fetchId);
      this.#reached(fetchId, 'held');
    });
  }

  /** @param state a final one */
  end(
    fetchId: string,
    state: FetchStateName,
    { reason, done }: { reason: FetchReason | null; done?: { instances: number; bytes: number } },
  ): void {
    if (!FINAL_FETCH_STATES.includes(state)) throw new Error(`${state} is no final state`);
    this.#change(fetchId, () => {
      const { code = null, detail = null } = reason ?? {};
      if (done !== undefined)
        this.#statements.progress.run(done.instances, done.bytes, null, fetchId);
      const { changes } = this.#statements.end.run(
        ...([state, code, detail, this.#options.now(), fetchId] as const),
      );
      if (changes > 0) this.#reached(fetchId, state);
    });
  }

  setProgress(
    fetchId: string,
    done: { instances: number; bytes: number; etaSeconds: number | null },
  ): void {
    this.#change(fetchId, () =>
      this.#statements.progress.run(done.instances, done.bytes, done.etaSeconds, fetchId),
    );
  }

  /** What the source's manifest says. Within the work of {@link begin}. */
  setManifest(
    fetchId: string,
    patient: Patient,
    instances: readonly (ManifestInstance & { state: FetchInstanceState })[],
  ): void {
    this.#statements.clearInstances.run(fetchId);
    for (const [position, instance] of instances.entries())
      this.#statements.insertInstance.run({ ...instance, fetchId, position });
    const bytes = instances.reduce((sum, instance) => sum + instance.bytes, 0);
    this.#statements.setManifest.run(JSON.stringify(patient), instances.length, bytes, fetchId);
  }

  instances(fetchId: string, state: FetchInstanceState): ManifestInstance[] {
    return this.#statements.instances.all(fetchId, state);
  }

  counts(fetchId: string, state: FetchInstanceState): { instances: number; bytes: number } {
    return this.#statements.counts.get(fetchId, state) as { instances: number; bytes: number };
  }

  markFiled(fetchId: string, sopInstanceUID: string): void {
    this.#statements.markInstance.run('filed', null, null, fetchId, sopInstanceUID);
  }

  markFailed(fetchId: string, { sopInstanceUID, code, detail }: FetchFailure): void {
    this.#statements.markInstance.run('failed', code, detail, fetchId, sopInstanceUID);
  }

  /** Of the transfer, the coercion and the delivery. */
  failures(fetchId: string): FetchFailure[] {
    const own = this.#statements.failures.all(fetchId);
    return [...own, ...this.#options.deliveryFailures(fetchId)];
  }

  setTicket(fetchId: string, fresh: { ticket: string; trust: string; url: string }): void {
    this.#statements.setTicket.run(fresh.ticket, fresh.trust, fresh.url, fetchId);
  }

  /** Within the caller's transaction. One that is over stays as it is. */
  setCancelled(fetchId: string): void {
    this.#statements.setCancelled.run(fetchId);
  }

  /**
   * Within the caller's transaction. A held fetch may go on now; one under whose patient objects are
   * being filed already keeps that.
   */
  namePatient(fetchId: string, patient: FetchRow['namedPatient'], deadlineAt: number): void {
    const state = this.find(fetchId)?.state;
    if (state !== 'held' && state !== 'retrieving' && state !== 'transferring') return;
    this.#statements.namePatient.run(JSON.stringify(patient), fetchId);
    if (state !== 'held') return;
    this.#statements.release.run(this.#options.now(), deadlineAt, fetchId);
    this.#reached(fetchId, 'coercing');
    this.tell(fetchId);
  }

  mappingOf(study: StudyOfFetch): CopyMapping | undefined {
    const json = this.#statements.mapping.pluck().get(study.studyInstanceUID, study.home);
    return typeof json === 'string' ? (JSON.parse(json) as CopyMapping) : undefined;
  }

  /**
   * Begins coercing under a mapping, on the disk before the first object that is filed by it: a power
   * cut must not leave a copy of which the rest would go to another patient. Another fetch's mapping that
   * no object was filed under gives way.
   */
  beginUnder(row: FetchRow, mapping: CopyMapping): void {
    const { studyInstanceUID, home, fetchId } = row;
    commitDurably(this.#options.db, () => {
      this.#statements.dropMapping.run(studyInstanceUID, home);
      const json = JSON.stringify(mapping);
      this.#statements.fixMapping.run(studyInstanceUID, home, json, this.#options.now());
      this.begin(fetchId, 'coercing');
    });
  }

  /** Appends the receipt once more; nothing for a fetch that is not known. */
  tell(fetchId: string): void {
    const row = this.find(fetchId);
    if (row === undefined) return;
    this.#options.appendReceipt(
      receiptOf(row, {
        steps: this.#statements.steps.all(fetchId),
        failures: this.failures(fetchId),
        mapping: this.mappingOf(row),
      }),
    );
  }

  /** Drops what nobody asks for any more: instances after a week, all of it after two months. */
  forgetOld(): void {
    const now = this.#options.now();
    this.#statements.forgetInstances.run(now - 7 * 86_400_000);
    this.#statements.forget.run(now - 60 * 86_400_000);
  }

  #reached(fetchId: string, state: FetchStateName): void {
    this.#statements.reached.run(fetchId, state, this.#options.now());
  }

  #change(fetchId: string, work: () => void): void {
    const before = this.find(fetchId);
    this.#options.db
      .transaction(() => {
        work();
        this.tell(fetchId);
      })
      .immediate();
    const after = this.find(fetchId);
    if (after === undefined) return;
    if (after.state !== before?.state || after.reason?.code !== before.reason?.code)
      this.#options.onState?.(after);
  }
}

const rows = (raw: readonly RawFetchRow[]): FetchRow[] => raw.map(fetchRow);
