/**
 * The durable side of routing: an object is in the queue until its way is decided, and what has to be
 * sent is a job until it is over. A kill -9 between any two steps neither loses nor doubles one.
 *
 *   index, same transaction ─► queue ─► decide: ways and jobs, one transaction a study ─► send: delivery
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { DeliveryQueue, Reason } from '../deliver/delivery-queue.ts';
import type { ObjectRecord } from '../index/edge-index.ts';
import type { RuleSet, Send, Way } from './decide.ts';
import type { ObjectFacts } from './facts.ts';
import {
  type DecidedObject,
  type JobRow,
  type JobState,
  prepareDecisions,
  prepareJobs,
  prepareSteps,
  type QueuedStudy,
} from './route-statements.ts';

/** Jobs that are over are remembered for so long, as deliveries are. */
const REMEMBER_MS = 60 * 86_400_000;
/** A destination that is away for so long gets no more of it by itself. */
const DEADLINE_MS = 7 * 86_400_000;

export interface Decided {
  readonly facts: ObjectFacts;
  readonly way: Way;
}

export class RouteStore {
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof prepareDecisions> &
    ReturnType<typeof prepareJobs> &
    ReturnType<typeof prepareSteps>;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#statements = { ...prepareDecisions(db), ...prepareJobs(db), ...prepareSteps(db) };
  }

  /** Within the transaction that records the object. */
  enqueue({ attributes }: ObjectRecord, now: number): void {
    this.#statements.enqueue.run(attributes.studyInstanceUID, attributes.sopInstanceUID, now);
  }

  queuedStudies(): QueuedStudy[] {
    return this.#statements.queuedStudies.all();
  }

  queuedObjects(studyInstanceUID: string): { queueKey: number; sopInstanceUID: string }[] {
    return this.#statements.queuedObjects.all(studyInstanceUID);
  }

  queueLength(): number {
    return this.#statements.queueLength.pluck().get() as number;
  }

  keepVersion({ version, rules }: RuleSet, now: number): void {
    this.#statements.putVersion.run(version, JSON.stringify(rules), now);
  }

  /**
   * Writes down the ways of some objects of a study, and what has to be sent; takes them from the queue.
   *
   * @param home of the study
   */
  decide(
    queueKeys: readonly number[],
    decided: readonly Decided[],
    { home, now }: { home: string; now: number },
  ): void {
    this.#inTransaction(() => {
      for (const { facts, way } of decided) {
        const wayKey = this.#wayKey(JSON.stringify(way));
        const { studyInstanceUID, sopInstanceUID } = facts;
        this.#statements.putObject.run(studyInstanceUID, sopInstanceUID, wayKey, now);
      }
      for (const job of jobsOf(decided)) this.#addJob(job, { home, now });
      for (const queueKey of queueKeys) this.#statements.dequeue.run(queueKey);
    });
  }

  decided(uid: string): DecidedObject[] {
    return this.#statements.decided.all(uid, uid);
  }

  job(jobKey: number): JobRow | undefined {
    return this.#statements.job.get(jobKey);
  }

  jobOfDelivery(deliveryId: string): JobRow | undefined {
    return this.#statements.jobOfDelivery.get(deliveryId);
  }

  /** Jobs of a study, or of an object. */
  jobsOf(uid: string): JobRow[] {
    const ofStudy = this.#statements.jobsOfStudy.all(uid);
    return ofStudy.length > 0 ? ofStudy : this.#statements.jobsOfObject.all(uid);
  }

  /** The most urgent first. */
  due(now: number): JobRow[] {
    return this.#statements.due.all(now);
  }

  delivering(): JobRow[] {
    return this.#statements.delivering.all();
  }

  /** Those that are not over, then the newest that are. */
  list(limit: number): JobRow[] {
    return this.#statements.list.all(limit);
  }

  /** How many are in each state; of ended ones those that a person may send again. */
  counts(): ReadonlyMap<JobState, number> {
    return new Map(this.#statements.counts.all().map(({ state, jobs }) => [state, jobs]));
  }

  postpone({ jobKey }: JobRow, dueAt: number, { code, detail }: Reason): void {
    this.#statements.postpone.run(dueAt, code, detail, jobKey);
  }

  /** Studies that a rule sent since then. */
  sentSince(rule: string, since: number): number {
    return this.#statements.sentSince.pluck().get(rule, since) as number;
  }

  objectsOf({ jobKey }: JobRow): { sopInstanceUID: string; dataSetBytes: number }[] {
    return this.#statements.jobObjects.all(jobKey);
  }

  /** It may not be sent, until a person says otherwise. */
  hold({ jobKey }: JobRow, { code, detail }: Reason): void {
    this.#statements.setState.run('held', code, detail, jobKey);
  }

  /** Its objects are to be de-identified. */
  prepare({ jobKey }: JobRow): void {
    this.#statements.setState.run('preparing', null, null, jobKey);
  }

  preparing(now: number): JobRow[] {
    return this.#statements.preparing.all(now);
  }

  /** Hands a job to the deliveries; the caller then wakes the peer's worker. */
  send(job: JobRow, { peer, deliveries, now, ...other }: Sending): void {
    const { jobKey, attempt, priority } = job;
    const deliveryId = `route-${jobKey}.${attempt}`;
    this.#inTransaction(() => {
      const instances = other.instances ?? this.#statements.jobObjects.all(jobKey);
      const deadlineAt = now + DEADLINE_MS;
      const { studyInstanceUID, home } = other.study ?? job;
      const study = { studyInstanceUID, home };
      deliveries.add({ deliveryId, peer, ...study, priority, deadlineAt, instances }, now);
      this.#statements.setDelivering.run(deliveryId, now, jobKey);
    });
  }

  end(
    { jobKey }: JobRow,
    state: JobState,
    { reason, now }: { reason: Reason | null; now: number },
  ): void {
    this.#statements.end.run(state, reason?.code ?? null, reason?.detail ?? null, now, jobKey);
  }

  /** What was handed to the deliveries is not to be sent now; the caller ends the delivery. */
  putBack({ jobKey }: JobRow): void {
    this.#statements.putBack.run(jobKey);
  }

  /** The model has it; a result that came already ends it. */
  awaitResult(
    job: JobRow,
    { reason, dueAt, now }: { reason: Reason | null; dueAt: number; now: number },
  ): void {
    const { code = null, detail = null } = reason ?? {};
    this.#statements.awaitResult.run(dueAt, code, detail, job.jobKey);
    if (job.answeredAt !== null) this.#statements.endAnswered.run(now, job.jobKey);
  }

  /** Of which no result came in time. */
  overdue(now: number): JobRow[] {
    return this.#statements.overdue.all(now);
  }

  /** A result of these jobs is filed. */
  answered(jobs: readonly JobRow[], now: number): void {
    for (const { jobKey } of jobs) {
      this.#statements.answered.run(now, jobKey);
      this.#statements.endAnswered.run(now, jobKey);
    }
  }

  /** What is still to be sent of a study becomes as urgent as this; never less. */
  raise(studyInstanceUID: string, priority: number): void {
    this.#statements.raise.run(priority, studyInstanceUID, priority);
  }

  /** A filed result is to be sent. Within the caller's transaction. */
  addResult(
    { model, version, destination, priority }: ResultSend,
    { sopInstanceUID, studyInstanceUID, dataSetBytes, home }: ResultObject,
    now: number,
  ): void {
    const send = {
      rule: `results-of-${model}`,
      to: destination,
      project: null,
      priority,
      held: null,
    };
    const objects = [{ sopInstanceUID, studyInstanceUID, dataSetBytes }];
    this.#addJob({ send, version, objects }, { home, now });
  }

  /** By a person: what was held, or did not get there, is sent. @returns false when it is neither */
  release(jobKey: number, now: number): boolean {
    return this.#statements.release.run(now, jobKey).changes > 0;
  }

  /** By a person: what waits or is held is not sent. The objects stay. */
  cancel(jobKey: number, { reason, now }: { reason: string; now: number }): boolean {
    return this.#statements.cancel.run(reason, now, jobKey).changes > 0;
  }

  forgetOld(now: number): void {
    this.#inTransaction(() => {
      this.#statements.forgetJobs.run(now - REMEMBER_MS);
      this.#statements.forgetObjects.run(now - REMEMBER_MS);
    });
  }

  #wayKey(way: string): number {
    this.#statements.putWay.run(way);
    return this.#statements.wayKey.pluck().get(way) as number;
  }

  #addJob({ send, version, objects }: Job, { home, now }: { home: string; now: number }): void {
    const { rule, to, project, priority, held } = send;
    const [first] = objects;
    const { lastInsertRowid } = this.#statements.insertJob.run({
      ...{ rule, version, destination: to, project, home, priority, now },
      studyInstanceUID: first?.studyInstanceUID,
      state: held === null ? 'waiting' : 'held',
      reasonCode: held === null ? null : 'HELD',
      reasonDetail: held,
      instances: objects.length,
      bytes: objects.reduce((sum, { dataSetBytes }) => sum + dataSetBytes, 0),
    });
    for (const { sopInstanceUID, dataSetBytes } of objects)
      this.#statements.insertJobObject.run(lastInsertRowid, sopInstanceUID, dataSetBytes);
  }

  #inTransaction(work: () => void): void {
    this.#db.transaction(work).immediate();
  }
}

interface Sending {
  readonly peer: string;
  readonly deliveries: DeliveryQueue;
  readonly now: number;
  /** Absent: the job's objects, as they are. */
  readonly study?: { readonly studyInstanceUID: string; readonly home: string };
  readonly instances?: readonly {
    readonly sopInstanceUID: string;
    readonly dataSetBytes: number;
  }[];
}

interface ResultSend {
  readonly model: string;
  /** Of the rules in force. */
  readonly version: string;
  readonly destination: string;
  readonly priority: number;
}

interface ResultObject extends JobObject {
  readonly home: string;
}

type JobObject = Pick<ObjectFacts, 'sopInstanceUID' | 'studyInstanceUID' | 'dataSetBytes'>;

interface Job {
  readonly send: Send;
  readonly version: string;
  readonly objects: JobObject[];
}

/** Objects of one study with the same send are one job. */
function jobsOf(decided: readonly Decided[]): Iterable<Job> {
  const jobs = new Map<string, Job>();
  for (const { facts, way } of decided) {
    for (const send of way.sends) {
      const key = JSON.stringify(send);
      const job = jobs.get(key) ?? { send, version: way.version, objects: [] };
      jobs.set(key, job);
      job.objects.push(facts);
    }
  }
  return jobs.values();
}
