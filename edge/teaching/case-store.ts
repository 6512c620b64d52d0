/** Rows of teaching files, and what the hub is told of each: appended with the row that it speaks of. */
import type { EventBody, TeachingEvent } from '../../shared/contract/events.ts';
import type { TeachingNote } from '../../shared/contract/teaching.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';

export interface Reason {
  readonly code: string;
  readonly detail: string;
}

export type CaseState = TeachingEvent['state'] | 'withdrawing';

export interface TeachingCase {
  readonly caseId: string;
  readonly studyInstanceUID: string;
  readonly note: TeachingNote;
  readonly state: CaseState;
  readonly reason: Reason | null;
  readonly newStudyUID: string | null;
  readonly instances: number;
}

interface Row extends Omit<TeachingCase, 'studyInstanceUID' | 'note' | 'reason'> {
  readonly studyInstanceUID: string | null;
  readonly note: string | null;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

export interface CaseStoreOptions {
  readonly db: Sqlite;
  readonly now: () => number;
  /** A study of the collection, as the hub is told it. */
  readonly studyOf: (newStudyUID: string) => TeachingEvent['study'];
  readonly tell: (body: EventBody<TeachingEvent>) => void;
}

export class CaseStore {
  readonly #options: CaseStoreOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(options: CaseStoreOptions) {
    this.#options = options;
    this.#statements = prepareStatements(options.db);
  }

  /** Within the transaction that makes the command durable. One that was withdrawn before it came stays so. */
  insert(given: { caseId: string; studyInstanceUID: string; note: TeachingNote }): void {
    const note = JSON.stringify(given.note);
    const now = this.#options.now();
    this.#statements.insert.run({ ...given, note, now, state: 'preparing' });
    this.tell(given.caseId);
  }

  /** Within the transaction that makes the command durable. */
  withdraw(caseId: string, reason: Reason): void {
    const now = this.#options.now();
    const found = this.find(caseId);
    if (found?.state === 'withdrawn' || found?.state === 'withdrawing') return;
    if (found === undefined) {
      const unknown = { caseId, studyInstanceUID: null, note: null, now, state: 'withdrawing' };
      this.#statements.insert.run(unknown);
    }
    this.#statements.setState.run({ caseId, state: 'withdrawing', ...columnsOf(reason), due: now });
  }

  find(caseId: string): TeachingCase | undefined {
    const row = this.#statements.find.get(caseId);
    return row && caseOf(row);
  }

  /** Those that have something to be done. */
  due(): TeachingCase[] {
    return this.#statements.due.all(this.#options.now()).map(caseOf);
  }

  /** Some of those that are in the collection: whoever was not looked at for longest. */
  toWatch(limit: number): TeachingCase[] {
    return this.#statements.toWatch.all(limit).map(caseOf);
  }

  watched(caseId: string): void {
    this.#statements.watched.run(this.#options.now(), caseId);
  }

  published(): TeachingCase[] {
    return this.#statements.toWatch.all(-1).map(caseOf);
  }

  /** What the collection has of the study was made of the same, by the same rules. */
  isMadeOf({ newStudyUID, madeOf }: Making): boolean {
    return this.#statements.madeOf.pluck().get(newStudyUID) === madeOf;
  }

