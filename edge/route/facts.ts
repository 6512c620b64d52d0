/**
 * What rules ask of an object: what the index keeps of it, and of attributes that it does not keep, the
 * object itself.
 *
 *   index ─► facts ◄─ read-attributes.ts, only where a rule names such an attribute
 */
import { Tag } from '../../shared/dicom/tag.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Spool } from '../spool/spool.ts';
import { readAttributes } from './read-attributes.ts';

/** An object as the index has it. */
export interface FactsRow {
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
  readonly path: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly callingAETitle: string;
  readonly receivedAt: number;
  readonly seriesInstanceUID: string;
  readonly modality: string | null;
  readonly seriesDescription: string | null;
  readonly bodyPart: string | null;
  readonly studyInstanceUID: string;
  readonly studyDescription: string | null;
  readonly studyDate: string | null;
  readonly institution: string | null;
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  readonly studyBytes: number;
  readonly studyObjects: number;
}

export interface ObjectFacts extends FactsRow {
  /** Of an attribute of the data set itself; '' when it is absent or empty. */
  text(tag: number): string;
}

const INDEXED: ReadonlyMap<number, (row: FactsRow) => string | null> = new Map([
  [Tag.SOPClassUID as number, (row: FactsRow) => row.sopClassUID],
  [Tag.Modality, (row) => row.modality],
  [Tag.SeriesDescription, (row) => row.seriesDescription],
  [Tag.BodyPartExamined, (row) => row.bodyPart],
  [Tag.StudyDescription, (row) => row.studyDescription],
  [Tag.StudyDate, (row) => row.studyDate],
  [Tag.InstitutionName, (row) => row.institution],
  [Tag.PatientID, (row) => row.patientId],
]);

export class FactsReader {
  readonly #spool: Pick<Spool, 'absolute'>;
  readonly #further: ReadonlySet<number>;
  readonly #ofStudy;

  /** @param tags that the rules name */
  constructor(db: Sqlite, spool: Pick<Spool, 'absolute'>, tags: Iterable<number>) {
    this.#spool = spool;
    this.#further = new Set([...tags].filter((tag) => !INDEXED.has(tag)));
    this.#ofStudy = db.prepare<[string, string], FactsRow>(
      `SELECT i.sop_uid AS sopInstanceUID, i.sop_class_uid AS sopClassUID,
         i.transfer_syntax_uid AS transferSyntaxUID, i.path AS path,
         i.data_set_offset AS dataSetOffset, i.data_set_bytes AS dataSetBytes,
         i.calling_ae_title AS callingAETitle, i.received_at AS receivedAt,
         s.series_uid AS seriesInstanceUID, s.modality AS modality,
         s.description AS seriesDescription, s.body_part AS bodyPart,
         t.study_uid AS studyInstanceUID, t.description AS studyDescription,
         t.study_date AS studyDate, t.institution AS institution,
         t.patient_id AS patientId, t.issuer AS issuer, t.nhs_number AS nhsNumber,
         t.bytes AS studyBytes, t.instances AS studyObjects
       FROM studies t JOIN series s USING (study_key) JOIN instances i USING (series_key)
       WHERE t.study_uid = ? AND t.home = ? AND i.missing_since IS NULL
       ORDER BY s.series_number, s.series_uid, i.instance_number, i.sop_uid`,
    );
  }

  /** Of each object of a study that is wanted, in the order in which it is read. */
  async ofStudy(
    { studyInstanceUID, home }: { studyInstanceUID: string; home: string },
    isWanted: (row: FactsRow) => boolean = () => true,
  ): Promise<ObjectFacts[]> {
    const facts: ObjectFacts[] = [];
    for (const row of this.#ofStudy.all(studyInstanceUID, home).filter(isWanted)) {
      const further = await this.#read(row);
      const text = (tag: number): string => INDEXED.get(tag)?.(row) ?? further.get(tag) ?? '';
      facts.push({ ...row, text });
    }
    return facts;
  }

  async #read(row: FactsRow): Promise<ReadonlyMap<number, string>> {
    if (this.#further.size === 0) return new Map();
    return readAttributes(this.#spool.absolute(row.path), row, this.#further);
  }
}
