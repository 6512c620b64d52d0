/**
 * The copies that this trust holds of other trusts' studies: when each was last used, and which of them
 * nobody waits for.
 *
 *   transfer, retrieve, DICOMweb ─► markUsed        expire-copies.ts ◄─ unused
 */
import type { Clock } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { StudyKey } from '../index/edge-index.ts';

/** A copy that is read again and again is written down so often at most. */
const MARK_EVERY_MS = 3_600_000;
const MARKS_KEPT = 1_000;

export interface Copy extends StudyKey {
  readonly bytes: number;
}

export interface CopyCounts {
  readonly studies: number;
  readonly bytes: number;
  /** Of the copy that was not used for longest; null when there is none. */
  readonly oldestUse: number | null;
}

export class Copies {
  readonly #clock: Clock;
  readonly #trust: string;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #marked = new Map<string, number>();

  constructor({ db, trust, clock }: { db: Sqlite; trust: string; clock: Clock }) {
    this.#clock = clock;
    this.#trust = trust;
    this.#statements = prepareStatements(db);
  }

  /** Somebody reads it: it stays as long as a new one. A study of the trust's own needs no mark. */
  markUsed({ studyInstanceUID, home }: StudyKey): void {
    if (home === this.#trust) return;
    const key = `${studyInstanceUID} ${home}`;
    const now = this.#clock.now();
    if (now - (this.#marked.get(key) ?? Number.NEGATIVE_INFINITY) < MARK_EVERY_MS) return;
    if (this.#marked.size >= MARKS_KEPT) this.#marked.clear();
    this.#marked.set(key, now);
    this.#statements.mark.run(studyInstanceUID, home, now);
  }

  /**
   * Copies that were neither filed nor used since `before`, and that no fetch and no delivery is busy
   * with; the one that was not used for longest first.
   *
   * @param deliveredOnly those whose newest fetch reached its destination
   */
  unused(
    before: number,
    { deliveredOnly, limit }: { deliveredOnly: boolean; limit: number },
  ): Copy[] {
    return this.#statements.unused.all(this.#trust, before, deliveredOnly ? 1 : 0, limit);
  }

  /** Its use is of no interest any more. */
  forget({ studyInstanceUID, home }: StudyKey): void {
    this.#marked.delete(`${studyInstanceUID} ${home}`);
    this.#statements.forget.run(studyInstanceUID, home);
  }

  counts(): CopyCounts {
    return this.#statements.counts.get(this.#trust) as CopyCounts;
  }
}

const USED_AT = 'max(s.last_at, coalesce(u.used_at, 0))';
const COPIES = `FROM studies s LEFT JOIN copy_use u ON u.study_uid = s.study_uid AND u.home = s.home
  WHERE s.home <> ?`;

function prepareStatements(db: Sqlite) {
  return {
    mark: db.prepare<[string, string, number]>(
      `INSERT INTO copy_use VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)`,
    ),
    forget: db.prepare<[string, string]>('DELETE FROM copy_use WHERE study_uid = ? AND home = ?'),
    unused: db.prepare<[string, number, number, number], Copy>(
      `SELECT s.study_uid AS studyInstanceUID, s.home AS home, s.bytes AS bytes
       ${COPIES} AND ${USED_AT} <= ?
         AND NOT EXISTS (SELECT 1 FROM fetches f
           WHERE f.study_uid = s.study_uid AND f.home = s.home AND f.ended_at IS NULL)
         AND NOT EXISTS (SELECT 1 FROM deliveries d
           WHERE d.study_uid = s.study_uid AND d.home = s.home AND d.ended_at IS NULL)
         AND (? = 0 OR 'available' = (SELECT f.state FROM fetches f
           WHERE f.study_uid = s.study_uid AND f.home = s.home
           ORDER BY f.received_at DESC LIMIT 1))
       ORDER BY ${USED_AT} LIMIT ?`,
    ),
    counts: db.prepare<[string], CopyCounts>(
      `SELECT count(*) AS studies, coalesce(sum(s.bytes), 0) AS bytes, min(${USED_AT}) AS oldestUse
       ${COPIES}`,
    ),
  };
}
