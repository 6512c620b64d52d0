/**
 * What the trust's own index knows: studies of its own, and copies.
 *
 *   keys ─► conditions that an index helps with ─► rows, newest first ─► FoundStudy ─► find.ts matches the rest
 *
 * Studies stay under the number that they came with; by the merges in force they are found by each number of the
 * patient, and shown under the one that was asked for, else the one that counts now.
 */

import { rangeOf } from '../../../shared/dicom/match-value.ts';
import { foldName } from '../../../shared/dicom/person-name.ts';
import { heldCounts, type Nearline } from '../../../shared/held-counts.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import { MergedNumbers } from '../../index/records/merged-numbers.ts';
import { nearlineOf } from '../../index/rows.ts';
import type { FoundSeries, FoundStudy, Values } from './found-study.ts';
import { keyOf, QUERY_KEYS } from './keys.ts';

/** Rows of one look at the database: other requests have their turn between two. */
const PAGE = 500;
/** Beyond it a query is too broad: it would hold up everything else. */
const MAX_ROWS = 100_000;

interface StudyLine {
  readonly study_key: number;
  readonly study_uid: string;
  readonly home: string;
  readonly patient_id: string;
  readonly issuer: string;
  readonly patient_name: string | null;
  readonly birth_date: string | null;
  readonly sex: string | null;
  readonly study_date: string | null;
  readonly study_time: string | null;
  readonly study_id: string | null;
  readonly accession_number: string | null;
  readonly description: string | null;
  readonly referring_physician: string | null;
  readonly institution: string | null;
  readonly modalities: string | null;
  readonly series: number;
  readonly instances: number;
  readonly pacs_seen_at: number | null;
  readonly pacs_series: number | null;
  readonly pacs_instances: number | null;
  readonly pacs_modalities: string | null;
}

interface SeriesLine {
  readonly series_key: number;
  readonly series_uid: string;
  readonly modality: string | null;
  readonly series_number: number | null;
  readonly description: string | null;
  readonly body_part: string | null;
  readonly instances: number;
}

/** A patient who was asked for by number, and all numbers that are the same person's. */
interface AskedPatient {
  readonly patientId: string;
  readonly same: readonly { readonly patientId: string; readonly issuer: string }[];
}

export class LocalStudies {
  readonly #db: Sqlite;
  readonly #trust: string;
  readonly #numbers: MergedNumbers;

  constructor(db: Sqlite, trust: string) {
    this.#db = db;
    this.#trust = trust;
    this.#numbers = new MergedNumbers(db);
  }

