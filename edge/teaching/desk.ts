/**
 * Carries teaching files from a clinician's mark into the collection, and out of it again.
 *
 *   preparing ─► gate of the project ─► from the PACS ─► note: nobody named ─► each object: clean ─► published
 *                 └─ held, and looked at again              └─ refused          └─ withheld, with the reason
 *   published ─► every while: the gate, the home's rejections ─► held │ withdrawn: nothing of it stays
 *
 * One file at a time. A kill goes on at the object where it came.
 */
import { createHash } from 'node:crypto';
import { TEACHING_COLLECTION, TEACHING_HOME } from '../../shared/contract/teaching.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { IdentifierSearch } from '../../shared/identifier-search.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { faultsOfNote, noteFaultText } from '../../shared/teaching-note-check.ts';
import type { Project } from '../config-routes.ts';
import type { ProjectRules } from '../deidentify/deidentify-object.ts';
import type { EdgeIndex, StudyKey } from '../index/edge-index.ts';
import { KnownPatients } from '../index/records/known-patients.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Gate } from '../route/gate.ts';
import {
  rulesOf,
  StudyCleaner,
  type StudyCleanerParts,
  type WhoIsWho,
} from '../route/study-cleaner.ts';
import type { CaseStore, Reason, TeachingCase } from './case-store.ts';
import type { Collection } from './collection.ts';

const LOOK_MS = 1_000;
/** Teaching files that are looked at again in one look. */
const WATCHED_AT_ONCE = 20;
/** A list, a flag or the configuration may have changed. */
const GATE_AGAIN_MS = 15_000;
const PACS_AGAIN_MS = 600_000;
/** What the de-identifier withholds stays so until a mask for the device is there. */
const WITHHELD_AGAIN_MS = 86_400_000;
/** After a failure of the disk, or of the project's key. */
const AGAIN_MS = 5_000;

export interface DeskOptions extends StudyCleanerParts {
  readonly trust: string;
  readonly projects: readonly Project[];
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly gate: Pick<Gate, 'whyNot'>;
  readonly store: CaseStore;
  readonly collection: Collection;
  readonly pacs: {
    isWanted(studyInstanceUID: string): boolean;
    bring(studyInstanceUID: string): Promise<{ readonly reason: Reason | null }>;
  };
  /** Objects of a study that still come are waited for. */
  readonly quietMs: number;
  readonly log: Log;
}

