/**
 * Objects that the trust's own PACS sent and still holds are no longer kept than they are of use: the PACS is
 * their home. They go `storage.retentionHours` after the last of them came, and earlier when the disk comes near
 * its reserve; the study stays listed, as NEARLINE.
 *
 *   every minute ─► came from a PACS, all of it still there? ─► releaseToPacs ─► the hub is told, files go
 *
 * What a modality sent stays, whatever the PACS says.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';

const EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Somebody may still be reading what came a moment ago. */
const IN_USE_MS = 600_000;
/** Room is made when less than the reserve and this share of it is free. */
const NEAR_RESERVE = 1.25;
const CHUNK = 100;

export interface ReleaseOptions {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  /** AE titles of the trust's PACS. */
  readonly pacs: readonly string[];
  readonly retentionHours: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class ReleaseToPacs {
  readonly #options: ReleaseOptions;
  readonly #releasable;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReleaseOptions) {
    this.#options = options;
    this.#releasable = prepareReleasable(options.db).pluck();
  }

  start(): void {
    this.#timer = setInterval(() => this.#passOrReport(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Releases what may go now: the rest at the next pass. */
  pass(): void {
    const { clock, retentionHours, spool } = this.#options;
    const now = clock.now();
    for (const study of this.#studies(now - retentionHours * HOUR_MS)) this.#release(study);
    for (const study of this.#studies(now - IN_USE_MS)) {
      const { freeBytes, reserveBytes } = spool.reserve.status();
      if (freeBytes >= reserveBytes * NEAR_RESERVE) return;
      this.#release(study);
    }
  }

  /** Those of which nothing came since `before`, the oldest first. */
  #studies(before: number): string[] {
    const { index, pacs } = this.#options;
    const callers = JSON.stringify(pacs);
    return this.#releasable.all({ trust: index.trust, before, callers, limit: CHUNK }) as string[];
  }

  #release(studyInstanceUID: string): void {
    const { index, spool, pacs, clock, log } = this.#options;
    const paths = index.releaseToPacs(studyInstanceUID, { callers: pacs, now: clock.now() });
    for (const path of paths) spool.remove(path);
    index.deletionDone(paths);
    log.info('study.released', { studyInstanceUID, files: paths.length });
  }

  #passOrReport(): void {
    try {
      this.pass();
    } catch (error) {
      this.#options.log.error('study.release-failed', { error });
    }
  }
}

/**
 * The PACS says that it holds at least as many objects as are here, and was not found to miss the study; no
 * delivery and no rule has still to send it.
 */
function prepareReleasable(db: Sqlite) {
  return db.prepare<[{ trust: string; before: number; callers: string; limit: number }]>(
    `SELECT s.study_uid FROM studies s
     WHERE s.home = @trust AND s.pacs_seen_at IS NOT NULL AND s.instances > 0
       AND s.pacs_instances >= s.instances AND s.last_at <= @before
       AND EXISTS (SELECT 1 FROM pacs_studies p WHERE p.study_uid = s.study_uid
         AND p.gone_at IS NULL AND p.missed_at IS NULL)
       AND EXISTS (SELECT 1 FROM series r JOIN instances i USING (series_key)
         WHERE r.study_key = s.study_key AND i.missing_since IS NULL
           AND i.calling_ae_title IN (SELECT value FROM json_each(@callers)))
       AND NOT EXISTS (SELECT 1 FROM deliveries d
         WHERE d.study_uid = s.study_uid AND d.home = s.home AND d.ended_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM route_queue q WHERE q.study_uid = s.study_uid)
       AND NOT EXISTS (SELECT 1 FROM route_jobs j
         WHERE j.study_uid = s.study_uid AND j.ended_at IS NULL)
     ORDER BY s.last_at LIMIT @limit`,
  );
}
