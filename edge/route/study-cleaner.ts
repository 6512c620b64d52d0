/**
 * A study, de-identified object by object, for whoever keeps what comes out.
 *
 *   every object ─► whose it is, with what the PAS says ─► each: changed, checked, written ─► taken │ withheld
 *
 * What is withheld leaves no file behind.
 */
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { IdentifierSearch } from '../../shared/identifier-search.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Project } from '../config-routes.ts';
import { Aliases } from '../deidentify/aliases.ts';
import type { Replaced } from '../deidentify/change-element.ts';
import { ObjectDeidentifier, type ProjectRules } from '../deidentify/deidentify-object.ts';
import { readMasks } from '../deidentify/masks.ts';
import { withMaskablePixels } from '../deidentify/native-pixels.ts';
import { readOptions } from '../deidentify/options.ts';
import { openProjectKey } from '../deidentify/project-key.ts';
import { Pseudonyms } from '../deidentify/pseudonyms.ts';
import { readSubject, type Subject } from '../deidentify/subject.ts';
import type { Reason } from '../deliver/delivery-queue.ts';
import type { EdgeIndex, StudyKey } from '../index/edge-index.ts';
import { KnownPatients } from '../index/records/known-patients.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { InstanceWriter, SealedFile } from '../spool/write-instance.ts';
import type { Transcoder } from '../transcode/transcoder.ts';

export interface StudyCleanerParts {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly transcoder: Pick<Transcoder, 'transcode'>;
  readonly now: () => number;
}

/** Of the objects of a study: whose each is. One that can't be read has no subject. */
export interface WhoIsWho {
  readonly aliases: Aliases;
  /** By SOP Instance UID. */
  readonly subjects: ReadonlyMap<string, Subject>;
}

export interface CleanWish extends WhoIsWho {
  readonly rules: ProjectRules;
  /** Stands in the seal of the new file. */
  readonly home: string;
  readonly onReplaced?: ((replaced: Replaced) => void) | undefined;
  /** @param head to the end of the file meta information */
  newWriter(head: Buffer): InstanceWriter;
  /** Takes the durable file before anything else is cleaned. */
  take(cleaned: Cleaned): Promise<void> | void;
}

export interface Cleaned {
  readonly sealed: SealedFile;
  readonly clean: ObjectDeidentifier;
  /** The original. */
  readonly source: DataSetSource;
  readonly patientKey: string;
  /** Of the new object: where pixels had to be masked it may be another. */
  readonly transferSyntaxUID: string;
}

export class StudyCleaner {
  readonly #parts: StudyCleanerParts;
  readonly #patients: KnownPatients;

  constructor(parts: StudyCleanerParts) {
    this.#parts = parts;
    this.#patients = new KnownPatients(parts.db);
  }

  /** What every object, and the PAS, calls the patient. @param isStopping asked between two objects */
  async whoIsWho(
    study: StudyKey,
    instances: readonly StoredInstance[],
    isStopping: () => boolean,
  ): Promise<WhoIsWho> {
    const aliases = new Aliases();
    const subjects = new Map<string, Subject>();
    for (const instance of instances) {
      if (isStopping()) break;
      try {
        const subject = await readSubject(this.#sourceOf(instance));
        subjects.set(instance.sopInstanceUID, subject);
        aliases.add(subject);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }
    this.#addTold(study, { aliases, subjects });
    return { aliases, subjects };
  }

  /** @returns why it is withheld @throws SpoolError, when nothing is said of the object */
  async clean(instance: StoredInstance, wish: CleanWish): Promise<Reason | undefined> {
    const { spool, transcoder } = this.#parts;
    const { rules, aliases, subjects, onReplaced } = wish;
    const subject = subjects.get(instance.sopInstanceUID);
    if (subject === undefined) return { code: 'UNREADABLE', detail: "the object can't be read" };
    const search = new IdentifierSearch(aliases.identifiersOf(subject).identifiers);
    const patientKey = aliases.keyOf(subject);
    const { dataSetOffset, dataSetBytes } = instance;
    const source = this.#sourceOf(instance);
    const file = spool.absolute(instance.path);
    const object = { source, subject, file, dataSetOffset, dataSetBytes };
    try {
      await withMaskablePixels(object, { rules, transcoder }, async (native) => {
        const { transferSyntaxUID } = native.source;
        const clean = new ObjectDeidentifier(rules, { ...native, patientKey, search, onReplaced });
        const sealed = await this.#write(clean, wish);
        await wish.take({ sealed, clean, source, patientKey, transferSyntaxUID });
      });
      return undefined;
    } catch (error) {
      const isFinal = error instanceof GatewayError && error.retry === 'never';
      if (!isFinal || error instanceof SpoolError) throw error;
      return { code: codeOf(error), detail: error.message };
    }
  }

  #addTold(
    { studyInstanceUID, home }: StudyKey,
    { aliases, subjects }: { aliases: Aliases; subjects: ReadonlyMap<string, Subject> },
  ): void {
    const patient = this.#parts.index.studyState(studyInstanceUID, home)?.patient;
    const [anyone] = subjects.values();
    if (patient === undefined || anyone === undefined) return;
    const told = this.#patients.patientOf(this.#patients.inForce(patient));
    const names = [patient.name, told.name].filter((name) => name !== null);
    const birthDates = [patient.birthDate, told.birthDate].filter((date) => date !== null);
    const numbers = [patient.patientId, told.patientId];
    aliases.add({
      nhsNumber: patient.nhsNumber ?? told.nhsNumber,
      localKey: anyone.localKey,
      identifiers: { names, birthDates, numbers, addresses: [] },
    });
  }

  /** @throws what de-identification throws: nothing is left then */
  async #write(
    clean: ObjectDeidentifier,
    { newWriter, home }: Pick<CleanWish, 'newWriter' | 'home'>,
  ): Promise<SealedFile> {
    const bytes = clean.bytes();
    const head = await bytes.next();
    const writer = newWriter(Buffer.concat(head.value ?? []));
    try {
      for await (const parts of bytes) for (const part of parts) await writer.write(part);
      return await writer.seal({ home, receivedAt: this.#parts.now(), callingAETitle: '' });
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  #sourceOf(instance: StoredInstance): DataSetSource {
    const file = this.#parts.spool.absolute(instance.path);
    const { transferSyntaxUID } = instance;
    return { transferSyntaxUID, open: () => readDataSet(file, instance) as AsyncIterable<Buffer> };
  }
}

/** @throws DeidentifyError for a key or masks that can't be read */
export function rulesOf({ name, keyFile = '', options, masksFile }: Project): ProjectRules {
  const read = readOptions(options);
  return {
    options: 'options' in read ? read.options : [],
    pseudonyms: new Pseudonyms(openProjectKey(keyFile, name)),
    masks: masksFile === undefined ? [] : readMasks(masksFile),
  };
}
