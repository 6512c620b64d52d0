/**
 * The edge's record of what its trust holds: changed in one transaction an object.
 *
 *   acceptObject ─► recordInstance ─┬─ patient, study, series, instance, set hashes, counts
 *                                   └─ onStudyChange: the outbox's mark, in the same transaction
 *
 * The first object with a SOP Instance UID is current and stays it; another one with other content
 * is kept beside it. Questions are answered by queries.ts.
 */
import { foldName } from '../../shared/dicom/person-name.ts';
import { instanceHash, toggleMember } from '../../shared/set-hash.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import type { Fault } from '../spool/quarantine.ts';
import type { InstanceAttributes } from './attributes.ts';
import { type NearlineOutcome, NearlineRows, type PacsStudy } from './nearline.ts';
import { IndexQueries } from './queries.ts';
import { Rejections } from './rejections.ts';
import { type InstanceRow, type StudyRow, storedInstance } from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';
import type { RecordOutcome } from './types.ts';

/** A durable object and what it is. */
export interface ObjectRecord {
  readonly attributes: InstanceAttributes;
  readonly home: string;
  readonly transferSyntaxUID: string;
  /** Relative to the spool's root. */
  readonly path: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly contentDigest: string;
  readonly homeDigest: string;
  readonly callingAETitle: string;
  readonly receivedAt: number;
}

/** The file of an object that is being recorded. */
export interface ObjectFile {
  /** Asked first, within the transaction: with a fault nothing is recorded. */
  findFault?(): Fault | undefined;
  /** True when a file lies where this object's file belongs. */
  isThere(): boolean;
  place(): void;
}

const IN_PLACE: ObjectFile = { isThere: () => true, place: () => {} };

/** An object that came before with this one's UID. */
interface Seen {
  readonly current: InstanceRow;
  readonly file: ObjectFile;
  readonly now: number;
}

export interface StudyKey {
  readonly studyInstanceUID: string;
  readonly home: string;
}

/** `objects`: its set of objects; `nearline`: what the PACS says of it, or less of it in the spool. */
export type StudyChange = 'objects' | 'nearline';

/** Runs inside the transaction that records the object. */
export type ObjectListener = (record: ObjectRecord, now: number) => void;

/** Runs inside the transaction that changed the study. */
export type StudyChangeListener = (study: StudyKey, now: number, change?: StudyChange) => void;

export interface EdgeIndexOptions {
  readonly db: Sqlite;
  /** The edge's own ODS code. */
  readonly trust: string;
  /** The issuer of a PatientID whose object names none: `patientIds.namespace`. */
  readonly namespace: string;
  /** Called once for each further patient that a study's objects name. */
  readonly onPatientConflict?: (study: StudyKey) => void;
  /** Called for each object that becomes current: what is done then is part of the transaction. */
  readonly onStored?: ObjectListener | undefined;
}

export class EdgeIndex extends IndexQueries {
  readonly #namespace: string;
  readonly #statements: Statements;
  readonly #onPatientConflict: ((study: StudyKey) => void) | undefined;
  readonly #onStored: ObjectListener | undefined;
  readonly #record: (record: ObjectRecord, now: number, file: ObjectFile) => RecordOutcome;
  readonly #markMissing: (row: InstanceRow, now: number) => void;
  readonly #nearline: NearlineRows;
  readonly #rejections: Rejections;
  #onStudyChange: StudyChangeListener = () => {};
  #onStudyDelete: (row: StudyRow) => void = () => {};

  constructor({ db, trust, namespace, onPatientConflict, onStored }: EdgeIndexOptions) {
    super(db, trust);
    this.#namespace = namespace;
    this.#onPatientConflict = onPatientConflict;
    this.#onStored = onStored;
    this.#statements = prepareStatements(db);
    this.#nearline = new NearlineRows(db, { trust, namespace });
    this.#rejections = new Rejections(db, this.#statements);
    this.#foldNames();
    const record = db.transaction((object: ObjectRecord, now: number, file: ObjectFile) =>
      this.#recordInTransaction(object, now, file),
    );
    this.#record = (object, now, file) => record.immediate(object, now, file);
    const markMissing = db.transaction((row: InstanceRow, now: number) =>
      this.#countMissing(row, now),
    );
    this.#markMissing = (row, now) => markMissing.immediate(row, now);
  }

  /** The outbox registers here; what it does is part of the transaction. */
  onStudyChange(listener: StudyChangeListener): void {
    this.#onStudyChange = listener;
  }

  /** The outbox registers here; called before the rows go, in the same transaction. */
  onStudyDelete(listener: (row: StudyRow) => void): void {
    this.#onStudyDelete = listener;
  }

