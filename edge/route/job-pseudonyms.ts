/**
 * Keeps, while a job for an AI model is de-identified, what its results need to come back. Written before
 * anything is sent, and at every interruption; what an interrupted run did not write is done anew.
 */
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import type { Replaced } from '../deidentify/change-element.ts';
import { type PseudonymMap, PseudonymRecorder, readIdentity } from '../deidentify/pseudonym-map.ts';
import type { JobPseudonyms, PseudonymStore } from './pseudonym-store.ts';
import type { JobRow } from './route-statements.ts';

export interface RecordParts {
  readonly store: PseudonymStore;
  /** Of re-identification. */
  readonly key: Buffer;
  readonly job: JobRow;
  /** As the index has it now. */
  readonly patient: JobPseudonyms['patient'];
}

export class JobRecord {
  readonly #parts: RecordParts;
  readonly #recorder: PseudonymRecorder;
  readonly #sent: Set<string>;
  #identity: Pick<PseudonymMap, 'identity' | 'charset'> | undefined;
  #patient: string | undefined;
  #newStudyUID: string | undefined;

  /** @throws RouteError */
  constructor(parts: RecordParts) {
    const known = parts.store.ofJob(parts.key, parts.job.jobKey);
    this.#parts = parts;
    this.#recorder = new PseudonymRecorder(known?.map);
    this.#sent = new Set(known?.sent);
    this.#identity = known?.map;
    this.#patient = known?.map.patient;
  }

  /** @param newUIDs of objects that are done */
  hasAll(newUIDs: readonly string[]): boolean {
    return newUIDs.every((uid) => this.#sent.has(uid));
  }

  add(replaced: Replaced): void {
    this.#recorder.add(replaced);
  }

  /** An object of the one patient is ready to be sent. */
  async took(
    source: DataSetSource,
    names: { readonly patient: string; readonly newStudyUID: string; readonly newSOPUID: string },
  ): Promise<void> {
    this.#identity ??= await readIdentity(source);
    this.#patient ??= names.patient;
    this.#newStudyUID = names.newStudyUID;
    this.#sent.add(names.newSOPUID);
  }

  keep(now: number): void {
    const { store, key, job, patient } = this.#parts;
    if (this.#identity === undefined || this.#newStudyUID === undefined) return;
    const { jobKey, studyInstanceUID } = job;
    const map = this.#recorder.map(this.#patient ?? '', this.#identity);
    const sent = [...this.#sent];
    store.keep(key, this.#newStudyUID, { jobKey, studyInstanceUID, patient, sent, map }, now);
  }
}