  /** From now on objects of it may be in the collection. */
  beginWriting(caseId: string, { newStudyUID, madeOf, otherVersions }: Making): void {
    commitDurably(this.#options.db, () => {
      this.#statements.setStudy.run(newStudyUID, otherVersions, caseId);
      this.#statements.setMadeOf.run(newStudyUID, madeOf);
    });
  }

  /** What an earlier try said of its objects counts no more. */
  forgetObjects(caseId: string): void {
    this.#statements.forgetObjects.run(caseId);
  }

  /** @param withheld why it is not in the collection; undefined: it is */
  note(caseId: string, sopInstanceUID: string, withheld: Reason | undefined): void {
    const { code = null, detail = null } = withheld ?? {};
    this.#statements.note.run(caseId, sopInstanceUID, code, detail);
  }

  withheld(caseId: string): TeachingEvent['withheld'] {
    const others = this.#statements.otherVersions.pluck().get(caseId) as number | undefined;
    return [
      ...this.#statements.withheld.all(caseId),
      ...(others ? [{ ...OTHER_VERSION, objects: others }] : []),
    ];
  }

  /** Its home took back an object that the collection has. */
  hasRejected(caseId: string): boolean {
    return this.#statements.rejected.get(caseId) !== undefined;
  }

  /** Another teaching file of the same study needs what lies in the collection. */
  isShared({ caseId, newStudyUID }: TeachingCase): boolean {
    return newStudyUID !== null && this.#statements.others.get(newStudyUID, caseId) !== undefined;
  }

  /** The others of its study have now as much, and the hub is told so. */
  publish({ caseId, newStudyUID }: TeachingCase, instances: number): void {
    this.#move(caseId, () => {
      this.#statements.publish.run(instances, caseId);
      const others = this.#statements.shown.pluck().all(newStudyUID, caseId, instances) as string[];
      for (const other of others) {
        this.#statements.publish.run(instances, other);
        this.tell(other);
      }
    });
  }

  /** It is made again. */
  prepareAgain(caseId: string): void {
    this.#end(caseId, 'preparing', { reason: null, dueAt: this.#options.now() });
  }

  /** @param dueAt when it is tried again; told to the hub when the reason is another one */
  hold({ caseId, state, reason: before }: TeachingCase, reason: Reason, dueAt: number): void {
    const isSame = before?.code === reason.code && before.detail === reason.detail;
    if (state === 'held' && isSame) this.#statements.postpone.run(dueAt, caseId);
    else this.#end(caseId, 'held', { reason, dueAt });
  }

  refuse(caseId: string, reason: Reason): void {
    this.#end(caseId, 'refused', { reason, dueAt: this.#options.now() });
  }

  /** Nothing of it is in the collection any more. */
  endWithdrawal(caseId: string, reason: Reason): void {
    this.#end(caseId, 'withdrawn', { reason, dueAt: this.#options.now() });
  }

  /** Tells the hub how it stands. */
  tell(caseId: string): void {
    const body = this.#bodyOf(caseId);
    if (body !== undefined) this.#options.tell(body);
  }

  /** All that is held, in chunks: a hub that lost everything is told again. */
  *everything(chunk: number): Generator<EventBody<TeachingEvent>[]> {
    const ids = this.#statements.ids.pluck().all() as string[];
    for (let at = 0; at < ids.length; at += chunk)
      yield ids
        .slice(at, at + chunk)
        .map((caseId) => this.#bodyOf(caseId))
        .filter((body) => body !== undefined);
  }

  #end(caseId: string, state: CaseState, how: { reason: Reason | null; dueAt: number }): void {
    const { reason, dueAt: due } = how;
    this.#move(caseId, () =>
      this.#statements.setState.run({ caseId, state, ...columnsOf(reason), due }),
    );
  }

  #move(caseId: string, change: () => void): void {
    commitDurably(this.#options.db, () => {
      change();
      this.tell(caseId);
    });
  }

  #bodyOf(caseId: string): EventBody<TeachingEvent> | undefined {
    const found = this.find(caseId);
    if (found === undefined) return undefined;
    const { state, reason, newStudyUID } = found;
    const isThere = state === 'published' && newStudyUID !== null;
    return {
      ...{ kind: 'teaching', caseId, reason, withheld: this.withheld(caseId) },
      // The hub hides it by its own decision already.
      state: state === 'withdrawing' ? 'held' : state,
      study: isThere ? this.#options.studyOf(newStudyUID) : null,
    };
  }
}

/** A study as it is about to be put into the collection. */
export interface Making {
  readonly newStudyUID: string;
  /** A digest of what it is made of. */
  readonly madeOf: string;
  /** Objects of the original of which another one with the same UID is there. */
  readonly otherVersions: number;
}

/** Clinics are shown the first, and so is who learns. */
const OTHER_VERSION: Reason = {
  code: 'UID_CONFLICT',
  detail: 'another object with the same UID is there; the first is shown',
};

const columnsOf = (reason: Reason | null) => ({
  code: reason?.code ?? null,
  detail: reason?.detail ?? null,
});