  /**
   * Records a durable object; all of it or nothing.
   *
   * @param now milliseconds since the epoch
   * @param file moves the object's file to its place once it is known that it is wanted, within the
   *   transaction; absent: it is there
   */
  recordInstance(record: ObjectRecord, now: number, file: ObjectFile = IN_PLACE): RecordOutcome {
    return this.#record(record, now, file);
  }

  /** The file of an object is gone: it counts nowhere any longer, and is shown as missing. */
  markMissing(object: { sopInstanceUID: string; home: string }, now: number): void {
    const row = this.#statements.findInstance.get(object.sopInstanceUID, object.home);
    if (row !== undefined && row.missingSince === null) this.#markMissing(row, now);
  }

  /**
   * What a PACS of this trust says of a study. To be called within a transaction.
   *
   * @returns `import`: it is the PACS's copy of another trust's study, and nothing is recorded
   */
  recordNearline(study: PacsStudy, now: number): NearlineOutcome {
    const outcome = this.#nearline.record(study, now);
    if (outcome === 'new' || outcome === 'changed')
      this.#onStudyChange(this.#own(study.attributes), now, 'nearline');
    return outcome;
  }

  /** No PACS holds it any longer: what is in the spool stays. To be called within a transaction. */
  forgetNearline(studyInstanceUID: string, now: number): void {
    const row = this.#statements.findStudy.get(studyInstanceUID, this.trust);
    if (row === undefined || row.pacs_seen_at === null) return;
    this.#nearline.forget(row);
    if (row.instances > 0) this.#onStudyChange(this.#own({ studyInstanceUID }), now, 'nearline');
    else this.#deleteRows(row);
  }

  /**
   * Takes objects of an own study out of the index that its PACS holds, durably: those that came from these
   * callers. As with {@link deleteStudy} the files go afterwards.
   *
   * @returns the paths of their files
   */
  releaseToPacs(
    studyInstanceUID: string,
    { callers, now }: { callers: readonly string[]; now: number },
  ): string[] {
    return commitDurably(this.db, () => {
      const row = this.#statements.findStudy.get(studyInstanceUID, this.trust);
      if (row === undefined || row.pacs_seen_at === null) return [];
      const paths = this.#nearline.release(row, callers);
      for (const path of paths) this.#statements.insertDeletion.run(path);
      if (paths.length > 0) this.#onStudyChange(this.#own({ studyInstanceUID }), now, 'nearline');
      return paths;
    });
  }

