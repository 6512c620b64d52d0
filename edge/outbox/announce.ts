/**
 * Turns the state of studies and days into outbox rows. Every function must run in a transaction.
 *
 *   study's row ─► StudyEvent body ─► outbox ─► days: the announced state goes out, the new one in
 *   days ─► DigestEvent body ─► outbox
 *
 * A digest is of what was announced before it, so a hub that applied everything up to it gets exactly
 * the same numbers, whatever arrived at the edge meanwhile.
 */
import { acquisitionDay } from '../../shared/acquisition-day.ts';
import type {
  AnyEventBody,
  Bucket,
  DigestEvent,
  EventBody,
  StudyEvent,
} from '../../shared/contract/events.ts';
import { heldCounts } from '../../shared/held-counts.ts';
import { EMPTY_SET_HASH, studyHash, toggleMember } from '../../shared/set-hash.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { nearlineOf, type StudyRow } from '../index/rows.ts';
import {
  judgeCompleteness,
  type PerformedStep,
  performedOf,
  type QuietSeconds,
  type Verdict,
} from './completeness.ts';

/** A day that changed is told when it was quiet for so long … */
const DAY_QUIET_MS = 5_000;
/** … and at the latest so long after its first change. */
const DAY_LATEST_MS = 60_000;

interface DayRow extends Bucket {
  readonly due_at: number | null;
  readonly changed_since: number | null;
}

interface Contribution {
  readonly studies: number;
  readonly series: number;
  readonly instances: number;
  readonly hash: string;
}

type StudyKey = Pick<StudyEvent, 'studyInstanceUID' | 'home'>;

const GROWING: Verdict = { completeBy: null, lookAgainAt: null };

export class Announcer {
  readonly #index: EdgeIndex;
  readonly #quietSeconds: QuietSeconds;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #stepsOf: (studyInstanceUID: string) => readonly PerformedStep[] = () => [];

  /** @param quietSeconds of the site, by modality */
  constructor(db: Sqlite, index: EdgeIndex, quietSeconds: QuietSeconds) {
    this.#quietSeconds = quietSeconds;
    this.#index = index;
    this.#statements = prepareStatements(db);
  }

  /** @returns the new row's id */
  append(body: AnyEventBody, now: number): number {
    const inserted = this.#statements.insert.run(body.kind, JSON.stringify(body), now);
    return Number(inserted.lastInsertRowid);
  }

  /** Tells a study's state now. @returns undefined: there is no such study any more */
  announceStudy(
    { studyInstanceUID, home }: StudyKey,
    { quiet, now }: { quiet: boolean; now: number },
  ): Verdict | undefined {
    const row = this.#statements.findStudy.get(studyInstanceUID, home);
    if (row === undefined) return undefined;
    const state = this.#index.stateOf(row, { quiet, deleted: false });
    const verdict = quiet ? this.#judge(row, state, now) : GROWING;
    const { completeBy } = verdict;
    const performed = performedOf(this.#stepsOf(studyInstanceUID));
    this.append(home === this.#index.trust ? { ...state, completeBy, performed } : state, now);
    this.#moveDay(row, now);
    return verdict;
  }

  /** Whether it is complete, without telling it. @returns undefined: there is no such study */
  judge({ studyInstanceUID, home }: StudyKey, now: number): Verdict | undefined {
    const row = this.#statements.findStudy.get(studyInstanceUID, home);
    if (row === undefined) return undefined;
    return this.#judge(row, this.#index.stateOf(row, { quiet: true, deleted: false }), now);
  }

  #judge(row: StudyRow, { series }: EventBody<StudyEvent>, now: number): Verdict {
    // Whether a copy is whole, its home says.
    if (row.home !== this.#index.trust) return { completeBy: null, lookAgainAt: null };
    return judgeCompleteness(
      {
        ...{ lastAt: row.last_at, instances: row.instances, pacsInstances: row.pacs_instances },
        modalities: series.flatMap(({ modality }) => modality ?? []),
        steps: this.#stepsOf(row.study_uid),
      },
      { now, quietSeconds: this.#quietSeconds },
    );
  }

  /** @param stepsOf performed procedure steps of a study */
  askSteps(stepsOf: (studyInstanceUID: string) => readonly PerformedStep[]): void {
    this.#stepsOf = stepsOf;
  }

  /** Tells that a study is deleted; its row is still there. */
  announceDeleted(row: StudyRow, now: number): void {
    const counted = { ...row, rev: row.rev + 1 };
    this.append(this.#index.stateOf(counted, { quiet: true, deleted: true }), now);
    this.#takeOut(row, now);
  }

  /** Tells the digest of some days, or of all. Days of which nothing was announced are told as empty. */
  announceDigest(
    days: readonly string[] | 'whole',
    { withMembers, now }: { withMembers: boolean; now: number },
  ): void {
    const buckets =
      days === 'whole' ? this.#statements.allDays.all() : days.map((day) => this.#bucket(day));
    const body: EventBody<DigestEvent> = {
      kind: 'digest',
      whole: days === 'whole',
      buckets: buckets.map(({ day, studies, series, instances, digest }) => {
        return { day, studies, series, instances, digest };
      }),
    };
    if (withMembers) body.members = buckets.map(({ day }) => this.#membersOf(day));
    this.append(body, now);
    if (days === 'whole') this.#statements.allTold.run();
    else for (const day of days) this.#statements.told.run(day);
    this.#statements.dropEmptyDays.run();
  }

  daysDue(now: number): string[] {
    return this.#statements.daysDue.pluck().all(now) as string[];
  }

  allDays(): string[] {
    return this.#statements.allDays.all().map(({ day }) => day);
  }

  /** The studies of a day, as they are now: those dated so, and those last announced so. */
  studiesOf(day: string): { studyInstanceUID: string; home: string }[] {
    const announced = this.#statements.announcedOn.all(day);
    return announced.map(({ study_uid, home }) => ({ studyInstanceUID: study_uid, home }));
  }

  #membersOf(day: string): { day: string; studies: { studyInstanceUID: string; home: string }[] } {
    return { day, studies: this.studiesOf(day) };
  }

  #bucket(day: string): DayRow {
    return (
      this.#statements.findDay.get(day) ?? {
        day,
        studies: 0,
        series: 0,
        instances: 0,
        digest: EMPTY_SET_HASH,
        due_at: null,
        changed_since: null,
      }
    );
  }

  /** The study's announced state leaves its day, the one just told enters its own. */
  #moveDay(row: StudyRow, now: number): void {
    const day = acquisitionDay(row.study_date);
    const { study_uid: studyInstanceUID, home, set_hash: setHash } = row;
    const nearline = nearlineOf(row);
    const { series, instances } = heldCounts(row, nearline);
    const hash = studyHash({ studyInstanceUID, home, setHash, series, instances, nearline });
    if (day === row.announced_day && hash === row.announced_hash) return;
    this.#takeOut(row, now);
    this.#change(day, { studies: 1, series, instances, hash }, now);
    this.#statements.setAnnounced.run(day, hash, series, instances, row.study_key);
  }

  #takeOut(row: StudyRow, now: number): void {
    if (row.announced_day === null || row.announced_hash === null) return;
    const { announced_series: series, announced_instances: instances, announced_hash: hash } = row;
    const gone = { studies: -1, series: -series, instances: -instances, hash };
    this.#change(row.announced_day, gone, now);
  }

