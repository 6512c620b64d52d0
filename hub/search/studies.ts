/**
 * Studies of all trusts that a question matches, newest first.
 *
 *   StudyQuery ──► rows that match (own or copies) ──► one entry per (study, home) ──► a page of them
 *
 * An entry shows what the home says, else, when the home's row is missing, what a copy says. A copy
 * that is filed under another NHS number than its home's never brings the study to that patient.
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { nameMatcher } from './names.ts';
import type { Page, StudyQuery } from './query.ts';
import { type StudyRow, type StudyView, viewStudy } from './rows.ts';

/** Studies of one patient that are looked at together. */
const MAX_OF_PATIENTS = 1_000;

export interface StudyPage {
  readonly studies: readonly StudyView[];
  /** Of all pages. */
  readonly total: number;
}

/** SQL of a condition and its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly string[];
}

/** More matches than these are not looked through one by one. */
const MAX_CHOSEN = 20_000;

export interface SearchOptions {
  /** Patients whose own studies match too, whatever number these name. */
  readonly identities?: readonly PatientAtHome[];
  /** A condition on `k`, a match by study_uid and home. */
  readonly also?: Condition;
  /** Which of the matches are in the answer at all; pages and total are of these. */
  readonly choose?: (rows: readonly StudyRow[]) => readonly StudyRow[];
}

export class SearchError extends GatewayError {
  override readonly name = 'SearchError';
  readonly code = 'SEARCH_TOO_BROAD' as const;
  readonly retry: Retry = 'never';
}

/** @throws SearchError when there is more to choose from than can be looked at */
export function searchStudies(
  db: Sqlite,
  query: StudyQuery,
  page: Page,
  { identities = [], also, choose }: SearchOptions = {},
): StudyPage {
  return db.transaction((): StudyPage => {
    const { sql, values } = narrowed(withIdentities(matching(db, query), identities), also);
    if (choose !== undefined) return chosen(db, { sql, values }, { page, choose });
    const counted = statement<{ n: number }>(db, `SELECT COUNT(*) AS n FROM (${sql})`);
    const total = counted.get(...values)?.n ?? 0;
    if (total <= page.offset) return { studies: [], total };
    const rows = statement<StudyRow>(db, pageOf(sql)).all(...values, page.limit, page.offset);
    return { studies: rows.map((row) => viewStudy(row, heldRows(db, row))), total };
  })();
}

function narrowed({ sql, values }: Condition, also: Condition | undefined): Condition {
  if (also === undefined) return { sql, values };
  return {
    sql: `SELECT k.study_uid, k.home FROM (${sql}) k WHERE ${also.sql}`,
    values: [...values, ...also.values],
  };
}

function chosen(
  db: Sqlite,
  { sql, values }: Condition,
  { page, choose }: { page: Page } & Required<Pick<SearchOptions, 'choose'>>,
): StudyPage {
  const rows = statement<StudyRow>(db, pageOf(sql)).all(...values, MAX_CHOSEN + 1, 0);
  if (rows.length > MAX_CHOSEN)
    throw new SearchError(`more than ${MAX_CHOSEN} studies match: name the patient more exactly`);
  const all = choose(rows);
  const shown = all.slice(page.offset, page.offset + page.limit);
  return { studies: shown.map((row) => viewStudy(row, heldRows(db, row))), total: all.length };
}

/** All rows of the same study of the same home: the home's own and its copies. */
export function heldRows(db: Sqlite, of: Pick<StudyRow, 'study_uid' | 'home'>): StudyRow[] {
  const sql = 'SELECT * FROM studies WHERE study_uid = ? AND home = ? ORDER BY trust';
  return statement<StudyRow>(db, sql).all(of.study_uid, of.home);
}

/** The keys (study_uid, home) that match, each once. */
export function matching(db: Sqlite, query: StudyQuery): Condition {
  const conditions = conditionsOf(query);
  const values = conditions.flatMap((condition) => condition.values);
  const where = conditions.map((condition) => condition.sql).join(' AND ') || 'TRUE';
  if (query.patientName === undefined) return { sql: matchedKeys(where), values };
  const names = statement<{ name: string }>(
    db,
    `SELECT DISTINCT m.patient_name AS name FROM studies m
     WHERE ${where} AND m.patient_name IS NOT NULL`,
  ).all(...values);
  const matches = nameMatcher(query.patientName);
  const named = names.map((row) => row.name).filter(matches);
  return {
    sql: matchedKeys(`${where} AND m.patient_name IN (SELECT value FROM json_each(?))`),
    values: [...values, JSON.stringify(named)],
  };
}

/** Own studies of these patients, newest first; whoever holds copies of them. */
export function studiesOfPatients(db: Sqlite, patients: readonly PatientAtHome[]): StudyView[] {
  const own = ownStudiesOf(patients);
  const rows = statement<StudyRow>(db, pageOf(own.sql)).all(...own.values, MAX_OF_PATIENTS, 0);
  return rows.map((row) => viewStudy(row, heldRows(db, row)));
}

/** A patient as one trust names them. */
export interface PatientAtHome {
  readonly trust: string;
  readonly patientId: string;
  readonly issuer: string;
}

function withIdentities(
  { sql, values }: Condition,
  identities: readonly PatientAtHome[],
): Condition {
  if (identities.length === 0) return { sql, values };
  const own = ownStudiesOf(identities);
  return { sql: `${sql} UNION ${own.sql}`, values: [...values, ...own.values] };
}

