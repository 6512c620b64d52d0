/**
 * What each PACS has answered, in the same transaction as the index and what the hub has to be told.
 *
 *   take(studies) ─► pacs_studies ─┬─ index.recordNearline ─► outbox
 *                                  └─ import: the PACS's copy of another trust's study, nothing more
 *
 * A study that several PACS hold has the largest of their counts.
 */
import { acquisitionDay } from '../../shared/acquisition-day.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { PacsStudy } from '../index/nearline.ts';
import type { CountedStudy } from './count-study.ts';

/** A study of whose objects the PACS did not say how many they are. */
export interface UncountedStudy {
  readonly studyInstanceUID: string;
  readonly day: string;
}

export interface PacsCounts {
  readonly studies: number;
  readonly imports: number;
  readonly uncounted: number;
  /** Not held any more. */
  readonly vanished: number;
}

interface HeldRow {
  readonly series: number | null;
  readonly instances: number | null;
  readonly modalities: string;
}

export class PacsStudies {
  readonly #db: Sqlite;
  readonly #index: EdgeIndex;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, index: EdgeIndex) {
    this.#db = db;
    this.#index = index;
    this.#statements = prepareStatements(db);
  }

  /** @returns how many of them were not known yet */
  take(peer: string, studies: readonly PacsStudy[], now: number): number {
    return this.#db
      .transaction(() => studies.filter((study) => this.#takeOne(peer, study, now)).length)
      .immediate();
  }

  /** What the series of a study say of it. */
  count(
    peer: string,
    studyInstanceUID: string,
    { counted, now }: { counted: CountedStudy; now: number },
  ): void {
    const modalities = [...new Set(counted.modalities)].sort().join('\\');
    this.#db
      .transaction(() => {
        const { series, instances } = counted;
        this.#statements.count.run({ peer, studyInstanceUID, series, instances, modalities, now });
        const state = this.#index.studyState(studyInstanceUID, this.#index.trust);
        if (state === undefined) return;
        const { patient, ...study } = state;
        const { name: patientName, ...person } = patient;
        const { description: studyDescription } = study;
        const attributes = { ...person, ...study, patientName, studyDescription };
        this.#index.recordNearline({ attributes, ...this.#held(studyInstanceUID) }, now);
      })
      .immediate();
  }

  /** Newest first; those that were asked before `countedBefore` again, when they are of `recentDay` or later. */
  uncounted(
    peer: string,
    {
      recentDay,
      countedBefore,
      limit,
    }: { recentDay: string; countedBefore: number; limit: number },
  ): UncountedStudy[] {
    return this.#statements.uncounted.all({ peer, recentDay, countedBefore, limit });
  }

  /** How many studies of a day it is known to hold. */
  ofDay(peer: string, day: string): number {
    return Number(this.#statements.ofDay.pluck().get(peer, day));
  }

  /** Those that the PACS was not known to hold. */
  unknown(peer: string, studyInstanceUIDs: ReadonlySet<string>): string[] {
    return [...studyInstanceUIDs].filter(
      (uid) => this.#statements.isKnown.get(peer, uid) === undefined,
    );
  }

  /** Studies of these days that were not named since: the PACS may not hold them any more. */
  unseen(peer: string, days: { from: string; to: string }, since: number): string[] {
    const { from, to } = days;
    return this.#statements.unseen
      .pluck()
      .all(peer, from, to === '' ? '99999999' : to, since) as string[];
  }

  /** The PACS did not name it when asked for it. */
  miss(peer: string, studyInstanceUID: string, now: number): void {
    this.#statements.miss.run(now, peer, studyInstanceUID);
  }

  /** It is there after all. */
  found(peer: string, studyInstanceUID: string, now: number): void {
    this.#statements.found.run(now, peer, studyInstanceUID);
  }

  /** Missed before, and not asked since. */
  missedBefore(peer: string, before: number, limit: number): string[] {
    return this.#statements.missed.pluck().all(peer, before, limit) as string[];
  }

  /** Asked twice, and not there: marked, and taken out of what is offered. */
  markGone(peer: string, studyInstanceUID: string, now: number): void {
    this.#db
      .transaction(() => {
        this.#statements.gone.run(now, peer, studyInstanceUID);
        const isElsewhere = this.#statements.holders.all(studyInstanceUID).length > 0;
        if (!isElsewhere) this.#index.forgetNearline(studyInstanceUID, now);
      })
      .immediate();
  }

  /** Names of the PACS that hold it, the one that holds most of it first. */
  peersWith(studyInstanceUID: string): string[] {
    return this.#statements.peersWith.pluck().all(studyInstanceUID) as string[];
  }

  #takeOne(peer: string, study: PacsStudy, now: number): boolean {
    const { studyInstanceUID, studyDate } = study.attributes;
    const before = this.#statements.isKnown.get(peer, studyInstanceUID);
    const row = {
      ...{ peer, studyInstanceUID, now, day: acquisitionDay(studyDate), isImport: 0 },
      ...{ series: study.series, instances: study.instances },
      modalities: [...new Set(study.modalities)].sort().join('\\'),
    };
    this.#statements.see.run(row);
    const said = { attributes: study.attributes, ...this.#held(studyInstanceUID) };
    const outcome = this.#index.recordNearline(said, now);
    if (outcome === 'import') this.#statements.setImport.run(peer, studyInstanceUID);
    return before === undefined;
  }

  #held(studyInstanceUID: string): Pick<PacsStudy, 'series' | 'instances' | 'modalities'> {
    const rows = this.#statements.holders.all(studyInstanceUID);
    return {
      series: largest(rows.map(({ series }) => series)),
      instances: largest(rows.map(({ instances }) => instances)),
      modalities: rows.flatMap(({ modalities }) =>
        modalities === '' ? [] : modalities.split('\\'),
      ),
    };
  }
}

function largest(counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function prepareStatements(db: Sqlite) {
  return {
    isKnown: db.prepare<[string, string], object>(
      'SELECT 1 FROM pacs_studies WHERE peer = ? AND study_uid = ? AND gone_at IS NULL',
    ),
    /** What was counted by series stays when the PACS says nothing at study level. */
    see: db.prepare(
      `INSERT INTO pacs_studies (peer, study_uid, day, series, instances, modalities, is_import,
         first_at, seen_at)
       VALUES (@peer, @studyInstanceUID, @day, @series, @instances, @modalities, @isImport, @now, @now)
       ON CONFLICT DO UPDATE SET day = excluded.day,
         series = coalesce(excluded.series, series),
         instances = coalesce(excluded.instances, instances),
         modalities = CASE WHEN excluded.modalities = '' THEN modalities ELSE excluded.modalities END,
         seen_at = excluded.seen_at, missed_at = NULL, gone_at = NULL`,
    ),
    setImport: db.prepare<[string, string]>(
      'UPDATE pacs_studies SET is_import = 1 WHERE peer = ? AND study_uid = ?',
    ),
    count: db.prepare(
      `UPDATE pacs_studies SET counted_at = @now, series = coalesce(@series, series),
         instances = coalesce(@instances, instances),
         modalities = CASE WHEN @modalities = '' THEN modalities ELSE @modalities END
       WHERE peer = @peer AND study_uid = @studyInstanceUID`,
    ),
    holders: db.prepare<[string], HeldRow>(
      `SELECT series, instances, modalities FROM pacs_studies
       WHERE study_uid = ? AND gone_at IS NULL`,
    ),
    peersWith: db.prepare<[string]>(
      `SELECT peer FROM pacs_studies WHERE study_uid = ? AND gone_at IS NULL
       ORDER BY instances DESC, peer`,
    ),
    uncounted: db.prepare<[object], UncountedStudy>(
      `SELECT study_uid AS studyInstanceUID, day FROM pacs_studies
       WHERE peer = @peer AND (instances IS NULL OR series IS NULL OR modalities = '')
         AND gone_at IS NULL AND is_import = 0
         AND (counted_at IS NULL OR (day >= @recentDay AND counted_at < @countedBefore))
       ORDER BY day DESC LIMIT @limit`,
    ),
    ofDay: db.prepare<[string, string]>(
      'SELECT count(*) FROM pacs_studies WHERE peer = ? AND day = ? AND gone_at IS NULL',
    ),
    unseen: db.prepare<[string, string, string, number]>(
      `SELECT study_uid FROM pacs_studies
       WHERE peer = ? AND day >= ? AND day <= ? AND seen_at < ? AND gone_at IS NULL
         AND missed_at IS NULL`,
    ),
    miss: db.prepare<[number, string, string]>(
      'UPDATE pacs_studies SET missed_at = ? WHERE peer = ? AND study_uid = ?',
    ),
    found: db.prepare<[number, string, string]>(
      'UPDATE pacs_studies SET missed_at = NULL, seen_at = ? WHERE peer = ? AND study_uid = ?',
    ),
    missed: db.prepare<[string, number, number]>(
      `SELECT study_uid FROM pacs_studies
       WHERE peer = ? AND missed_at IS NOT NULL AND missed_at <= ? AND gone_at IS NULL
       ORDER BY missed_at LIMIT ?`,
    ),
    gone: db.prepare<[number, string, string]>(
      'UPDATE pacs_studies SET gone_at = ? WHERE peer = ? AND study_uid = ?',
    ),
  };
}

/** From the database alone. */
export function readPacsCounts(db: Sqlite, peer: string): PacsCounts {
  return db
    .prepare<[string], PacsCounts>(
      `SELECT count(*) FILTER (WHERE gone_at IS NULL) AS studies,
         count(*) FILTER (WHERE is_import AND gone_at IS NULL) AS imports,
         count(*) FILTER (WHERE instances IS NULL AND gone_at IS NULL) AS uncounted,
         count(*) FILTER (WHERE gone_at IS NOT NULL) AS vanished
       FROM pacs_studies WHERE peer = ?`,
    )
    .get(peer) as PacsCounts;
}