export class TeachingDesk {
  readonly #options: DeskOptions;
  readonly #cleaner: StudyCleaner;
  readonly #patients: KnownPatients;
  readonly #lastAt;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#cleaner = new StudyCleaner(options);
    this.#patients = new KnownPatients(options.db);
    this.#lastAt = options.db
      .prepare<[string, string], number>(
        'SELECT last_at FROM studies WHERE study_uid = ? AND home = ?',
      )
      .pluck();
  }

  start(): void {
    this.#makeGoodLosses();
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** One look; the one that runs, when one does. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#options.log.error('teaching.look-failed', { error }))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { store } = this.#options;
    for (const one of store.due()) {
      if (this.#isStopping) return;
      if (one.state === 'withdrawing') this.#withdraw(one);
      else await this.#prepareOrWait(one);
    }
    for (const one of store.toWatch(WATCHED_AT_ONCE)) this.#watch(one);
  }

  /** What a power cut took from the collection is made again. */
  #makeGoodLosses(): void {
    const { store, collection } = this.#options;
    for (const { caseId, newStudyUID, instances } of store.published())
      if ((collection.study(newStudyUID ?? '')?.instances ?? 0) < instances)
        store.prepareAgain(caseId);
  }

  /** A full disk, a key or a file that can't be read, is waited for, and keeps no other file waiting. */
  async #prepareOrWait(one: TeachingCase): Promise<void> {
    const { store, now, log } = this.#options;
    try {
      await this.#prepare(one);
    } catch (error) {
      const code = codeOf(error);
      if (error instanceof GatewayError) log.warn('teaching.waits', { caseId: one.caseId, code });
      else log.error('teaching.look-failed', { error });
      // What the system says may name files.
      const detail = error instanceof GatewayError ? error.message : NOT_MADE;
      store.hold(one, { code, detail }, now() + AGAIN_MS);
    }
  }

  async #prepare(one: TeachingCase): Promise<void> {
    const { store, index, pacs, now } = this.#options;
    const study = this.#studyOf(one);
    if (index.studyState(study.studyInstanceUID, study.home) === undefined)
      return store.withdraw(one.caseId, STUDY_GONE);
    const why = this.#whyNot(one);
    if (why !== undefined) return this.#holdWithout(one, why, GATE_AGAIN_MS);
    if (pacs.isWanted(study.studyInstanceUID)) {
      const { reason } = await pacs.bring(study.studyInstanceUID);
      if (reason !== null) return store.hold(one, reason, now() + PACS_AGAIN_MS);
    }
    const quietAt = this.#quietAt(study);
    if (quietAt > now()) return store.hold(one, STILL_ARRIVING, quietAt);
    const instances = index.instancesOf(study);
    const who = await this.#cleaner.whoIsWho(study, instances, () => this.#isStopping);
    if (this.#isStopping) return;
    const patients = new Set([...who.subjects.values()].map((found) => who.aliases.keyOf(found)));
    if (patients.size > 1) return this.#holdWithout(one, SEVERAL_PATIENTS, GATE_AGAIN_MS);
    const named = this.#faultOfNote(one, who);
    if (named !== undefined) return store.refuse(one.caseId, named);
    if (await this.#clean(one, instances, who)) this.#publish(one.caseId);
  }

  /** @returns false when it was given up on the way */
  async #clean(
    one: TeachingCase,
    instances: readonly StoredInstance[],
    who: WhoIsWho,
  ): Promise<boolean> {
    const { store, collection, index } = this.#options;
    const project = this.#project();
    if (project === undefined) return false;
    const rules = rulesOf(project);
    const { caseId } = one;
    const newStudyUID = rules.pseudonyms.uid(one.studyInstanceUID);
    const otherVersions =
      index.studyState(one.studyInstanceUID, this.#options.trust)?.conflicts ?? 0;
    const making = { newStudyUID, madeOf: madeOf(rules, instances, who), otherVersions };
    // What an earlier file has of it may be what the home took back, or what the rules now forbid.
    if (!store.isMadeOf(making)) collection.remove(newStudyUID);
    store.beginWriting(caseId, making);
    store.forgetObjects(caseId);
    for (const instance of instances) {
      const { sopInstanceUID } = instance;
      // Somebody withdrew it meanwhile.
      if (this.#isStopping || store.find(caseId)?.state === 'withdrawing') return false;
      const newSOPInstanceUID = rules.pseudonyms.uid(sopInstanceUID);
      const isThere = collection.has({ newSOPInstanceUID, newStudyUID });
      const withheld = isThere
        ? undefined
        : await this.#cleaner.clean(instance, {
            ...{ ...who, rules, home: TEACHING_HOME },
            newWriter: (head) => collection.newWriter(head),
            take: ({ sealed, transferSyntaxUID }) => collection.take(sealed, transferSyntaxUID),
          });
      store.note(caseId, sopInstanceUID, withheld);
    }
    return true;
  }

  #publish(caseId: string): void {
    const { store, collection, log, now } = this.#options;
    const one = store.find(caseId);
    if (one === undefined || one.state === 'withdrawing') return;
    const instances = collection.study(one.newStudyUID ?? '')?.instances ?? 0;
    if (instances > 0) {
      store.publish(one, instances);
      log.info('teaching.published', { caseId, instances });
      return;
    }
    const reasons = store
      .withheld(caseId)
      .map((why) => `${why.objects} ${why.code}: ${why.detail}`);
    const detail = reasons.join('; ') || 'no object is here';
    store.hold(one, { code: 'WITHHELD', detail }, now() + WITHHELD_AGAIN_MS);
  }

  #withdraw(one: TeachingCase): void {
    const { store, log } = this.#options;
    this.#remove(one);
    store.endWithdrawal(one.caseId, one.reason ?? { code: 'WITHDRAWN', detail: 'withdrawn' });
    log.info('teaching.withdrawn', { caseId: one.caseId, code: one.reason?.code ?? '' });
  }

  /** Of what stands against it, only that its study is gone is for good. */
  #watch(one: TeachingCase): void {
    const { store, index } = this.#options;
    const { studyInstanceUID, home } = this.#studyOf(one);
    store.watched(one.caseId);
    const isGone = index.studyState(studyInstanceUID, home) === undefined;
    if (isGone || store.hasRejected(one.caseId)) {
      store.withdraw(one.caseId, isGone ? STUDY_GONE : REJECTED);
      return;
    }
    const why = this.#whyNot(one);
    if (why !== undefined) this.#holdWithout(one, why, GATE_AGAIN_MS);
  }

  /** Held first: a kill in between leaves files that nobody is shown, and the next try finds. */
  #holdWithout(one: TeachingCase, reason: Reason, afterMs: number): void {
    const { store, now } = this.#options;
    store.hold(one, reason, now() + afterMs);
    this.#remove(one);
  }

  #remove(one: TeachingCase): void {
    const { store, collection } = this.#options;
    if (one.newStudyUID !== null && !store.isShared(one)) collection.remove(one.newStudyUID);
  }

  #whyNot({ studyInstanceUID }: TeachingCase): Reason | undefined {
    const { index, gate, trust, now } = this.#options;
    const project = this.#project();
    if (project === undefined) return NO_PROJECT;
    const patient = index.studyState(studyInstanceUID, trust)?.patient;
    return patient && gate.whyNot(project.name, patient, now());
  }

  #faultOfNote({ note, studyInstanceUID }: TeachingCase, who: WhoIsWho): Reason | undefined {
    const { index, trust } = this.#options;
    const patient = index.studyState(studyInstanceUID, trust)?.patient;
    const postcode = patient && this.#patients.eventOf(this.#patients.inForce(patient))?.postcode;
    const known = [...who.subjects.values()].map(
      (one) => who.aliases.identifiersOf(one).identifiers,
    );
    const faults = faultsOfNote(
      note,
      new IdentifierSearch({
        names: known.flatMap(({ names }) => names),
        numbers: [...known.flatMap(({ numbers }) => numbers), ...(postcode ? [postcode] : [])],
        birthDates: known.flatMap(({ birthDates }) => birthDates),
        addresses: known.flatMap(({ addresses }) => addresses),
      }),
    );
    if (faults.length === 0) return undefined;
    return { code: 'NOTE_NAMES_PATIENT', detail: noteFaultText(faults) };
  }

  #quietAt({ studyInstanceUID, home }: StudyKey): number {
    return (this.#lastAt.get(studyInstanceUID, home) ?? 0) + this.#options.quietMs;
  }

  /** The trust that was asked is the home: of a copy nothing is taught. */
  #studyOf({ studyInstanceUID }: TeachingCase): StudyKey {
    return { studyInstanceUID, home: this.#options.trust };
  }

  #project(): Project | undefined {
    return this.#options.projects.find(({ destination }) => destination === TEACHING_COLLECTION);
  }
}

