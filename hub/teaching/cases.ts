/**
 * Teaching files as they are found. SQL.
 *
 * Shown to all is what its home published, while neither its author nor the home took it back and nothing restricts the
 * patient: asked with each question, so that no file outlives that by a moment.
 */
import type { TeachingEvent } from '../../shared/contract/events.ts';
import type { TeachingState } from '../../shared/contract/teaching.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { ROW_IS_RESTRICTED } from '../relations/restrictions.ts';
import { folded, type TeachingFile } from './decisions.ts';

/** A file, and how it stands at its home; null: its home has not told of it yet. */
export interface TeachingCase {
  readonly file: TeachingFile;
  readonly streamSeq: number;
  readonly copy:
    | (Pick<TeachingEvent, 'reason' | 'withheld' | 'study'> & {
        readonly state: TeachingState;
        readonly toldAt: string;
      })
    | null;
  readonly isShown: boolean;
}

export interface CaseQuery {
  /** Each of its words stands somewhere in the note. */
  readonly q?: string | undefined;
  readonly modality?: string | undefined;
  readonly bodyPart?: string | undefined;
  readonly keyword?: string | undefined;
  /** Files of this author that are not shown to all. */
  readonly pendingOf?: { readonly name: string; readonly trust: string | null } | undefined;
  /** Everything that is not shown to all, whoever wrote it. */
  readonly pending?: boolean | undefined;
  /** Of the collection. */
  readonly newStudyUID?: string | undefined;
  readonly newPatientId?: string | undefined;
}

interface Row {
  readonly body: string;
  readonly streamSeq: number;
  readonly copy: string | null;
  readonly state: TeachingState | null;
  readonly toldAt: string | null;
  readonly isShown: number;
}

const IS_SHOWN = `(t.is_withdrawn = 0 AND c.state IS 'published'
  AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.study_uid = t.study_uid AND w.home = t.home)
  AND NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.study_uid = t.study_uid AND r.level <> 'N')
  AND NOT EXISTS (SELECT 1 FROM studies x WHERE x.study_uid = t.study_uid AND (${ROW_IS_RESTRICTED})))`;
const FROM = `FROM teaching_cases t
  LEFT JOIN teaching_copies c ON c.case_id = t.case_id AND c.trust = t.home`;
const SELECT = `SELECT t.body, t.stream_seq AS streamSeq, c.body AS copy, c.state, c.told_at AS toldAt,
  ${IS_SHOWN} AS isShown ${FROM}`;

export function findCase(db: Sqlite, caseId: string): TeachingCase | undefined {
  const row = statement<Row>(db, `${SELECT} WHERE t.case_id = ?`).get(caseId);
  return row && caseOf(row);
}

/** The newest first. */
export function listCases(
  db: Sqlite,
  query: CaseQuery,
  page: { readonly limit: number; readonly offset: number },
): { readonly cases: TeachingCase[]; readonly total: number } {
  const { sql, given } = conditionsOf(query);
  const where = `WHERE ${sql.join(' AND ')}`;
  const rows = statement<Row>(
    db,
    `${SELECT} ${where} ORDER BY t.marked_at DESC, t.case_id LIMIT @limit OFFSET @offset`,
  ).all({ ...given, ...page });
  const total =
    statement<{ n: number }>(db, `SELECT count(*) AS n ${FROM} ${where}`).get(given)?.n ?? 0;
  return { cases: rows.map(caseOf), total };
}

/** Every file that its home has still to be told of, or that has to be withdrawn. */
export function openCases(db: Sqlite): TeachingCase[] {
  const sql = `${SELECT} WHERE (t.is_withdrawn = 0 AND (c.state IS NULL OR NOT ${IS_SHOWN}))
    OR (t.is_withdrawn = 1 AND c.state IS NOT 'withdrawn')`;
  return statement<Row>(db, sql).all().map(caseOf);
}

/** Why a file that nobody withdrew is to be: its home took the study back, or it is kept closer than others. */
export function whyWithdraw(db: Sqlite, { studyInstanceUID, home }: TeachingFile): string | null {
  const given = { uid: studyInstanceUID, home };
  const gone = statement(db, 'SELECT 1 FROM withdrawn WHERE study_uid = @uid AND home = @home').get(
    given,
  );
  if (gone !== undefined) return 'STUDY_GONE';
  const closer = statement(
    db,
    `SELECT 1 FROM restrictions WHERE study_uid = @uid AND level <> 'N'
     UNION ALL SELECT 1 FROM studies x WHERE x.study_uid = @uid AND (${ROW_IS_RESTRICTED}) LIMIT 1`,
  ).get(given);
  return closer === undefined ? null : 'RESTRICTED';
}

/** What there is to choose from. */
export function termsOf(db: Sqlite): { modalities: string[]; bodyParts: string[] } {
  const rows = statement<{ modalities: string; bodyParts: string }>(
    db,
    `SELECT DISTINCT c.modalities, c.body_parts AS bodyParts ${FROM} WHERE ${IS_SHOWN}`,
  ).all();
  const each = (lists: readonly string[]): string[] =>
    [...new Set(lists.flatMap((list) => list.split('\\')).filter(Boolean))].sort();
  return {
    modalities: each(rows.map(({ modalities }) => modalities)),
    bodyParts: each(rows.map(({ bodyParts }) => bodyParts)),
  };
}

function conditionsOf(query: CaseQuery): { sql: string[]; given: Record<string, unknown> } {
  const given: Record<string, unknown> = {};
  const isPending = query.pending === true || query.pendingOf !== undefined;
  const sql = [isPending ? `NOT ${IS_SHOWN}` : IS_SHOWN];
  const add = (name: string, value: string | null | undefined, condition: string): void => {
    if (value === undefined) return;
    given[name] = value;
    sql.push(condition);
  };
  const words = folded(query.q ?? '')
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, MOST_WORDS);
  for (const [i, word] of words.entries()) add(`w${i}`, word, `instr(t.words, @w${i}) > 0`);
  const { modality, bodyPart, keyword, pendingOf: author } = query;
  add('modality', listed(modality), 'instr(c.modalities, @modality) > 0');
  add('bodyPart', listed(bodyPart), 'instr(c.body_parts, @bodyPart) > 0');
  add('keyword', keyword && `\n${folded(keyword)}\n`, 'instr(t.keywords, @keyword) > 0');
  add('author', author?.name, 't.author = @author');
  add('authorTrust', author?.trust, 't.author_trust IS @authorTrust');
  add('newStudyUID', query.newStudyUID, 'c.new_study_uid = @newStudyUID');
  add('newPatientId', query.newPatientId, 'c.new_patient_id = @newPatientId');
  return { sql, given };
}

/** Shapes of the statement stay few. */
const MOST_WORDS = 8;
const listed = (value: string | undefined): string | undefined =>
  value && `\\${value.toUpperCase()}\\`;

function caseOf({ body, streamSeq, copy, state, toldAt, isShown }: Row): TeachingCase {
  return {
    ...{ file: JSON.parse(body) as TeachingFile, streamSeq, isShown: isShown === 1 },
    copy:
      copy === null || state === null ? null : { ...JSON.parse(copy), state, toldAt: toldAt ?? '' },
  };
}
