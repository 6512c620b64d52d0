/**
 * Takes a study out of index and spool: a copy that expired, a study that went elsewhere.
 *
 *   rows go, the outbox is told, the paths are noted (one durable commit) ─► files go ─► notes go
 *
 * A crash in between is finished at the next start, so that nothing deleted comes back.
 */
import type { Spool } from '../spool/spool.ts';
import type { EdgeIndex, StudyKey } from './edge-index.ts';

/** @returns how many files were removed; 0 for a study that is not there */
export function removeStudy(
  { spool, index }: { spool: Spool; index: EdgeIndex },
  study: StudyKey,
): number {
  const paths = index.deleteStudy(study);
  for (const path of paths) spool.remove(path);
  index.deletionDone(paths);
  return paths.length;
}

/** At start, before recovery: removes what a crash left of deleted studies. */
export function finishDeletions({ spool, index }: { spool: Spool; index: EdgeIndex }): void {
  const paths = index.pendingDeletions();
  for (const path of paths) spool.remove(path);
  index.deletionDone(paths);
}