  #own({ studyInstanceUID }: { studyInstanceUID: string }): StudyKey {
    return { studyInstanceUID, home: this.trust };
  }

  /**
   * Forgets a study, durably. For removeStudy, which then removes the files and calls
   * {@link deletionDone}.
   *
   * @returns the paths of its files, those of differing versions included; none for an unknown study
   */
  deleteStudy(study: StudyKey): string[] {
    return commitDurably(this.db, () => {
      const row = this.#statements.findStudy.get(study.studyInstanceUID, study.home);
      if (row === undefined) return [];
      const paths = this.#pathsOf(row.study_key);
      for (const path of paths) this.#statements.insertDeletion.run(path);
      this.#deleteRows(row);
      this.#rejections.forgetFiles(study.studyInstanceUID, study.home);
      return paths;
    });
  }

  #deleteRows(row: StudyRow): void {
    this.#onStudyDelete(row);
    this.#statements.deleteStudy.run(row.study_key);
    const { home, patient_id: patientId, issuer } = row;
    this.#statements.deletePatientIfUnused.run({ home, patientId, issuer });
  }

  /** The files of deleted studies are gone. */
  deletionDone(paths: readonly string[]): void {
    this.db.transaction(() => {
      for (const path of paths) this.#statements.deletionDone.run(path);
    })();
  }

  /** The file of a differing version is gone: it is no longer shown. */
  forgetVersion(path: string): void {
    this.db.transaction(() => {
      const version = this.#statements.forgetVersion.get(path);
      if (version !== undefined) this.#statements.addConflicts.run(-1, version.studyKey);
    })();
  }

  #pathsOf(studyKey: number): string[] {
    return this.db
      .prepare<[number, number, number], string>(
        `SELECT path FROM instances WHERE series_key IN (SELECT series_key FROM series WHERE study_key = ?)
         UNION SELECT path FROM instance_conflicts WHERE study_key = ?
         UNION SELECT path FROM rejected_files
           JOIN studies USING (study_uid, home) WHERE study_key = ?`,
      )
      .pluck()
      .all(studyKey, studyKey, studyKey);
  }

  #recordInTransaction(record: ObjectRecord, now: number, file: ObjectFile): RecordOutcome {
    const { sopInstanceUID, studyInstanceUID } = record.attributes;
    const { home, path } = record;
    const fault = file.findFault?.();
    if (fault !== undefined) return { kind: 'fault', fault };
    const current = this.#statements.findInstance.get(sopInstanceUID, record.home);
    const { modality } = record.attributes;
    this.#statements.upsertCaller.run(record.callingAETitle, now, modality);
    if (this.#rejections.isRejected({ sopInstanceUID, studyInstanceUID, home })) {
      file.place();
      this.#rejections.keep({ path, studyInstanceUID, home });
      return { kind: 'stored' };
    }
    if (current === undefined || current.missingSince !== null) {
      file.place();
      return this.#store(record, current, now);
    }
    return current.contentDigest === record.contentDigest
      ? this.#recordAgain(record, { current, file, now })
      : this.#recordOther(record, { current, file, now });
  }

  /** The bytes of the current object again. Should somebody have removed its file, this one takes its place. */
  #recordAgain(record: ObjectRecord, { current, file, now }: Seen): RecordOutcome {
    if (file.isThere()) {
      if (current.homeDigest !== record.homeDigest) this.#learnHomeDigest(current, record, now);
      return { kind: 'duplicate', of: storedInstance(current) };
    }
    this.#countMissing(current, now);
    file.place();
    return this.#store(record, current, now);
  }

  /** A copy that came back from the PACS after it had expired: what it is at its home is told by the next fetch. */
  #learnHomeDigest(current: InstanceRow, { homeDigest }: ObjectRecord, now: number): void {
    if (current.homeDigest !== current.contentDigest) return;
    const { sopInstanceUID, seriesKey, studyKey, studyInstanceUID, home } = current;
    const swapped = (hash: string): string =>
      toggleMember(
        toggleMember(hash, instanceHash(sopInstanceUID, current.homeDigest)),
        instanceHash(sopInstanceUID, homeDigest),
      );
    const study = this.#statements.studyByKey.get(studyKey);
    const series = this.#statements.seriesByKey.get(seriesKey);
    if (study === undefined || series === undefined) return;
    this.#statements.setHomeDigest.run(homeDigest, current.instanceKey);
    this.#statements.growSeries.run(0, 0, swapped(series.set_hash), seriesKey);
    this.#statements.growStudy.run(0, 0, 0, swapped(study.set_hash), now, studyKey);
    this.#onStudyChange({ studyInstanceUID, home }, now);
  }

  /** Other bytes under a known UID: kept beside, once. */
  #recordOther(record: ObjectRecord, { current, file, now }: Seen): RecordOutcome {
    const { home, contentDigest } = record;
    const known = this.#statements.findConflict.get(current.sopInstanceUID, home, contentDigest);
    if (known !== undefined && file.isThere())
      return { kind: 'duplicate', of: storedInstance(current) };
    file.place();
    const { studyKey } = current;
    this.#statements.putConflict.run({ ...facts(record), studyKey });
    if (known === undefined) this.#statements.addConflicts.run(1, studyKey);
    this.#onStudyChange({ studyInstanceUID: current.studyInstanceUID, home }, now);
    return { kind: 'conflict', with: storedInstance(current) };
  }

  #store(record: ObjectRecord, gone: InstanceRow | undefined, now: number): RecordOutcome {
    const { attributes, home } = record;
    if (gone !== undefined) this.#statements.deleteInstance.run(gone.instanceKey);
    const hash = instanceHash(attributes.sopInstanceUID, record.homeDigest);
    const study = this.#statements.findStudy.get(attributes.studyInstanceUID, home);
    const seriesKey =
      study === undefined
        ? this.#insertStudy(record, hash, now)
        : this.#growStudy(study, { record, hash, now });
    this.#statements.insertInstance.run({ ...facts(record), seriesKey });
    const { studyInstanceUID, confidentiality } = attributes;
    if (confidentiality !== undefined)
      this.#statements.restrictStudy.run(confidentiality, studyInstanceUID, home);
    if (attributes.rejects !== undefined) {
      const { sopInstanceUID: noteUID } = attributes;
      this.#rejections.apply(attributes.rejects, { studyInstanceUID, home, noteUID }, now);
    }
    this.#onStored?.(record, now);
    this.#onStudyChange({ studyInstanceUID, home }, now);
    return { kind: 'stored' };
  }

  #insertStudy(record: ObjectRecord, hash: string, now: number): number {
    const { attributes, home, dataSetBytes: bytes } = record;
    const values = { ...this.#withIssuer(attributes), home, bytes, setHash: hash, now };
    const studyKey = Number(
      this.#statements.insertStudy.run({ ...values, nameKey: nameKeyOf(attributes) })
        .lastInsertRowid,
    );
    this.#statements.upsertPatient.run(values);
    if (home !== this.trust) this.#statements.insertImport.run(attributes.studyInstanceUID, home);
    return Number(this.#statements.insertSeries.run({ ...values, studyKey }).lastInsertRowid);
  }

  #growStudy(
    study: StudyRow,
    { record, hash, now }: { record: ObjectRecord; hash: string; now: number },
  ): number {
    const { attributes, dataSetBytes: bytes } = record;
    const { study_key: studyKey } = study;
    const values = { ...this.#withIssuer(attributes), home: record.home, studyKey, now };
    if (values.patientId !== study.patient_id || values.issuer !== study.issuer) {
      this.#recordPatientConflict(record, values);
    } else if (completes(study, attributes)) {
      this.#statements.completeStudy.run({ ...values, nameKey: nameKeyOf(attributes) });
      this.#statements.upsertPatient.run(values);
    }
    const series = this.#statements.findSeries.get(studyKey, attributes.seriesInstanceUID);
    const isNew = series === undefined ? 1 : 0;
    this.#statements.growStudy.run(
      isNew,
      1,
      bytes,
      toggleMember(study.set_hash, hash),
      now,
      studyKey,
    );
    if (series === undefined) {
      const inserted = this.#statements.insertSeries.run({ ...values, bytes, setHash: hash });
      return Number(inserted.lastInsertRowid);
    }
    const seriesHash = toggleMember(series.set_hash, hash);
    this.#statements.growSeries.run(1, bytes, seriesHash, series.series_key);
    return series.series_key;
  }

  #recordPatientConflict(record: ObjectRecord, values: object): void {
    const { callingAETitle, attributes, home } = record;
    const row = this.#statements.upsertPatientConflict.get({ ...values, callingAETitle });
    if ((row as { instances: number }).instances === 1) {
      this.#onPatientConflict?.({ studyInstanceUID: attributes.studyInstanceUID, home });
    }
  }

  #countMissing(row: InstanceRow, now: number): void {
    const hash = instanceHash(row.sopInstanceUID, row.homeDigest);
    const study = this.#statements.studyByKey.get(row.studyKey);
    const series = this.#statements.seriesByKey.get(row.seriesKey);
    if (study === undefined || series === undefined) return;
    const seriesHash = toggleMember(series.set_hash, hash);
    this.#statements.growSeries.run(-1, -row.dataSetBytes, seriesHash, row.seriesKey);
    const studyHash = toggleMember(study.set_hash, hash);
    this.#statements.growStudy.run(0, -1, -row.dataSetBytes, studyHash, now, row.studyKey);
    this.#statements.setMissing.run(now, row.instanceKey);
    this.#onStudyChange({ studyInstanceUID: row.studyInstanceUID, home: row.home }, now);
  }

  #withIssuer(attributes: InstanceAttributes): InstanceAttributes & { issuer: string } {
    return { ...attributes, issuer: attributes.issuer ?? this.#namespace };
  }

  /** Of studies that an earlier version recorded. */
  #foldNames(): void {
    const rows = this.db
      .prepare<[], { key: number; name: string }>(
        `SELECT study_key AS key, patient_name AS name FROM studies
         WHERE name_key IS NULL AND patient_name IS NOT NULL`,
      )
      .all();
    const update = this.db.prepare<[string, number]>(
      'UPDATE studies SET name_key = ? WHERE study_key = ?',
    );
    if (rows.length === 0) return;
    this.db.transaction(() => {
      for (const { key, name } of rows) update.run(foldName(name), key);
    })();
  }
}