/** A digest of all that decides what a study of the collection is. */
function madeOf(
  { options, masks, pseudonyms }: ProjectRules,
  instances: readonly StoredInstance[],
  { subjects, aliases }: WhoIsWho,
): string {
  const originals = instances.map((one) => `${one.sopInstanceUID} ${one.contentDigest}`).sort();
  const [anyone] = subjects.values();
  const known = anyone && Object.values(aliases.identifiersOf(anyone).identifiers);
  const all = [
    ...[options.map(({ name }) => name), masks, pseudonyms.uid('1'), originals],
    known?.map((values) => values.toSorted()),
  ];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

const NOT_MADE = 'its home could not make it; the log of its edge says why';
const STUDY_GONE: Reason = { code: 'STUDY_GONE', detail: 'its home no longer holds the study' };
const REJECTED: Reason = {
  code: 'STUDY_REJECTED',
  detail: 'its home took objects of the study back',
};
const NO_PROJECT: Reason = {
  code: 'PROJECT_UNKNOWN',
  detail: `its home has no project with the destination ${TEACHING_COLLECTION}`,
};
const STILL_ARRIVING: Reason = {
  code: 'STUDY_ARRIVING',
  detail: 'objects of the study still come',
};
const SEVERAL_PATIENTS: Reason = {
  code: 'PATIENTS_DIFFER',
  detail: 'objects of the study name several patients',
};