  #change(day: string, by: Contribution, now: number): void {
    const bucket = this.#bucket(day);
    const changedSince = bucket.due_at === null ? now : (bucket.changed_since ?? now);
    this.#statements.upsertDay.run({
      day,
      studies: bucket.studies + by.studies,
      series: bucket.series + by.series,
      instances: bucket.instances + by.instances,
      digest: toggleMember(bucket.digest, by.hash),
      due: Math.min(now + DAY_QUIET_MS, changedSince + DAY_LATEST_MS),
      changedSince,
    });
  }
}

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare<[kind: string, body: string, at: number]>(
      'INSERT INTO outbox (kind, body, at) VALUES (?, ?, ?)',
    ),
    findStudy: db.prepare<[string, string], StudyRow>(
      'SELECT * FROM studies WHERE study_uid = ? AND home = ?',
    ),
    setAnnounced: db.prepare<[string, string, number, number, number]>(
      `UPDATE studies SET announced_day = ?, announced_hash = ?, announced_series = ?,
         announced_instances = ? WHERE study_key = ?`,
    ),
    announcedOn: db.prepare<[string], { study_uid: string; home: string }>(
      'SELECT study_uid, home FROM studies WHERE announced_day = ? ORDER BY study_uid, home',
    ),
    findDay: db.prepare<[string], DayRow>('SELECT * FROM days WHERE day = ?'),
    allDays: db.prepare<[], DayRow>('SELECT * FROM days WHERE studies > 0 ORDER BY day'),
    daysDue: db.prepare('SELECT day FROM days WHERE due_at <= ? ORDER BY day LIMIT 500'),
    told: db.prepare<[string]>('UPDATE days SET due_at = NULL, changed_since = NULL WHERE day = ?'),
    allTold: db.prepare('UPDATE days SET due_at = NULL, changed_since = NULL'),
    dropEmptyDays: db.prepare('DELETE FROM days WHERE studies = 0 AND due_at IS NULL'),
    upsertDay: db.prepare(
      `INSERT INTO days (day, studies, series, instances, digest, due_at, changed_since)
       VALUES (@day, @studies, @series, @instances, @digest, @due, @changedSince)
       ON CONFLICT DO UPDATE SET studies = excluded.studies, series = excluded.series,
         instances = excluded.instances, digest = excluded.digest, due_at = excluded.due_at,
         changed_since = excluded.changed_since`,
    ),
  };
}