/** Of one that was withdrawn before it came nothing is known. */
const NO_NOTE: TeachingNote = { title: '', question: '', answer: '', keywords: [], category: null };

function caseOf({ reasonCode, reasonDetail, note, studyInstanceUID, ...row }: Row): TeachingCase {
  return {
    ...row,
    studyInstanceUID: studyInstanceUID ?? '',
    note: note === null ? NO_NOTE : (JSON.parse(note) as TeachingNote),
    reason: reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '' },
  };
}

const CASES = `SELECT case_id AS caseId, study_uid AS studyInstanceUID, note, state,
  reason_code AS reasonCode, reason_detail AS reasonDetail, new_study_uid AS newStudyUID, instances
  FROM teaching_cases`;

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare<[object]>(
      `INSERT INTO teaching_cases (case_id, study_uid, note, state, due_at, created_at)
       VALUES (@caseId, @studyInstanceUID, @note, @state, @now, @now) ON CONFLICT DO NOTHING`,
    ),
    find: db.prepare<[string], Row>(`${CASES} WHERE case_id = ?`),
    due: db.prepare<[number], Row>(
      `${CASES} WHERE state IN ('preparing', 'held', 'withdrawing') AND due_at <= ? ORDER BY due_at`,
    ),
    toWatch: db.prepare<[number], Row>(
      `${CASES} WHERE state = 'published' ORDER BY watched_at LIMIT ?`,
    ),
    watched: db.prepare<[number, string]>(
      'UPDATE teaching_cases SET watched_at = ? WHERE case_id = ?',
    ),
    setStudy: db.prepare<[string, number, string]>(
      'UPDATE teaching_cases SET new_study_uid = ?, other_versions = ? WHERE case_id = ?',
    ),
    madeOf: db.prepare<[string]>('SELECT made_of FROM teaching_studies WHERE new_study_uid = ?'),
    setMadeOf: db.prepare<[string, string]>(
      'INSERT OR REPLACE INTO teaching_studies VALUES (?, ?)',
    ),
    otherVersions: db.prepare<[string]>(
      'SELECT other_versions FROM teaching_cases WHERE case_id = ?',
    ),
    setState: db.prepare<[object]>(
      `UPDATE teaching_cases SET state = @state, reason_code = @code, reason_detail = @detail,
         due_at = @due WHERE case_id = @caseId`,
    ),
    postpone: db.prepare<[number, string]>(
      'UPDATE teaching_cases SET due_at = ? WHERE case_id = ?',
    ),
    publish: db.prepare<[number, string]>(
      `UPDATE teaching_cases SET state = 'published', reason_code = NULL, reason_detail = NULL,
         instances = ? WHERE case_id = ?`,
    ),
    forgetObjects: db.prepare<[string]>('DELETE FROM teaching_objects WHERE case_id = ?'),
    note: db.prepare<[string, string, string | null, string | null]>(
      'INSERT OR REPLACE INTO teaching_objects VALUES (?, ?, ?, ?)',
    ),
    withheld: db.prepare<[string], { code: string; detail: string; objects: number }>(
      `SELECT withheld_code AS code, min(withheld_detail) AS detail, count(*) AS objects
       FROM teaching_objects WHERE case_id = ? AND withheld_code IS NOT NULL GROUP BY withheld_code`,
    ),
    rejected: db.prepare<[string]>(
      `SELECT 1 FROM teaching_objects o JOIN rejections r ON r.sop_uid = o.sop_uid
       WHERE o.case_id = ? AND o.withheld_code IS NULL LIMIT 1`,
    ),
    others: db.prepare<[string, string]>(
      `SELECT 1 FROM teaching_cases WHERE new_study_uid = ? AND case_id <> ?
         AND state IN ('preparing', 'published') LIMIT 1`,
    ),
    shown: db.prepare<[string | null, string, number]>(
      `SELECT case_id FROM teaching_cases WHERE new_study_uid = ? AND case_id <> ?
         AND state = 'published' AND instances <> ?`,
    ),
    ids: db.prepare<[]>('SELECT case_id FROM teaching_cases ORDER BY created_at'),
  };
}
