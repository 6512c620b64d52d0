/** Which series of a copy fetches have brought: what is here of it now, not what an earlier copy of the study had. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { StudyKey } from '../index/edge-index.ts';

/** `all`: the whole study, as its home had it then; what it adds later the hub has brought by itself. */
export type BroughtSeries = 'all' | ReadonlySet<string>;

export function openBroughtSeries(db: Sqlite): (copy: StudyKey) => BroughtSeries {
  const select = db.prepare<[string, string], { series: string | null }>(
    `SELECT f.series_uids AS series FROM fetches f
       JOIN studies s ON s.study_uid = f.study_uid AND s.home = f.home
     WHERE f.study_uid = ? AND f.home = ? AND f.state = 'available' AND f.ended_at >= s.first_at`,
  );
  return ({ studyInstanceUID, home }) => {
    const fetches = select.all(studyInstanceUID, home);
    if (fetches.some(({ series }) => series === null)) return 'all';
    return new Set(fetches.flatMap(({ series }) => JSON.parse(series ?? '[]') as string[]));
  };
}