function ownStudiesOf(patients: readonly PatientAtHome[]): Condition {
  const keys = patients.map(({ trust, patientId, issuer }) => [trust, patientId, issuer]);
  const sql = `SELECT DISTINCT m.study_uid, m.home FROM json_each(?) k
    JOIN studies m ON m.patient_id = k.value ->> 1 AND m.patient_issuer = k.value ->> 2
      AND m.trust = k.value ->> 0 AND m.home = m.trust`;
  return { sql, values: [JSON.stringify(keys)] };
}

const matchedKeys = (where: string): string =>
  `SELECT DISTINCT m.study_uid, m.home FROM studies m WHERE ${where} AND ${notWithdrawn('m')}`;

/** Of what the home does not hold any more no copy is shown. */
export const notWithdrawn = (row: string): string =>
  `NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.study_uid = ${row}.study_uid AND w.home = ${row}.home)`;

const SAME_PERSON_AS_HOME = `(m.trust = m.home OR m.nhs_number IS NULL OR NOT EXISTS (
  SELECT 1 FROM studies h WHERE h.trust = m.home AND h.study_uid = m.study_uid AND h.home = m.home
    AND h.nhs_number <> m.nhs_number))`;

function conditionsOf(query: StudyQuery): Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, ...values: string[]): void => {
    conditions.push({ sql, values });
  };
  // One, or several with backslashes between.
  if (query.studyInstanceUID !== undefined)
    add(
      'm.study_uid IN (SELECT value FROM json_each(?))',
      JSON.stringify(query.studyInstanceUID.split('\\')),
    );
  if (query.nhsNumber !== undefined) addNhsNumber(query.nhsNumber, add);
  if (query.patientId !== undefined) addPatient(query, add);
  if (query.birthDate !== undefined) add('m.birth_date = ?', query.birthDate);
  if (query.accessionNumber !== undefined) addAccession(query, add);
  if (query.modality !== undefined) addModalities(query.modality, add);
  // `undated` sorts behind every date, so `to` shuts it out and `from` needs the year's first digit.
  if (query.from !== undefined) add(`m.day >= ? AND m.day < 'a'`, query.from);
  if (query.to !== undefined) add('m.day <= ?', query.to);
  const ofPatient = query.nhsNumber ?? query.patientId ?? query.patientName;
  if (ofPatient !== undefined) add(SAME_PERSON_AS_HOME);
  return conditions;
}

type Add = (sql: string, ...values: string[]) => void;

/** Most devices write the local number alone: whose it is then, and what was merged into it, the trust's PAS has told. */
function addNhsNumber(nhsNumber: string, add: Add): void {
  add(
    `(m.nhs_number = ? OR (m.nhs_number IS NULL AND (m.trust, m.patient_id, m.patient_issuer) IN (
      WITH RECURSIVE same (trust, id, issuer) AS (
        SELECT trust, patient_id, issuer FROM patients WHERE nhs_number = ? AND deleted = 0
        UNION
        SELECT p.trust, p.patient_id, p.issuer FROM same
        JOIN patients p INDEXED BY patients_merged
          ON p.trust = same.trust AND p.merged_into_id = same.id
          AND p.merged_into_issuer = same.issuer)
      SELECT trust, id, issuer FROM same LIMIT 200)))`,
    ...[nhsNumber, nhsNumber],
  );
}

/** The number, and those that its trust merged it with: one person's. ID-13 of the domain notes. */
function addPatient({ patientId = '', issuer }: StudyQuery, add: Add): void {
  if (issuer === undefined) {
    add('m.patient_id = ?', patientId);
    return;
  }
  add(
    `((m.patient_id = ? AND m.patient_issuer = ?) OR (m.trust, m.patient_id, m.patient_issuer) IN (
      WITH RECURSIVE same (trust, id, issuer) AS (
        SELECT trust, patient_id, issuer FROM patients WHERE patient_id = ? AND issuer = ?
        UNION
        SELECT p.trust, p.merged_into_id, p.merged_into_issuer FROM same
        JOIN patients p ON p.trust = same.trust AND p.patient_id = same.id AND p.issuer = same.issuer
        WHERE p.merged_into_id IS NOT NULL
        UNION
        SELECT p.trust, p.patient_id, p.issuer FROM same
        JOIN patients p INDEXED BY patients_merged
          ON p.trust = same.trust AND p.merged_into_id = same.id
          AND p.merged_into_issuer = same.issuer)
      SELECT trust, id, issuer FROM same LIMIT 200))`,
    ...[patientId, issuer, patientId, issuer],
  );
}

function addAccession(query: StudyQuery, add: Add): void {
  const { accessionNumber = '', issuer, patientId } = query;
  add('m.accession_number = ?', accessionNumber);
  // Most objects do not name the issuer: then the trust that holds it is the one who gave the number.
  if (issuer !== undefined && patientId === undefined)
    add('(m.accession_issuer = ? OR (m.accession_issuer IS NULL AND m.trust = ?))', issuer, issuer);
}

function addModalities(modalities: readonly string[], add: Add): void {
  const one = `instr('\\' || m.modalities || '\\', '\\' || ? || '\\') > 0`;
  add(`(${modalities.map(() => one).join(' OR ')})`, ...modalities);
}

/** Newest first, undated last; the order is total, so pages neither overlap nor leave out. */
const pageOf = (matched: string): string => `
SELECT s.* FROM (${matched}) k JOIN studies s ON s.study_uid = k.study_uid AND s.home = k.home
WHERE s.trust = (
  SELECT r.trust FROM studies r WHERE r.study_uid = k.study_uid AND r.home = k.home
  ORDER BY r.trust <> r.home, r.trust LIMIT 1)
ORDER BY s.day = 'undated', s.day DESC, s.study_time DESC, s.study_uid, s.home
LIMIT ? OFFSET ?`;
