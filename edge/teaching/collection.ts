/**
 * This edge's part of the teaching collection: de-identified studies in a spool and an index of their own, so that
 * no clinical list, count, query or delivery ever meets them.
 *
 *   de-identified file ─► take ─► <dataDirectory>/teaching ─► DICOMweb, for the hub with a ticket
 *
 * What a crash leaves half is dropped at the next start: it can be made again.
 */
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { TeachingEvent } from '../../shared/contract/events.ts';
import { TEACHING_HOME } from '../../shared/contract/teaching.ts';
import type { Log } from '../../shared/log.ts';
import { openEdgeDatabase } from '../database.ts';
import { type DicomWeb, openDicomWeb } from '../dicomweb/open.ts';
import { dicomWebSchema } from '../dicomweb/schema.ts';
import { type AcceptedObject, acceptObject } from '../index/accept-object.ts';
import { EdgeIndex } from '../index/edge-index.ts';
import { finishDeletions, removeStudy } from '../index/remove-study.ts';
import type { ObjectReading } from '../scp/object-reading.ts';
import { objectPath } from '../spool/layout.ts';
import { readDataSet } from '../spool/read-instance.ts';
import { recoverSpool } from '../spool/recover.ts';
import { Spool } from '../spool/spool.ts';
import type { InstanceWriter, SealedFile } from '../spool/write-instance.ts';
import type { CodecThreads } from '../transcode/codec-threads.ts';
import { CollectionError } from './collection-error.ts';

const FOLDER = 'teaching';

export interface CollectionOptions {
  readonly dataDirectory: string;
  readonly reserveBytes: number;
  readonly reading: ObjectReading;
  readonly decoder: Pick<CodecThreads, 'decode'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface NewUIDs {
  readonly newSOPInstanceUID: string;
  readonly newStudyUID: string;
}

export class Collection {
  readonly web: DicomWeb;
  readonly #spool: Spool;
  readonly #index: EdgeIndex;
  readonly #options: CollectionOptions;

  private constructor(options: CollectionOptions, spool: Spool, index: EdgeIndex) {
    this.#options = options;
    this.#spool = spool;
    this.#index = index;
    this.web = openDicomWeb({ ...options, db: index.db, index, spool });
  }

  /** @throws SpoolError when the disk can't be read */
  static async open(options: CollectionOptions): Promise<Collection> {
    const { reserveBytes, clock, log } = options;
    const dataDirectory = join(options.dataDirectory, FOLDER);
    const db = openEdgeDatabase(dataDirectory, { dicomWeb: dicomWebSchema });
    const spool = new Spool({ dataDirectory, reserveBytes, clock });
    const index = new EdgeIndex({ db, trust: TEACHING_HOME, namespace: TEACHING_HOME });
    finishDeletions({ spool, index });
    const drop = ({ temporaryPath }: SealedFile): void => spool.dropTemporary(temporaryPath);
    await recoverSpool(spool, {
      studies: () => index.studyKeys(),
      filesOf: (study) => index.instancesOf(study),
      conflictPaths: () => index.conflictPaths(),
      refile: async (sealed) => {
        drop(sealed);
        return false;
      },
      quarantineCorrupt: drop,
      markMissing(file) {
        index.markMissing(file, clock.now());
        const { sopInstanceUID, studyInstanceUID, path } = file;
        log.error('spool.missing', { sopInstanceUID, studyInstanceUID, path });
      },
      forgetVersion: (path) => index.forgetVersion(path),
    });
    return new Collection(options, spool, index);
  }

  stop(): void {
    this.#spool.stop();
    this.#index.db.close();
  }

  newWriter(head: Buffer): InstanceWriter {
    return this.#spool.newWriter(head);
  }

  /**
   * Files a de-identified object; the same again changes nothing.
   *
   * @throws SpoolError; CollectionError when another study still has one with its UID: nothing stays of this one then
   */
  async take(sealed: SealedFile, transferSyntaxUID: string): Promise<void> {
    const { reading, clock } = this.#options;
    const reader = reading.openReader(transferSyntaxUID);
    try {
      for await (const chunk of readDataSet(sealed.temporaryPath, sealed))
        await reader.write(chunk as Buffer);
      const attributes = await reader.end();
      const object = { sealed, attributes, transferSyntaxUID };
      const parts = { spool: this.#spool, index: this.#index };
      const outcome = acceptObject(parts, object, { now: clock.now() });
      if (outcome.kind === 'conflict') this.#refuseOther(object);
    } catch (error) {
      this.#spool.dropTemporary(sealed.temporaryPath);
      throw error;
    } finally {
      reader.abort();
    }
  }

  #refuseOther({ sealed, attributes }: Pick<AcceptedObject, 'sealed' | 'attributes'>): never {
    const { temporaryPath: _, ...seal } = sealed;
    const { sopInstanceUID, studyInstanceUID } = attributes;
    const path = objectPath({ ...seal, sopInstanceUID, studyInstanceUID });
    this.#index.forgetVersion(path);
    this.#spool.remove(path);
    throw new CollectionError('another study of the collection still has an object with its UID');
  }

  /** Of this study: an object of another one may have its UID. */
  has({ newSOPInstanceUID, newStudyUID }: NewUIDs): boolean {
    const there = this.#index.findInstance(newSOPInstanceUID, TEACHING_HOME);
    return there?.studyInstanceUID === newStudyUID;
  }

  /** As the hub is told it; null: it is not here. */
  study(newStudyUID: string): TeachingEvent['study'] {
    const state = this.#index.studyState(newStudyUID, TEACHING_HOME);
    if (state === undefined || state.instances === 0) return null;
    const { studyInstanceUID, patient, studyDate, description, instances, bytes, series } = state;
    const { patientId } = patient;
    return { studyInstanceUID, patientId, studyDate, description, instances, bytes, series };
  }

  remove(newStudyUID: string): void {
    const study = { studyInstanceUID: newStudyUID, home: TEACHING_HOME };
    removeStudy({ spool: this.#spool, index: this.#index }, study);
  }
}
