/**
 * De-identifies what a project gets, one job after the other, away from what clinics wait for.
 *
 *   preparing ─► every object: whose it is ─► each: clean ─► outgoing/ │ withheld, with the reason ─► delivery
 *
 * An object is whole under its final name, or not there; a job that was interrupted goes on with the rest.
 */
import { GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Model, Project } from '../config-routes.ts';
import type { ObjectDeidentifier, ProjectRules } from '../deidentify/deidentify-object.ts';
import { openProjectKey, reidentificationKey } from '../deidentify/project-key.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import { DEIDENTIFIED, type DeliveryQueue, type Reason } from '../deliver/delivery-queue.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import type { Transcoder } from '../transcode/transcoder.ts';
import type { Gate } from './gate.ts';
import { JobRecord } from './job-pseudonyms.ts';
import type { Outages } from './outages.ts';
import type { CleanObject, Outgoing } from './outgoing.ts';
import type { PseudonymStore } from './pseudonym-store.ts';
import type { RouteCounters } from './route-metrics.ts';
import type { JobRow } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';
import { rulesOf, StudyCleaner, type WhoIsWho } from './study-cleaner.ts';

const LOOK_MS = 500;
/** After a failure of the disk, or of the project's key. */
const AGAIN_MS = 5_000;
/** Studies for one destination that are de-identified before they can be sent. */
const MOST_AHEAD = 4;
const BEHIND_OTHERS: Reason = {
  code: 'BEHIND_OTHERS',
  detail: 'it is de-identified when those before it are delivered',
};
const SEVERAL_PATIENTS: Reason = {
  code: 'PATIENTS_DIFFER',
  detail: 'its objects name several patients: no result could be told whose it is',
};

export interface PreparerParts {
  readonly db: Sqlite;
  readonly store: RouteStore;
  readonly gate: Gate;
  readonly outgoing: Outgoing;
  readonly outages: Outages;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly transcoder: Pick<Transcoder, 'transcode'>;
  readonly models: readonly Model[];
  /** Of what goes to models: their results come back. */
  readonly pseudonyms: PseudonymStore;
  readonly deliveries: DeliveryQueue;
  readonly deliverer: Pick<Deliverer, 'wake'>;
  readonly counters: Pick<RouteCounters, 'deidentified'>;
  readonly now: () => number;
  readonly log: Log;
}