  /**
   * Candidates, newest first: all that match are among them.
   *
   * @param keys values by tag, as asked
   * @returns pages of studies; ends early, with `isCut`, when there are too many
   */
  *candidates(keys: Values): Generator<readonly FoundStudy[], { isCut: boolean }> {
    const asked = this.#askedPatient(keys);
    const { sql, values } = conditionsOf(keys, asked);
    // What belongs to a page is found first: the rest of a line costs more than the search for it.
    const statement = this.#db.prepare<unknown[], StudyLine>(`${SELECT_STUDIES}
      (SELECT * FROM studies s WHERE ${sql} ${NEWEST_FIRST} LIMIT ${PAGE} OFFSET ?) s
      ${NEWEST_FIRST}`);
    for (let offset = 0; offset < MAX_ROWS; offset += PAGE) {
      const lines = statement.all(...values, offset);
      yield lines.map((line) => this.#found(line, asked));
      if (lines.length < PAGE) return { isCut: false };
    }
    return { isCut: true };
  }

  /** True: of some studies only the PACS has all objects. */
  hasNearline(): boolean {
    const sql = 'SELECT 1 FROM studies WHERE pacs_seen_at IS NOT NULL LIMIT 1';
    return this.#db.prepare(sql).get() !== undefined;
  }

  #askedPatient(keys: Values): AskedPatient | undefined {
    const patientId = keys.get(PATIENT_ID)?.trim() ?? '';
    if (patientId === '' || /[*?\\]/.test(patientId)) return undefined;
    return { patientId, same: this.#numbers.sameAs(patientId) };
  }

  /** The number that the study is shown under. */
  #numberOf(line: StudyLine, asked: AskedPatient | undefined): { id: string; issuer: string } {
    const filed = { patientId: line.patient_id, issuer: line.issuer };
    const isFiled = (key: { patientId: string; issuer: string }): boolean =>
      key.patientId === filed.patientId && key.issuer === filed.issuer;
    const shown = asked?.same.some(isFiled)
      ? asked.same.find(({ patientId }) => patientId === asked.patientId)
      : this.#numbers.inForce(filed);
    const { patientId: id, issuer } =
      asked?.patientId === filed.patientId ? filed : (shown ?? filed);
    return { id, issuer };
  }

  #found(line: StudyLine, asked: AskedPatient | undefined): FoundStudy {
    const number = this.#numberOf(line, asked);
    const nearline = nearlineOf(line);
    const held = heldCounts(line, nearline);
    const isOnline = line.instances > 0 && line.instances >= held.instances;
    const count = (number: number): string => (number === 0 && !isOnline ? '' : String(number));
    return {
      studyInstanceUID: line.study_uid,
      home: line.home,
      availability: isOnline ? 'ONLINE' : 'NEARLINE',
      values: valuesOf({
        PatientID: number.id,
        IssuerOfPatientID: number.issuer,
        PatientName: line.patient_name,
        PatientBirthDate: line.birth_date,
        PatientSex: line.sex,
        StudyInstanceUID: line.study_uid,
        StudyDate: line.study_date,
        StudyTime: line.study_time,
        StudyID: line.study_id,
        AccessionNumber: line.accession_number,
        ModalitiesInStudy: modalitiesOf(line, nearline),
        StudyDescription: line.description,
        ReferringPhysicianName: line.referring_physician,
        // Whose study it is, for who has only C-FIND to see it by.
        InstitutionName: line.home === this.#trust ? (line.institution ?? line.home) : line.home,
        NumberOfStudyRelatedSeries: count(held.series),
        NumberOfStudyRelatedInstances: count(held.instances),
      }),
      series: () => this.#seriesOf(line.study_key).map(foundSeries),
      instances: (uid) => {
        const series = this.#seriesOf(line.study_key).find((one) => one.series_uid === uid);
        return series === undefined ? [] : this.#instancesOf(series.series_key);
      },
    };
  }

  #seriesOf(studyKey: number): SeriesLine[] {
    return this.#db
      .prepare<[number], SeriesLine>(
        `SELECT series_key, series_uid, modality, series_number, description, body_part, instances
         FROM series WHERE study_key = ? AND instances > 0
         ORDER BY series_number IS NULL, series_number, series_uid`,
      )
      .all(studyKey);
  }

  #instancesOf(seriesKey: number): Values[] {
    return this.#db
      .prepare<[number], { uid: string; sopClass: string; syntax: string; number: number | null }>(
        `SELECT sop_uid AS uid, sop_class_uid AS sopClass, transfer_syntax_uid AS syntax,
           instance_number AS number
         FROM instances WHERE series_key = ? AND missing_since IS NULL
         ORDER BY instance_number IS NULL, instance_number, sop_uid`,
      )
      .all(seriesKey)
      .map(({ uid, sopClass, syntax, number }) =>
        valuesOf({
          SOPInstanceUID: uid,
          SOPClassUID: sopClass,
          InstanceNumber: number === null ? null : String(number),
          AvailableTransferSyntaxUID: syntax,
        }),
      );
  }
}

const SELECT_STUDIES = `SELECT s.*, (SELECT group_concat(modality, '\\') FROM
  (SELECT DISTINCT modality FROM series r WHERE r.study_key = s.study_key AND modality IS NOT NULL)
) AS modalities FROM`;

const NEWEST_FIRST = 'ORDER BY s.study_date DESC, s.study_key DESC';

/** Of the objects, and as the PACS says. */
function modalitiesOf({ modalities }: StudyLine, nearline: Nearline | null): string {
  const ofObjects = modalities?.split('\\') ?? [];
  return [...new Set([...ofObjects, ...(nearline?.modalities ?? [])])].join('\\');
}

/** Null `instances`: not known. */
export function foundSeries(
  line: Omit<SeriesLine, 'series_key' | 'instances'> & { instances: number | null },
): FoundSeries {
  return {
    seriesInstanceUID: line.series_uid,
    values: valuesOf({
      SeriesInstanceUID: line.series_uid,
      Modality: line.modality,
      SeriesNumber: line.series_number === null ? null : String(line.series_number),
      SeriesDescription: line.description,
      BodyPartExamined: line.body_part,
      NumberOfSeriesRelatedInstances: line.instances === null ? null : String(line.instances),
    }),
  };
}

/** By keyword of keys.ts; null: nothing is known. */
export function valuesOf(given: Readonly<Record<string, string | null>>): Values {
  return new Map(
    Object.entries(given).map(([keyword, value]) => {
      const tag = TAG_OF[keyword];
      if (tag === undefined) throw new Error(`${keyword} is no key`);
      return [tag, value ?? ''];
    }),
  );
}

const PATIENT_ID = 0x0010_0020;

const TAG_OF: Readonly<Record<string, number>> = Object.fromEntries(
  QUERY_KEYS.map(({ keyword, tag }) => [keyword, tag]),
);

/** Conditions in SQL: never narrower than the matching that follows. */
function conditionsOf(
  keys: Values,
  asked: AskedPatient | undefined,
): { sql: string; values: unknown[] } {
  const conditions = ['(s.instances > 0 OR s.pacs_seen_at IS NOT NULL)'];
  const values: unknown[] = [];
  const add = (sql: string, ...more: unknown[]): void => {
    conditions.push(sql);
    values.push(...more);
  };
  if (asked !== undefined) {
    const numbers = [asked.patientId, ...asked.same.map(({ patientId }) => patientId)];
    add('s.patient_id IN (SELECT value FROM json_each(?))', JSON.stringify(numbers));
  }
  for (const [tag, key] of keys) {
    const text = key.trim();
    const keyword = keyOf(tag)?.keyword;
    if (text === '' || keyword === undefined) continue;
    if (keyword === 'StudyInstanceUID')
      add('s.study_uid IN (SELECT value FROM json_each(?))', JSON.stringify(text.split('\\')));
    else if (keyword === 'StudyDate') addDates(text, add);
    else if (keyword === 'PatientName') addName(text, add);
    else if (!/[*?\\]/.test(text)) addExact(keyword, text, add);
  }
  return { sql: conditions.join(' AND '), values };
}

type Add = (sql: string, ...values: unknown[]) => void;

function addExact(keyword: string, text: string, add: Add): void {
  if (keyword === 'AccessionNumber') add('s.accession_number = ?', text);
  // Dates of the older form have points in them.
  else if (keyword === 'PatientBirthDate' && /^\d{8}$/.test(text))
    add("replace(s.birth_date, '.', '') = ?", text);
  else if (keyword === 'ModalitiesInStudy')
    add(
      `(EXISTS (SELECT 1 FROM series r WHERE r.study_key = s.study_key AND r.modality = ?)
        OR instr('\\' || s.pacs_modalities || '\\', '\\' || ? || '\\') > 0)`,
      ...[text, text],
    );
}

function addDates(text: string, add: Add): void {
  const range = rangeOf(text, 'DA');
  if (range === undefined) return;
  if (range.from !== '') add('s.study_date >= ?', range.from);
  // Dates of the older form have points in them, and sort before the others.
  if (range.to !== '') add('s.study_date <= ?', `${range.to}\uffff`);
}

/** What stands before the first wildcard. */
function addName(text: string, add: Add): void {
  const literal = foldName((/^[^*?=]*/.exec(text)?.[0] ?? '').replace(/[\^ ]+$/, ''));
  // Other scripts stand in other component groups.
  if (/^[\x20-\x7e]+$/.test(literal))
    add('s.name_key >= ? AND s.name_key < ?', literal, `${literal}\uffff`);
}