const nameKeyOf = ({ patientName }: InstanceAttributes): string | null =>
  patientName === null ? null : foldName(patientName);

/** The named parameters of an object's own row. */
function facts(record: ObjectRecord): object {
  const { attributes, ...rest } = record;
  const { sopInstanceUID, sopClassUID, instanceNumber, studyInstanceUID, seriesInstanceUID } =
    attributes;
  return {
    ...rest,
    sopInstanceUID,
    sopClassUID,
    instanceNumber,
    studyInstanceUID,
    seriesInstanceUID,
  };
}

/** True when the object says something that the study's row does not have yet. */
function completes(study: StudyRow, attributes: InstanceAttributes): boolean {
  return (
    (study.nhs_number === null && attributes.nhsNumber !== null) ||
    (study.patient_name === null && attributes.patientName !== null) ||
    (study.birth_date === null && attributes.birthDate !== null) ||
    (study.sex === null && attributes.sex !== null) ||
    (study.study_date === null && attributes.studyDate !== null) ||
    (study.study_time === null && attributes.studyTime !== null) ||
    (study.study_id === null && attributes.studyId !== null) ||
    (study.accession_number === null && attributes.accessionNumber !== null) ||
    (study.accession_issuer === null && attributes.accessionIssuer !== null) ||
    (study.description === null && attributes.studyDescription !== null) ||
    (study.referring_physician === null && attributes.referringPhysician !== null) ||
    (study.institution === null && attributes.institution !== null)
  );
}