export class Preparer {
  readonly #parts: PreparerParts;
  readonly #cleaner: StudyCleaner;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: PreparerParts) {
    this.#parts = parts;
    this.#cleaner = new StudyCleaner(parts);
  }

  start(): void {
    const { store, outgoing, pseudonyms, now } = this.#parts;
    pseudonyms.forgetOld(now());
    const busy = [...store.preparing(Number.MAX_SAFE_INTEGER), ...store.delivering()];
    outgoing.tidy(new Set(busy.map(({ jobKey }) => jobKey)));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    this.#running ??= this.#prepareAll().finally(() => {
      this.#running = undefined;
    });
  }

  async #prepareAll(): Promise<void> {
    const { store, outages, now, log } = this.#parts;
    if (outages.isWaiting('de-identification', now())) return;
    try {
      for (const job of store.preparing(now())) {
        if (this.#isStopping) return;
        if (this.#isFarAhead(job)) this.#sayItWaits(job);
        else await this.#prepareOrWait(job);
      }
      outages.worked('de-identification', { now: now(), log });
    } catch (error) {
      outages.failed('de-identification', error, { now: now(), log });
    }
  }

  /** Of a destination that is away, clean copies must not fill the disk that clinics need. */
  #isFarAhead({ destination }: JobRow): boolean {
    const ahead = this.#parts.store
      .delivering()
      .filter((job) => job.project !== null && job.destination === destination);
    return ahead.length >= MOST_AHEAD;
  }

  #sayItWaits(job: JobRow): void {
    const { store, now } = this.#parts;
    if (job.reasonCode !== BEHIND_OTHERS.code) store.postpone(job, now(), BEHIND_OTHERS);
  }

  /** A full disk, or a key that can't be read, is waited for. */
  async #prepareOrWait(job: JobRow): Promise<void> {
    const { store, gate, now } = this.#parts;
    const project = gate.project(job.project ?? '');
    try {
      if (project !== undefined) await this.#prepare(job, project);
      else store.hold(job, { code: 'PROJECT_UNKNOWN', detail: 'the project is not configured' });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      store.postpone(job, now() + AGAIN_MS, { code: error.code, detail: error.message });
    }
  }

  async #prepare(job: JobRow, project: Project): Promise<void> {
    const { store, index, now } = this.#parts;
    const rules = rulesOf(project);
    const record = this.#recordOf(job, project);
    const instances = store
      .objectsOf(job)
      .map(({ sopInstanceUID }) => index.findInstance(sopInstanceUID, job.home))
      .filter((instance) => instance !== undefined);
    let isOfOne: boolean;
    try {
      isOfOne = await this.#cleanAll(job, instances, { rules, project, record });
    } finally {
      record?.keep(now());
    }
    if (this.#isStopping) return;
    if (isOfOne) this.#send(job);
    else store.hold(job, SEVERAL_PATIENTS);
  }

  /** Of a job for a model: what its results need to come back. */
  #recordOf(job: JobRow, { name, keyFile = '' }: Project): JobRecord | undefined {
    const { models, pseudonyms, outgoing, index } = this.#parts;
    if (!models.some((model) => model.name === job.destination)) return undefined;
    const patient = index.studyState(job.studyInstanceUID, job.home)?.patient;
    if (patient === undefined) return undefined;
    const { patientId, issuer, birthDate } = patient;
    const key = reidentificationKey(openProjectKey(keyFile, name));
    const parts = { store: pseudonyms, key, job, patient: { patientId, issuer, birthDate } };
    const record = new JobRecord(parts);
    const done = outgoing.clean(job.jobKey).map(({ newSOPInstanceUID }) => newSOPInstanceUID);
    // A kill came between an object and its pseudonyms.
    if (!record.hasAll(done)) outgoing.forget(job.jobKey);
    return record;
  }

  /** @returns false when a model's job is of several patients */
  async #cleanAll(
    job: JobRow,
    instances: readonly StoredInstance[],
    by: { rules: ProjectRules; project: Project; record: JobRecord | undefined },
  ): Promise<boolean> {
    const { outgoing, counters } = this.#parts;
    const { rules, project, record } = by;
    const done = outgoing.done(job.jobKey);
    const who = await this.#cleaner.whoIsWho(job, instances, () => this.#isStopping);
    const patients = new Set([...who.subjects.values()].map((one) => who.aliases.keyOf(one)));
    if (record !== undefined && patients.size > 1) return false;
    for (const instance of instances) {
      if (this.#isStopping) return true;
      if (done.has(instance.sopInstanceUID)) continue;
      const withheld = await this.#clean(job, instance, { rules, who, record });
      counters.deidentified(project.name, withheld?.code ?? 'clean');
      if (withheld !== undefined) outgoing.withhold(job.jobKey, instance.sopInstanceUID, withheld);
    }
    return true;
  }

  /** @returns why it is withheld @throws SpoolError, when nothing is said of the object */
  #clean(
    { jobKey, home }: JobRow,
    instance: StoredInstance,
    { rules, who, record }: { rules: ProjectRules; who: WhoIsWho; record: JobRecord | undefined },
  ): Promise<Reason | undefined> {
    const { outgoing } = this.#parts;
    const name = rules.pseudonyms.identifier('file', instance.sopInstanceUID);
    return this.#cleaner.clean(instance, {
      ...{ ...who, rules, home, onReplaced: record?.add.bind(record) },
      newWriter: (head) => outgoing.newWriter(jobKey, name, head),
      take: async ({ sealed, clean, source, patientKey, transferSyntaxUID }) => {
        await record?.took(source, {
          patient: rules.pseudonyms.identifier('patient', patientKey),
          newStudyUID: clean.studyInstanceUID,
          newSOPUID: clean.sopInstanceUID,
        });
        outgoing.keep(jobKey, newNames(instance, { rules, clean, transferSyntaxUID }), sealed);
      },
    });
  }

  #send(job: JobRow): void {
    const { store, outgoing, deliveries, deliverer, models, now } = this.#parts;
    const peer = models.find(({ name }) => name === job.destination)?.peer ?? job.destination;
    const clean = outgoing.clean(job.jobKey);
    const [first] = clean;
    if (first === undefined) {
      const reasons = outgoing
        .withheld(job.jobKey)
        .map(({ code, detail, objects }) => `${objects} ${code}: ${detail}`);
      store.hold(job, { code: 'WITHHELD', detail: reasons.join('; ') || 'no object is here' });
      return;
    }
    store.send(job, {
      ...{ peer, deliveries, now: now() },
      study: { studyInstanceUID: first.newStudyInstanceUID, home: DEIDENTIFIED },
      instances: clean.map(({ newSOPInstanceUID, dataSetBytes }) => ({
        sopInstanceUID: newSOPInstanceUID,
        dataSetBytes,
      })),
    });
    deliverer.wake(peer);
  }
}

function newNames(
  { sopInstanceUID, seriesInstanceUID, sopClassUID }: StoredInstance,
  of: { rules: ProjectRules; clean: ObjectDeidentifier; transferSyntaxUID: string },
): CleanObject {
  const { rules, clean, transferSyntaxUID } = of;
  const keepsUIDs = rules.options.some((option) => option.name === 'retain-uids');
  return {
    ...{ sopInstanceUID, sopClassUID, transferSyntaxUID },
    newSOPInstanceUID: clean.sopInstanceUID,
    newStudyInstanceUID: clean.studyInstanceUID,
    newSeriesInstanceUID: keepsUIDs ? seriesInstanceUID : rules.pseudonyms.uid(seriesInstanceUID),
  };
}
